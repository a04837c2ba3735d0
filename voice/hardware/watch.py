"""Whether a device still does its work, told by looking at it at regular intervals; no clock, no thread, no I/O.

A device may go in three ways: PortAudio sees it and ends the stream; or the callbacks just cease, or never begin; or
they come as fast as the processor can, with nothing behind them. And a microphone may work perfectly and deliver
nothing but zeros: it is muted, or the system does not allow the program to hear.
"""

from __future__ import annotations

from collections import deque

LOOK_SECONDS = 0.25
"""Between two looks."""
LOOKS = 4
"""1 s without a callback is a stall. Counted in looks, not in time: whatever holds up the callbacks in this program,
such as the loading of a model, holds up the looks as well."""
SPIN = 5
"""Times as much sound as fits into the time; a device that catches up after a hold-up brings 2 or 3 times as much."""
ZERO_SECONDS = 2.0
"""Even the best microphone hisses in its last bit; Bluetooth gives zeros for its first second."""
MAX_MUTES = 3
"""So often is a mute said. More of them are a noise gate, which some headsets close in every pause."""


class Watch:
    """Over one stream, from its start on."""

    def __init__(self, rate: int) -> None:
        """`rate` is the stream's, in Hz."""
        self._rate = rate
        self._seen: deque[tuple[int, float]] = deque(maxlen=LOOKS + 1)

    @property
    def full(self) -> bool:
        """Whether there were enough looks to tell."""
        return len(self._seen) > LOOKS

    def look(self, frames: int, now: float) -> str:
        """Say what is wrong, "" for nothing, by the frames that have passed since the start and the time in s."""
        self._seen.append((frames, now))
        if not self.full:
            return ""
        first, then = self._seen[0]
        if frames == first:
            return "has stopped"
        return "runs wild" if frames - first > SPIN * self._rate * (now - then) else ""


class MuteWatch:
    """Over the microphone, through the whole conversation."""

    def __init__(self) -> None:
        self._muted = False
        self._times = 0

    def look(self, zero_seconds: float) -> str:
        """Say a change, "" for none, by how long there have been zeros only."""
        muted = zero_seconds >= ZERO_SECONDS
        if muted == self._muted or (muted and self._times == MAX_MUTES):
            return ""
        self._muted = muted
        self._times += muted
        return (
            "delivers only silence: is it muted, or this program not allowed to hear it?" if muted else "is heard again"
        )
