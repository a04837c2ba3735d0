"""Sample rates between what the protocol speaks, 24 kHz, and what devices, models and voices want; PCM16 mono."""

from __future__ import annotations

import numpy as np
import soxr


class Resampler:
    """Converts one stream, chunk by chunk, without a seam; used by one thread.

    Every 10 ms that go in let 10 ms out, 5 ms late downwards and 10 ms upwards, at the cost of some 15 us. This is
    soxr's engine for variable rates, since that for fixed ones collects up to 40 ms and hands them out at once. Sound
    is at its true position all the same: sample `n` out is the moment of sample ``n * from_hz / to_hz`` in.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ", vr=True)
        self._half_sample = b""

    def feed(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Return what is ready after `pcm` of any length; with `last` all of it, but for half a sample."""
        pcm = self._half_sample + pcm
        whole = len(pcm) & ~1
        self._half_sample = pcm[whole:]
        out = self._stream.resample_chunk(np.frombuffer(pcm[:whole], "<i2"), last=last)
        return bytes(out.astype("<i2").tobytes())
