"""Where speech begins and ends."""

from __future__ import annotations

import numpy as np
import pytest

from offline.vad import SpeechStarted, SpeechStopped, VoiceDetector
from tests.speech import RATE, can_speak, samples, say, silence, tone

pytestmark = pytest.mark.skipif(not can_speak(), reason="flite is not installed")


def run(detector: VoiceDetector, sound: bytes, size: int = 960) -> list[SpeechStarted | SpeechStopped]:
    """Feed in pieces of `size` bytes."""
    return [event for at in range(0, len(sound), size) for event in detector.feed(sound[at : at + size])]


def test_one_sentence_is_one_turn_where_it_is() -> None:
    speech = say("What is the weather like in Paris?")
    sound = silence(1) + speech + silence(1.5)

    started, stopped = run(VoiceDetector(prefix_padding_ms=0), sound)

    assert isinstance(started, SpeechStarted)
    assert 1000 <= started.audio_start_ms <= 1250  # the voice begins with some silence of its own
    assert isinstance(stopped, SpeechStopped)
    assert abs(stopped.audio_end_ms - (1500 + len(speech) / 2 / RATE * 1000)) <= 250


def test_padding_is_taken_off_the_start_but_never_below_zero() -> None:
    sound = silence(1) + say("Hello there.") + silence(1)

    plain, padded, much = (run(VoiceDetector(prefix_padding_ms=ms), sound)[0] for ms in (0, 300, 9000))

    assert isinstance(plain, SpeechStarted)
    assert padded == SpeechStarted(plain.audio_start_ms - 300)
    assert much == SpeechStarted(0)


def test_silence_duration_decides_whether_a_pause_ends_the_turn() -> None:
    sound = silence(0.5) + say("Take a note.") + silence(0.6) + say("Buy some milk.") + silence(1.6)

    assert len(run(VoiceDetector(silence_duration_ms=300), sound)) == 4
    assert len(run(VoiceDetector(silence_duration_ms=1400), sound)) == 2


def test_the_size_of_pieces_does_not_matter() -> None:
    sound = silence(0.5) + say("Goodbye.") + silence(1)

    assert run(VoiceDetector(), sound, 999) == run(VoiceDetector(), sound, len(sound)) == run(VoiceDetector(), sound)


def test_noise_hum_and_clicks_are_no_speech() -> None:
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(RATE * 3) * 300).astype("<i2")
    noise += samples(tone(50, 3, -30))
    noise[:: RATE // 2] = 30_000

    assert run(VoiceDetector(), noise.tobytes()) == []


def test_speech_is_found_in_noise() -> None:
    rng = np.random.default_rng(1)
    sound = samples(silence(0.5) + say("Will it rain tomorrow in London?") + silence(1.2))
    noisy = np.clip(sound + rng.standard_normal(len(sound)) * 300, -32768, 32767).astype("<i2")

    assert [type(event) for event in run(VoiceDetector(), noisy.tobytes())] == [SpeechStarted, SpeechStopped]
