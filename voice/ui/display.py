"""What a person is shown of the conversation: lines that are finished, and what goes on below them; pure.

Lines are text with SGR sequences for colour, made here alone: nothing that comes from elsewhere can hold any.
"""

from __future__ import annotations

from collections import deque

from voice.shown import Notice, Partial, Shown, StateChanged, ToolEnded, ToolStarted, ToolUse, Turn
from voice.terminal import Reply, View
from voice.text import printable, row

Displayed = Shown | Reply
"""All kinds of values that are for people."""
FINISHED = Turn | ToolUse | Notice | Reply
"""Those that become lines."""

MAX_ARGUMENTS = 200
"""Characters shown of a call's arguments."""
MAX_RESULT = 300
"""Characters shown of a call's result; an answer tells the rest."""
MAX_GOING_ON = 8192
"""Characters at least that are shown of what goes on, if it is longer, and less than twice as many: half a screen of it
is to be seen, and all that is shown is drawn anew with every word."""
MAX_TOOK = 50
"""Durations kept for turns to come; a call that was interrupted never has one."""

_COLORS = {"you": "1;36", "assistant": "1;32", "tool": "35"}
_FAINT = "90"
_NOTICE = "33"
_QUIET = frozenset({"ready", "listening", "muted", "asleep", "connecting", "reconnecting"})
"""States in which no answer goes on: what was never heard leaves without a turn."""


class Display:
    """What goes on, in the order in which it began; not thread-safe."""

    def __init__(self, view: View) -> None:
        """Show what `view` asks for."""
        self._view = view
        self._partials: dict[str, Partial] = {}  # by item
        self._calls: list[ToolStarted] = []
        self._took: deque[ToolEnded] = deque(maxlen=MAX_TOOK)  # calls whose turn is still to come

    def take(self, shown: Displayed) -> str | None:
        """Take note of this, and give the line that it makes, if any."""
        match shown:
            case Partial(item_id):
                self._partials[item_id] = shown
            case StateChanged(state):
                self._forget("assistant" if state in _QUIET else None)
            case ToolStarted():
                self._calls.append(shown)
            case ToolEnded(name, arguments):
                self._calls.remove(ToolStarted(name, arguments))
                self._took.append(shown)
            case Notice(text):
                return _sgr(_NOTICE, f"-- {printable(text)}")
            case Reply(text):
                return row(text)
            case Turn():
                self._finish(shown)
                mark = _sgr(_FAINT, " [interrupted]") if shown.interrupted else ""
                return self._stamp + _said(shown.role, shown.text) + mark
            case ToolUse():
                took = self._duration(shown)
                return None if self._view.compact else self._stamp + _use(shown, took)
        return None

    @property
    def going_on(self) -> list[str]:
        """A line for each turn and call that is not finished."""
        calls = [] if self._view.compact else [_sgr(_FAINT, f"{_call(c.name, c.arguments)} …") for c in self._calls]
        return [*(_said(p.role, _end(p.text)) for p in self._partials.values() if p.text.strip()), *calls]

    @property
    def _stamp(self) -> str:
        stamp = self._view.stamp()
        return _sgr(_FAINT, stamp) if stamp else ""

    def _finish(self, turn: Turn) -> None:
        """Forget what went on of a turn, and of older ones of its speaker, which came to nothing."""
        if turn.item_id in self._partials:
            same = [partial.item_id for partial in self._partials.values() if partial.role == turn.role]
            for item_id in same[: same.index(turn.item_id) + 1]:
                del self._partials[item_id]

    def _forget(self, role: str | None) -> None:
        self._partials = {key: partial for key, partial in self._partials.items() if partial.role != role}

    def _duration(self, use: ToolUse) -> float | None:
        for ended in self._took:
            if (ended.name, ended.arguments) == (use.name, use.arguments):
                self._took.remove(ended)
                return ended.seconds
        return None


def _sgr(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _said(role: str, text: str) -> str:
    return f"{_sgr(_COLORS[role], f'{role}:')} {printable(text)}"


def _call(name: str, arguments: str) -> str:
    return f"tool: {printable(name)}({_shortened(arguments, MAX_ARGUMENTS)})"


def _use(use: ToolUse, seconds: float | None) -> str:
    label, call = _call(use.name, use.arguments).split(" ", 1)
    took = "" if seconds is None else _sgr(_FAINT, f" ({_duration(seconds)})")
    return f"{_sgr(_COLORS['tool'], label)} {call} -> {_shortened(use.result, MAX_RESULT)}{took}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _shortened(text: str, length: int) -> str:
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _end(text: str) -> str:
    """Give what can be seen of a text that grows; what is left out grows in steps, so that it jumps but rarely."""
    start = (len(text) // MAX_GOING_ON - 1) * MAX_GOING_ON
    return f"…{text[start:]}" if start > 0 else text
