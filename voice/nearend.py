"""What the microphone hears of the user: its sound without the echo, and how loud it is."""

from __future__ import annotations

import numpy as np

from voice.echo import REST_BLOCKS, Samples, Suppressor
from voice.sound import FULL_SCALE, SILENCE, Block

LEVEL_FADING = 0.8
"""A level meter that falls by 1 dB a block can be read."""


class NearEnd:
    """One thread, but the properties are for any."""

    def __init__(self, suppressor: Suppressor) -> None:
        self._suppressor = suppressor
        self._power = 0.0
        self._unplayed = 0  # blocks since the loudspeaker was given a sound

    @property
    def level(self) -> float:
        """Of the latest sound, in dB of full scale."""
        return float(10 * np.log10(self._power / FULL_SCALE**2 + 1e-12))

    @property
    def erle(self) -> float | None:
        """Echo removed in dB; None until known."""
        return self._suppressor.erle

    @property
    def delay(self) -> float | None:
        """From the loudspeaker's callback to the microphone's in ms, likewise."""
        return self._suppressor.delay

    def hear(self, heard: bytes, block: Block, *, sent: bool) -> bytes:
        """Return `heard`, the microphone's 10 ms of this block, without the echo.

        What is not `sent` is left as it is when nothing was played of late.
        """
        if block.renewed:
            self._suppressor.renewed()
        elif block.slipped:
            self._suppressor.slipped()
        clean = self._without_echo(np.frombuffer(heard, np.int16), block.played, sent=sent)
        signal = clean.astype(np.float32)
        self._power = max(float(signal @ signal) / len(signal), LEVEL_FADING * self._power)
        return clean.tobytes()

    def _without_echo(self, near: Samples, played: bytes, *, sent: bool) -> Samples:
        self._unplayed = self._unplayed + 1 if played == SILENCE else 0
        if not sent and self._unplayed > REST_BLOCKS:
            return near  # as in most of a sleep: to look for an echo is half the processor's work then
        return self._suppressor.process(near, np.frombuffer(played, np.int16))
