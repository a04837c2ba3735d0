"""Sample rates between what the protocol speaks (24 kHz) and what models and voices want, for PCM16 mono streams."""

from __future__ import annotations

import numpy as np
import soxr


class Resampler:
    """Converts one stream, chunk by chunk, without a seam; used by one thread.

    Sound comes out a little later than it went in (`soxr` looks ahead), but at its true position: sample `n` out is the
    moment of sample ``n * from_hz / to_hz`` in.
    """

    def __init__(self, from_hz: int, to_hz: int, quality: str = "HQ") -> None:
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality=quality)
        self._half_sample = b""

    def feed(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Return what is ready after `pcm` of any length; with `last` all of it, but for half a sample."""
        pcm = self._half_sample + pcm
        whole = len(pcm) & ~1
        self._half_sample = pcm[whole:]
        out = self._stream.resample_chunk(np.frombuffer(pcm[:whole], "<i2"), last=last)
        return bytes(out.astype("<i2").tobytes())
