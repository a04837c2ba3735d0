"""From several channels to one and back, PCM16."""

from __future__ import annotations

import numpy as np


def mixed(pcm: bytes, channels: int) -> bytes:
    """Return the mean of all channels: the first alone may be the one that nothing is plugged into."""
    frames = np.frombuffer(pcm, np.int16).reshape(-1, channels)
    return bytes(frames.mean(axis=1).astype(np.int16))


def spread(pcm: bytes, channels: int) -> bytes:
    """Return the same sound on so many channels."""
    return bytes(np.frombuffer(pcm, np.int16).repeat(channels))
