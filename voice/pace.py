"""Whether the echo canceller is any good here; else a simpler way takes its place."""

from __future__ import annotations

import time
from collections.abc import Callable

from voice.echo import Samples, Suppressor
from voice.sound import BLOCK_MS

SHARE = 0.8
"""Of the sound's own time; the rest is for sending it."""
SMOOTHING = 0.002
"""The mean is over the last five seconds or so: being held up for a moment is no reason."""
HELD_UP = 0.1
"""s. A block that takes longer did not compute all that time: the program was stopped, or the computer swapped."""


class Paced:
    """A suppressor that is given up once it takes longer than the sound lasts, or on demand; one thread, as it."""

    def __init__(
        self,
        suppressor: Suppressor,
        fallback: Callable[[], Suppressor],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Use `suppressor`, or what `fallback` makes from the moment on at which `tell` is told so; `clock` is in s."""
        self._suppressor = suppressor
        self._fallback: Callable[[], Suppressor] | None = fallback
        self._tell = tell
        self._clock = clock
        self._mean = 0.0
        self._reason = ""

    @property
    def erle(self) -> float | None:
        """Echo removed in dB; any thread."""
        return self._suppressor.erle

    @property
    def delay(self) -> float | None:
        """From the loudspeaker's callback to the microphone's in ms; any thread."""
        return self._suppressor.delay

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return `near` without the echo of `far`."""
        began = self._clock()
        clean = self._suppressor.process(near, far)
        self._mean += SMOOTHING * (min(self._clock() - began, HELD_UP) - self._mean)
        if self._mean > SHARE * BLOCK_MS / 1000:
            self.give_up("this computer is too slow to cancel echo")
        if self._reason and self._fallback is not None:
            self._suppressor, self._fallback = self._fallback(), None
            self._tell(f"{self._reason}: from now on the microphone is off while the assistant talks")
        return clean

    def give_up(self, reason: str) -> None:
        """Use the fallback from the next block on, and tell why; any thread."""
        self._reason = self._reason or reason

    def slipped(self) -> None:
        """Pass it on."""
        self._suppressor.slipped()

    def renewed(self) -> None:
        """Pass it on."""
        self._suppressor.renewed()
