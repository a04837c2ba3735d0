"""Play a 440 Hz tone and hear, for so many seconds in blocks of so many ms; the sound heard goes to stdout.

    python tests/duplex.py BLOCK_MS SECONDS [two]

One duplex stream, or one for each direction with `two`. stderr tells the under- and overruns.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyaudio

RATE = 24_000


class Sound:
    """What both callbacks share; the callbacks run on PortAudio's threads."""

    def __init__(self, seconds: float) -> None:
        self.heard: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.done = threading.Event()
        self._left = seconds * RATE
        self._time = 0

    def microphone(
        self, data: bytes | None, frames: int, _time: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Keep what is heard."""
        self._count("in", status)
        self.heard.append(data or b"")
        self._left -= frames
        if self._left <= 0:
            self.done.set()
        return None, pyaudio.paContinue

    def speaker(
        self, _data: bytes | None, frames: int, _time: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Go on with the tone."""
        self._count("out", status)
        phase = (self._time + np.arange(frames)) * 2 * np.pi * 440 / RATE
        self._time += frames
        return (np.sin(phase) * 8000).astype("<i2").tobytes(), pyaudio.paContinue

    def duplex(
        self, data: bytes | None, frames: int, time: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Both at once."""
        self.microphone(data, frames, time, status)
        return self.speaker(None, frames, time, 0)

    def _count(self, way: str, status: int) -> None:
        self.counts[f"{way} blocks"] += 1
        for name in ("InputUnderflow", "InputOverflow", "OutputUnderflow", "OutputOverflow"):
            if status & getattr(pyaudio, f"pa{name}"):
                self.counts[name] += 1


def main(block_ms: int, seconds: float, two: bool) -> None:
    """Run, and report."""
    audio = pyaudio.PyAudio()
    sound = Sound(seconds)
    frames = RATE * block_ms // 1000
    form = (RATE, 1, pyaudio.paInt16)
    try:
        if two:
            speaker = audio.open(*form, output=True, frames_per_buffer=frames, stream_callback=sound.speaker)
            microphone = audio.open(*form, input=True, frames_per_buffer=frames, stream_callback=sound.microphone)
        else:
            speaker = microphone = audio.open(
                *form, input=True, output=True, frames_per_buffer=frames, stream_callback=sound.duplex
            )
        sound.done.wait(seconds * 2 + 5)
        latency = {
            "in ms": round(microphone.get_input_latency() * 1000),
            "out ms": round(speaker.get_output_latency() * 1000),
        }
        for stream in {speaker, microphone}:
            stream.close()
    finally:
        audio.terminate()
    sys.stderr.write(json.dumps({**sound.counts, **latency}) + "\n")
    sys.stdout.buffer.write(b"".join(sound.heard))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:] == ["two"])
