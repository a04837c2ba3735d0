"""How much echo the filter lets through, and what the stages behind it should make of that.

The measure is the *leak*: the power of what is left over the power of the echo that was subtracted. While the assistant
talks alone that is what the filter misses; while the user talks as well it is more. So low values count: the leak falls
at once, and rises slowly.
"""

from __future__ import annotations

import math

import numpy as np

from voice.aec.delay import Sound

SMOOTHING = 0.9
"""Powers are means over some 100 ms, a syllable."""
FALL = 0.8
"""At most 1 dB in a block downwards: one lucky block says little."""
RISE = 10**0.002
"""2 dB a second upwards: a long sentence of the user does not pass for echo."""
AUDIBLE = 1e-4
"""Sum of squares of the subtracted echo, -54 dBFS for 100 ms, from which the leak can be told."""
TRUSTED, DISTRUSTED = 0.1, 0.4
"""The filter is used once the leak is below -10 dB, and until it is above -4 dB."""
DIVERGED = 1.5
"""So much more power than came in means that the filter adds echo instead of removing it."""
HASTE = 0.6
"""The same is looked for over some 25 ms: what is added is heard."""
MARGIN = 6.0
"""The leak is a low value of something that varies: 8 dB more than that may still be echo."""
HIDDEN = 4e-4
"""34 dB below the loudest echo of the last moments: late reverberation, which the filter does not reach, is as loud; no
user is. The service's detector hears speech in it though there is hardly anything to hear."""
FADING = 0.95
"""How the loudest echo is forgotten: 9 dB in 400 ms, slower than a room's reflections fade."""
ONSET = 4.0
"""A block counts for so many of the mean at once, so that the first sound of a word is let through."""
FLOOR = 0.04
"""Echo is turned down by 14 dB at most, so that a word taken for echo is not lost; 20 dB gave nothing more."""
REFERENCE_MARGIN = 3.0
MIN_REFERENCE = 0.15
"""The suppressor expects as much echo as it is shown reference: 10 dB above the leak, and -16 dB at the least."""
REFERENCE_PACE = 0.02
"""The reference's level changes within some 0.5 s, so that the suppressor can follow."""


class Residual:
    """Watches the filter's blocks; one thread."""

    def __init__(self, block: int) -> None:
        """Expect blocks of so many samples."""
        self._ramp = np.arange(1, block + 1, dtype=np.float32) / np.float32(block)
        self.reset()

    def reset(self) -> None:
        """Begin again with a filter that is not known to be any good."""
        self._near = self._rest = self._echo = self._loudest = self._clean = 0.0
        self._latest_near = self._latest_rest = 0.0
        self._gain = 1.0
        self._leak = 1.0
        self._hidden = False
        self.reference = 1.0
        """What to multiply the suppressor's reference by."""
        self.trusted = False
        """Whether the filter's result is better than what came in."""

    def update(self, near: Sound, rest: Sound) -> bool:
        """Take a block before and after the filter; False when the filter does harm."""
        echo = near - rest
        came, left = float(near @ near), float(rest @ rest)
        self._near = SMOOTHING * self._near + came
        self._rest = SMOOTHING * self._rest + left
        self._latest_near = HASTE * self._latest_near + came
        self._latest_rest = HASTE * self._latest_rest + left
        self._echo = SMOOTHING * self._echo + float(echo @ echo)
        self._loudest = max(self._echo, FADING * self._loudest)
        if self._latest_rest > DIVERGED * self._latest_near and self._rest > self._near:
            return False
        if self._echo > AUDIBLE:
            leak = self._rest / self._echo
            self._leak = min(1.0, max(leak, FALL * self._leak) if leak < self._leak else RISE * self._leak)
        self.trusted = self._leak < (DISTRUSTED if self.trusted else TRUSTED)
        wanted = min(1.0, max(MIN_REFERENCE, REFERENCE_MARGIN * math.sqrt(self._leak))) if self.trusted else 1.0
        self.reference += REFERENCE_PACE * (wanted - self.reference)
        return True

    def note(self, clean: Sound) -> None:
        """Take what came out behind all stages: too weak for a user, and it is turned down from the next block on."""
        power = float(clean @ clean)
        self._clean = max(ONSET * power, SMOOTHING * self._clean + power)
        self._hidden = self._clean < HIDDEN * self._loudest

    def gain(self) -> Sound:
        """How far to turn each sample of the filter's block down, as far as it may be echo."""
        before = self._gain
        kept = 1 - MARGIN * self._leak * self._echo / self._rest if self._rest else 1.0
        if self._hidden:
            kept = 0.0
        self._gain = math.sqrt(max(FLOOR, kept))
        gain: Sound = self._ramp * np.float32(self._gain - before)
        gain += np.float32(before)
        return gain
