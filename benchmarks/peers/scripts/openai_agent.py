"""openai-agents' realtime session with sounddevice, in the way of its command-line demonstration.

Blocks of 40 ms, of which the microphone's are asked for every 10 ms. An answer begins to play when three deltas of it
are there, and fades out within 12 ms when it is interrupted. What was played is reported to the session, which
truncates by it. There is no echo canceller: while the assistant is heard, the microphone is open only to what is louder
than the echo would be, and that interrupts at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import sounddevice
from agents.realtime import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner, RealtimeSession
from numpy.typing import NDArray

RATE = 24_000
BLOCK = RATE * 40 // 1000
FADE = RATE * 12 // 1000
DELTAS_AHEAD = 3
LEAST_LEVEL, ECHO_SHARE, MARGIN = 0.015, 0.6, 0.002
"""Of full scale: the microphone is open above the first, and above the second of what plays and the third."""

Samples = NDArray[np.int16]


@dataclass
class Piece:
    """Sound of one item that is still to be played."""

    item_id: str
    content_index: int
    sound: Samples


class Loudspeaker:
    """What is played; `callback` is PortAudio's, all else the event loop's."""

    def __init__(self, tracker: RealtimePlaybackTracker) -> None:
        self.level = 0.0
        self._tracker = tracker
        self._waiting: queue.Queue[Piece] = queue.Queue()
        self._piece: Piece | None = None
        self._complete = False
        self._playing = False
        self._cut = False

    @property
    def busy(self) -> bool:
        """Whether anything is being played."""
        return self._playing

    def add(self, piece: Piece) -> None:
        """Play this as well."""
        self._complete = False
        self._waiting.put(piece)

    def complete(self) -> None:
        """Know that the answer has no more deltas: do not wait for any."""
        self._complete = True

    def cut(self) -> None:
        """Fade out, and forget the rest."""
        self._cut = self._playing or not self._waiting.empty()

    def callback(self, out: NDArray[np.int16], frames: int, _time: object, _status: object) -> None:
        """Fill one block."""
        block = np.zeros(frames, np.int16)
        if not self._playing:
            self._playing = self._waiting.qsize() >= DELTAS_AHEAD or (self._complete and not self._waiting.empty())
        if self._playing:
            filled = self._fill(block)
            if self._cut:
                block[:FADE] = block[:FADE] * np.linspace(1, 0, FADE)
                block[FADE:] = 0
            if self._cut or (not filled and self._complete):
                self._playing = False
        if self._cut:
            self._forget()
        self.level = 0.9 * self.level + 0.1 * loudness(block)
        out[:, 0] = block

    def _fill(self, block: Samples) -> int:
        end = FADE if self._cut else len(block)
        filled = 0
        while filled < end:
            if self._piece is None or not len(self._piece.sound):
                try:
                    self._piece = self._waiting.get_nowait()
                except queue.Empty:
                    break
            part = self._piece.sound[: end - filled]
            block[filled : filled + len(part)] = part
            filled += len(part)
            self._piece.sound = self._piece.sound[len(part) :]
            self._tracker.on_play_bytes(self._piece.item_id, self._piece.content_index, part.tobytes())
        return filled

    def _forget(self) -> None:
        self._cut, self._piece = False, None
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()


def loudness(block: NDArray[np.int16]) -> float:
    """Root mean square, of full scale."""
    return float(np.sqrt(np.mean((block / 32768) ** 2)))


async def send(session: RealtimeSession, microphone: sounddevice.InputStream, speaker: Loudspeaker) -> None:
    """Send what the microphone hears."""
    while True:
        if microphone.read_available < BLOCK:
            await asyncio.sleep(0.01)
            continue
        block, _ = microphone.read(BLOCK)
        if speaker.busy:
            if loudness(block) < max(LEAST_LEVEL, ECHO_SHARE * speaker.level + MARGIN):
                continue
            speaker.cut()
        await session.send_audio(block.tobytes())


async def receive(session: RealtimeSession, speaker: Loudspeaker) -> None:
    """Play what the service says."""
    async for event in session:
        if event.type == "audio":
            sound = np.frombuffer(event.audio.data, np.int16)
            speaker.add(Piece(event.item_id, event.content_index, sound))
        elif event.type == "audio_end":
            speaker.complete()
        elif event.type == "audio_interrupted":
            speaker.cut()


async def talk(url: str) -> None:
    """Talk until interrupted."""
    tracker = RealtimePlaybackTracker()
    speaker = Loudspeaker(tracker)
    agent = RealtimeAgent(name="Assistant", instructions="You are a helpful assistant.")
    runner = RealtimeRunner(agent, config={"tracing_disabled": True})
    detection = {"type": "server_vad", "interrupt_response": True, "create_response": True}
    config: Any = {
        "url": f"{url}?model=gpt-realtime",
        "api_key": "none",
        "playback_tracker": tracker,
        "initial_model_settings": {"model_name": "gpt-realtime", "turn_detection": detection},
    }
    sound = {"samplerate": RATE, "channels": 1, "dtype": "int16", "blocksize": BLOCK}
    async with await runner.run(model_config=config) as session:
        with (
            sounddevice.OutputStream(**sound, callback=speaker.callback),
            sounddevice.InputStream(**sound) as microphone,
        ):
            await asyncio.gather(send(session, microphone, speaker), receive(session, speaker))


def main() -> None:
    """Run from the command line."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(talk(sys.argv[1]))


if __name__ == "__main__":
    main()
