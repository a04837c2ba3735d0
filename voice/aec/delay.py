"""How late the loudspeaker is heard, from the two signals alone (cross-correlation with phase transform, GCC-PHAT).

Its long transforms take a millisecond together, which would hold up the sound that waits to be sent. So an estimate is
spread over several blocks, one transform in each.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

MAX_DELAY_MS = 500
"""Bluetooth loudspeakers reach 300 ms; a desktop's sound server may add 200."""
WINDOW_MS = 800
"""How much of the microphone's sound is compared."""
INTERVAL_BLOCKS = 50
"""A new estimate every 0.5 s: soon enough to notice a jump that nobody reported, at 2 % of the time there is."""
SEARCH_BLOCKS = 10
"""The same while nothing is known yet."""
ENOUGH_BLOCKS = 40
"""0.4 s of audible playback tell the delay; less than that matches anything."""
MIN_RATIO = 7.0
"""How far the peak must stand out of the correlation's root mean square: echoes do by 10 to 60, even while the user
talks; chance makes 5 once in a while."""
AUDIBLE = 1e-3
"""Root mean square from which playback counts: -60 dBFS, which no loudspeaker makes heard."""
TINY = 1e-12
"""Keeps silence from being divided by itself."""
BAND_HZ = (200, 7500)
"""Where voices and small loudspeakers have something to compare; phases elsewhere are noise."""


class History:
    """The last samples of a signal, always in one piece: every block is written twice, a whole length apart."""

    def __init__(self, length: int) -> None:
        """Hold `length` samples, a whole number of blocks."""
        self._length = length
        self._samples = np.zeros(2 * length, np.float32)
        self._end = 0

    def add(self, block: Sound) -> None:
        """Replace the oldest samples."""
        start = self._end
        end = start + len(block)
        self._samples[start:end] = block
        self._samples[start + self._length : end + self._length] = block
        self._end = end % self._length

    def latest(self) -> Sound:
        """Everything, oldest first; a view that the next `add` changes."""
        return self._samples[self._end : self._end + self._length]

    def clear(self) -> None:
        """Hold silence."""
        self._samples.fill(0)


class DelayEstimator:
    """Compares the latest sound of microphone and loudspeaker, block by block; one thread."""

    def __init__(self, sample_rate: int) -> None:
        self._block = sample_rate // 100
        self._max_delay = sample_rate * MAX_DELAY_MS // 1000
        length = self._max_delay + sample_rate * WINDOW_MS // 1000
        self._size = 1 << (length - 1).bit_length()
        self._far = History(length)
        self._near = History(length)
        hz = np.fft.rfftfreq(self._size, 1 / sample_rate)
        self._outside = (hz < BAND_HZ[0]) | (hz > BAND_HZ[1])
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: from now on the signals are shifted against each other."""
        self._near.clear()
        self._far.clear()
        self._known = False
        self._steps = self._estimates()

    def process(self, near: Sound, far: Sound) -> float | None:
        """Take 10 ms of both, samples between -1 and 1; the delay in samples when this block completes an estimate."""
        self._near.add(near)
        self._far.add(far)
        return next(self._steps)

    def _estimates(self) -> Iterator[float | None]:
        """One step a block, for ever."""
        while True:
            for _ in range(INTERVAL_BLOCKS if self._known else SEARCH_BLOCKS):
                yield None
            far = self._far.latest().copy()
            near = self._near.latest().copy()
            if not self._is_enough(far):
                continue
            yield None
            # A delay up to the longest is looked for: this much of the microphone's sound has no counterpart.
            near[: self._max_delay] = 0
            spectrum = np.fft.rfft(near, self._size)
            yield None
            cross = np.fft.rfft(far, self._size)
            yield None
            np.conjugate(cross, out=cross)
            cross *= spectrum
            yield None
            cross /= np.abs(cross) + TINY
            cross[self._outside] = 0
            yield None
            delay = self._peak(np.fft.irfft(cross, self._size)[: self._max_delay])
            self._known = self._known or delay is not None
            yield delay

    def _is_enough(self, far: Sound) -> bool:
        energy = np.square(far).reshape(-1, self._block).mean(axis=1)
        return bool(np.count_nonzero(energy > AUDIBLE**2) >= ENOUGH_BLOCKS)

    def _peak(self, correlation: NDArray[np.floating]) -> float | None:
        size = np.abs(correlation)
        peak = int(size[1:-1].argmax()) + 1
        if size[peak] <= MIN_RATIO * np.sqrt(np.mean(np.square(size))):
            return None
        # The top of the parabola through the peak and its neighbours.
        before, top, after = (float(value) for value in size[peak - 1 : peak + 2])
        return peak + 0.5 * (before - after) / (before - 2 * top + after)
