"""When the conversation goes to sleep: after nobody has said anything for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from voice.effects import State

LOOK_SECONDS = 1.0
"""Between two looks."""
RESTING: frozenset[State] = frozenset({"ready", "listening", "muted"})
"""What it is doing when nobody says anything."""


class Doze:
    """Watches over one conversation, from `start` to `stop`.

    *doze* may block in its wait between two looks, which `stop` ends.
    """

    def __init__(self, seconds: float, state: Callable[[], State], sleep: Callable[[], None]) -> None:
        """Call `sleep` after so many seconds in which `state` was a resting one."""
        self._seconds = seconds
        self._state = state
        self._sleep = sleep
        self._stirred = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doze", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stir(self) -> None:
        """Note that somebody is there; any thread."""
        self._stirred = time.monotonic()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(min(LOOK_SECONDS, self._seconds / 4)):
            if self._state() not in RESTING:
                self.stir()
            elif time.monotonic() - self._stirred >= self._seconds:
                self._sleep()
