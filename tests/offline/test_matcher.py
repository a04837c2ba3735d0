"""What the brain that knows requests by their wording makes of them, of functions and of their results."""

from __future__ import annotations

from typing import Any

import pytest

from offline.matcher import spoken
from tests.offline.talk import TEXT, Item, Talk, assistant, tool


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


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("stop", "All right."),
        ("never mind", "All right."),
        ("that's all", "All right."),
        ("nothing", "All right."),
        ("thank you very much", "You're welcome."),
        ("thank you so much for your help", "You're welcome."),
        ("thx", "You're welcome."),
        ("ok", "All right."),
        ("stop the music", "All right."),
        ("no wait", "All right."),
        ("cool", "I'm glad."),
        ("great", "I'm glad."),
        ("goodnight", "Goodbye."),
        ("see you tomorrow", "Goodbye."),
        ("see ya", "Goodbye."),
        ("ciao", "Goodbye."),
        ("can you hear me", "Yes, I hear you."),
        ("are you there?", "Yes, I hear you."),
        ("huh?", "I have not said anything yet."),
        ("what are my reminders", "I have no reminders, alarms or timers, only notes."),
        ("set an alarm for 7 am", "I have no reminders, alarms or timers, only notes."),
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


@pytest.mark.parametrize("text", ["I need help", "what else can you do"])
def test_help_is_asked_for_in_many_ways(text: str) -> None:
    assert str(Talk().say(text)).startswith("I can tell you")


@pytest.mark.parametrize("text", ["repeat that", "pardon?", "huh?", "can you say that again, slower?"])
def test_what_was_of_use_is_said_again(text: str) -> None:
    talk = Talk()
    talk.say("weather in Paris")
    talk.result("It is 12 degrees in Paris.")
    talk.say("blah")
    talk.say("thanks")

    assert talk.say(text) == "It is 12 degrees in Paris."
    assert talk.say(text) == "It is 12 degrees in Paris."


def test_what_was_interrupted_is_said_again_as_a_whole() -> None:
    talk = Talk()
    talk.say("weather in Paris")
    talk.result("It is 12 degrees in Paris.")
    talk.items[-1] = assistant("It is 12")

    assert talk.say("pardon?") == "It is 12 degrees in Paris."


def test_what_somebody_else_said_is_said_again_as_far_as_it_was_heard() -> None:
    talk = Talk()
    talk.say("tell me a story")
    talk.items[-1] = assistant("Once upon a")

    assert talk.say("pardon?") == "Once upon a"


def test_speech_without_words_is_asked_for_again() -> None:
    assert Talk().say("", spoken=True) == "I did not hear any words. Please say it again."
