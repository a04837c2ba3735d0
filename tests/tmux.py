"""A real terminal, by way of tmux: what a person types and sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.program import TOP

ROWS = 20


def missing() -> bool:
    """Whether there is no tmux here."""
    return shutil.which("tmux") is None


class Window:
    """A terminal of 78 columns with a shell in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Open it; its home is in `folder`."""
        (folder / "home").mkdir(exist_ok=True)
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null", "-u"]
        self._environment = os.environ | {"PS1": "$ ", "PYTHONWARNINGS": "error"} | environment
        # tmux names the terminal itself, whatever its environment says.
        terminal = f"env TERM={environment['TERM']} " if "TERM" in environment else ""
        self._run("new-session", "-d", "-x", "78", "-y", str(ROWS), f"{terminal}bash --norc --noprofile")
        self._run("set-option", "-g", "history-limit", "5000")

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [*self._tmux, *command], env=self._environment, capture_output=True, text=True, check=True, timeout=10
        )
        return done.stdout

    def start(self, *arguments: str) -> None:
        """Start the program, and print its exit status behind it."""
        self.type(f"cd {TOP}; clear; {sys.executable} realtime.py {' '.join(arguments)}; echo status $?", "Enter")

    def type(self, *keys: str) -> None:
        """Press keys; text is typed as it is, names such as Enter and C-c are keys."""
        self._run("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste as from the clipboard."""
        self._run("set-buffer", text)
        self._run("paste-buffer", "-p")

    def resize(self, columns: int) -> None:
        """Pull the window narrower or wider."""
        self._run("resize-window", "-x", str(columns), "-y", str(ROWS))

    @property
    def text(self) -> str:
        """What is to be seen, the part that has scrolled away included."""
        return self._run("capture-pane", "-p", "-S", "-200")

    @property
    def colored(self) -> str:
        """The same with the sequences for colours."""
        return self._run("capture-pane", "-p", "-e", "-S", "-200")

    @property
    def title(self) -> str:
        """The window's title."""
        return self._run("display-message", "-p", "#{pane_title}")

    def mode(self, name: str) -> str:
        """A flag of the terminal, such as cursor_flag."""
        return self._run("display-message", "-p", f"#{{{name}}}").strip()

    def wait(self, shows: Callable[[str], bool] | str, timeout: float = 20) -> str:
        """Return what is to be seen as soon as it is as wanted, or has this in it."""
        deadline = time.monotonic() + timeout
        while not (shows in (text := self.text) if isinstance(shows, str) else shows(text := self.text)):
            assert time.monotonic() < deadline, text
        return text

    def close(self) -> None:
        """End everything in it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, timeout=10)
