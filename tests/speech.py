"""Sounds to test with, and the ear to judge them by: PCM16 mono at 24 kHz throughout."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

RATE = 24_000
"""Hz, the service's own rate."""


@cache
def say(text: str, voice: str = "slt") -> bytes:
    """Speak `text` with a flite voice (slt, rms, awb, kal); FileNotFoundError where flite is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True, capture_output=True, timeout=60)
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            rate = file.getframerate()
    return bytes(soxr.resample(samples, rate, RATE).astype("<i2"))


def can_speak() -> bool:
    """Whether `say` has its voice here."""
    return shutil.which("flite") is not None


def silence(seconds: float) -> bytes:
    """Nothing, for a while."""
    return bytes(2 * round(seconds * RATE))


def tone(hz: float, seconds: float, dbfs: float = -12) -> bytes:
    """A sine of the given peak level."""
    time = np.arange(round(seconds * RATE)) / RATE
    return bytes((np.sin(2 * np.pi * hz * time) * 10 ** (dbfs / 20) * 32767).round().astype("<i2"))


def samples(pcm: bytes) -> NDArray[np.int16]:
    """The samples of PCM16 bytes."""
    return np.frombuffer(pcm, "<i2")


def level(sound: bytes | NDArray[np.int16]) -> float:
    """Root mean square in dB of full scale; -inf for digital silence or nothing at all."""
    values = (samples(sound) if isinstance(sound, bytes) else sound).astype(np.float64)
    mean = float(np.mean(values**2)) if len(values) else 0.0
    return float(10 * np.log10(mean / 32768**2)) if mean else float("-inf")


def match(heard: bytes | NDArray[np.int16], sent: bytes | NDArray[np.int16]) -> tuple[float, float]:
    """Where `sent` begins in `heard`, in ms, and how alike they are there, from 0 to 1.

    Likeness is the normalised correlation: 1 means every sample up to a factor; a single slip of some ms half-way
    makes it about 0.5.
    """
    ear = (samples(heard) if isinstance(heard, bytes) else heard).astype(np.float64)
    mouth = (samples(sent) if isinstance(sent, bytes) else sent).astype(np.float64)
    size = 1 << (len(ear) + len(mouth)).bit_length()
    products = np.fft.irfft(np.fft.rfft(ear, size) * np.conj(np.fft.rfft(mouth, size)), size)[: len(ear)]
    energy = np.concatenate([[0.0], np.cumsum(ear**2)])
    ends = np.minimum(np.arange(len(ear)) + len(mouth), len(ear))
    # A stretch of near silence would divide rounding errors by nothing.
    floor = 1e-6 * energy[-1] + 1e-9
    alike = products / np.sqrt(np.maximum(energy[ends] - energy[: len(ear)], floor) * (np.sum(mouth**2) + 1e-9))
    offset = int(np.argmax(alike))
    return offset * 1000 / RATE, float(alike[offset])
