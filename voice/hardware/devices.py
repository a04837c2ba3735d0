"""Which sound devices there are, and which of them is meant."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyaudio

from voice.errors import DeviceError

Direction = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Device:
    """One entry of PortAudio's list."""

    index: int
    """Its place in the list, which changes when devices come and go; its name does not."""
    host: int
    """Which of the system's ways to it this is, by PortAudio's number: Windows lists a device once for each."""
    name: str
    inputs: int
    """Channels of a microphone; 0 for a device that only plays."""
    outputs: int
    rate: int
    """Hz that the device prefers."""
    default_input: bool
    default_output: bool

    def __str__(self) -> str:
        """One line of ``--list-devices``."""
        default = [kind for kind, is_it in (("input", self.default_input), ("output", self.default_output)) if is_it]
        mark = f"  (default {' and '.join(default)})" if default else ""
        return f"{self.index:3} {self.name}: {self.inputs} in, {self.outputs} out, {self.rate} Hz{mark}"

    def channels(self, direction: Direction) -> int:
        """How many there are at most; 0: none in this direction."""
        return self.inputs if direction == "input" else self.outputs


def list_devices() -> list[Device]:
    """Every sound device that PortAudio sees, in its order."""
    with quiet():
        portaudio = pyaudio.PyAudio()
        try:
            return devices(portaudio)
        finally:
            portaudio.terminate()


def formats(device: Device, direction: Direction, rates: Sequence[int]) -> dict[int, list[int]]:
    """Which of these rates (Hz) the device takes as PCM16, for mono and stereo (channels: rates)."""
    with quiet():
        portaudio = pyaudio.PyAudio()
        try:
            return {
                channels: [rate for rate in rates if _takes(portaudio, device, direction, rate, channels)]
                for channels in (1, 2)
                if channels <= device.channels(direction)
            }
        finally:
            portaudio.terminate()


def _takes(portaudio: pyaudio.PyAudio, device: Device, direction: Direction, rate: int, channels: int) -> bool:
    kind = {
        f"{direction}_device": device.index,
        f"{direction}_channels": channels,
        f"{direction}_format": pyaudio.paInt16,
    }
    with contextlib.suppress(ValueError):
        return bool(portaudio.is_format_supported(rate, **kind))
    return False


def version() -> str:
    """PortAudio's."""
    return pyaudio.get_portaudio_version_text().partition(",")[0]


def devices(portaudio: pyaudio.PyAudio) -> list[Device]:
    """What there was when this `portaudio` was made: its list never changes."""
    found = [portaudio.get_device_info_by_index(i) for i in range(portaudio.get_device_count())]
    default_input, default_output = _default(portaudio, "input"), _default(portaudio, "output")
    return [
        Device(
            index := int(info["index"]),
            int(info["hostApi"]),
            str(info["name"]),
            int(info["maxInputChannels"]),
            int(info["maxOutputChannels"]),
            int(info["defaultSampleRate"]),
            index == default_input,
            index == default_output,
        )
        for info in found
    ]


def _default(portaudio: pyaudio.PyAudio, direction: Direction) -> int | None:
    try:
        info: Mapping[str, Any] = getattr(portaudio, f"get_default_{direction}_device_info")()
    except OSError:
        return None
    return int(info["index"])


def default(found: list[Device], direction: Direction) -> Device | None:
    """Give the one that the system uses where nothing is asked for."""
    return next((d for d in found if (d.default_input if direction == "input" else d.default_output)), None)


def choose(found: list[Device], wanted: str, direction: Direction) -> Device | None:
    """Find the device by number or part of its name; the default one when nothing is asked for.

    Raises:
        DeviceError: the wanted device is not there, or the name fits several; it lists what there is.

    """
    if not wanted:
        return default(found, direction)
    usable = [device for device in found if device.channels(direction)]
    if wanted.isdecimal():
        fitting = [d for d in usable if d.index == int(wanted)]
    else:
        fitting = [d for d in usable if wanted.casefold() in d.name.casefold()]
        fitting = [d for d in fitting if wanted.casefold() == d.name.casefold()] or fitting
    if len(fitting) == 1:
        return fitting[0]
    listing = ", ".join(f"{d.index} {d.name}" for d in fitting or usable) or "none at all"
    what = "fits several" if fitting else "is not there"
    raise DeviceError(f"the {direction} device {wanted!r} {what}; choose one of: {listing}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what ALSA, JACK and PortAudio write to stderr from the user; `sys.stderr` goes on.

    They write to the file descriptor itself, from threads of their own and whenever a device goes, so this has to
    last as long as they are in use. Programs that are started meanwhile have no stderr.
    """
    try:
        sys.stderr.flush()
        theirs, ours = os.dup(2), os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    except (OSError, AttributeError):  # no stderr at all
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    before, sys.stderr = sys.stderr, ours
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(theirs, 2)
        sys.stderr = before
        ours.close()
        os.close(theirs)
        os.close(null)
