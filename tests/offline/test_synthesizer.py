"""Words to sound, with every engine that is installed."""

from __future__ import annotations

import contextlib
import shutil
import threading

import pytest

from offline.synthesizer import (
    EspeakLibrary,
    SynthesisUnavailableError,
    Synthesizer,
    default_engine,
    espeak_program,
    flite,
    speakable,
)
from tests.speech import RATE, level

ENGINES = [
    pytest.param(lambda: flite, id="flite", marks=pytest.mark.skipif(not shutil.which("flite"), reason="no flite")),
    pytest.param(
        lambda: espeak_program,
        id="espeak-ng",
        marks=pytest.mark.skipif(not shutil.which("espeak-ng"), reason="no espeak-ng"),
    ),
    pytest.param(EspeakLibrary, id="library"),
]


@pytest.fixture(params=ENGINES)
def synthesizer(request: pytest.FixtureRequest) -> Synthesizer:
    return Synthesizer(request.param())


def spoken(synthesizer: Synthesizer, text: str, voice: str = "", speed: float = 1.0) -> bytes:
    return b"".join(synthesizer.speak(text, voice, speed))


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / RATE


def test_a_sentence_is_audible_and_lasts_as_speech_does(synthesizer: Synthesizer) -> None:
    pcm = spoken(synthesizer, "The weather in Paris is cloudy today.")

    assert 1.2 < seconds(pcm) < 4
    assert -35 < level(pcm) < -6


def test_chunks_are_whole_samples_of_at_most_200_ms(synthesizer: Synthesizer) -> None:
    chunks = list(synthesizer.speak("One. Two! Three? Four."))

    assert all(0 < len(chunk) <= 9600 and len(chunk) % 2 == 0 for chunk in chunks)


def test_speed_is_honoured(synthesizer: Synthesizer) -> None:
    text = "It is half past seven in the morning and the sun is shining."
    normal, fast, slow = (seconds(spoken(synthesizer, text, speed=speed)) for speed in (1.0, 1.5, 0.5))

    assert 1.25 < normal / fast < 1.75
    assert 1.6 < slow / normal < 2.6


def test_voices_differ(synthesizer: Synthesizer) -> None:
    assert spoken(synthesizer, "Hello.", voice="echo") != spoken(synthesizer, "Hello.", voice="marin")
    assert seconds(spoken(synthesizer, "Hello.", voice="marin")) == pytest.approx(
        seconds(spoken(synthesizer, "Hello.")), rel=0.02
    )


@pytest.mark.parametrize("text", ["", " \n", "...", "\x00\x1b", "[[]]"])
def test_nothing_to_say_is_no_sound(synthesizer: Synthesizer, text: str) -> None:
    assert spoken(synthesizer, text) == b""


@pytest.mark.parametrize("text", ["--help me", "-f /etc/passwd", "-v xx hello"])
def test_text_is_never_an_option(synthesizer: Synthesizer, text: str) -> None:
    assert 0.3 < seconds(spoken(synthesizer, text)) < 6


def test_marks_of_speech_languages_are_said_as_words() -> None:
    assert speakable("[[h@l'oU]] <break time='9s'/>\x1b[31m a\nb\u202e") == "h@l'oU break time='9s'/ 31m a b"


@pytest.mark.parametrize("text", ["Grüß Gott, 20 °C in München.", "日本", "\ud800 hello", "word " * 100])
def test_any_text_is_survived(synthesizer: Synthesizer, text: str) -> None:
    spoken(synthesizer, text)


def test_the_first_sound_comes_before_the_last_sentence_is_made() -> None:
    """Sentence by sentence: nobody waits for the whole."""
    made = []

    def engine(sentence: str, _is_man: bool, _speed: float) -> tuple[int, bytes]:
        made.append(sentence)
        return RATE, bytes(9600)

    answer = Synthesizer(engine).speak("One, two. Three? Four!")
    next(answer)

    assert made == ["One, two."]
    assert len(list(answer)) == 2
    assert made == ["One, two.", "Three?", "Four!"]


def test_the_library_speaks_for_many_threads_at_once() -> None:
    library = Synthesizer(EspeakLibrary())
    alone = seconds(spoken(library, "It is twelve o'clock."))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(seconds(spoken(library, "It is twelve o'clock."))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == pytest.approx([alone] * 4, rel=0.02)  # its noise is never twice the same


def test_the_library_is_loaded_once_for_two_who_begin_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    both = threading.Barrier(2)

    class Counted(EspeakLibrary):
        def __init__(self) -> None:
            made.append(self)
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.5)  # for another that is made meanwhile
            super().__init__()

    monkeypatch.setattr("offline.synthesizer.EspeakLibrary", Counted)
    monkeypatch.setattr("shutil.which", lambda _: None)
    default_engine.cache_clear()
    spoken_s: list[float] = []
    threads = [
        threading.Thread(target=lambda: spoken_s.append(seconds(spoken(Synthesizer(), "Good day.")))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    default_engine.cache_clear()

    assert len(made) == 1
    assert len(spoken_s) == 2


def test_without_a_voice_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("espeakng_loader.get_library_path", lambda: "nowhere.so")

    with pytest.raises(SynthesisUnavailableError, match="install flite"):
        EspeakLibrary()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10 °C, feels like minus 1 °C", "10 degrees, feels like minus 1 degree"),
        ("12 to 19 °C", "12 to 19 degrees"),
        ("50°F, 21 °", "50 degrees, 21 degrees"),
        ("wind 5 km/h", "wind 5 kilometres an hour"),
        ("wind 1 km/h", "wind 1 kilometre an hour"),
        ("11 mph, 3.1 m/s", "11 miles an hour, 3.1 metres a second"),
        ("humidity 50 %, 15% of 80", "humidity 50 percent, 15 percent of 80"),
        ("America/New_York", "New York"),
        ("In America/Argentina/Buenos_Aires it is 3.", "In Buenos Aires it is 3."),
        ("and/or 50 %s", "and/or 50 %s"),
    ],
)
def test_units_and_zones_are_said_in_words(text: str, words: str) -> None:
    assert speakable(text) == words
