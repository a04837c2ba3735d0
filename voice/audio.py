"""Microphone and loudspeaker: PortAudio's devices, streams and callbacks; the only importer of pyaudio.

Two streams, each with a callback that moves one block of bytes. Every block of the microphone is paired with a block
that the loudspeaker was given, so the echo canceller sees what was played when it hears it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import pyaudio

from voice.buffer import BYTES_PER_SAMPLE, AudioBuffer
from voice.config import Config
from voice.errors import DeviceError
from voice.pairing import Pairing
from voice.settings import SAMPLE_RATE

BLOCK_SAMPLES = SAMPLE_RATE // 100
"""10 ms: what WebRTC's echo canceller takes, and a delay that nobody notices."""
MAX_QUEUED_BLOCKS = 3000
"""30 s of microphone sound are kept while the connection stalls; beyond that the newest is dropped and counted."""
MAX_OUTPUT_DELAY = 2.0
"""s. Several of PortAudio's hosts give no time or a wrong one; Bluetooth has 0.3 s, so more than this is an error."""

SILENCE = bytes(BLOCK_SAMPLES * BYTES_PER_SAMPLE)


@dataclass(frozen=True, slots=True)
class Block:
    """10 ms of sound, PCM16 mono at 24 kHz: what the microphone heard and what the loudspeaker was given."""

    heard: bytes | None
    """None when there is no microphone: the loudspeaker then keeps the time."""
    played: bytes
    slipped: bool = False
    """Whether sound had been lost on either side, and the pairing was mended here."""


@dataclass(frozen=True, slots=True)
class Device:
    """One entry of PortAudio's list."""

    index: int
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


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what ALSA, JACK and PortAudio write to stderr from the user; they write to the file descriptor itself."""
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except OSError:  # no stderr at all
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


_AlsaHandler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_ignore = _AlsaHandler(lambda *_: None)
"""Takes a message of ALSA's, such as one about an underrun, which is counted anyway; kept as long as ALSA may call."""


def _silence_alsa() -> None:
    with contextlib.suppress(OSError, AttributeError):  # no Linux, or no ALSA
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_ignore)


def _devices(portaudio: pyaudio.PyAudio) -> list[Device]:
    found = [portaudio.get_device_info_by_index(i) for i in range(portaudio.get_device_count())]
    default_input, default_output = _default(portaudio, "input"), _default(portaudio, "output")
    return [
        Device(
            index := int(info["index"]),
            str(info["name"]),
            int(info["maxInputChannels"]),
            int(info["maxOutputChannels"]),
            int(info["defaultSampleRate"]),
            index == default_input,
            index == default_output,
        )
        for info in found
    ]


def _default(portaudio: pyaudio.PyAudio, direction: str) -> int | None:
    try:
        info: Mapping[str, Any] = getattr(portaudio, f"get_default_{direction}_device_info")()
    except OSError:
        return None
    return int(info["index"])


def list_devices() -> list[Device]:
    """Every sound device that PortAudio sees, in its order."""
    with _quiet():
        portaudio = pyaudio.PyAudio()
        try:
            return _devices(portaudio)
        finally:
            portaudio.terminate()


def _choose(devices: list[Device], wanted: str, direction: str) -> Device | None:
    """Find the device by number or part of its name; the default one when nothing is asked for.

    Raises:
        DeviceError: the wanted device is not there, or the name fits several; it lists what there is.

    """
    usable = [d for d in devices if (d.inputs if direction == "input" else d.outputs)]
    if not wanted:
        return next((d for d in usable if (d.default_input if direction == "input" else d.default_output)), None)
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


class Audio:
    """The open streams of one run.

    `mic_callback` and `speaker_callback` run on PortAudio's threads: they move bytes, and never wait.
    """

    def __init__(self, audio_buffer: AudioBuffer, mic_queue: SimpleQueue[Any], config: Config) -> None:
        """Open the devices without starting them; one that is missing and was not asked for is simply not used.

        Raises:
            DeviceError: a device that was asked for is not there or does not open.

        """
        self._audio_buffer = audio_buffer
        self._mic_queue = mic_queue
        self._pairing = Pairing(SILENCE, BLOCK_SAMPLES / SAMPLE_RATE)
        self.dropped = 0
        """Microphone blocks that found the queue full."""
        self.stumbles = 0
        """Over- and underruns that the devices reported."""
        self.notices: list[str] = []
        """What the user should know of the devices, a line each."""
        self.microphone: Device | None = None
        self.speaker: Device | None = None
        self._mic_stream: pyaudio.Stream | None = None
        self._speaker_stream: pyaudio.Stream | None = None
        if not config.sound:
            return
        _silence_alsa()
        with _quiet():
            self._portaudio = pyaudio.PyAudio()
            try:
                self._open_devices(config.input_device, config.output_device)
            except BaseException:
                self._portaudio.terminate()
                raise

    def _open_devices(self, input_device: str, output_device: str) -> None:
        devices = _devices(self._portaudio)
        microphone, speaker = _choose(devices, input_device, "input"), _choose(devices, output_device, "output")
        self._mic_stream = self._open(microphone, "input", asked=bool(input_device))
        self._speaker_stream = self._open(speaker, "output", asked=bool(output_device))
        if self._mic_stream is not None:
            self.microphone = microphone
        if self._speaker_stream is not None:
            self.speaker = speaker
            self._audio_buffer.latency = round(self._speaker_stream.get_output_latency() * SAMPLE_RATE)
        missing = [
            name
            for name, stream in (("microphone", self._mic_stream), ("loudspeaker", self._speaker_stream))
            if not stream
        ]
        if missing:
            instead = "type your messages" if "microphone" in missing else "answers are written"
            self.notices.append(
                f"no {' and no '.join(missing)} can be used: {instead} (--list-devices shows what there is)"
            )

    def _open(self, device: Device | None, direction: str, *, asked: bool) -> pyaudio.Stream | None:
        if device is None:
            return None
        kind: dict[str, Any] = (
            {"input": True, "input_device_index": device.index, "stream_callback": self.mic_callback}
            if direction == "input"
            else {"output": True, "output_device_index": device.index, "stream_callback": self.speaker_callback}
        )
        try:
            return self._portaudio.open(
                SAMPLE_RATE, 1, pyaudio.paInt16, frames_per_buffer=BLOCK_SAMPLES, start=False, **kind
            )
        except OSError as error:
            if asked:
                raise DeviceError(f"the {direction} device {device.name!r} cannot be used: {error.args[-1]}") from error
            return None

    def start(self) -> None:
        """Let the sound flow."""
        with _quiet():
            for stream in (self._speaker_stream, self._mic_stream):
                if stream is not None:
                    stream.start_stream()

    def stop(self) -> None:
        """Close the streams; no callback runs after this."""
        if self._mic_stream is None and self._speaker_stream is None:
            return
        with _quiet():
            for stream in (self._mic_stream, self._speaker_stream):
                if stream is not None:
                    stream.close()
            self._portaudio.terminate()

    def mic_callback(
        self, in_data: bytes | None, frame_count: int, time_info: Mapping[str, float], status: int
    ) -> tuple[None, int]:
        """Pass on what the microphone heard, with what the loudspeaker played."""
        del frame_count, time_info
        self.stumbles += status != 0
        played, slipped = self._pairing.take(time.monotonic())
        if self._mic_queue.qsize() < MAX_QUEUED_BLOCKS:
            self._mic_queue.put(Block(in_data, played, slipped))
        else:
            self.dropped += 1
        return None, pyaudio.paContinue

    def speaker_callback(
        self, in_data: bytes | None, frame_count: int, time_info: Mapping[str, float], status: int
    ) -> tuple[bytes, int]:
        """Give the loudspeaker exactly the frames it asks for."""
        del in_data
        self.stumbles += status != 0
        block = self._audio_buffer.read(frame_count)
        delay = time_info["output_buffer_dac_time"] - time_info["current_time"]
        if 0 < delay < MAX_OUTPUT_DELAY:
            self._audio_buffer.latency = round(delay * SAMPLE_RATE) + frame_count  # of the block's last sample
        if self._mic_stream is not None:
            self._pairing.put(block, time.monotonic())
        elif self._mic_queue.qsize() < MAX_QUEUED_BLOCKS:
            self._mic_queue.put(Block(None, block))
        return block, pyaudio.paContinue
