"""What is understood of speech, and how the searches live and die."""

from __future__ import annotations

import gc
import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from offline.child import Child
from offline.recognizer import Guess, Recognizer, SpeechUnavailableError, Utterance, best
from offline.sentences import sentences
from tests.speech import can_speak, say, silence

needs_speech = pytest.mark.skipif(
    not can_speak() or importlib.util.find_spec("pocketsphinx") is None, reason="flite or pocketsphinx is not installed"
)


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    recognizer = Recognizer()
    yield recognizer
    recognizer.close()


def heard(recognizer: Recognizer, text: str, voice: str = "slt") -> str:
    utterance = recognizer.start()
    sound = silence(0.3) + say(text, voice) + silence(0.3)
    for at in range(0, len(sound), 961):
        utterance.feed(sound[at : at + 961])
    return utterance.finish()


@needs_speech
@pytest.mark.parametrize("voice", ["slt", "rms"])
@pytest.mark.parametrize(
    "text",
    [
        "what is the weather going to be like in barcelona on friday",
        "please add rice and coffee to my groceries note",
        "could you delete the note called travel",
    ],
)
def test_commands_are_understood(recognizer: Recognizer, text: str, voice: str) -> None:
    assert text not in set(sentences())
    assert heard(recognizer, text, voice) == text


@needs_speech
def test_other_english_is_not_forced_into_a_command(recognizer: Recognizer) -> None:
    said = "i would like to learn how to play the piano this winter"

    assert len(set(heard(recognizer, said).split()) & set(said.split())) >= 9


@needs_speech
def test_silence_is_no_words(recognizer: Recognizer) -> None:
    utterance = recognizer.start()
    utterance.feed(silence(1))

    assert utterance.finish() == ""


@needs_speech
def test_nothing_fed_is_no_words(recognizer: Recognizer) -> None:
    assert recognizer.start().finish() == ""


@needs_speech
def test_an_utterance_dropped_half_way_does_not_hold_up_the_next(recognizer: Recognizer) -> None:
    utterance = recognizer.start()
    utterance.feed(say("what time is it"))
    del utterance
    gc.collect()

    assert heard(recognizer, "what time is it") == "what time is it"


@needs_speech
def test_two_speakers_at_once_are_both_understood(recognizer: Recognizer) -> None:
    first, second = recognizer.start(), recognizer.start()
    for utterance, text in ((first, "what time is it"), (second, "list my notes")):
        utterance.feed(silence(0.2) + say(text) + silence(0.3))
    results: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda key, one: results.update({key: one.finish()}), args=(key, one))
        for key, one in (("second", second), ("first", first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert results == {"first": "what time is it", "second": "list my notes"}


@needs_speech
def test_a_speaker_who_does_not_end_holds_up_nobody_and_is_understood_in_the_end(recognizer: Recognizer) -> None:
    speaker = recognizer.start()
    speaker.feed(silence(0.3) + say("tell me the weather"))

    assert heard(recognizer, "list my notes") == "list my notes"

    speaker.feed(say("in paris") + silence(0.3))
    assert speaker.finish() == "tell me the weather in paris"


@needs_speech
def test_feeding_never_waits_for_the_search(recognizer: Recognizer) -> None:
    utterance = recognizer.start()
    sound = say("tell the children that we leave early in the morning") * 4

    begin = time.monotonic()
    utterance.feed(sound)
    spent = time.monotonic() - begin

    assert spent < len(sound) / 48_000 / 20
    utterance.finish()


@needs_speech
def test_a_search_that_breaks_is_told_and_closing_ends_all_threads() -> None:
    recognizer = Recognizer()
    utterance = recognizer.start()
    recognizer.close()
    utterance.feed(silence(1))

    with pytest.raises(SpeechUnavailableError, match="please type"):
        utterance.finish()
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("offline search") and not thread.daemon
    ]


@needs_speech
@pytest.mark.parametrize("search", [0, 1], ids=["commands", "everything"])
def test_a_search_whose_process_dies_goes_on_with_another(search: int) -> None:
    recognizer = Recognizer()
    assert heard(recognizer, "what time is it") == "what time is it"
    recognizer._searches[search]._child.kill()

    assert heard(recognizer, "what time is it") == "what time is it"
    utterance = recognizer.start()
    utterance.feed(silence(0.3) + say("list my notes") + silence(0.3))
    assert len(utterance.guesses()) == 2

    recognizer.close()


@needs_speech
def test_a_search_that_dies_again_and_again_is_not_started_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Mayfly(Child):
        """Dies at once."""

        def __init__(self, *arguments: str) -> None:
            super().__init__(*arguments)
            started.append(arguments)
            self.kill()

    recognizer = Recognizer()
    recognizer.warm()
    monkeypatch.setattr("offline.search.Child", Mayfly)
    commands, everything = recognizer._searches
    everything._child.kill()

    for _ in range(5):
        assert heard(recognizer, "what time is it") == "what time is it"  # the other search suffices
    assert 1 <= len(started) <= 4

    commands._child.kill()
    with pytest.raises(SpeechUnavailableError, match="please type"):
        heard(recognizer, "what time is it")
    recognizer.close()


@needs_speech
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("arguments", ["'offline.decoder', 'commands'", "'offline.keyphrase', 'computer'"])
def test_ctrl_c_while_a_process_starts_is_not_for_that(arguments: str) -> None:
    code = f"""
import os, signal
from offline.child import Child
signal.signal(signal.SIGINT, lambda *_: None)
child = Child({arguments})
os.killpg(0, signal.SIGINT)
child.send(b"")
print(child.answer())
child.kill()
child.join()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_without_a_recogniser_one_sentence_says_so() -> None:
    utterance = Utterance(())
    utterance.feed(silence(0.1))

    with pytest.raises(SpeechUnavailableError, match="please type"):
        utterance.finish()


def test_the_surer_guess_is_believed() -> None:
    assert best([Guess("stop", 0.2), Guess("top", 0.3)]) == "top"
    assert best([Guess("stop", 0.2)]) == "stop"


@needs_speech
def test_every_word_of_the_sentences_can_be_recognised() -> None:
    from offline.decoder import pronunciations  # noqa: PLC0415 - needs pocketsphinx

    words = {word for sentence in sentences() for word in sentence.split()}

    assert words == {line.split()[0].partition("(")[0] for line in pronunciations(words)}
    assert len(words) > 400


def test_sentences_are_the_same_for_the_same_seed() -> None:
    assert list(sentences(50)) == list(sentences(50)) != list(sentences(50, seed=2))
    assert all(sentence == sentence.lower() and not set(sentence) & set("(){}|") for sentence in sentences(2000))
