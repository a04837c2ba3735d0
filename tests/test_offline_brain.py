"""Conversations with the brain that knows requests by their wording."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import pytest

from offline.brain import FunctionCall, TextDelta, Turn
from offline.matcher import Matcher, spoken

Item: TypeAlias = Mapping[str, Any]
TEXT = {"type": "string"}


def tool(name: str, required: Sequence[str] = (), /, **properties: Item) -> Item:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "name": name, "description": "", "parameters": schema}


OURS = (
    tool(
        "get_weather",
        ["city"],
        city=TEXT,
        units={"type": "string", "enum": ["metric", "imperial"], "default": "metric"},
    ),
    tool("get_time", [], timezone={"anyOf": [TEXT, {"type": "null"}]}),
    tool("write_note", ["name", "text"], name=TEXT, text=TEXT),
    tool("append_note", ["name", "text"], name=TEXT, text=TEXT),
    tool("read_note", ["name"], name=TEXT),
    tool("list_notes"),
    tool("search_notes", ["query"], query=TEXT),
    tool("delete_note", ["name"], name=TEXT),
)


def user(text: str, spoken: bool = False) -> Item:
    part = {"type": "input_audio", "transcript": text} if spoken else {"type": "input_text", "text": text}
    return {"type": "message", "role": "user", "content": [part]}


def assistant(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": text}]}


class Talk:
    """A conversation that goes on as a client and its server keep it."""

    def __init__(self, tools: Sequence[Item] = OURS, tool_choice: str | Item = "auto") -> None:
        self.items: list[Item] = []
        self.tools, self.tool_choice = tuple(tools), tool_choice
        self.brain = Matcher(lambda zone: datetime(2026, 3, 5, 15, 7, tzinfo=zone))

    def answer(self) -> str | tuple[str, Any]:
        (part,) = self.brain.reply(Turn(tuple(self.items), self.tools, tool_choice=self.tool_choice))
        if isinstance(part, FunctionCall):
            self.items.append({"type": "function_call", "name": part.name, "arguments": part.arguments, "call_id": "1"})
            return part.name, json.loads(part.arguments)
        assert isinstance(part, TextDelta)
        self.items.append(assistant(part.text))
        return part.text

    def say(self, text: str, spoken: bool = False) -> str | tuple[str, Any]:
        self.items.append(user(text, spoken))
        return self.answer()

    def result(self, output: str) -> str | tuple[str, Any]:
        self.items.append({"type": "function_call_output", "call_id": "1", "output": output})
        return self.answer()


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
        ("what time is it", ("get_time", {})),
        ("what time is it in tokyo", ("get_time", {"timezone": "Asia/Tokyo"})),
    ],
)
def test_one_sentence_is_one_call(text: str, call: tuple[str, Any]) -> None:
    assert Talk().say(text) == call


def test_a_result_is_said() -> None:
    talk = Talk()
    talk.say("weather in Paris")

    assert talk.result("It is 12 degrees and cloudy in Paris.") == "It is 12 degrees and cloudy in Paris."


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"temperature_c": 12, "sky": "cloudy"}', "temperature c 12, sky cloudy"),
        ('{"error": "no such city"}', "That did not work: no such city"),
        ('["shopping", "ideas", "travel"]', "shopping, ideas and travel"),
        ('{"result": "Saved."}', "Saved."),
        ('"Saved."', "Saved."),
        ("", "Done."),
        ("null", "Done."),
        ("{broken", "{broken"),
    ],
)
def test_results_of_any_shape_become_words(output: str, words: str) -> None:
    assert spoken(output) == words


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
        ("also add eggs", ("append_note", {"name": "shopping", "text": "eggs"})),
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


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("read shopping", ("read_note", {"name": "shopping"})),
        ("open my birthday party please", ("read_note", {"name": "birthday party"})),
        ("add bread to shopping", ("append_note", {"name": "shopping", "text": "bread"})),
        ("delete shopping", "Shall I delete the note shopping? Please say yes or no."),
        ("append to shopping", "What shall I add?"),
    ],
)
def test_a_note_s_name_alone_will_do(text: str, call: str | tuple[str, Any]) -> None:
    assert Talk().say(text) == call


@pytest.mark.parametrize("text", ["read me a story", "delete everything", "read " + "my " * 5000])
def test_not_all_that_is_read_is_a_note(text: str) -> None:
    assert str(Talk().say(text)).startswith("I did not understand that.")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("stop", "All right."),
        ("never mind", "All right."),
        ("that's all", "All right."),
        ("nothing", "All right."),
        ("thank you very much", "You're welcome."),
    ],
)
def test_a_short_word_gets_a_short_answer(text: str, answer: str) -> None:
    assert Talk().say(text, spoken=True) == answer


def test_without_a_function_it_says_what_it_cannot_do() -> None:
    assert str(Talk(tools=()).say("weather in paris")).startswith("I can't tell you the weather in a city here.")
    assert str(Talk(tool_choice="none").say("weather in paris")).startswith("I can't")


def test_without_a_clock_function_it_looks_at_the_clock() -> None:
    talk = Talk(tools=())

    assert talk.say("what time is it") == "It is 3:07 PM."
    assert talk.say("What's the date today?") == "It is Thursday, March 5, 2026."
    assert talk.say("what time is it in Atlantis") == "I do not know the time in Atlantis."


@pytest.mark.parametrize(
    ("declared", "text", "call"),
    [
        (tool("getCurrentWeather", ["location", "unit"], location=TEXT, unit={"enum": ["celsius", "fahrenheit"]}),
         "weather in oslo", ("getCurrentWeather", {"location": "Oslo", "unit": "celsius"})),
        (tool("save_note", ["title", "content"], title=TEXT, content=TEXT),
         "take a note called x saying y", ("save_note", {"title": "x", "content": "y"})),
        (tool("save_note", ["title", "content"], title=TEXT, content=TEXT),
         "remember to buy milk", ("save_note", {"title": "notes", "content": "buy milk"})),
        (tool("weather_forecast", ["city", "day"], city=TEXT, day=TEXT),
         "will it rain in oslo tomorrow", ("weather_forecast", {"city": "Oslo", "day": "tomorrow"})),
    ],
)  # fmt: skip
def test_functions_of_others_are_used_by_their_own_names(declared: Item, text: str, call: tuple[str, Any]) -> None:
    assert Talk(tools=[declared]).say(text) == call


def test_a_function_that_wants_more_than_was_said_is_not_called() -> None:
    declared = tool("get_weather", ["city", "api_version"], city=TEXT, api_version={"type": "integer"})

    assert "api_version" in str(Talk(tools=[declared]).say("weather in oslo"))


def test_tool_choice_is_respected() -> None:
    forced = {"type": "function", "name": "list_notes"}

    assert Talk(tool_choice="required").say("sing a song")[0] in {"get_time", "list_notes"}
    assert Talk(tool_choice=forced).say("hello") == ("list_notes", {})


def test_small_talk() -> None:
    talk = Talk()
    assert talk.answer() == "Hello. What can I do for you?"
    assert talk.say("Thank you!") == "You're welcome."
    assert talk.say("what did I say?") == 'You said: "Thank you!".'
    assert talk.say("say that again") == 'You said: "Thank you!".'
    assert talk.say("stop talking") == "All right."
    assert talk.say("okay, that's all for today, goodbye") == "Goodbye."
    assert "take a note" in str(talk.say("Help"))
    assert str(talk.say("who won the world cup")).startswith("I did not understand that. I can ")
    assert talk.answer() == "Anything else?"


def test_speech_without_words_is_asked_for_again() -> None:
    assert Talk().say("", spoken=True) == "I did not hear any words. Please say it again."
