"""The linear part of the echo: a Kalman filter that learns the way from loudspeaker to microphone.

It works on spectra of two blocks, with one coefficient for each frequency and each block of echo tail, and keeps for
each of them how unsure it is. That makes its step large while it is wrong and tiny while the user talks, so nothing has
to decide who talks (Enzner and Vary 2006; in partitions: Kuech, Mabande and Enzner 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Spectra = NDArray[np.complex64]

MEMORY = 0.9995
"""How much of the echo path is still the same a block later."""
NOISE_MEMORY = 0.8
"""Smoothing of the spectrum that is taken for user and noise, over some 50 ms: as long as a sound of speech."""
DECAY = 10**-0.15
"""How reflections lose power from one block to the next: 1.5 dB in 10 ms, a living room's (60 dB in 0.4 s)."""
ROUNDING = 1e-7
"""Power in a spectrum's bin that 16-bit samples make by themselves: nothing to learn from."""


class KalmanFilter:
    """Subtracts from the microphone what it expects to hear of the loudspeaker; one thread."""

    def __init__(self, block: int, partitions: int) -> None:
        """Cover an echo of `partitions` blocks of `block` samples."""
        self._block = block
        self._partitions = partitions
        bins = block + 1
        # Every spectrum is written twice, so that all of them are in one piece, newest first, wherever that is.
        self._spectra = np.zeros((2 * partitions, bins), np.complex64)
        self._powers = np.zeros((2 * partitions, bins), np.float32)
        self._newest = 0
        self._far = np.zeros(2 * block, np.float32)
        self._error = np.zeros(2 * block, np.float32)
        self._noise = np.zeros(bins, np.float32)
        # The straight sound arrives in the second block, or in the first when the delay is estimated too long.
        expected = DECAY ** np.maximum(np.arange(partitions) - 1, 0)
        self._expected = np.repeat(expected.astype(np.float32)[:, np.newaxis], bins, axis=1)
        self._share = self._expected * ((1 - MEMORY**2) / expected.sum(dtype=np.float32))
        self._weights = np.zeros((partitions, bins), np.complex64)
        self._variance = self._expected.copy()
        self._proven: Spectra | None = None
        self._candidate: Spectra | None = None

    @property
    def reach(self) -> int:
        """Samples that the filter looks back."""
        return (self._partitions + 1) * self._block

    def reset(self) -> None:
        """Forget the echo path; what was played is remembered."""
        self._weights.fill(0)
        self._variance[:] = self._expected
        self._proven = self._candidate = None

    def save(self) -> None:
        """Take the echo path as proven, once it has lasted until the next call."""
        self._proven, self._candidate = self._candidate, self._weights.copy()

    def restore(self, far: Sound) -> None:
        """Begin with the proven echo path, or none, after `far`, the last `reach` samples that were played.

        A proven path is tried once: it has to be saved again.
        """
        if self._proven is None:
            self.reset()
        else:
            self._weights = self._proven
            self._proven = self._candidate = None
        for start in range(0, self.reach, self._block):
            self.remember(far[start : start + self._block])

    def retry(self, far: Sound) -> None:
        """As `restore`, but the proven echo path stays proven: it is not known to have failed."""
        proven = self._proven
        if proven is not None:
            self._proven = proven.copy()
        self.restore(far)
        self._proven = proven

    def remember(self, far: Sound) -> None:
        """Note a block that was played."""
        block = self._block
        self._far[:block] = self._far[block:]
        self._far[block:] = far
        self._newest = index = (self._newest - 1) % self._partitions
        spectrum = np.fft.rfft(self._far)
        power = np.square(np.abs(spectrum))
        for place in (index, index + self._partitions):
            self._spectra[place] = spectrum
            self._powers[place] = power

    def process(self, near: Sound) -> Sound:
        """Return `near`, heard after the block last remembered, without the echo; learn from what is left.

        The result is overwritten by the next call.
        """
        block = self._block
        latest = slice(self._newest, self._newest + self._partitions)
        spectra, powers = self._spectra[latest], self._powers[latest]
        echo = np.fft.irfft((spectra * self._weights).sum(axis=0))
        error = self._error[block:]
        np.subtract(near, echo[block:], out=error)
        self._learn(spectra, powers, np.fft.rfft(self._error))
        return error

    def rest(self, blocks: int) -> None:
        """Take it that so many blocks of silence were played: what wanders unheard is less known.

        But silence must not make sure, which it would for good within minutes.
        """
        kept = MEMORY ** (2 * blocks)
        wandered = self._wandering() * np.float32((1 - kept) / (1 - MEMORY**2))
        np.maximum(self._variance, np.float32(kept) * self._variance + wandered, out=self._variance)

    def _learn(self, spectra: Spectra, powers: Sound, error: NDArray[np.complexfloating]) -> None:
        self._noise *= NOISE_MEMORY
        self._noise += (1 - NOISE_MEMORY) * np.square(np.abs(error))
        variance = self._variance
        if not powers.any():
            self.rest(1)
            return
        gain = variance * powers
        total = gain.sum(axis=0)
        total += 2 * self._noise + ROUNDING
        np.divide(variance, total, out=gain)
        step = np.fft.irfft(np.conjugate(spectra) * (gain * error), axis=1)
        step[:, self._block :] = 0  # an echo comes after what it echoes
        self._weights += np.fft.rfft(step, axis=1)
        gain *= powers
        gain *= -0.5 * MEMORY**2
        gain += MEMORY**2
        variance *= gain
        variance += self._wandering()

    def _wandering(self) -> Sound:
        """By how much a block makes the path less known: most where it is expected to be strong."""
        wandering: Sound = self._share * np.square(np.abs(self._weights)).sum(axis=0)
        return wandering
