"""Which block the loudspeaker was given for a block that the microphone heard.

The two streams run at the same pace, so handing out one played block for each heard one keeps the lag between them
constant, which the echo canceller needs. When a device stumbles, blocks are lost on one side, whether the device
reports it or not: the sound that waits here then stays off by that much. That is seen within a second, and mended by
putting in silence (which is what an underrun sounds like) or by leaving blocks out.
"""

from __future__ import annotations

from collections import deque
from statistics import median

WINDOW = 100
"""Blocks between two looks (1 s): a callback that is late by some ms now and then does not move their median."""
MAX_WAITING = 100
"""1 s of played blocks, far more than any device's delay; reached when the microphone has stopped."""


class Pairing:
    """One queue of played blocks; `put` is for the speaker's callback, `take` for the microphone's."""

    def __init__(self, silence: bytes, block_seconds: float) -> None:
        """Take blocks of this length; `silence` is one of them."""
        self._silence = silence
        self._block_seconds = block_seconds
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._last_put = 0.0
        self._leads: list[float] = []
        self._usual: float | None = None
        self.slips = 0
        """How often blocks had been lost."""

    def put(self, played: bytes, now: float) -> None:
        """Note a block that the loudspeaker was given, and when (s on any clock)."""
        self._waiting.append(played)
        self._last_put = now

    def take(self, now: float) -> tuple[bytes, bool]:
        """Give the block that belongs to the one just heard, and whether the pairing was mended just now."""
        # In blocks; the time since the last one makes it independent of which callback happens to come first.
        self._leads.append(len(self._waiting) + (now - self._last_put) / self._block_seconds)
        slipped = len(self._leads) == WINDOW and self._look()
        return (self._waiting.popleft() if self._waiting else self._silence), slipped

    def _look(self) -> bool:
        lead = median(self._leads)
        self._leads.clear()
        if self._usual is None:
            self._usual = lead
        lost = round(self._usual - lead)
        for _ in range(lost):
            self._waiting.appendleft(self._silence)
        for _ in range(min(-lost, len(self._waiting))):
            self._waiting.popleft()
        self.slips += lost != 0
        return lost != 0
