"""Gives what was played at the moment when it is heard, however the delay between the two changes.

Microphone and loudspeaker may have clocks of their own, which drift apart by up to some 100 parts per million. A filter
that had to learn the echo anew all the time would stay rough, so the drift is measured, and what was played is read
from its history at a place that moves along, between the samples.
"""

from __future__ import annotations

import math
from enum import Enum, auto

import numpy as np

from voice.aec.delay import MAX_DELAY_MS, DelayEstimator, History, Sound

HEAD_MS = 10
"""The echo is handed out that much early, should the delay be estimated too long."""
MAX_MS = 800
"""How far back can be read: the longest delay, and the filter's memory before that."""
JUMP_MS = 1
"""A delay that changes by more within half a second has jumped; drift makes 0.1 ms of 200 ppm."""
MEMORY_ESTIMATES = 25
"""The drift is fitted to some 12 s of estimates; clocks keep their pace for minutes."""
ESTIMATE_BLOCKS = 56
"""Blocks from one estimate to the next."""
REACH = 8
"""Samples on either side that a value between two samples is made of: exact up to 10 kHz of 12."""
FRACTIONS = 64
"""Steps within a sample: half of one turns the phase at 4 kHz by 0.5 degrees, which leaves 42 dB to cancel."""


class Change(Enum):
    """What a new estimate says of the delay."""

    CONFIRMED = auto()
    """It goes on as it was."""
    SETTLED = auto()
    """It was unknown, or it jumped: what is read from now on does not continue what was read before."""


class DelayLine:
    """What was played some time ago, to a fraction of a sample; one thread."""

    def __init__(self, length: int) -> None:
        """Remember `length` samples, a whole number of blocks."""
        self._history = History(length)
        distance = np.arange(1 - REACH, REACH + 1) - np.arange(FRACTIONS)[:, np.newaxis] / FRACTIONS
        kernels = np.sinc(distance) * np.cos(np.pi * distance / (2 * REACH + 1)) ** 2
        self._kernels = kernels.astype(np.float32)

    def add(self, block: Sound) -> None:
        """Note what is played now."""
        self._history.add(block)

    def read(self, count: int, delay: float) -> Sound:
        """Return the `count` samples that ended `delay` samples ago; less than `REACH` counts as that."""
        whole, fraction = divmod(round(max(delay, REACH) * FRACTIONS), FRACTIONS)
        history = self._history.latest()
        end = len(history) - whole + REACH - 1
        return np.convolve(history[end - count - 2 * REACH + 1 : end], self._kernels[fraction], "valid")


class Alignment:
    """Follows the delay from the two signals; one thread.

    The estimates go through a filter that fits a line to them, with a memory that grows up to `MEMORY_ESTIMATES`.
    """

    def __init__(self, sample_rate: int) -> None:
        self._head = sample_rate * HEAD_MS // 1000
        self._jump = sample_rate * JUMP_MS / 1000
        self._max_delay = sample_rate * MAX_DELAY_MS / 1000
        self._estimator = DelayEstimator(sample_rate)
        self._line = DelayLine(sample_rate * MAX_MS // 1000)
        self._drift = 0.0  # samples a block
        self._estimates = 0
        self._ahead = 0  # blocks since the last estimate
        self._suspect: float | None = None
        self.delay: float | None = None
        """Samples from playing to hearing; None until known."""
        self.doubtful = True
        """Whether `delay` is not to be relied on."""

    def doubt(self) -> None:
        """Take the signals as shifted by an unknown time from now on; the next estimate settles it."""
        self._estimator.reset()
        self._suspect = None
        self.doubtful = True

    def forget_drift(self) -> None:
        """Take the clocks as others from now on."""
        self._drift = 0.0
        self._estimates = 0

    def process(self, near: Sound, far: Sound) -> Change | None:
        """Take 10 ms of both, samples between -1 and 1."""
        self._line.add(far)
        self.rest()
        estimate = self._estimator.process(near, far)
        return None if estimate is None else self._judge(estimate)

    def rest(self) -> None:
        """Take it that 10 ms of silence follow upon nothing but silence."""
        # A long pause without estimates must not carry it off. A line is known the better the longer it is: one through
        # a few estimates goes astray within a minute.
        if self.delay is not None and self._ahead < ESTIMATE_BLOCKS * (self._estimates + 1) ** 2:
            self._ahead += 1
            self.delay = min(max(self.delay + self._drift, 0.0), self._max_delay)

    def read(self, count: int) -> Sound:
        """Return the last `count` samples that are heard now or in 10 ms; the delay must be known."""
        assert self.delay is not None  # noqa: S101 - a caller's mistake
        return self._line.read(count, self.delay - self._head)

    def _judge(self, estimate: float) -> Change | None:
        off = math.inf if self.delay is None else estimate - self.delay
        if abs(off) <= self._jump:
            self._follow(off)
            change = Change.CONFIRMED
        elif self.doubtful or (self._suspect is not None and abs(estimate - self._suspect) <= self._jump):
            self.delay = estimate
            change = Change.SETTLED
        else:
            # One estimate that nothing announced may err; two that agree do not.
            self._suspect = estimate
            return None
        self._suspect = None
        self._ahead = 0
        self.doubtful = False
        return change

    def _follow(self, off: float) -> None:
        self._estimates = n = min(self._estimates + 1, MEMORY_ESTIMATES)
        weight = 1 / ((n + 1) * (n + 2))
        self.delay = (self.delay or 0.0) + off * 2 * (2 * n + 1) * weight
        self._drift += off * 6 * weight / ESTIMATE_BLOCKS
