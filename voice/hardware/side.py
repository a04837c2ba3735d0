"""One direction of the conversation's sound, through all the devices that it may have in turn."""

from __future__ import annotations

from contextlib import suppress

import pyaudio

from voice.hardware.devices import Device, Direction, choose, default
from voice.hardware.streams import Callback, Stream
from voice.hardware.watch import Watch


class Side:
    """The microphone's or the loudspeaker's side; one thread at a time, but for the callback, which counts `frames`."""

    def __init__(self, direction: Direction, callback: Callback) -> None:
        self.name = "microphone" if direction == "input" else "loudspeaker"
        self.stream: Stream | None = None
        self.device: Device | None = None
        """The newest; None until there was one, and a side that never had one is not waited for."""
        self.frames = 0
        """How much has passed since the stream was opened, at its own rate."""
        self.lost = False
        """Whether the user was told that it is gone, and not yet that it works again."""
        self._direction = direction
        self._callback = callback
        self._wanted: Device | None = None
        self._never_called = ""  # the device that opened last time, and never called back
        self._watch = Watch(1)

    def choose(self, found: list[Device], wanted: str) -> Device | None:
        """Find the device to begin with; raises DeviceError, see `voice.hardware.devices.choose`."""
        device = choose(found, wanted, self._direction)
        if device is not None and wanted:
            self._wanted = device
        return device

    def open(self, portaudio: pyaudio.PyAudio, device: Device) -> None:
        """Open this device without starting it; raises OSError."""
        self.stream = Stream(portaudio, device, self._direction, self._callback)
        self.device, self.frames = device, 0
        self._watch = Watch(self.stream.rate)

    def open_any(self, portaudio: pyaudio.PyAudio, found: list[Device]) -> None:
        """Open the device that was asked for if it is there and works, or else the system's default; or none."""
        candidates = [d for d in (self._asked_for(found), default(found, self._direction)) if d is not None]
        candidates.sort(key=lambda device: device.name == self._never_called)
        for device in candidates:
            with suppress(OSError):
                self.open(portaudio, device)
                return

    def _asked_for(self, found: list[Device]) -> Device | None:
        """Find it again, by the same way to it if that is still there."""
        if (wanted := self._wanted) is None:
            return None
        same = [device for device in found if device.name == wanted.name and device.channels(self._direction)]
        return min(same, key=lambda device: device.host != wanted.host, default=None)

    def look(self, now: float) -> str:
        """Say what is wrong with the stream, "" for nothing; to be called every `LOOK_SECONDS`."""
        if self.stream is None:
            return ""
        trouble = self._watch.look(self.frames, now) if self.stream.active else "is gone"
        if trouble:
            self._never_called = "" if self.frames else self.stream.device.name
        return trouble

    @property
    def device_name(self) -> str:
        """What the user may know it by."""
        return self.device.name if self.device is not None else "none"

    @property
    def steady(self) -> bool:
        """Whether it has worked for long enough to be trusted."""
        return self.stream is not None and self._watch.full

    def close(self) -> None:
        """Close the stream, if there is one; may block as long as a sound server does not answer."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()
