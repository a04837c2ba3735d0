"""Judge: who speaks and who coughs, with Silero's model and synthetic voices."""

from __future__ import annotations

import pytest

from tests.speech import can_speak, say, silence
from voice.judge import PATIENCE_FRAMES, Judge
from voice.silero import FRAME_MS

pytestmark = pytest.mark.skipif(not can_speak(), reason="flite is not installed")

BLOCK_BYTES = 480


def judged(judge: Judge, pcm: bytes) -> list[bool]:
    """All that the judge says meanwhile."""
    blocks = [pcm[start : start + BLOCK_BYTES] for start in range(0, len(pcm), BLOCK_BYTES)]
    return [verdict for block in blocks if (verdict := judge.hear(block)) is not None]


def too_short() -> bytes:
    """The longest beginning of a sentence that is not enough."""
    sentence = say("Wait a moment, please.")
    for end in range(BLOCK_BYTES, len(sentence), BLOCK_BYTES):
        judge = Judge()
        judge.begin()
        if judged(judge, sentence[:end]):
            return sentence[: end - BLOCK_BYTES]
    raise AssertionError("the whole sentence is not taken for speech")


def test_a_word_is_speech() -> None:
    judge = Judge()
    judge.begin()

    assert judged(judge, say("Wait a moment, please.")) == [True]


def test_a_word_that_began_before_the_doubt_counts() -> None:
    judge = Judge()
    judged(judge, say("Wait a moment, please.")[: 50 * BLOCK_BYTES])
    judge.begin()

    assert judged(judge, silence(0.1)) == [True]


def test_silence_is_none_and_is_said_once() -> None:
    judge = Judge()
    judge.begin()

    assert judged(judge, silence(3 * PATIENCE_FRAMES * FRAME_MS / 1000)) == [False]


def test_a_doubt_does_not_count_what_the_one_before_has_heard() -> None:
    sound, judge = too_short(), Judge()
    for _ in range(4):
        judge.begin()
        assert judged(judge, sound) == []
        judge.end()
