"""A PortAudio without devices: which there are, what they hear and whether they call back is up to the test.

``monkeypatch.setattr(pyaudio, "PyAudio", devices.open)`` puts it in the place of the real one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from voice.hardware.devices import Direction
from voice.hardware.streams import Callback
from voice.sound import BLOCK_BYTES, BLOCK_SAMPLES

TIMES = {"output_buffer_dac_time": 0.0, "current_time": 0.0}
"""As of a host that tells none."""


class Stream:
    """One that is open; once started it calls back every 10 ms, unless its device stalls."""

    def __init__(self, devices: Devices, direction: Direction, callback: Callback) -> None:
        self._devices = devices
        self._direction = direction
        self._callback = callback
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"portaudio {direction}", daemon=True)

    def _run(self) -> None:
        while not self._closed.wait(0.01):
            if self._direction not in self._devices.stalled and self.is_active():
                self.turn()

    def turn(self) -> None:
        """Let 10 ms pass."""
        heard = self._devices.heard if self._direction == "input" else None
        self._callback(heard, BLOCK_SAMPLES, TIMES, 0)

    def start_stream(self) -> None:
        self._thread.start()

    def is_active(self) -> bool:
        return not self._closed.is_set() and self._direction in self._devices.there

    def get_output_latency(self) -> float:
        return self._devices.latency

    def close(self) -> None:
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()


@dataclass
class Devices:
    """One microphone and one loudspeaker, both the default ones."""

    there: set[Direction] = field(default_factory=lambda: {"input", "output"})
    stalled: set[Direction] = field(default_factory=set)
    """These open, and do not call back."""
    heard: bytes = b"\1\0" * (BLOCK_BYTES // 2)
    """By the microphone, in every block."""
    latency: float = 0.02
    """s, as the loudspeaker says."""
    streams: dict[Direction, Stream] = field(default_factory=dict)
    """The newest."""

    def open(self) -> PortAudio:
        """Begin, as `pyaudio.PyAudio()` does."""
        return PortAudio(self)


class PortAudio:
    """What the program uses of `pyaudio.PyAudio`."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._there: list[Direction] = sorted(devices.there)

    def get_device_count(self) -> int:
        return len(self._there)

    def get_device_info_by_index(self, index: int) -> dict[str, Any]:
        direction = self._there[index]
        return {
            "index": index,
            "hostApi": 0,
            "name": direction,
            "maxInputChannels": int(direction == "input"),
            "maxOutputChannels": int(direction == "output"),
            "defaultSampleRate": 24000.0,
        }

    def _default(self, direction: Direction) -> dict[str, Any]:
        if direction not in self._there:
            raise OSError(-9996, "Invalid device")
        return self.get_device_info_by_index(self._there.index(direction))

    def get_default_input_device_info(self) -> dict[str, Any]:
        return self._default("input")

    def get_default_output_device_info(self) -> dict[str, Any]:
        return self._default("output")

    def open(self, _rate: int, _channels: int, _format: int, *, stream_callback: Callback, **kind: Any) -> Stream:
        direction: Direction = "input" if "input" in kind else "output"
        stream = self._devices.streams[direction] = Stream(self._devices, direction, stream_callback)
        return stream

    def terminate(self) -> None:
        return
