"""Rooms to hear in: what a microphone gets of a loudspeaker and of a person, as PCM16 mono at 24 kHz.

The loudspeaker saturates, sounds thin and plays late; its sound comes straight and by decaying reflections; its clock
may drift against the microphone's, sound may be lost on the way, and somebody may move the lid.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.speech import RATE

BLOCK = RATE // 100
"""10 ms, what an echo canceller takes at a time."""
FULL_SCALE = 32768.0
USER_DBFS = -26.0
"""How loud a person half a metre away is recorded: common microphone gain leaves some 20 dB for the peaks."""

Sound = NDArray[np.float64]
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Room:
    """One situation; the same values give the same sound, sample for sample."""

    echo_db: float = 0.0
    """How much louder than the user the loudspeaker is in the microphone."""
    delay_ms: float = 40.0
    """From the loudspeaker's callback to the microphone's, with the way through the air."""
    drift_ppm: float = 0.0
    """How much faster the microphone's clock runs."""
    jumps: tuple[tuple[float, float], ...] = ()
    """(second, ms): from then on the delay is that much longer."""
    drive: float = 1.0
    """How far into saturation full scale drives the loudspeaker: 0 is linear, 1 a good one, 6 a torn one."""
    rt60: float = 0.3
    """Seconds until reflections have lost 60 dB."""
    changes: tuple[float, ...] = ()
    """Seconds at which the loudspeaker is moved, so that every reflection is a new one."""
    noise_dbfs: float = -65.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to hear, and what it is made of; all of one length, a whole number of blocks."""

    near: Samples
    """The microphone: echo, user and noise, clipped at full scale."""
    far: Samples
    """What the loudspeaker was given in the same tick."""
    echo: Samples
    """Its part of `near`."""
    user: Samples
    """The user's part of `near`."""

    def blocks(self) -> Iterator[tuple[Samples, Samples]]:
        """`near` and `far`, 10 ms at a time."""
        for start in range(0, len(self.near), BLOCK):
            yield self.near[start : start + BLOCK], self.far[start : start + BLOCK]


def hear(room: Room, far: Samples, user: Samples) -> Scene:
    """Play `far` and speak `user` (of the same length) in this room."""
    count = min(len(far), len(user)) // BLOCK * BLOCK
    random = np.random.default_rng(room.seed)
    voice = _at_level(user[:count] / FULL_SCALE, USER_DBFS)
    played = _saturate(far[:count] / FULL_SCALE, room.drive)
    echo = _at_level(_travel(room, played, random), USER_DBFS + room.echo_db)
    noise = random.normal(0, 10 ** (room.noise_dbfs / 20), count)
    return Scene(_to_samples(echo + voice + noise), far[:count], _to_samples(echo), _to_samples(voice))


def babble(seconds: float, seed: int, pause: float = 0.25) -> Samples:
    """Speech-like sound: noise with formants and syllables, and with breaks of `pause` seconds."""
    random = np.random.default_rng(seed)
    parts: list[Sound] = []
    while sum(map(len, parts)) < seconds * RATE:
        count = round(random.uniform(0.12, 0.35) * RATE)
        formants = sum(_band(random.normal(size=count), hz * random.uniform(0.7, 1.4)) for hz in (250, 700, 1600, 3000))
        gap = pause if random.uniform() < 0.15 else random.uniform(0.01, 0.05)
        parts += [formants * np.hanning(count) * random.uniform(0.4, 1.0), np.zeros(round(gap * RATE))]
    sound = np.concatenate(parts)[: round(seconds * RATE)]
    return _to_samples(_at_level(sound, -20))


def _travel(room: Room, played: Sound, random: np.random.Generator) -> Sound:
    """From the loudspeaker's cone to the microphone: late, and through the room as it then is."""
    time = np.arange(len(played)) / RATE
    delay = room.delay_ms / 1000 + time * room.drift_ppm * 1e-6
    for second, ms in room.jumps:
        delay = delay + (time >= second) * ms / 1000
    late = _sample_at(played, (time - delay) * RATE)
    echo = np.zeros_like(played)
    edges = (0.0, *room.changes, len(played) / RATE)
    for begin, end in itertools.pairwise(edges):
        part = slice(round(begin * RATE), round(end * RATE))
        echo[part] = _convolve(late, _response(room.rt60, random))[part]
    return echo


def _response(rt60: float, random: np.random.Generator) -> Sound:
    """A small loudspeaker's straight sound, then reflections 6 dB below it in sum, dense from 2 ms on."""
    time = np.arange(round(rt60 * RATE)) / RATE
    tail = random.normal(size=len(time)) * 10 ** (-3 * time / rt60) * (time > 0.002)
    tail *= 0.5 / np.sqrt(np.sum(tail**2))
    tail[0] += 1
    spectrum = np.fft.rfft(tail, 2 * len(tail))
    hz = np.fft.rfftfreq(2 * len(tail), 1 / RATE)
    # Laptop loudspeakers give little below 300 Hz. Minimum phase: a high-pass of second order.
    ratio = 1j * hz / 300
    return np.fft.irfft(spectrum * ratio**2 / (1 + 1.4 * ratio + ratio**2))[: len(tail)]


def _saturate(sound: Sound, drive: float) -> Sound:
    """Lopsided, as a cone is: odd and even harmonics."""
    return sound if not drive else np.tanh(drive * (sound + 0.15 * sound**2)) / drive


def _sample_at(sound: Sound, position: Sound, reach: int = 16) -> Sound:
    """Values between the samples (windowed sinc); silence outside."""
    whole = np.floor(position).astype(np.int64)
    part = position - whole
    padded = np.concatenate([np.zeros(reach), sound, np.zeros(reach)])
    result = np.zeros(len(position))
    for tap in range(1 - reach, reach + 1):
        index = np.clip(whole + tap + reach, 0, len(padded) - 1)
        distance = part - tap
        result += padded[index] * np.sinc(distance) * np.cos(np.pi * distance / (2 * reach + 1)) ** 2
    return result


def _convolve(sound: Sound, response: Sound) -> Sound:
    size = 1 << (len(sound) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]


def _band(noise: Sound, hz: float) -> Sound:
    spectrum = np.fft.rfft(noise)
    spectrum *= np.exp(-(((np.fft.rfftfreq(len(noise), 1 / RATE) - hz) / (0.25 * hz)) ** 2))
    return np.fft.irfft(spectrum, len(noise))


def _at_level(sound: Sound, dbfs: float) -> Sound:
    """Scale to the root mean square of the loud parts; pauses do not count."""
    power = np.mean(sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK) ** 2, axis=1)
    loud = power[power > 1e-3 * power.max(initial=0.0)]
    return sound * (10 ** (dbfs / 20) / np.sqrt(loud.mean())) if len(loud) else sound


def _to_samples(sound: Sound) -> Samples:
    return np.clip(np.round(sound * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
