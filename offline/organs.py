"""The organs of an assistant as the server knows them: anything of these shapes will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from offline.brain import Brain
from offline.vad import SpeechStarted, SpeechStopped


class Detector(Protocol):
    """Notices speech in the sound of one connection; used by one thread."""

    def feed(self, pcm: bytes) -> list[SpeechStarted | SpeechStopped]:
        """Return what PCM16 mono 24 kHz of any length brings, in ms since the detector's first sample."""


class MakeDetector(Protocol):
    """Makes a `Detector` for a connection."""

    def __call__(self, threshold: float, prefix_padding_ms: int, silence_duration_ms: int) -> Detector:
        """Return a new detector; padding is taken off the start of speech, silence ends it."""


class Utterance(Protocol):
    """One stretch of speech on its way to words; used by one thread."""

    def feed(self, pcm: bytes) -> None:
        """Take more PCM16 mono 24 kHz, while the user is still speaking."""

    def finish(self) -> str:
        """Return what was said, "" for nothing understood."""


class Recognizer(Protocol):
    """Turns speech into words; shared by all connections."""

    def start(self) -> Utterance:
        """Begin an utterance."""


class Synthesizer(Protocol):
    """Turns words into speech; shared by all connections."""

    def speak(self, text: str, voice: str = "", speed: float = 1.0) -> Iterator[bytes]:
        """Yield PCM16 mono 24 kHz, whole samples, faster than it plays."""


@dataclass(frozen=True, slots=True)
class Organs:
    """All that an assistant is made of."""

    brain: Brain
    recognizer: Recognizer
    synthesizer: Synthesizer
    detector: MakeDetector
