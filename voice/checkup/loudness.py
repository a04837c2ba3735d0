"""How loud a microphone is, told by a few seconds of its sound: level, noise, clipping; pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voice.checkup.findings import Finding
from voice.remedies import remedy
from voice.sound import BLOCK_SAMPLES, FULL_SCALE

TINY = 1e-12
"""-120 dBFS, instead of digital silence's minus infinity."""
CLIPPED = 32700
"""Full scale, or as near as makes no difference: some drivers stop a little before."""
LOUD_SHARE, CALM_SHARE = 90, 10
"""Percentiles of the blocks' levels: speech fills more than a tenth of two seconds, and pauses do as well."""

TOO_QUIET, TOO_NOISY = -50.0, -35.0
"""dBFS. Speech at arm's length is at -35 to -15 on usual settings, a quiet room at -75 to -50."""
STANDS_OUT = 10.0
"""dB by which speech is above what is there all the time."""
CLIPPING = 0.001
"""Share of samples, from which on words suffer."""


def judge(pcm: bytes) -> Finding:
    """Tell by PCM16 mono at 24 kHz, some seconds in which someone may have spoken."""
    samples = np.frombuffer(pcm, np.int16)
    if not len(samples):
        return Finding("warn", "microphone", "delivers no sound", remedy("stuck"))
    if not samples.any():
        return Finding("warn", "microphone", "delivers only zeros: muted, or not allowed to be heard", remedy("muted"))
    levels = _levels(samples)
    calm, loud = (float(level) for level in np.percentile(levels, (CALM_SHARE, LOUD_SHARE)))
    clipped = float(np.mean(np.abs(samples.astype(np.int32)) >= CLIPPED))
    text = f"loudest {loud:.0f} dBFS, noise {calm:.0f} dBFS, {clipped:.1%} clipped"
    spoken = loud - calm >= STANDS_OUT
    troubles = {
        "too loud": (clipped > CLIPPING, remedy("loud")),
        "noisy": (calm > TOO_NOISY, "go nearer, or away from what hums, or take a headset"),
        "too quiet": (spoken and loud < TOO_QUIET, remedy("quiet")),
    }
    for trouble, (found, cure) in troubles.items():
        if found:
            return Finding("warn", "microphone", f"{text}: {trouble}", cure)
    return Finding("ok", "microphone", text if spoken else f"{text}; nobody was heard to speak")


def _levels(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Root mean square of each 10 ms in dBFS."""
    whole = len(samples) // BLOCK_SAMPLES * BLOCK_SAMPLES
    blocks = samples[:whole].reshape(-1, BLOCK_SAMPLES) / FULL_SCALE
    levels: NDArray[np.float64] = 10 * np.log10(np.mean(np.square(blocks), axis=1) + TINY)
    return levels
