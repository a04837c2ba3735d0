"""When somebody speaks: Silero's detector with the service's turn rules."""

from __future__ import annotations

from dataclasses import dataclass

from voice.silero import FRAME_MS, LIKELY, Silero

_HYSTERESIS = 0.15
"""How far under the threshold the probability must fall to count as silence: the value of Silero's own iterator."""
_ONSET_FRAMES = 2
"""Frames in a row that make speech: a click or a key stroke fills one."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak."""

    audio_start_ms: int
    """Since the first sample, with the padding taken off; at least 0."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Somebody fell silent."""

    audio_end_ms: int
    """Since the first sample; the silence that ended the speech is included, as the service counts."""


class VoiceDetector:
    """Finds where speech begins and ends in the sound of one connection; used by one thread."""

    def __init__(self, threshold: float = LIKELY, prefix_padding_ms: int = 300, silence_duration_ms: int = 500) -> None:
        self._silero = Silero()
        self._threshold = threshold
        self._release = max(threshold - _HYSTERESIS, threshold / 2)
        self._prefix_padding_ms = prefix_padding_ms
        self._silence_duration_ms = silence_duration_ms
        self._now_ms = 0
        self._is_speech = False
        self._run = 0  # frames in a row that speak against what is the case

    def feed(self, pcm: bytes) -> list[SpeechStarted | SpeechStopped]:
        """Take PCM16 mono 24 kHz of any length; return what began or ended in it, oldest first."""
        events = (self._step(probability) for probability in self._silero.feed(pcm))
        return [event for event in events if event is not None]

    def _step(self, probability: float) -> SpeechStarted | SpeechStopped | None:
        self._now_ms += FRAME_MS
        contradicts = probability < self._release if self._is_speech else probability >= self._threshold
        self._run = self._run + 1 if contradicts else 0
        if not self._is_speech and self._run == _ONSET_FRAMES:
            self._is_speech, self._run = True, 0
            return SpeechStarted(max(0, self._now_ms - _ONSET_FRAMES * FRAME_MS - self._prefix_padding_ms))
        if self._is_speech and self._run * FRAME_MS >= max(self._silence_duration_ms, FRAME_MS):
            self._is_speech, self._run = False, 0
            return SpeechStopped(self._now_ms)
        return None
