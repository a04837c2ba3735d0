"""How long calls of tools take: told as they begin and end, for those who want to show it."""

from __future__ import annotations

import time
from collections.abc import Callable

from voice.effects import ToolEnded, ToolStarted
from voice.session import Tools


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
