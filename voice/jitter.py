"""How long sound is held back before it plays, so that what comes late does not tear it.

Most services make speech faster than it is spoken, and nothing need be held back. Where sound comes in bursts, the
first gap is heard, and from then on there is more in hand than such a gap takes; after answers that came well there is
less again.
"""

from __future__ import annotations

from voice.sound import SAMPLE_RATE

STEPS = tuple(ms * SAMPLE_RATE // 1000 for ms in (0, 40, 350, 700))
"""Samples: for no lateness, that of a busy computer, of a radio network that stalls, and of a poor one. Few and far
apart, since each step up is one gap that is heard."""
MARGIN = SAMPLE_RATE * 30 // 1000
"""30 ms in samples, by which a step is more than what came late: who is late by more than a block comes later still."""


class Jitter:
    """The depth of the buffer; used under its lock."""

    def __init__(self) -> None:
        self.depth = 0
        """Samples between the time when an answer's sound could be played and that when it is."""

    def tore(self, late: int) -> None:
        """Note that the loudspeaker fell silent, as sound came so many samples after it could have been played."""
        self.depth = max(self.depth, _step(late))

    def ended(self, late: int) -> None:
        """Note how late any of an answer's sound was at most."""
        if _step(late) < self.depth:
            self.depth = max(step for step in STEPS if step < self.depth)


def _step(late: int) -> int:
    if late <= 0:
        return 0
    return next((step for step in STEPS if step >= late + MARGIN), STEPS[-1])
