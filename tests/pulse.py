"""Sound on its way into and out of a PulseAudio daemon, through its own programs pacat and parec."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

RATE = 24_000
"""Hz of everything played and recorded, the service's own rate."""

FORMAT = ("--raw", "--format=s16le", f"--rate={RATE}", "--channels=1")

Samples = NDArray[np.int16]


class Speech:
    """Sound on its way into the microphone."""

    def __init__(self, pcm: bytes, environ: dict[str, str]) -> None:
        command = ["pacat", "--device=mic_in", "--latency-msec=500", *FORMAT]
        # A deep buffer starts no later, as all the sound is there at once, and does not run dry on a busy machine.
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE)
        self._writer = threading.Thread(target=self._write, args=(pcm,), name="speech", daemon=True)
        self._writer.start()

    def _write(self, pcm: bytes) -> None:
        assert self._process.stdin
        try:
            with self._process.stdin as pipe:
                pipe.write(pcm)
        except BrokenPipeError:
            return  # stopped, or unplugged

    def wait(self, timeout: float = 60) -> None:
        """Return once the last sample is played; CalledProcessError when the card went away."""
        code = self._process.wait(timeout)
        self._writer.join(timeout)
        if code:
            raise subprocess.CalledProcessError(code, "pacat")

    def stop(self) -> None:
        """Fall silent at once."""
        self._process.kill()
        self._process.wait()
        self._writer.join()


class Recording:
    """Sound as it is heard; every method may be called from any thread while the recording goes on."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._heard = bytearray()
        self._grown = threading.Condition()
        self._started = float("inf")
        self._reader = threading.Thread(target=self._read, name="recording", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        descriptor = self._pipe.fileno()
        while data := os.read(descriptor, 1 << 16):
            now = time.monotonic()
            with self._grown:
                self._heard += data
                # Whatever is late is late by waiting in a queue, so the earliest estimate is the best one.
                self._started = min(self._started, now - len(self._heard) / 2 / RATE)
                self._grown.notify_all()

    @property
    def samples(self) -> Samples:
        """All that was heard so far."""
        with self._grown:
            return np.frombuffer(bytes(self._heard[: len(self._heard) // 2 * 2]), np.int16)

    @property
    def started(self) -> float:
        """time.monotonic() at which the first sample was heard, some 10 ms late at most on an idle machine."""
        with self._grown:
            return self._started

    def wait(self, heard: Callable[[Samples], bool], timeout: float = 10) -> Samples:
        """Return what was heard as soon as `heard` says yes to it; TimeoutError when it never does."""
        deadline = time.monotonic() + timeout
        with self._grown:
            while not heard(samples := self.samples):
                if not self._grown.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"not heard within {timeout} s, in {len(samples) / RATE:.1f} s of sound")
            return samples

    def wait_seconds(self, seconds: float) -> Samples:
        """Return once `seconds` of sound more have been heard."""
        target = len(self.samples) + seconds * RATE
        return self.wait(lambda samples: len(samples) >= target, timeout=seconds + 10)

    def join(self) -> None:
        """Wait for the last sample; the program behind the pipe has to have been told to end."""
        self._reader.join()


@contextmanager
def child(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the block lasts."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
