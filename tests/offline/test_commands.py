"""What the user's words mean: told by the functions that they call and by what is asked back."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from offline.commands import LONGEST_TEXT, UNKNOWN, parse
from offline.sentences import sentences
from tests.offline.talk import Talk


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what's the weather in paris", {"city": "Paris"}),
        ("What is the weather like in New York, please?", {"city": "New York"}),
        ("will it rain tomorrow in london", {"city": "London"}),
        ("hey how cold is it in san francisco right now", {"city": "San Francisco"}),
        ("Do I need an umbrella in Rio de Janeiro this weekend?", {"city": "Rio de Janeiro"}),
        ("what's the temperature in rome in degrees fahrenheit", {"city": "Rome", "units": "imperial"}),
        ("Weather in Zürich in Celsius", {"city": "Zürich", "units": "metric"}),
        ("Berlin weather", {"city": "Berlin"}),
        ("is it going to be cold in berlin", {"city": "Berlin"}),
    ],
)
@pytest.mark.parametrize("is_spoken", [False, True])
def test_weather_is_asked_of_the_function(text: str, expected: dict[str, str], is_spoken: bool) -> None:
    assert Talk().say(text, is_spoken) == ("get_weather", expected)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (
            "Take a note called Shopping saying Buy Milk, eggs",
            ("write_note", {"name": "Shopping", "text": "Buy Milk, eggs"}),
        ),
        (
            "make a new note called birthday that says order flowers",
            ("write_note", {"name": "birthday", "text": "order flowers"}),
        ),
        (
            'Create a note titled "Trip to Rome": book a hotel.',
            ("write_note", {"name": "Trip to Rome", "text": "book a hotel"}),
        ),
        ("take a note: call Bob at 5", ("append_note", {"name": "notes", "text": "call Bob at 5"})),
        ("make a note pay the rent", ("append_note", {"name": "notes", "text": "pay the rent"})),
        (
            "remember that the key is under the stone",
            ("append_note", {"name": "notes", "text": "the key is under the stone"}),
        ),
        ("add bread and butter to my shopping note", ("append_note", {"name": "shopping", "text": "bread and butter"})),
        ("Add to my Ideas note: learn the piano", ("append_note", {"name": "Ideas", "text": "learn the piano"})),
        ("put eggs on my grocery list please", ("append_note", {"name": "grocery list", "text": "eggs"})),
        ("read me the note called travel", ("read_note", {"name": "travel"})),
        ("what's on my shopping list", ("read_note", {"name": "shopping list"})),
        ("what does my ideas note say", ("read_note", {"name": "ideas"})),
        ("Which notes do I have?", ("list_notes", {})),
        ("read my notes", ("list_notes", {})),
        ("search my notes for dentist", ("search_notes", {"query": "dentist"})),
        ("find the note about John", ("search_notes", {"query": "John"})),
        ("read me my notes about John", ("search_notes", {"query": "John"})),
        ("what time is it", ("get_time", {})),
        ("what time is it in tokyo", ("get_time", {"timezone": "Asia/Tokyo"})),
    ],
)
def test_one_sentence_is_one_call(text: str, call: tuple[str, Any]) -> None:
    assert Talk().say(text) == call


def test_a_day_is_no_note() -> None:
    talk = Talk()
    talk.say("read my plans note")
    talk.result("None.")

    assert talk.say("add lunch with Anna on monday") == (
        "append_note",
        {"name": "plans", "text": "lunch with Anna on monday"},
    )


REQUEST = re.compile(
    r"((please|hey|okay|hello|can you|could you|would you|i want you to|i would like you to) )*"
    r"(what|which|how|is|will|do (i|you)|are|should|read|show|open|add|append|put|delete|remove|erase|get rid|"
    r"(take|make|write) a|create|start|save|remember|list|search|find|look (for|through)|tell|give|check)\b"
)


def test_every_request_that_the_recogniser_expects_is_understood() -> None:
    requests = {sentence for sentence in sentences() if REQUEST.match(sentence)}

    assert len(requests) > 5000
    assert [request for request in sorted(requests) if parse(request).kind == UNKNOWN] == []


def test_what_is_missing_is_asked_for_and_the_answer_understood() -> None:
    talk = Talk()

    assert talk.say("what's the weather like today") == "For which city?"
    assert talk.say("Paris.") == ("get_weather", {"city": "Paris"})


def test_a_question_may_be_left_for_another_request_or_cancelled() -> None:
    talk = Talk()
    talk.say("weather")
    assert talk.say("list my notes") == ("list_notes", {})
    talk.result("There are none.")
    talk.say("what's the weather")
    assert talk.say("never mind") == "All right."
    assert "did not understand" in str(talk.say("paris"))


def test_requests_are_continued() -> None:
    talk = Talk()
    talk.say("weather in paris in fahrenheit")
    talk.result("Warm.")

    assert talk.say("and what about london") == ("get_weather", {"city": "London", "units": "imperial"})
    talk.result("Cold.")
    assert talk.say("in celsius") == ("get_weather", {"city": "London", "units": "metric"})


def test_a_note_is_taken_in_several_turns_and_may_sound_like_a_command() -> None:
    talk = Talk()

    assert talk.say("take a note called ideas") == "What shall the note say?"
    assert talk.say("what is the weather in paris") == (
        "write_note",
        {"name": "ideas", "text": "what is the weather in paris"},
    )


def test_a_note_may_sound_like_a_farewell() -> None:
    talk = Talk()
    assert talk.say("remember to say goodbye to Bob") == (
        "append_note",
        {"name": "notes", "text": "say goodbye to Bob"},
    )
    talk.result("Saved.")
    talk.say("take a note called ideas")

    assert talk.say("say goodbye to mom") == ("write_note", {"name": "ideas", "text": "say goodbye to mom"})
    talk.result("Saved.")
    assert talk.say("goodbye") == "Goodbye."


def test_nothing_is_deleted_without_a_yes() -> None:
    talk = Talk()

    assert talk.say("delete a note") == "Which note shall I delete?"
    assert talk.say("the shopping note") == "Shall I delete the note shopping? Please say yes or no."
    assert talk.say("the moon") == "Shall I delete the note shopping? Please say yes or no."
    assert talk.say("no thanks") == "All right, I keep the note shopping."
    assert talk.say("yes") == "What can I do for you?"
    assert "Please say yes or no" in str(talk.say("delete my shopping note"))
    assert talk.say("Yes, please!") == ("delete_note", {"name": "shopping"})


def test_it_is_the_note_last_spoken_of() -> None:
    talk = Talk()
    talk.say("read the shopping note")
    talk.result("Milk.")

    assert talk.say("add eggs to it") == ("append_note", {"name": "shopping", "text": "eggs"})


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("append bread to it", ("append_note", {"name": "shopping", "text": "bread"})),
        ("add bread to it please", ("append_note", {"name": "shopping", "text": "bread"})),
        ("Append bread to it, too.", ("append_note", {"name": "shopping", "text": "bread"})),
        ("append bread to it as well", ("append_note", {"name": "shopping", "text": "bread"})),
        ("append bread to the same note", ("append_note", {"name": "shopping", "text": "bread"})),
        ("put bread on that list", ("append_note", {"name": "shopping", "text": "bread"})),
        ("append something to it", "What shall I add?"),
        ("also add eggs", ("append_note", {"name": "shopping", "text": "eggs"})),
        ("read the note again", ("read_note", {"name": "shopping"})),
        ("read it to me", ("read_note", {"name": "shopping"})),
        ("what does it say", ("read_note", {"name": "shopping"})),
        ("delete it", "Shall I delete the note shopping? Please say yes or no."),
    ],
)
@pytest.mark.parametrize("between", ["thank you", "what time is it", "never mind"])
def test_it_is_still_the_note_after_something_else(text: str, call: str | tuple[str, Any], between: str) -> None:
    talk = Talk()
    talk.say("take a note called shopping saying milk")
    talk.result("Saved.")
    talk.say(between)
    talk.result("Well.")

    assert talk.say(text) == call


def test_it_is_the_notes_without_a_name() -> None:
    talk = Talk()
    talk.say("remember to buy milk")
    talk.result("Saved.")

    assert talk.say("read it") == ("read_note", {"name": "notes"})


def test_it_is_asked_for_when_no_note_was_spoken_of() -> None:
    assert Talk().say("append bread to it") == "To which note?"
    talk = Talk()
    assert talk.say("delete it") == "Which note shall I delete?"
    assert talk.say("shopping") == "Shall I delete the note shopping? Please say yes or no."


def test_it_is_an_answer_only_when_a_note_was_spoken_of() -> None:
    talk = Talk()
    assert talk.say("append bread to it") == "To which note?"
    assert talk.say("it") == "To which note?"
    assert talk.say("ideas") == ("append_note", {"name": "ideas", "text": "bread"})
    talk.result("Added.")
    assert talk.say("read a note") == "Which note?"
    assert talk.say("that one") == ("read_note", {"name": "ideas"})


def test_a_new_note_may_be_called_what_it_likes() -> None:
    assert Talk().say("make a note called it saying boo") == ("write_note", {"name": "it", "text": "boo"})


@pytest.mark.parametrize("text", ["remember this", "add that to my shopping note", "append something to it"])
def test_this_is_nothing_to_write_down(text: str) -> None:
    talk = Talk()
    talk.say("read my shopping note")
    talk.result("Milk.")

    assert talk.say(text) in {"What shall the note say?", "What shall I add?"}


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("read shopping", ("read_note", {"name": "shopping"})),
        ("read shopping out loud", ("read_note", {"name": "shopping"})),
        ("read out shopping again", ("read_note", {"name": "shopping"})),
        ("what does shopping say", ("read_note", {"name": "shopping"})),
        ("open my birthday party please", ("read_note", {"name": "birthday party"})),
        ("add bread to shopping", ("append_note", {"name": "shopping", "text": "bread"})),
        ("put bread on my shopping", ("append_note", {"name": "shopping", "text": "bread"})),
        ("what's on the shopping", ("read_note", {"name": "shopping"})),
        ("show me our shopping", ("read_note", {"name": "shopping"})),
        ("get rid of my shopping", "Shall I delete the note shopping? Please say yes or no."),
        ("show me the forecast", "For which city?"),
        ("delete shopping", "Shall I delete the note shopping? Please say yes or no."),
        ("append to shopping", "What shall I add?"),
    ],
)
def test_a_note_s_name_alone_will_do(text: str, call: str | tuple[str, Any]) -> None:
    assert Talk().say(text) == call


@pytest.mark.parametrize("text", ["read me a story", "read something", "delete everything", "read " + "my " * 5000])
def test_not_all_that_is_read_is_a_note(text: str) -> None:
    assert str(Talk().say(text)).startswith("I did not understand that.")


@pytest.mark.parametrize("start", ["read", "delete", "add", "what does", "show me notes about"])
@pytest.mark.parametrize("words", ["to the ", "note ", "it too ", "list as well ", "\"a' ", "- "])
def test_no_wording_takes_long_to_understand(start: str, words: str) -> None:
    text = f"{start} {words * 1000}"[:LONGEST_TEXT]

    began = time.process_time()
    Talk().say(text)
    assert time.process_time() - began < 1
