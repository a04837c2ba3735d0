"""Which block the loudspeaker was given for a block that the microphone heard.

The two streams run at the same pace, so handing out one played block for each heard one keeps the lag between them
constant, which the echo canceller needs. When a device stumbles, blocks are lost on one side, whether the device
reports it or not: the sound that waits here then stays off by that much. That is seen within some 0.3 s, and mended by
putting in silence (which is what an underrun sounds like) or by leaving blocks out.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median

WINDOW = 16
"""Blocks to look at: a callback that is late by some ms now and then does not move their median. A loss shows after
half of them, and is believed when as many new ones tell the same."""
CATCHING_UP = 0.25
"""A microphone's block that comes so soon (in blocks) after another one had been held up: its time says nothing."""
LOST = 0.6
"""Blocks; callbacks shift against each other by 0.4 without anything being lost."""
PACE = 0.003
"""A usual lead follows within some 3 s: the streams settle, and clocks drift by 0.01 blocks a second."""
WANDER = 2
"""Blocks that drifting clocks may carry it off before it is put back."""
MAX_WAITING = 100
"""1 s of played blocks, far more than any device's delay; reached when the microphone has stopped."""


class Pairing:
    """One queue of played blocks; `put` is for the speaker's callback, `take` for the microphone's."""

    def __init__(self, silence: bytes, block_seconds: float) -> None:
        """Take blocks of this length; `silence` is one of them."""
        self._silence = silence
        self._block_seconds = block_seconds
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._last_put = self._last_take = -math.inf
        self._leads: deque[float] = deque(maxlen=WINDOW)
        self._home: float | None = None
        self._usual = 0.0
        self._suspicious = False
        self.slips = 0
        """How often blocks had been lost."""

    def put(self, played: bytes, now: float) -> None:
        """Note a block that the loudspeaker was given, and when (s on any clock)."""
        self._waiting.append(played)
        self._last_put = now

    def take(self, now: float) -> tuple[bytes, bool]:
        """Give the block that belongs to the one just heard, and whether the pairing was mended just now."""
        lost = 0
        # Without a loudspeaker, or while one has stalled, there is nothing to be ahead of.
        plays = now - self._last_put < WINDOW * self._block_seconds
        if plays and now - self._last_take > CATCHING_UP * self._block_seconds:
            # In blocks; the time since the last one makes it independent of which callback happens to come first.
            self._leads.append(len(self._waiting) + (now - self._last_put) / self._block_seconds)
            lost = self._look() if len(self._leads) == WINDOW else 0
        self._last_take = now
        self._mend(lost)
        return (self._waiting.popleft() if self._waiting else self._silence), lost != 0

    def _look(self) -> int:
        """How many of the loudspeaker's blocks were lost; negative for the microphone's."""
        lead = median(self._leads)
        if self._home is None:
            self._home = self._usual = lead
        off = lead - self._usual
        if abs(off) >= LOST:
            self._leads.clear()
            self._suspicious = not self._suspicious
            return 0 if self._suspicious else -round(off)
        self._suspicious = False
        self._usual += PACE * off
        return self._return_home()

    def _return_home(self) -> int:
        off = round(self._usual - (self._home or 0.0))
        if abs(off) < WANDER:
            return 0
        self._usual -= off
        self._leads.clear()
        return -off

    def _mend(self, lost: int) -> None:
        for _ in range(lost):
            self._waiting.appendleft(self._silence)
        for _ in range(min(-lost, len(self._waiting))):
            self._waiting.popleft()
        self.slips += lost != 0
