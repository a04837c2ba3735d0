"""What plays next, and what is heard of each item.

Samples that the speaker callback has taken will be heard, since the device does not give them back: so what is heard
of an item that is cut now is what was *taken* of it. That item is *finished* when its last sample has left the
loudspeaker, which is the output latency later.
"""

from __future__ import annotations

import logging
import threading
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from voice.jitter import STEPS, Jitter
from voice.sound import BYTES_PER_SAMPLE, SAMPLE_RATE

log = logging.getLogger(__name__)

MAX_SECONDS = 600
"""Sound that is kept waiting at most; answers are far shorter. 600 s are 29 MB."""
FADE_SAMPLES = SAMPLE_RATE * 5 // 1000
"""5 ms: long enough to be no click, short enough to be no word."""


@dataclass(frozen=True, slots=True)
class Playback:
    """How far one item's sound has come, in ms."""

    item_id: str
    received_ms: int
    heard_ms: int

    @property
    def finished(self) -> bool:
        """Whether everything received was heard."""
        return self.heard_ms >= self.received_ms


@dataclass(slots=True)
class _Track:
    """One item on its way through the buffer; counts are samples."""

    item_id: str
    began: int
    """The device's own count when the first sound came."""
    half: bytes = b""
    """Of a sample whose other byte is still to come."""
    received: int = 0
    taken: int = 0
    late: int = 0
    """By how much sound came too late at most, had it been played as it came."""
    ended: bool = False
    last_taken: int = 0
    """Where the device's own count was after the newest sample."""


class AudioBuffer:
    """Sound from the receive thread to the speaker callback; any thread may call anything.

    One lock, held for the copying of a block at most.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chunks: deque[tuple[_Track, memoryview]] = deque()
        self._tracks: dict[str, _Track] = {}  # in playing order; dropped once they are reported as finished
        self._waiting = 0  # samples in _chunks
        self._clock = 0  # samples handed to the device since the start, silence included
        self._fade = b""  # what falls silent in the next block
        self._sounding = False  # whether the last block was full of sound, which would break off
        self._rising = False  # whether the next sound is to rise from silence
        self._paused = False
        self._jitter = Jitter()
        self._due = 0  # nothing plays before the device's own count is there
        self.latency = 0
        """Samples between taking and hearing; set by the owner of the loudspeaker."""
        self.dropped = 0
        """Samples that did not fit."""

    @property
    def waiting_ms(self) -> int:
        """Sound that was received and not yet played, in ms."""
        return _ms(self._waiting)

    @property
    def playing(self) -> bool:
        """Whether sound waits, and is not held up."""
        return self._waiting > 0 and not self._paused

    @property
    def depth_ms(self) -> int:
        """How long sound is held back before it plays, in ms: 0 unless some came late."""
        return _ms(self._jitter.depth)

    def append(self, item_id: str, pcm: bytes) -> None:
        """Queue sound of an item: PCM16 mono at 24 kHz, cut anywhere; half a sample waits for its other half."""
        if not pcm:
            return
        with self._lock:
            track = self._tracks.setdefault(item_id, _Track(item_id, self._clock))
            pcm = track.half + pcm
            samples = len(pcm) // BYTES_PER_SAMPLE
            track.half = pcm[samples * BYTES_PER_SAMPLE :]
            if self._waiting + samples > MAX_SECONDS * SAMPLE_RATE:
                self.dropped += samples
                return
            if not samples:
                return
            self._hold_back(track)
            track.received += samples
            self._waiting += samples
            if self._waiting > STEPS[-1]:  # it comes faster than it plays
                self._due = 0
            self._chunks.append((track, memoryview(pcm)[: samples * BYTES_PER_SAMPLE]))

    def end(self, item_id: str) -> None:
        """Note that no more sound will come for this item; more than once changes nothing."""
        with self._lock:
            if (track := self._tracks.get(item_id)) is not None and not track.ended:
                track.ended = True
                self._due = 0
                self._jitter.ended(track.late)

    def read(self, frames: int) -> bytes:
        """Exactly `frames` samples for the device, silence where there is nothing to play."""
        with self._lock:
            size = frames * BYTES_PER_SAMPLE
            block, self._fade = self._fade, b""
            if not self._paused and self._clock >= self._due:
                block += self._take(frames - len(block) // BYTES_PER_SAMPLE)
            self._clock += frames
            self._sounding = 0 < len(block) == size
            return block.ljust(size, b"\0")

    def take_finished(self) -> tuple[Playback, ...]:
        """Items that have ended and have been heard to their end; each is reported once."""
        if not self._tracks:  # nothing plays, most of the time: no need for the lock
            return ()
        with self._lock:
            left = self._clock - self.latency  # the loudspeaker
            done = [t for t in self._tracks.values() if t.ended and t.taken == t.received and t.last_taken <= left]
            for track in done:
                del self._tracks[track.item_id]
            return tuple(_playback(track) for track in done)

    def pause(self) -> None:
        """Fall silent and keep all that was not taken."""
        with self._lock:
            if not self._paused:
                self._fall()
                self._paused = True

    def resume(self) -> None:
        """Go on from the very sample where `pause` stopped."""
        with self._lock:
            self._rising, self._paused = self._paused, False

    def clear_audio_buffer(self) -> tuple[Playback, ...]:
        """Forget all that was not taken; returns what is heard of each item, in playing order.

        The next block fades out instead of clicking.
        """
        with self._lock:
            cut = tuple(_playback(track) for track in self._tracks.values())
            if not self._paused:
                self._fall()
            self._chunks.clear()
            self._tracks.clear()
            self._waiting = 0
            self._paused = self._rising = False
            return cut

    def _hold_back(self, track: _Track) -> None:
        """Decide when sound that has just come may play, where nothing plays before it."""
        if not track.received:
            track.began = self._clock
        late = self._clock - track.began - track.received
        track.late = max(track.late, late)
        if self._chunks or self._paused:
            return
        if track.received:
            self._jitter.tore(late)
        self._due = track.began + track.received + self._jitter.depth

    def _take(self, samples: int) -> bytes:
        """Up to so many samples from the front."""
        parts: list[memoryview] = []
        missing = samples
        while missing > 0 and self._chunks:
            track, chunk = self._chunks[0]
            count = min(missing, len(chunk) // BYTES_PER_SAMPLE)
            parts.append(chunk[: count * BYTES_PER_SAMPLE])
            if count * BYTES_PER_SAMPLE == len(chunk):
                self._chunks.popleft()
            else:
                self._chunks[0] = (track, chunk[count * BYTES_PER_SAMPLE :])
            missing -= count
            track.taken += count
            track.last_taken = self._clock + samples - missing
        self._waiting -= samples - missing
        sound = b"".join(parts)
        if sound and self._rising:
            self._rising = False
            sound = _ramp(sound, 0, 1)
        return sound

    def _fall(self) -> None:
        """Let what sounds fall silent in the next few ms; they stay in the buffer."""
        if self._sounding and self._chunks:
            self._sounding = False
            self._fade = _ramp(self._chunks[0][1][: FADE_SAMPLES * BYTES_PER_SAMPLE], 1, 0)


class Delivery(AudioBuffer):
    """For sound that goes elsewhere than to a loudspeaker: it is handed on as it comes, and counts as heard."""

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        """`deliver` takes PCM16 mono at 24 kHz; it may not block. What it raises is logged."""
        super().__init__()
        self._deliver = deliver

    def append(self, item_id: str, pcm: bytes) -> None:
        """Hand on sound of an item."""
        super().append(item_id, pcm)
        try:
            if sound := self.read(self._waiting):
                self._deliver(sound)
        except Exception:
            log.exception("deliver")

    def pause(self) -> None:
        """Do nothing: what was delivered cannot be held up."""


def _ramp(pcm: bytes | memoryview, first: float, last: float) -> bytes:
    """`pcm` with its first `FADE_SAMPLES` going from one gain to another."""
    samples = array("h", bytes(pcm))
    length = min(len(samples), FADE_SAMPLES)
    for place in range(length):
        samples[place] = round(samples[place] * (first + (last - first) * place / max(length - 1, 1)))
    return samples.tobytes()


def _playback(track: _Track) -> Playback:
    return Playback(track.item_id, _ms(track.received), _ms(track.taken))


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE
