"""What has gone wrong with the sound so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Counts since the start."""

    xruns: int
    """Over- and underruns that the devices reported."""
    slips: int
    """Times that the microphone's blocks and the loudspeaker's had to be paired anew."""
    dropped: int
    """Microphone blocks that found the queue full."""
    restarts: int
    """Times that the devices were closed and opened, as one had gone or was missing."""
