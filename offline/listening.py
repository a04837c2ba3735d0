"""The input audio buffer: what was said since the last turn, and where turns begin and end.

Positions are bytes since the connection's first sample, so they count sound written, not time passed. With a detector
the buffer keeps just enough from before speech to start the turn early; without one it keeps all until the client
commits. The recogniser is fed while the user is still talking.
"""

from __future__ import annotations

from dataclasses import dataclass

from offline.organs import Detector, Organs, Utterance
from offline.settings import SAMPLE_RATE, ServerVad
from offline.vad import SpeechStarted
from offline.wire import RequestError, new_id

BYTES_PER_MS = SAMPLE_RATE * 2 // 1000
LONGEST_TURN_MS = 600_000
"""Ten minutes, 29 MB: a bound on memory. The longest append allowed, 15 MiB, is five and a half."""
_SHORTEST_COMMIT_MS = 100
"""The service's rule for a commit by the client."""
_LOOK_BACK_MS = 1000
"""Kept beyond the padding, since a detector tells of speech only some 100 ms after it began."""


@dataclass(frozen=True, slots=True)
class Began:
    """The user started to speak."""

    item_id: str
    """Of the message that this will be."""
    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The user has finished; ``words`` are still to be asked of the utterance, which may take a while."""

    item_id: str
    audio_end_ms: int
    audio: bytes
    utterance: Utterance


class Listening:
    """The buffer of one connection. Only its reader thread may call; nothing here needs a lock."""

    def __init__(self, organs: Organs) -> None:
        self._organs = organs
        self._vad: ServerVad | None = None
        self._detector: Detector | None = None
        self._origin = 0  # where the detector's own clock began
        self._first = 0  # position of the buffer's first byte
        self._fed = 0  # up to where the utterance has heard
        self._pcm = bytearray()
        self._half_sample = b""
        self._utterance: Utterance | None = None
        self._item_id = ""

    @property
    def position_ms(self) -> int:
        """How much sound has been written."""
        return self._end // BYTES_PER_MS

    @property
    def is_speaking(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._utterance is not None

    def configure(self, vad: ServerVad | None) -> None:
        """Detect turns like this from here on, or leave them to the client; an unfinished turn is dropped."""
        if vad != self._vad:
            self._vad = vad
            self.clear()

    def clear(self) -> None:
        """Forget what has not become a turn."""
        self._first = self._end
        self._pcm.clear()
        self._half_sample = b""
        self._restart()

    def append(self, pcm: bytes) -> list[Began | Ended]:
        """Take PCM16 mono 24 kHz of any length, and return what happened in it.

        Raises `RequestError` when the client commits, but has not for `LONGEST_TURN_MS`.
        """
        pcm = self._half_sample + pcm
        whole = len(pcm) & ~1
        pcm, self._half_sample = pcm[:whole], pcm[whole:]
        if self._detector is None:
            self._append_uncut(pcm)
            return []
        self._pcm += pcm
        heard: list[Began | Ended] = []
        for event in self._detector.feed(pcm):
            if isinstance(event, SpeechStarted):
                heard.append(self._begin(self._origin + event.audio_start_ms * BYTES_PER_MS))
            elif self._utterance is not None:
                heard.append(self._finish(self._utterance, self._origin + event.audio_end_ms * BYTES_PER_MS))
        heard += self._settle(self._detector, self._vad)
        return heard

    def commit(self) -> Ended:
        """End the turn here, as the client asks; `RequestError` when there is less than 100 ms of it."""
        found = len(self._pcm) / BYTES_PER_MS if self._utterance else 0.0
        if self._utterance is None or found < _SHORTEST_COMMIT_MS:
            text = (
                f"Error committing input audio buffer: buffer too small. Expected at least {_SHORTEST_COMMIT_MS}ms "
                f"of audio, but buffer only has {found:.2f}ms of audio."
            )
            raise RequestError("input_audio_buffer_commit_empty", text)
        turn = self._finish(self._utterance, self._end)
        self._restart()
        return turn

    @property
    def _end(self) -> int:
        return self._first + len(self._pcm)

    def _append_uncut(self, pcm: bytes) -> None:
        if len(self._pcm) + len(pcm) > LONGEST_TURN_MS * BYTES_PER_MS:
            text = f"The input audio buffer is full ({LONGEST_TURN_MS // 1000} s): commit or clear it."
            raise RequestError("input_audio_buffer_full", text)
        if self._utterance is None:
            self._begin(self._first)
        self._pcm += pcm
        self._feed(self._end)

    def _begin(self, start: int) -> Began:
        start = min(max(start, self._first), self._end)
        del self._pcm[: start - self._first]
        self._first = self._fed = start
        self._item_id = new_id("item")
        self._utterance = self._organs.recognizer.start()
        return Began(self._item_id, start // BYTES_PER_MS)

    def _feed(self, end: int) -> None:
        if self._utterance is not None and end > self._fed:
            self._utterance.feed(bytes(self._pcm[self._fed - self._first : end - self._first]))
            self._fed = end

    def _finish(self, utterance: Utterance, end: int) -> Ended:
        end = min(max(end, self._fed), self._end)
        self._feed(end)
        audio = bytes(self._pcm[: end - self._first])
        del self._pcm[: end - self._first]
        self._first, self._utterance = end, None
        return Ended(self._item_id, end // BYTES_PER_MS, audio, utterance)

    def _settle(self, detector: Detector, vad: ServerVad | None) -> list[Began | Ended]:
        """Let the recogniser hear what is left, and keep the buffer small; return the end of a turn too long."""
        if self._utterance is not None:
            self._feed(self._end)
            if len(self._pcm) > LONGEST_TURN_MS * BYTES_PER_MS:
                turn = self._finish(self._utterance, self._end)
                self._restart()
                return [turn]
        elif detector and vad:
            keep = (vad.prefix_padding_ms + _LOOK_BACK_MS) * BYTES_PER_MS
            surplus = max(0, len(self._pcm) - keep)
            del self._pcm[:surplus]
            self._first += surplus
        return []

    def _restart(self) -> None:
        self._utterance = None
        self._origin = self._end
        self._detector = None
        if self._vad is not None:
            self._detector = self._organs.detector(
                threshold=self._vad.threshold,
                prefix_padding_ms=self._vad.prefix_padding_ms,
                silence_duration_ms=self._vad.silence_duration_ms,
            )
