"""Microphone and loudspeaker: two streams, each with a callback that moves one block of bytes.

Every block of the microphone is paired with a block that the loudspeaker was given, so the echo canceller sees what was
played when it hears it: sound at 24 kHz, whatever rate the devices run at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import pyaudio

from voice.buffer import AudioBuffer
from voice.config import Config
from voice.effects import Notice, Shown
from voice.errors import DeviceError
from voice.hardware.devices import Device, quiet
from voice.hardware.pairing import Pairing
from voice.hardware.side import Side
from voice.hardware.streams import FromDevice, ToDevice
from voice.hardware.supervisor import Supervisor
from voice.hardware.watch import MuteWatch
from voice.remedies import remedy
from voice.sound import BLOCK_SAMPLES, SAMPLE_RATE, SILENCE

MAX_QUEUED_BLOCKS = 3000
"""30 s of microphone sound are kept while the connection stalls; beyond that the newest is dropped and counted."""
MAX_OUTPUT_DELAY = 2.0
"""s. Several of PortAudio's hosts give no time or a wrong one; Bluetooth has 0.3 s, so more than this is an error."""
CLOSING_BLOCKS = 100
"""1 s of silence after a microphone that has gone: the service hears the end of what was being said, after 0.5 s."""


@dataclass(frozen=True, slots=True)
class Block:
    """10 ms of sound, PCM16 mono at 24 kHz: what the microphone heard and what the loudspeaker was given."""

    heard: bytes | None
    """None when there is no microphone: the loudspeaker then keeps the time."""
    played: bytes
    slipped: bool = False
    """Whether sound had been lost on either side, and the pairing was mended here."""


@dataclass(frozen=True, slots=True)
class Health:
    """What has gone wrong with the sound so far, as counts."""

    stumbles: int
    """Over- and underruns that the devices reported."""
    slips: int
    """Times that the microphone's blocks and the loudspeaker's had to be paired anew."""
    dropped: int
    """Microphone blocks that found the queue full."""
    restarts: int
    """Times that the devices were closed and opened, as one had gone or was missing."""


class Audio:
    """The sound of one run.

    `mic_callback` and `speaker_callback` run on PortAudio's threads: they move bytes, and never wait.
    """

    def __init__(
        self,
        audio_buffer: AudioBuffer,
        mic_queue: SimpleQueue[Any],
        config: Config,
        show: Callable[[Shown], None],
        *,
        plays: bool = True,
    ) -> None:
        """Open the devices without starting them; one that is missing and was not asked for is simply not used.

        `show` takes what the user should know of the devices; it may not block. Unless it `plays`, there is no
        loudspeaker: somebody else empties the buffer.

        Raises:
            DeviceError: a device that was asked for is not there or does not open, or the sound system does not answer.

        """
        self._audio_buffer = audio_buffer
        self._mic_queue = mic_queue
        self._show = show
        self._plays = plays
        self._stumbles = self._dropped = self._slips = 0
        self._mic = Side("input", self.mic_callback)
        self._speaker = Side("output", self.speaker_callback)
        self._supervisor = Supervisor(
            self._mic,
            self._speaker,
            prepare=self._prepare,
            look_further=self._look_for_a_mute,
            playing=lambda: audio_buffer.waiting_ms > 0,
            tell=lambda text: show(Notice(text)),
        )
        self._pairing = Pairing(SILENCE, BLOCK_SAMPLES / SAMPLE_RATE)
        self._renewed = False  # whether the next block is the first after a restart
        self._from_mic = FromDevice(SAMPLE_RATE, 1)
        self._to_speaker = ToDevice(SAMPLE_RATE, 1, self._read)
        self._zero_frames = 0  # how long the microphone has delivered only zeros
        self._mute_watch = MuteWatch()
        self._opened = False
        self._stack = ExitStack()
        if config.sound:
            with ExitStack() as stack:
                stack.enter_context(quiet())
                stack.callback(self._supervisor.stop)
                self._open(config)
                self._stack = stack.pop_all()
            self._tell_missing()

    @property
    def microphone(self) -> Device | None:
        """The newest one; None when there never was any."""
        return self._mic.device if self._opened else None

    @property
    def speaker(self) -> Device | None:
        """The newest loudspeaker; None when there never was any."""
        return self._speaker.device if self._opened else None

    @property
    def health(self) -> Health:
        """What has gone wrong so far; any thread."""
        slips = self._slips + self._pairing.slips
        return Health(self._stumbles, slips, self._dropped, self._supervisor.restarts)

    def start(self) -> None:
        """Let the sound flow, and watch over it."""
        if self.microphone is not None or self.speaker is not None:
            self._supervisor.start()

    def _open(self, config: Config) -> None:
        self._opened = self._supervisor.open(config.input_device, config.output_device if self._plays else None)
        if not self._opened and (config.input_device or config.output_device):
            raise DeviceError(f"the sound system does not answer: {remedy('stuck')}")

    def _tell_missing(self) -> None:
        if not self._opened:
            cure = f"to talk, start again after this: {remedy('stuck')}"
            self._show(Notice(f"the sound system does not answer: type your messages; {cure}"))
            return
        sides = (self._mic, self._speaker) if self._plays else (self._mic,)
        missing = [side.name for side in sides if side.device is None]
        if missing:
            instead = "type your messages" if self._mic.device is None else "answers are written"
            what = " and no ".join(missing)
            self._show(Notice(f"no {what} can be used: {instead} (--list-devices shows what there is)"))

    def stop(self) -> None:
        """Close the streams; no callback runs after this, unless a sound server does not answer."""
        self._stack.close()

    # Callbacks ------------------------------------------------------------------------------------------------------

    def mic_callback(
        self, in_data: bytes | None, frame_count: int, time_info: Mapping[str, float], status: int
    ) -> tuple[None, int]:
        """Pass on what the microphone heard, with what the loudspeaker played."""
        del time_info
        self._mic.frames += frame_count
        self._stumbles += status != 0
        sound = in_data or b""
        self._zero_frames = 0 if sound.strip(b"\0") else self._zero_frames + frame_count
        now = time.monotonic()
        for heard in self._from_mic.blocks(sound):
            played, slipped = self._pairing.take(now)
            self._put(Block(heard, played, slipped or self._renewed))
            self._renewed = False
        return None, pyaudio.paContinue

    def speaker_callback(
        self, in_data: bytes | None, frame_count: int, time_info: Mapping[str, float], status: int
    ) -> tuple[bytes, int]:
        """Give the loudspeaker exactly the frames it asks for."""
        del in_data
        self._speaker.frames += frame_count
        self._stumbles += status != 0
        sound = self._to_speaker.take(frame_count)
        delay = time_info["output_buffer_dac_time"] - time_info["current_time"]
        if 0 < delay < MAX_OUTPUT_DELAY:
            self._audio_buffer.latency = round(delay * SAMPLE_RATE + self._to_speaker.ahead(frame_count))
        return sound, pyaudio.paContinue

    def _read(self) -> bytes:
        """Give the loudspeaker's next block."""
        block = self._audio_buffer.read(BLOCK_SAMPLES)
        if self._mic.stream is not None:
            self._pairing.put(block, time.monotonic())
        else:
            self._put(Block(None, block))
        return block

    def _put(self, block: Block) -> None:
        if self._mic_queue.qsize() < MAX_QUEUED_BLOCKS:
            self._mic_queue.put(block)
        else:
            self._dropped += 1

    # The thread *devices* -------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Streams were opened and are not yet started: nothing of the old ones fits."""
        microphone, speaker = self._mic.stream, self._speaker.stream
        self._slips += self._pairing.slips
        self._pairing = Pairing(SILENCE, BLOCK_SAMPLES / SAMPLE_RATE)
        self._renewed = self._supervisor.restarts > 0
        self._zero_frames = 0
        if microphone is not None:
            self._from_mic = FromDevice(microphone.rate, microphone.channels)
        elif self._mic.device is not None:
            for _ in range(CLOSING_BLOCKS):
                self._put(Block(SILENCE, SILENCE))
        if speaker is not None:
            self._to_speaker = ToDevice(speaker.rate, speaker.channels, self._read)
            self._audio_buffer.latency = round(speaker.latency * SAMPLE_RATE)

    def _look_for_a_mute(self) -> None:
        if (stream := self._mic.stream) is not None and (
            change := self._mute_watch.look(self._zero_frames / stream.rate)
        ):
            self._show(Notice(f"the microphone {change}"))
