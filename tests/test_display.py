"""What a person is shown of a conversation."""

from __future__ import annotations

import re
import time

from voice.shown import Notice, Partial, StateChanged, ToolEnded, ToolStarted, ToolUse, Turn
from voice.stopwatch import Stopwatch
from voice.terminal import Reply, View
from voice.ui.display import MAX_GOING_ON, Display, Displayed

COLORS = re.compile(r"\x1b\[[\d;]*m")


def plain(text: str | None) -> str | None:
    return None if text is None else COLORS.sub("", text)


def going_on(display: Display) -> list[str]:
    return [COLORS.sub("", text) for text in display.going_on]


def tell(display: Display, *values: Displayed) -> list[str | None]:
    return [plain(display.take(value)) for value in values]


def test_a_turn_goes_on_until_it_is_finished() -> None:
    display = Display(View())
    tell(display, Partial("a", "assistant", "Good "), Partial("a", "assistant", "Good day. "))
    assert going_on(display) == ["assistant: Good day."]

    assert tell(display, Turn("assistant", "Good day.", item_id="a")) == ["assistant: Good day."]
    assert going_on(display) == []


def test_both_sides_go_on_at_once() -> None:
    display = Display(View())
    tell(display, Partial("u", "you", "What is"), Partial("a", "assistant", "It is"))

    assert going_on(display) == ["you: What is", "assistant: It is"]
    assert tell(display, Turn("you", "What is it?", item_id="u")) == ["you: What is it?"]
    assert going_on(display) == ["assistant: It is"]


def test_a_turn_ends_its_own_item_and_no_later_one() -> None:
    display = Display(View())
    tell(display, Partial("a", "assistant", "Let me see."), Partial("b", "assistant", "It is sunny."))
    tell(display, Turn("assistant", "Let me see.", item_id="a"))

    assert going_on(display) == ["assistant: It is sunny."]


def test_what_was_never_heard_is_not_left_behind() -> None:
    display = Display(View())
    tell(display, Partial("a", "assistant", "Never heard"), Partial("b", "assistant", "It is sunny."))
    tell(display, Turn("assistant", "It is", interrupted=True, item_id="b"))
    assert going_on(display) == []

    tell(display, Partial("c", "assistant", "Never heard"), StateChanged("listening"))
    assert going_on(display) == []


def test_an_interrupted_turn_is_marked() -> None:
    assert tell(Display(View()), Turn("assistant", "It", interrupted=True)) == ["assistant: It [interrupted]"]


def test_a_call_is_timed() -> None:
    display = Display(View())
    tell(display, ToolStarted("add", "{}"))
    assert going_on(display) == ["tool: add({}) …"]
    tell(display, ToolEnded("add", "{}", 1.24))
    assert going_on(display) == []

    assert tell(display, ToolUse("add", "{}", "4")) == ["tool: add({}) -> 4 (1.2 s)"]
    assert tell(display, ToolUse("add", "{}", "4")) == ["tool: add({}) -> 4"]  # nobody knows how long


def test_a_stopwatch_tells_both_ends() -> None:
    class Tools:
        cancelled = False

        def call(self, name: str, arguments: str) -> str:
            return f"{name}{arguments}"

        def cancel(self) -> None:
            self.cancelled = True

    tools, told = Tools(), list[object]()
    stopwatch = Stopwatch(tools, told.append)
    began = time.monotonic()
    assert stopwatch.call("add", "{}") == "add{}"
    took = time.monotonic() - began
    stopwatch.cancel()

    started, ended = told
    assert started == ToolStarted("add", "{}")
    assert isinstance(ended, ToolEnded)
    assert (ended.name, ended.arguments) == ("add", "{}")
    assert 0 <= ended.seconds <= took
    assert tools.cancelled


def test_compact_leaves_calls_out() -> None:
    display = Display(View(compact=True))

    assert tell(display, ToolStarted("add", "{}"), ToolEnded("add", "{}", 1), ToolUse("add", "{}", "4")) == [None] * 3
    assert going_on(display) == []


def test_timestamps() -> None:
    (line,) = tell(Display(View(timestamps=True)), Turn("you", "Hello"))

    assert re.fullmatch(r"\d\d:\d\d:\d\d you: Hello", line or "")


def test_long_results_are_cut() -> None:
    (line,) = tell(Display(View()), ToolUse("read", "x" * 1000, "y" * 40_000))

    assert len(line or "") < 600


def test_nothing_that_is_shown_can_control_the_terminal() -> None:
    evil = "a\x1b[2J\x9bb\r\nc\x07"
    values = (
        Turn("you", evil),
        ToolUse(evil, evil, evil),
        Notice(evil),
        Reply(evil),
        ToolStarted(evil, evil),
        Partial("a", "you", evil),
    )
    display = Display(View())
    shown = "".join(filter(None, tell(display, *values))) + "".join(going_on(display))

    assert shown.isprintable()


def test_of_a_long_answer_the_end_is_drawn_and_jumps_but_rarely() -> None:
    display = Display(View())
    starts = set()
    for length in range(100, 10 * MAX_GOING_ON, 100):
        text = "".join(f"{number:05}," for number in range(length // 6 + 1))
        tell(display, Partial("a", "assistant", text))
        (shown,) = going_on(display)
        starts.add(shown[:30])
        assert text.endswith(shown[-min(length, MAX_GOING_ON) // 2 :])
        assert len(shown) < 2 * MAX_GOING_ON + 20

    assert len(starts) <= 11
