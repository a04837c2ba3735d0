"""The program in a real terminal, by way of tmux: what a person types and sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import TOP
from tests.service import Service
from tests.speech import silence

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")


class Window:
    """A terminal of 60 by 15 with a shell in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._environment = os.environ | environment
        self._run("new-session", "-d", "-x", "60", "-y", "15", "sh")

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [*self._tmux, *command], env=self._environment, capture_output=True, text=True, check=True, timeout=10
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys; text is typed as it is, names such as Enter and C-c are keys."""
        self._run("send-keys", *keys)

    def resize(self, columns: int) -> None:
        """Pull the window narrower or wider."""
        self._run("resize-window", "-x", str(columns), "-y", "15")

    @property
    def text(self) -> str:
        """What is to be seen, the part that has scrolled away included."""
        return self._run("capture-pane", "-p", "-S", "-200")

    def wait(self, shows: Callable[[str], bool], timeout: float = 15) -> str:
        """Return what is to be seen as soon as it is as wanted."""
        deadline = time.monotonic() + timeout
        while not shows(text := self.text):
            assert time.monotonic() < deadline, text
        return text

    def close(self) -> None:
        """End everything in it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, timeout=10)


@pytest.fixture
def window(tmp_path: Path, service: Service) -> Iterator[Window]:
    (tmp_path / "home").mkdir()
    opened = Window(tmp_path, {"WS_URL": service.url, "SOUND": "no", "PS1": "$ "})
    opened.type(f"cd {TOP} && {sys.executable} realtime.py; echo status $?", "Enter")
    opened.wait(lambda text: "ready" in text)
    yield opened
    opened.close()


def test_a_conversation_in_writing(window: Window, service: Service) -> None:
    window.type("hello there", "Enter")
    service.wait_for("response.create")
    reply = service.say(silence(0.1), "Good day to you.", done=False)
    text = window.wait(lambda text: "assistant: Good day to you." in text)
    assert "\n>" in text

    window.type("next que")  # while the answer is still under way
    service.finish(reply)
    text = window.wait(lambda text: "> next que" in text and "ready" in text)

    assert text.index("you: hello there") < text.index("assistant: Good day to you.") < text.index("> next que")
    assert text.count("Good day to you.") == 1


def test_commands(window: Window) -> None:
    window.type("/help", "Enter")
    window.wait(lambda text: "/quit: end" in text)
    window.type("/dance", "Enter")
    window.wait(lambda text: "there is no /dance" in text)
    window.type("/quit", "Enter")
    window.wait(lambda text: "status 0" in text)


@pytest.mark.parametrize("key", ["C-c", "C-d"])
def test_keys_that_end_it_give_the_terminal_back(window: Window, key: str) -> None:
    window.type(key)
    window.wait(lambda text: "status 0" in text)
    window.type("stty -a", "Enter")
    text = window.wait(lambda text: " icanon" in text)

    assert " echo " in text


def test_a_narrow_window_goes_on(window: Window, service: Service) -> None:
    window.resize(18)
    window.type("hello", "Enter")
    service.wait_for("response.create")
    service.say(silence(0.1), "A long answer that does not fit into one line.")
    window.wait(lambda text: "fitintooneline." in "".join(text.split()))
    window.resize(60)
    window.type("/quit", "Enter")
    window.wait(lambda text: "status 0" in text)


def test_text_of_the_service_cannot_control_the_terminal(window: Window, service: Service) -> None:
    window.type("hello", "Enter")
    service.wait_for("response.create")
    service.say(silence(0.1), "Look:\x1b[2J\x1b]0;mine\x07 \x9b31m done")
    text = window.wait(lambda text: "done" in text)

    assert "you: hello" in text
    assert "mine" not in window._run("display-message", "-p", "#{pane_title}")
