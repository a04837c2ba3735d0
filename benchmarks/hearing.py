"""What can be told from a sound alone; pure. PCM16 mono at 24 kHz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.speech import RATE, samples

Samples = NDArray[np.int16]

LOUD = 1000
"""Of 32768: well above the card's silence, well below the sounds used here."""
FRAME = RATE // 200
"""5 ms: more than two periods of the lowest tone used here."""
SILENT_DBFS = -50.0
"""30 dB above the card's hum, 30 dB below the tones."""
LATE = RATE // 4
"""Sound that comes so much later than it would without a gap (0.25 s) was preceded by one."""


def first_loud(sound: Samples, start: int = 0) -> int | None:
    """Index of the first loud sample."""
    loud = np.flatnonzero(np.abs(sound[start:].astype(int)) > LOUD)
    return start + int(loud[0]) if len(loud) else None


def last_loud(sound: Samples, start: int = 0) -> int | None:
    """Index of the last sample that is at least a quarter as loud."""
    loud = np.flatnonzero(np.abs(sound[start:].astype(int)) > LOUD // 4)
    return start + int(loud[-1]) if len(loud) else None


def audible(sound: Samples) -> NDArray[np.bool_]:
    """Whether there is anything to hear, for each whole frame of 5 ms."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME) / 32768
    return np.asarray(np.mean(frames**2, axis=1) > 10 ** (SILENT_DBFS / 10))


def seconds(sound: Samples) -> float:
    """How much of a sound is to be heard."""
    return float(np.count_nonzero(audible(sound)) * FRAME / RATE)


def breaks(sound: Samples, least_ms: float = 10) -> list[float]:
    """Lengths in ms of the silences within a sound, those before it and after it apart."""
    heard = np.flatnonzero(audible(sound))
    gaps = (np.diff(heard) - 1) * FRAME * 1000 / RATE
    return [float(gap) for gap in gaps if gap >= least_ms]


def timeline(pcm: bytes, arrivals: Sequence[tuple[float, int]]) -> tuple[Samples, float]:
    """Lay messages where they belong in time; gives the sound and when it begins (the clock of the arrivals).

    `arrivals` are as `Service.microphone` gives them. Some programs send nothing for a while: that is silence. What is
    late and is made up for was kept waiting: whatever comes first tells best when sound was heard.
    """
    sound = samples(pcm)
    times, sizes = np.array([when for when, _ in arrivals]), np.array([size // 2 for _, size in arrivals])
    ends = np.cumsum(sizes)
    # When the whole sound would have begun, as each message and all after it tell.
    origins = np.minimum.accumulate((times - ends / RATE)[::-1])[::-1]
    parts: list[Samples] = []
    inserted = 0
    for end, size, origin in zip(ends, sizes, origins, strict=True):
        gap = round((origin - origins[0]) * RATE) - inserted
        if gap > LATE:
            parts.append(np.zeros(gap, np.int16))
            inserted += gap
        parts.append(sound[end - size : end])
    return np.concatenate(parts), float(origins[0])
