"""The program in a real terminal: what a person types and sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import tmux
from tests.service import Service
from tests.speech import silence
from tests.test_commands import NAMES
from tests.tmux import Window

pytestmark = pytest.mark.skipif(tmux.missing(), reason="no tmux")

Open = Callable[..., Window]


@pytest.fixture
def open_window(tmp_path: Path, service: Service) -> Iterator[Open]:
    opened: list[Window] = []

    def start(*arguments: str, **environment: str) -> Window:
        window = Window(tmp_path, {"WS_URL": service.url, "SOUND": "no"} | environment)
        opened.append(window)
        window.start(*arguments)
        return window

    yield start
    for window in opened:
        window.close()


@pytest.fixture
def window(open_window: Open) -> Window:
    opened = open_window()
    opened.wait(" ready")
    return opened


def ask(window: Window, service: Service, text: str = "hello there") -> None:
    """Type a message and wait until the service is to answer it."""
    window.type(text, "Enter")
    service.wait_for("response.create")


def clock(window: Window, before: str = "") -> str:
    """Wait until the time in the status line is another one than `before`: it has been drawn anew."""

    def found(text: str) -> str:
        shown = re.search(r"\n ready  (\d+:\d\d)", text)
        return shown[1] if shown else before

    return found(window.wait(lambda text: found(text) != before))


def test_a_conversation_in_writing(window: Window, service: Service) -> None:
    ask(window, service)
    reply = service.say(silence(0.1), "Good day to you.", done=False)
    window.wait(lambda text: "\n>" in text.partition("assistant: Good day to you.")[2])

    window.type("next que")  # while the answer is still under way
    service.finish(reply)
    text = window.wait(lambda text: "> next que" in text and " ready" in text)

    assert text.index("you: hello there") < text.index("assistant: Good day to you.") < text.index("> next que")
    assert text.count("Good day to you.") == 1


def test_what_is_typed_stays_while_an_answer_streams(window: Window, service: Service) -> None:
    ask(window, service)
    words = " ".join(f"word{number}" for number in range(60))
    window.type("half a li")
    service.say(silence(3), words, burst=False, chunk_ms=50)
    window.type("ne")
    text = window.wait(lambda text: "word59" in text and "> half a line" in text and " ready" in text)

    assert text.count("word0 ") == 1
    assert text.count("word59") == 1
    window.type("Enter")
    window.wait("you: half a line")


def test_an_answer_that_is_interrupted_is_marked(window: Window, service: Service) -> None:
    ask(window, service)
    service.say(silence(0.1), "A long story.", done=False)
    window.wait("assistant: A long story.")
    window.type("/interrupt", "Enter")

    window.wait("assistant: A long story. [interrupted]")


def test_a_call_of_a_tool_is_shown_with_its_result_and_duration(window: Window, service: Service) -> None:
    ask(window, service, "what time is it")
    service.call_function("get_time", "{}")
    text = window.wait(" ms)")

    assert "tool: get_time({}) -> It is " in text


def test_a_failure_is_one_line(window: Window, service: Service) -> None:
    ask(window, service)
    service.fail()
    window.wait("-- the service could not answer")


def test_several_pasted_lines_are_one_message(window: Window, service: Service) -> None:
    window.paste("first line\nsecond line\n")
    window.wait("second line")
    window.type("Enter")
    service.wait_for("response.create")

    (item,) = [event["item"] for event in service.events("conversation.item.create")]
    assert item["content"][0]["text"].splitlines() == ["first line", "second line"]


def test_lines_typed_before_come_back(window: Window, service: Service) -> None:
    ask(window, service, "what is the weather")
    service.say(silence(0.1), "Sunny.")
    window.wait("assistant: Sunny.")
    window.type("Up")

    window.wait("> what is the weather")


def test_every_command(window: Window) -> None:
    for name in NAMES:
        if name != "/quit":
            window.type(name, "Enter")
            window.wait(f"> {name}\n")
    window.type("/cost", "Enter")  # whatever they did, the last one is answered
    window.wait(lambda text: text.count("0 tokens") >= 2)
    window.type("/quit", "Enter")
    text = window.wait("status 0")

    assert "bug" not in text


def test_commands_and_what_follows_them_are_completed(window: Window) -> None:
    window.type("/vo")
    window.wait("which voice speaks, or another one")
    window.type("Tab")
    window.wait("> /voice")
    window.type("ce")
    window.wait("cedar")
    window.type("Tab", "Enter")

    window.wait("the voice is cedar from now on")


def test_more_status(window: Window) -> None:
    window.type("/status", "Enter")
    window.wait("over- and underruns")
    window.type("/status", "Enter")
    window.wait(lambda text: "over- and underruns" not in text)


@pytest.mark.parametrize("key", ["C-c", "C-d"])
def test_keys_that_end_it_give_the_terminal_back(window: Window, key: str) -> None:
    window.type(key)
    window.wait("status 0")
    window.type("stty -a", "Enter")
    text = window.wait(" icanon")

    assert " echo " in text
    assert window.mode("cursor_flag") == "1"


def test_it_can_be_suspended(window: Window, service: Service) -> None:
    window.type("half a line", "C-z")
    window.wait("Stopped")
    window.type("echo in the $((6 * 7)) shell", "Enter")
    window.wait("in the 42 shell")
    window.type("fg", "Enter")
    window.wait(lambda text: text.rstrip().splitlines()[-2].startswith("> half a line"))
    window.type(" more", "Enter")
    window.wait("you: half a line more")


def test_a_narrow_window_goes_on(window: Window, service: Service) -> None:
    window.resize(20)
    ask(window, service, "hello")
    service.say(silence(0.1), "A long answer that does not fit into one line.")
    window.wait(lambda text: "fitintooneline." in "".join(text.split()))
    window.resize(60)
    window.type("/quit", "Enter")
    window.wait("status 0")


def test_nothing_is_left_behind_by_a_resize(window: Window) -> None:
    for number in range(8):  # so that it is at the bottom, as it is most of the time
        window.type("/devices", "Enter")
        window.wait(lambda text, seen=number + 1: text.count("no sound device") == seen)  # type: ignore[misc]
    window.type("a long line that does not fit into a window of forty columns")
    window.wait("forty columns")

    def is_whole(text: str) -> bool:
        letters = "".join(text.split())
        return letters.count("alonglinethatdoesnotfit") == letters.count("partofaname)>alongline") == 1

    for columns in (40, 25, 78):
        window.resize(columns)
        clock(window, clock(window, clock(window)))  # the first change may be one that was under way
        window.wait(is_whole)


@pytest.mark.parametrize(("no_color", "colors"), [("", True), ("1", False)])
def test_colors_can_be_switched_off(open_window: Open, service: Service, no_color: str, colors: bool) -> None:
    window = open_window(NO_COLOR=no_color)
    window.wait(" ready")
    ask(window, service)
    service.say(silence(0.1), "Good day.")
    window.wait("assistant: Good day.")

    assert bool(re.search(r"\x1b\[(\d+;)*[39][0-7](;\d+)*m", window.colored)) == colors


def test_any_key_wakes_it(open_window: Open, service: Service) -> None:
    window = open_window(IDLE_MINUTES="0.02")
    service.wait_for("session.update", timeout=20)
    window.wait("asleep, and nothing is sent: type to go on")
    window.type("x")

    service.wait_for("session.update")


def test_a_terminal_that_can_do_nothing_gets_plain_lines(open_window: Open, service: Service) -> None:
    window = open_window(TERM="dumb")
    service.wait_for("session.update", timeout=20)
    ask(window, service)
    service.say(silence(0.1), "Good day.")
    text = window.wait("assistant: Good day.")

    assert " ready" not in text


def test_text_of_the_service_cannot_control_the_terminal(window: Window, service: Service) -> None:
    ask(window, service)
    service.say(silence(0.1), "Look:\x1b[2J\x1b]0;mine\x07 \x9b31m done")
    text = window.wait("done")

    assert "you: hello there" in text
    assert "mine" not in window.title
