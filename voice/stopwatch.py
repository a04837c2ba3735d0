"""How long things take: calls of tools, and answers to begin."""

from __future__ import annotations

import time
from collections.abc import Callable

from voice.events import AudioDelta
from voice.feed import Feed
from voice.session import Tools
from voice.shown import StateChanged, ToolEnded, ToolStarted


class Stopwatch:
    """Tools that tell when they begin and end; any thread, several at once."""

    def __init__(self, tools: Tools, show: Callable[[object], None]) -> None:
        """Time these; `show` may not block."""
        self._tools = tools
        self._show = show

    def call(self, name: str, arguments: str) -> str:
        """Run one; may block."""
        self._show(ToolStarted(name, arguments))
        began = time.monotonic()
        try:
            return self._tools.call(name, arguments)
        finally:
            self._show(ToolEnded(name, arguments, time.monotonic() - began))

    def cancel(self) -> None:
        """Tell those at work that nobody waits for them any more."""
        self._tools.cancel()


class AnswerTime:
    """How long the user waits for an answer's first sound."""

    def __init__(self, feed: Feed) -> None:
        """Follow the conversation."""
        self.seconds: float | None = None
        """From the end of the user's last turn that was answered aloud."""
        self._asked_at: float | None = None
        feed.subscribe(StateChanged, self._note_state)
        feed.subscribe(AudioDelta, self._note_sound)

    def _note_state(self, changed: StateChanged) -> None:
        if changed.state == "thinking":
            self._asked_at = time.monotonic()
        elif changed.state != "speaking":
            self._asked_at = None

    def _note_sound(self, _: AudioDelta) -> None:
        if self._asked_at is not None:
            self.seconds = time.monotonic() - self._asked_at
            self._asked_at = None
