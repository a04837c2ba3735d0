"""What the user's words mean: told by the functions that they call and by what is asked back."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from offline.commands import LONGEST_TEXT, UNKNOWN, parse
from offline.sentences import sentences
from tests.offline.talk import OURS, TEXT, Talk, assistant, tool


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


LISTED: tuple[str, dict[str, str]] = ("list_notes", {})
DELETE_SHOPPING = "Shall I delete the note shopping? Please say yes or no."


def test_nothing_is_deleted_without_a_yes() -> None:
    talk = Talk()

    assert talk.say("delete a note") == "Which note shall I delete?"
    assert talk.say("the shopping note") == LISTED
    assert talk.result("Notes (1): Shopping.") == DELETE_SHOPPING
    assert talk.say("the moon") == DELETE_SHOPPING
    assert talk.say("no thanks") == "All right, I keep the note shopping."
    assert talk.say("yes") == "What can I do for you?"
    assert talk.say("delete my shopping note") == LISTED
    assert talk.result("Notes (1): shopping.") == DELETE_SHOPPING
    assert talk.say("Yes, please!") == ("delete_note", {"name": "shopping"})


@pytest.mark.parametrize(
    ("listing", "answer"),
    [
        ("There are no notes.", 'There is no note "to do".'),
        ("Notes (1): work.", 'There is no note "to do".'),
        ("Notes (2): work, To-Do.", "Shall I delete the note to do? Please say yes or no."),
        ("Notes (60): work and 59 more.", "Shall I delete the note to do? Please say yes or no."),
        ("That did not work: no disk.", "Shall I delete the note to do? Please say yes or no."),
        ('["to do"]', "Shall I delete the note to do? Please say yes or no."),
    ],
)
def test_what_is_not_there_need_not_be_deleted(listing: str, answer: str) -> None:
    talk = Talk()
    talk.say("delete my to do note")

    assert talk.result(listing) == answer


def test_where_notes_cannot_be_listed_their_deletion_is_asked_for_at_once() -> None:
    assert Talk([tool for tool in OURS if tool["name"] != "list_notes"]).say("delete shopping") == DELETE_SHOPPING


def test_a_yes_to_another_question_deletes_nothing() -> None:
    talk = Talk()
    talk.say("delete shopping")
    talk.result("Notes (1): shopping.")
    talk.items.append(assistant("The shopping note also has a recipe. Shall I read it to you?"))

    assert talk.say("yes") == "What can I do for you?"


@pytest.mark.parametrize("text", ["tell me a joke", "Bob", "yes"])
def test_a_question_that_was_not_the_last_word_waits_for_nothing(text: str) -> None:
    talk = Talk()
    talk.say("take a note")
    talk.items.append(assistant("Once upon a time there was a note."))

    assert "note" not in talk.say(text)[0]


def test_a_question_may_be_answered_before_it_was_heard_to_the_end() -> None:
    talk = Talk()
    talk.say("what's the weather")
    talk.items[-1] = assistant("For which")

    assert talk.say("Oslo") == ("get_weather", {"city": "Oslo"})


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
        ("delete it", ("list_notes", {})),
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
    assert talk.say("shopping") == LISTED
    assert talk.result("Notes (1): shopping.") == DELETE_SHOPPING


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
        ("get rid of my shopping", ("list_notes", {})),
        ("show me the forecast", "For which city?"),
        ("delete shopping", ("list_notes", {})),
        ("append to shopping", "What shall I add?"),
    ],
)
def test_a_note_s_name_alone_will_do(text: str, call: str | tuple[str, Any]) -> None:
    assert Talk().say(text) == call


ADDED = "append_note"


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("add to shopping: cheese", (ADDED, {"name": "shopping", "text": "cheese"})),
        ("add to ideas a submarine", (ADDED, {"name": "ideas", "text": "a submarine"})),
        ("add to my ideas: a submarine", (ADDED, {"name": "ideas", "text": "a submarine"})),
        ("write to ideas: fly to the moon", (ADDED, {"name": "ideas", "text": "fly to the moon"})),
        ("write hello to ideas", (ADDED, {"name": "ideas", "text": "hello"})),
        ("put a plane in ideas", (ADDED, {"name": "ideas", "text": "a plane"})),
        ("write in my diary that today was nice", (ADDED, {"name": "diary", "text": "today was nice"})),
        (
            "add socks to the packing list and shirts to the laundry list",
            (ADDED, {"name": "packing list", "text": "socks"}),
        ),
        ("note to self, call Bob", (ADDED, {"name": "notes", "text": "call Bob"})),
        ("write a note to self: water the plants", (ADDED, {"name": "notes", "text": "water the plants"})),
        ("save this: the code is 12345", (ADDED, {"name": "notes", "text": "the code is 12345"})),
        ("don't forget the milk", (ADDED, {"name": "notes", "text": "the milk"})),
        ("new note", "What shall the note say?"),
        ("new note: pay rent", (ADDED, {"name": "notes", "text": "pay rent"})),
        ("create a shopping list", "What shall the note say?"),
        ("create a list called holiday", "What shall the note say?"),
        (
            "write a shopping list with milk and eggs",
            ("write_note", {"name": "shopping list", "text": "milk and eggs"}),
        ),
        (
            "make a note called work saying something else",
            ("write_note", {"name": "work", "text": "something else"}),
        ),
        ("search notes", "What shall I look for?"),
        ("search notes for butter", ("search_notes", {"query": "butter"})),
        ("search for Müller", ("search_notes", {"query": "Müller"})),
        ("list", ("list_notes", {})),
        ("my notes", ("list_notes", {})),
        ("what is in my notes", ("list_notes", {})),
        ("show ideas", ("read_note", {"name": "ideas"})),
        ("show me ideas", ("read_note", {"name": "ideas"})),
        ("view ideas", ("read_note", {"name": "ideas"})),
        ("what's in ideas", ("read_note", {"name": "ideas"})),
        ("tell me what's in ideas", ("read_note", {"name": "ideas"})),
        ("I'd like to hear the ideas note", ("read_note", {"name": "ideas"})),
        ("remind me what's on the packing list", ("read_note", {"name": "packing list"})),
        ("read the last note", "Which note?"),
    ],
)
def test_notes_are_spoken_of_in_many_ways(text: str, call: str | tuple[str, Any]) -> None:
    assert Talk().say(text) == call


@pytest.mark.parametrize(
    "text",
    [
        *("delete milk from the shopping list", "remove eggs from my list", "cross off milk", "remove the last item"),
        *("clear the shopping list", "rename work to job", "overwrite the note work with done", "undo"),
        *("change the note work", "mark buy stamps as done", "delete all notes"),
    ],
)
def test_a_note_is_not_changed(text: str) -> None:
    assert Talk().say(text) == "I can only add to a note, or delete one as a whole."


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("take a note", "stop at the bakery"),
        ("take a note", "cancel the gym"),
        ("take a note", "wait for Paul"),
        ("take a note", "no sugar"),
        ("take a note", "write an email to my boss"),
        ("take a note", "call mom about the car"),
        ("take a note", "delete old photos"),
        ("take a note", "search for a new flat"),
        ("take a note", "read chapter five"),
        ("take a note", "add salt to the soup"),
        ("add to the shopping note", "remember the list"),
    ],
)
def test_no_word_of_a_note_is_lost(question: str, text: str) -> None:
    talk = Talk()
    talk.say(question)

    call = talk.say(text)
    assert isinstance(call, tuple)
    assert (call[0], call[1]["text"]) == ("append_note", text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("stop", "All right."),
        ("Forget it.", "All right."),
        ("cancel that", "All right."),
        ("I don't know", "All right."),
        ("no", "All right."),
        ("goodbye", "Goodbye."),
        ("what?", "What shall I add?"),
        ("read it", ("read_note", {"name": "work"})),
        ("read ideas", ("read_note", {"name": "ideas"})),
        ("delete that note", ("list_notes", {})),
        ("take a note", "What shall the note say?"),
        ("write a note called home", "What shall the note say?"),
        ("create a shopping list", "What shall the note say?"),
        ("add milk, eggs and bread to groceries", (ADDED, {"name": "groceries", "text": "milk, eggs and bread"})),
        ("add milk", (ADDED, {"name": "work", "text": "milk"})),
    ],
)
def test_a_plain_request_is_no_text_of_a_note(text: str, answer: str | tuple[str, Any]) -> None:
    talk = Talk()
    talk.say("add to my work note")

    assert talk.say(text) == answer


def test_a_note_that_is_not_there_is_not_the_one_last_spoken_of() -> None:
    talk = Talk()
    talk.say("read the ideas note")
    talk.result("Fly.")
    talk.say("read the diary note")
    talk.result('There is no note "diary".')

    assert talk.say("add a boat") == (ADDED, {"name": "ideas", "text": "a boat"})


def test_a_deleted_note_is_not_the_one_last_spoken_of() -> None:
    talk = Talk()
    talk.say("delete ideas")
    talk.result("Notes (1): ideas.")
    talk.say("yes")
    talk.result("Moved.")

    assert talk.say("add a boat") == "To which note?"


def test_a_list_may_be_named_for_short() -> None:
    talk = Talk()
    talk.say("read the shopping list")
    talk.result("Milk.")

    assert talk.say("add to shopping: cheese") == (ADDED, {"name": "shopping list", "text": "cheese"})


EXISTS = 'There is a note "work" already.'


@pytest.mark.parametrize(
    ("text", "answer"),
    [("yes", (ADDED, {"name": "work", "text": "rest"})), ("no", "All right."), ("stop", "All right.")],
)
def test_to_a_note_that_is_there_already_can_be_added(text: str, answer: str | tuple[str, Any]) -> None:
    talk = Talk()
    talk.say("make a note called work saying rest")
    assert talk.result(f"{EXISTS} Ask the user, and set overwrite.") == f"{EXISTS} Shall I add that to it?"

    assert talk.say(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ok", (ADDED, {"name": "notes", "text": "tomorrow at 9 to call the dentist"})),
        ("no thanks", "All right."),
        ("what time is it", ("get_time", {})),
    ],
)
def test_instead_of_a_reminder_there_may_be_a_note(text: str, answer: str | tuple[str, Any]) -> None:
    talk = Talk()
    offer = "I can't remind you when the time has come, but I can take a note. Shall I?"
    assert talk.say("remind me tomorrow at 9 to call the dentist") == offer

    assert talk.say(text) == answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weather in paris, texas", {"city": "Paris, Texas"}),
        ("what's the weather in new york, ny?", {"city": "New York, Ny"}),
        ("weather in St. Louis", {"city": "St. Louis"}),
        ("weather forecast for the next 3 days in Oslo", {"city": "Oslo"}),
        ("weather in Berlin for tomorrow", {"city": "Berlin"}),
        ("weather for my trip to Rome", {"city": "Rome"}),
        ("will it be sunny in Madrid and Lisbon", {"city": "Madrid"}),
        ("How is the weather over there in Tokyo", {"city": "Tokyo"}),
        ("What's the weather in Paris? And what time is it?", {"city": "Paris"}),
        ("what's the weather in Paris and what time is it", {"city": "Paris"}),
        ("what is the wether in paris", {"city": "Paris"}),
        ("Hello! What's the weather in Paris?", {"city": "Paris"}),
    ],
)
def test_the_city_is_all_that_is_a_city(text: str, expected: dict[str, str]) -> None:
    assert Talk().say(text) == ("get_weather", expected)


@pytest.mark.parametrize(
    "text", ["weather at home", "what's the weather here", "weather in the mountains", "the weather where I am"]
)
def test_what_is_no_city_is_asked_for(text: str) -> None:
    assert Talk().say(text) == "For which city?"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("I'm in Munich", ("get_weather", {"city": "Munich"})),
        ("in Kiel", ("get_weather", {"city": "Kiel"})),
        ("Frankfurt am Main", ("get_weather", {"city": "Frankfurt am Main"})),
        ("Paris, France", ("get_weather", {"city": "Paris, France"})),
        ("the next 3 days in Oslo", ("get_weather", {"city": "Oslo"})),
        ("my trip to Rome", ("get_weather", {"city": "Rome"})),
        ("tomorrow", "For which city?"),
        ("I don't know", "All right."),
        ("here", "For which city?"),
        ("anywhere", "For which city?"),
        ("in my city", "For which city?"),
        ("what do you mean?", "For which city?"),
    ],
)
def test_the_question_for_a_city_is_answered(text: str, answer: str | tuple[str, Any]) -> None:
    talk = Talk()
    talk.say("weather")

    assert talk.say(text) == answer


@pytest.mark.parametrize("text", ["tell me a joke", "who are they", "what about you", "and you?"])
def test_not_every_answer_is_a_city(text: str) -> None:
    talk = Talk()
    talk.say("weather")

    assert str(talk.say(text)).startswith("I did not understand that.")


@pytest.mark.parametrize(
    ("day", "days"),
    [("today", 1), ("tomorrow", 2), ("the day after tomorrow", 3), ("on Friday", 2), ("on Wednesday", 7),
     ("this weekend", 4), ("next week", 7), ("for the next 5 days", 5), ("for the next three days", 3)],
)  # fmt: skip
def test_the_forecast_reaches_as_far_as_the_day(day: str, days: int) -> None:
    declared = tool("get_weather", ["city"], city=TEXT, days={"type": "integer", "default": 3})

    assert Talk([declared]).say(f"weather in Oslo {day}") == ("get_weather", {"city": "Oslo", "days": days})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what time is it in Zürich", ("get_time", {"timezone": "Europe/Zurich"})),
        ("time in São Paulo", ("get_time", {"timezone": "America/Sao_Paulo"})),
        ("what time is it in Paris, France", ("get_time", {"timezone": "Europe/Paris"})),
        ("what time is it in London and Paris", ("get_time", {"timezone": "Europe/London"})),
        ("What time is it? And what's the weather in Paris?", ("get_time", {})),
        ("tell me the date and the time", ("get_time", {})),
        *((text, ("get_time", {})) for text in (
            "whats the time", "got the time?", "what day of the week is it", "what's the day today", "what year is it",
            "what month is it", "is it Friday today?", "do you know what day it is?",
            "good morning, what time is it", "thanks, what time is it?",
            "thanks what time is it?",
        )),
        ("what's tomorrow's date", "Tomorrow is Friday, March 6, 2026."),
        ("what day is it tomorrow", "Tomorrow is Friday, March 6, 2026."),
    ],
)  # fmt: skip
def test_the_time_is_asked_for_in_many_ways(text: str, answer: str | tuple[str, Any]) -> None:
    assert Talk().say(text) == answer


@pytest.mark.parametrize(
    ("text", "city"),
    [("Thanks, and in Rome?", "Rome"), ("wait, and in Oslo?", "Oslo"), ("no, I meant Berlin", "Berlin"),
     ("not Paris, London", "London"), ("how about Kyoto", "Kyoto")],
)  # fmt: skip
@pytest.mark.parametrize("between", ["thank you", "ok", "cool"])
def test_a_request_is_put_again_with_courtesy(text: str, city: str, between: str) -> None:
    talk = Talk()
    talk.say("weather in Paris")
    talk.result("Fair.")
    talk.say(between)

    assert talk.say(text) == ("get_weather", {"city": city})


@pytest.mark.parametrize(
    "text",
    [
        *("read the news", "open Spotify", "open the door", "what's on TV tonight", "what's on the news"),
        *("add 5 and 7", "add five and seven", "write an email to my boss", "do you like snow"),
        *("what's the temperature of the sun", "what about you", "what time does the train leave"),
        "what's the time difference between Paris and Tokyo",
    ],
)
def test_not_all_that_sounds_like_it_is_a_request(text: str) -> None:
    assert str(Talk().say(text)).startswith("I did not understand that.")


@pytest.mark.parametrize("text", ["read me a story", "read something", "delete everything", "read " + "my " * 5000])
def test_not_all_that_is_read_is_a_note(text: str) -> None:
    assert str(Talk().say(text)).startswith("I did not understand that.")


@pytest.mark.parametrize(
    "start",
    ["read", "delete", "add", "put a", "what does", "show me notes about", "weather in", "thanks", "make a list"],
)
@pytest.mark.parametrize(
    "words", ["to the ", "note ", "it too ", "list as well ", "to the list and ", "\"a' ", "- ", "and in the ", "from "]
)
def test_no_wording_takes_long_to_understand(start: str, words: str) -> None:
    text = f"{start} {words * 1000}"[:LONGEST_TEXT]

    began = time.process_time()
    Talk().say(text)
    assert time.process_time() - began < 1
