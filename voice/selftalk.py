"""Whether the assistant interrupts itself: the last resort where the echo canceller fails.

It fails when the sound stumbles all the time, on a computer that is far too busy: then the service hears the assistant,
takes it for the user, and answers, again and again. Nobody interrupts so often, least of all while the sound stumbles.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from voice.shown import Turn

INTERRUPTIONS = 4
"""So many answers cut..."""
SECONDS = 30.0
"""...in so short a time..."""
SLIPS = 3
"""...in which the pairing of heard and played sound was lost so often, are not the user's doing."""


class SelfTalk:
    """Watches the finished turns; the thread that tells them."""

    def __init__(
        self, slips: Callable[[], int], found: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`slips` counts the losses since the start; `found` is called each time it is seen. `clock` is in s."""
        self._slips = slips
        self._found = found
        self._clock = clock
        self._cut: deque[tuple[float, int]] = deque(maxlen=INTERRUPTIONS)

    def note(self, turn: Turn) -> None:
        """Take a finished turn."""
        if turn.role != "assistant" or not turn.interrupted:
            return
        self._cut.append((self._clock(), self._slips()))
        (first, slips_then), (last, slips_now) = self._cut[0], self._cut[-1]
        if len(self._cut) == INTERRUPTIONS and last - first <= SECONDS and slips_now - slips_then >= SLIPS:
            self._cut.clear()
            self._found()
