"""Waking: by anybody's voice, by a phrase, by nothing else."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from offline import spotter as spotting
from offline.child import Child
from tests.speech import RATE, can_speak, match, say, silence, tone
from voice.errors import SettingError
from voice.sound import BLOCK_MS
from voice.wake import RECENT_BLOCKS, WARM_UP_BLOCKS, Gate, Waker

BLOCK = RATE * 2 * BLOCK_MS // 1000
DEADLINE = 30.0

needs_voices = pytest.mark.skipif(not can_speak(), reason="flite is not installed")
needs_speech = pytest.mark.skipif(
    not can_speak() or importlib.util.find_spec("pocketsphinx") is None, reason="flite or pocketsphinx is not installed"
)


def blocks(sound: bytes) -> list[bytes]:
    return [sound[at : at + BLOCK] for at in range(0, len(sound) - BLOCK + 1, BLOCK)]


def noise(seconds: float, dbfs: float) -> bytes:
    samples = np.random.default_rng(1).standard_normal(round(seconds * RATE)) * 32768 * 10 ** (dbfs / 20)
    return bytes(samples.clip(-32768, 32767).astype("<i2"))


def cough() -> bytes:
    fading = np.exp(-np.linspace(0, 4, RATE // 5))
    return bytes(
        (np.random.default_rng(2).standard_normal(RATE // 5) * fading * 9000).clip(-32768, 32767).astype("<i2")
    )


def woken(waker: Waker, sound: bytes) -> list[int]:
    """The blocks at which it said that it is time to wake."""
    return [number for number, block in enumerate(blocks(sound)) if waker.hear(block)]


# Without a phrase


@needs_voices
@pytest.mark.parametrize("voice", ["slt", "rms", "awb", "kal16"])
def test_a_voice_wakes_once_and_its_first_word_is_kept(voice: str) -> None:
    waker = Waker()
    words = say("Hello, what time is it?", voice)
    recent = [waker.recent for block in blocks(noise(3, -60) + words) if waker.hear(block)]

    assert len(recent) == 1
    beginning = words[: RATE * 2 * 4 // 10]
    where, likeness = match(recent[0], beginning)
    assert likeness > 0.9
    assert where > 300  # ms from before the first word


@pytest.mark.parametrize(
    "sound",
    [silence(5), noise(5, -30), noise(5, -12), tone(440, 5), (cough() + silence(0.8)) * 5],
    ids=["silence", "noise", "loud noise", "tone", "coughs"],
)
def test_what_is_no_voice_does_not_wake(sound: bytes) -> None:
    assert not woken(Waker(), sound)


@needs_voices
def test_it_can_sleep_again() -> None:
    waker = Waker()
    hello = silence(0.5) + say("Hello, what time is it?") + silence(1)

    assert len(woken(waker, hello * 2)) == 1
    waker.begin()
    assert waker.recent == b""
    assert not woken(waker, silence(2))
    assert len(woken(waker, hello)) == 1


def test_little_is_remembered() -> None:
    waker = Waker()
    woken(waker, silence(10))

    assert len(waker.recent) == RECENT_BLOCKS * BLOCK


# When the detector rests


def passed(gate: Gate, sound: bytes) -> list[int]:
    """How many blocks go on to the detector with each."""
    return [len(gate.take(block)) // BLOCK for block in blocks(sound)]


@pytest.mark.parametrize("dbfs", [-80, -60, -40, -20])
def test_the_detector_rests_in_the_noise_of_the_room(dbfs: float) -> None:
    gate = Gate()
    passed(gate, noise(35, dbfs))  # 2 dB a second from the faintest on

    assert sum(passed(gate, noise(10, dbfs))) == 0


@pytest.mark.parametrize("step", [10, 20])
def test_the_detector_rests_again_when_a_fan_goes_on(step: float) -> None:
    gate = Gate()
    passed(gate, noise(15, -60))
    louder = passed(gate, noise(15, -60 + step))

    assert sum(louder[:100]) > 0
    assert sum(louder[-100:]) == 0


def test_the_detector_hears_a_sound_from_before_it_began_to_after_its_end() -> None:
    gate = Gate()
    passed(gate, noise(20, -60))
    heard = passed(gate, noise(0.3, -50) + noise(5, -60))

    assert WARM_UP_BLOCKS - 10 < max(heard[:10]) <= WARM_UP_BLOCKS
    assert sum(heard) > WARM_UP_BLOCKS + 30 + 90
    assert not any(heard[200:])


def test_the_detector_rests_although_each_sample_is_off_by_as_much() -> None:
    offset = (np.zeros(RATE * 5) + 3000).astype("<i2").tobytes()
    gate = Gate()
    passed(gate, offset)

    assert sum(passed(gate, offset)) == 0


@needs_voices
@pytest.mark.parametrize("room", [None, -65], ids=["silent", "noisy"])
@pytest.mark.parametrize("voice", ["slt", "rms", "awb", "kal16"])
def test_a_quiet_voice_wakes(voice: str, room: float | None) -> None:
    words = np.frombuffer(silence(20) + say("Hello, what time is it?", voice), "<i2") * 10 ** (-18 / 20)
    around = noise(len(words) / RATE, room) if room else bytes(len(words) * 2)
    sound = words + np.frombuffer(around, "<i2")[: len(words)]

    assert len(woken(Waker(), sound.astype("<i2").tobytes())) == 1


# With a phrase


@pytest.fixture(scope="module")
def computer() -> Iterator[Waker]:
    waker = Waker("Computer")
    yield waker
    waker.close()
    assert "wake word" not in {thread.name for thread in threading.enumerate()}


def heard(waker: Waker, sound: bytes) -> bytes | None:
    """Let it hear a sound, no faster than the search can; what it kept when it woke and all after, None if it slept."""
    waker.begin()
    kept = None
    for number, block in enumerate(blocks(sound + silence(1.5))):
        if number % 20 == 0:
            waker.catch_up()
        if waker.hear(block):
            assert kept is None
            kept = waker.recent
        elif kept is not None:
            kept += block
    return kept


@needs_speech
@pytest.mark.parametrize("voice", ["slt", "rms", "awb", "kal16"])
def test_the_phrase_wakes_and_what_follows_it_is_kept(computer: Waker, voice: str) -> None:
    request = say("Read me my shopping list.", voice)
    kept = heard(computer, noise(5, -70) + say("Computer.", voice) + request)

    assert kept is not None
    where, likeness = match(kept, request)
    assert likeness > 0.95, "all of the request is there"
    assert where < len(say("Computer.", voice)) / 2 / RATE * 1000 * 0.6, "and little of the phrase"


@needs_speech
def test_other_speech_does_not_wake(computer: Waker) -> None:
    for text in (
        "What is the weather going to be like tomorrow?",
        "I have written that down for you. Your shopping list has seven entries now: bread, butter, cheese and tea.",
        "Trains to the airport leave every twenty minutes, from platform nine.",
    ):
        assert heard(computer, silence(0.5) + say(text, "rms")) is None


@needs_speech
def test_noise_is_not_even_searched(computer: Waker) -> None:
    assert heard(computer, noise(10, -30)) is None


@needs_speech
def test_a_phrase_of_two_words_is_one(computer: Waker) -> None:
    waker = Waker("hey, Computer!")
    try:
        assert heard(waker, silence(0.5) + say("Hey computer, good morning.")) is not None
        assert heard(waker, silence(0.5) + say("Hey there, good morning.")) is None
    finally:
        waker.close()


@needs_speech
def test_hearing_waits_for_nobody_and_a_search_that_hangs_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    class Hung(Child):
        def answer(self) -> object:
            let_go.wait(DEADLINE)
            return super().answer()

    monkeypatch.setattr(spotting, "Child", Hung)
    waker = Waker("computer")
    longest = 0.0
    for block in blocks(say("Tell me a long story about the history of the piano. ") * 5):
        began = time.thread_time()
        waker.hear(block)
        longest = max(longest, time.thread_time() - began)
    assert waker._spotter is not None
    lost, waiting = waker._spotter.lost, waker._spotter._sound.qsize()
    let_go.set()
    waker.close()

    assert lost > 0
    assert waiting <= 1000
    assert longest < 0.1


@needs_speech
def test_a_search_that_ends_is_told(computer: Waker) -> None:
    waker = Waker("computer")
    assert waker._spotter is not None
    waker._spotter._child.kill()
    waker._spotter._child._process.wait(DEADLINE)
    woken(waker, say("Computer, what time is it?"))
    waker.catch_up()

    assert waker._spotter.broken
    waker.close()


@needs_speech
@pytest.mark.parametrize(
    ("phrase", "told"),
    [
        ("hey blorptron", 'wake word "blorptron" is not in the dictionary: choose words such as "computer"'),
        ("?!", "not in the dictionary"),
        ("computer \x1b[31m", "not in the dictionary"),
        ("sam", '"sam" is too short'),
    ],
)
def test_a_phrase_that_cannot_be_heard_is_refused_in_a_line(phrase: str, told: str) -> None:
    with pytest.raises(SettingError, match=told) as refused:
        Waker(phrase)

    assert str(refused.value).isprintable()


def test_without_a_recogniser_a_phrase_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "offline.decoder", raising=False)
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)

    with pytest.raises(SettingError, match=r"^a wake word needs the package pocketsphinx"):
        Waker("computer")
