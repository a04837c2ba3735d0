"""Whether the microphone hears the loudspeaker at all.

With headphones it does not, and a suppressor that expects an echo would only take away the user's words. What tells
is that the microphone stays at its noise floor while something plays: an echo rises with every syllable.
"""

from __future__ import annotations

from voice.aec.delay import Sound

SMOOTHING = 0.8
"""Of the powers, over some 50 ms."""
FLOOR_RISE = 10**0.003
"""3 dB a second upwards; downwards the floor falls at once."""
SILENCE = 1e-8
"""Mean square of -80 dBFS: what is below is as good as nothing."""
RISE = 4.0
"""6 dB above the floor is more than noise; speech, and so its echo, varies by much more."""
PLAYED = 1e-4
"""Mean square of -40 dBFS: the weakest syllable that is expected to be heard."""
ENOUGH_BLOCKS = 100
"""1 s of syllables that were not heard: the longest delay is half of that."""


class Presence:
    """Watches both sounds, 10 ms at a time; one thread."""

    def __init__(self) -> None:
        self._near = 0.0
        self._floor = 1.0
        self._unheard = 0
        self.echo = True
        """Whether an echo is to be expected; until the contrary is known it is."""

    def process(self, near: Sound, far: Sound) -> None:
        """Take what the microphone heard and what was played, samples between -1 and 1."""
        power = max(float(near @ near) / len(near), SILENCE)
        self._near += (1 - SMOOTHING) * (power - self._near)
        self._floor = min(self._near, self._floor * FLOOR_RISE)
        if self._near > RISE * self._floor:
            self._unheard = 0
        elif float(far @ far) > PLAYED * len(far):
            self._unheard += 1
            self.echo = self.echo and self._unheard < ENOUGH_BLOCKS

    def found(self) -> None:
        """Note that an echo was found after all."""
        self.echo = True
        self._unheard = 0
