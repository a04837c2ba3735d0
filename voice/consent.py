"""What the user has been asked to agree to, and whether they have said anything since.

Whether what they said was a yes is for the model to hear: it calls again only then. What is promised here is that
nothing runs before they had the chance to say no.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Literal

EXPIRY = 300.0
"""s. Nobody means an older question when they say yes."""
MAX_OPEN = 16
"""Questions that wait at a time; the oldest is forgotten."""

Answer = Literal["new", "open", "given"]
"""To be asked now; asked, and nothing said since; the user has spoken since, and it may be done once."""


class Consent:
    """The open questions, each for one call with its arguments. Any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `clock` gives seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._turns = 0
        self._open: dict[Hashable, tuple[int, float]] = {}  # how many turns there were then, when it expires

    def heard_user(self) -> None:
        """Count one more turn of the user."""
        with self._lock:
            self._turns += 1

    def to(self, call: Hashable) -> Answer:
        """Say how things stand; a consent that is given is used up by asking, and a question that is new is opened."""
        with self._lock:
            now = self._clock()
            self._open = {key: asked for key, asked in self._open.items() if asked[1] > now}
            if call not in self._open:
                while len(self._open) >= MAX_OPEN:
                    del self._open[next(iter(self._open))]
                self._open[call] = self._turns, now + EXPIRY
                return "new"
            if self._open[call][0] == self._turns:
                return "open"
            del self._open[call]
            return "given"
