"""Microphone and loudspeaker: two streams, each with a callback that moves one block of bytes.

Every block of the microphone is paired with a block that the loudspeaker was given, so the echo canceller sees what was
played when it hears it: sound at 24 kHz, whatever rate the devices run at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import pyaudio

from voice.buffer import AudioBuffer
from voice.config import Config
from voice.errors import DeviceError
from voice.hardware.devices import Device, quiet
from voice.hardware.pairing import Pairing
from voice.hardware.side import Side
from voice.hardware.streams import FromDevice, ToDevice
from voice.hardware.supervisor import Supervisor
from voice.hardware.watch import MuteWatch
from voice.health import Health
from voice.remedies import remedy
from voice.shown import Notice, Shown
from voice.sound import BLOCK_MS, BLOCK_SAMPLES, MAX_QUEUED_BLOCKS, SAMPLE_RATE, SILENCE, Block

MAX_OUTPUT_DELAY = 2.0
"""s. Several of PortAudio's hosts give no time or a wrong one; Bluetooth has 0.3 s, so more than this is an error."""
CLOSING_MS = 500
"""Silence after a microphone that has gone, beyond that in which the service hears the end of what was being said."""
MEANING_MS = 8000
"""The longest that the service waits for that end where it listens to the meaning."""


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
        self._xruns = self._dropped = self._slips = 0
        self._mic = Side("input", self.mic_callback)
        self._speaker = Side("output", self.speaker_callback)
        self._supervisor = Supervisor(
            self._mic,
            self._speaker,
            prepare=self._prepare,
            look_further=self._look_further,
            playing=lambda: audio_buffer.playing,
            tell=lambda text: show(Notice(text)),
        )
        self._pairing = Pairing(SILENCE, BLOCK_SAMPLES / SAMPLE_RATE)
        self._slipped = self._renewed = False  # what the next block is to tell of
        self._from_mic = FromDevice(SAMPLE_RATE, 1)
        self._to_speaker = ToDevice(SAMPLE_RATE, 1, self._read)
        self._zero_seconds = 0.0  # how long the microphone has delivered only zeros
        ending_ms = MEANING_MS if config.vad == "semantic" else config.vad_silence_duration_ms
        self._closing_blocks = (ending_ms + CLOSING_MS) // BLOCK_MS
        self._heard = False  # whether the microphone was heard since the last `_close_hearing`
        self._mute_watch = MuteWatch()
        self._opened = False
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
        return Health(self._xruns, slips, self._dropped, self._supervisor.restarts)

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
        self._xruns += status != 0
        self._heard = True
        sound = in_data or b""
        self._zero_seconds = 0.0 if sound.strip(b"\0") else self._zero_seconds + frame_count / self._from_mic.rate
        now = time.perf_counter()  # time.monotonic() has steps of more than a block on Windows before Python 3.13
        for heard in self._from_mic.blocks(sound):
            played, slipped = self._pairing.take(now)
            block = Block(heard, played, slipped or self._slipped, self._renewed)
            self._slipped = self._renewed = False
            self._put(block)
        return None, pyaudio.paContinue

    def speaker_callback(
        self, in_data: bytes | None, frame_count: int, time_info: Mapping[str, float], status: int
    ) -> tuple[bytes, int]:
        """Give the loudspeaker exactly the frames it asks for."""
        del in_data
        self._speaker.frames += frame_count
        self._xruns += status != 0
        sound = self._to_speaker.take(frame_count)
        delay = time_info["output_buffer_dac_time"] - time_info["current_time"]
        self._note_delay(delay, self._to_speaker.ahead(frame_count))
        return sound, pyaudio.paContinue

    def _read(self) -> bytes:
        """Give the loudspeaker's next block."""
        block = self._audio_buffer.read(BLOCK_SAMPLES)
        if self._mic.stream is not None:
            self._pairing.put(block, time.perf_counter())
        else:
            self._put(Block(None, block))
        return block

    def _put(self, block: Block) -> None:
        if self._mic_queue.qsize() < MAX_QUEUED_BLOCKS:
            self._mic_queue.put(block)
        else:
            self._dropped += 1
            self._slipped |= block.slipped
            self._renewed |= block.renewed

    def _note_delay(self, seconds: float, ahead: float = 0.0) -> None:
        """Believe the loudspeaker where it can be right; `ahead` are samples that it was given since."""
        if 0 < seconds < MAX_OUTPUT_DELAY:
            self._audio_buffer.latency = round(seconds * SAMPLE_RATE + ahead)

    # The thread *devices* -------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Streams were opened and are not yet started: nothing of the old ones fits."""
        microphone, speaker = self._mic.stream, self._speaker.stream
        self._slips += self._pairing.slips
        self._pairing = Pairing(SILENCE, BLOCK_SAMPLES / SAMPLE_RATE)
        self._renewed = self._supervisor.restarts > 0
        if microphone is not None:
            self._from_mic = FromDevice(microphone.rate, microphone.channels)
        if speaker is not None:
            self._to_speaker = ToDevice(speaker.rate, speaker.channels, self._read)
            self._note_delay(speaker.latency)

    def _look_further(self) -> None:
        if self._speaker.stream is None:
            self._close_playing()
        if self._mic.stream is None:
            self._close_hearing()
        elif change := self._mute_watch.look(self._zero_seconds):
            self._show(Notice(f"the microphone {change}"))

    def _close_playing(self) -> None:
        """Take it that what the loudspeaker was given has been heard by now, for no more of it ever will be."""
        if self._audio_buffer.latency:
            self._audio_buffer.latency = 0
            self._put(Block(None, SILENCE))  # so that it is looked at, even where nothing is left to keep the time

    def _close_hearing(self) -> None:
        """Let the service hear the end of what was being said, and the judge that nobody speaks."""
        if self._heard:
            self._heard = False
            for _ in range(self._closing_blocks):
                self._put(Block(SILENCE, SILENCE))
