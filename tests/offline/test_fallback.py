"""The built-in commands in place of a language model that does not answer."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from websockets.sync.client import connect

from offline.brain import FunctionCall, GivenUp, TextDelta, Turn
from offline.chat import LlmError
from offline.fallback import APOLOGY, REST_S, Fallback
from offline.llm import LlmBrain
from offline.matcher import Matcher
from offline.organs import Organs
from offline.server import Server
from tests.offline.client import Client
from tests.offline.llmserver import LlmServer, chunk, words

HELLO = Turn(({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},))
GREETING = "Hello. What can I do for you?"


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_commands_answer_for_a_model_that_is_down_which_is_said_once(llm: LlmServer) -> None:
    clock = Clock()
    brain = Fallback(LlmBrain(llm.url), Matcher(), clock)
    llm.status, llm.failure = 503, b"loading"

    assert words(brain.reply(HELLO)) == APOLOGY + GREETING
    assert words(brain.reply(HELLO)) == GREETING
    assert llm.requests.qsize() == 1, "it is left alone for a while"

    clock.seconds += REST_S
    assert words(brain.reply(HELLO)) == GREETING
    assert llm.requests.qsize() == 2

    llm.status, llm.script = 200, [chunk(content="Here I am."), "[DONE]"]
    clock.seconds += REST_S
    assert words(brain.reply(HELLO)) == "Here I am."
    llm.status = 503
    assert words(brain.reply(HELLO)) == APOLOGY + GREETING


def test_commands_answer_where_nobody_listens() -> None:
    with LlmServer() as gone:
        url = gone.url

    assert words(Fallback(LlmBrain(url, "any"), Matcher()).reply(HELLO)) == APOLOGY + GREETING


def test_commands_call_functions_for_a_model_that_is_down() -> None:
    with LlmServer() as gone:
        url = gone.url
    question = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "list my notes"}]}
    turn = Turn((question,), ({"type": "function", "name": "list_notes"},))

    parts = list(Fallback(LlmBrain(url, "any"), Matcher()).reply(turn))

    assert parts == [TextDelta(APOLOGY), FunctionCall("list_notes", "{}")]


def test_commands_answer_for_a_model_that_is_slow(llm: LlmServer) -> None:
    late = threading.Event()
    llm.script = [late, chunk(content="Sorry, I am late.")]

    answer = words(Fallback(LlmBrain(llm.url, patience_s=0.3), Matcher()).reply(HELLO))
    late.set()

    assert answer == APOLOGY + GREETING


def test_commands_answer_for_a_model_without_a_word(llm: LlmServer) -> None:
    llm.script = [chunk(role="assistant"), "[DONE]"]

    assert words(Fallback(LlmBrain(llm.url), Matcher()).reply(HELLO)) == APOLOGY + GREETING


def test_of_a_noise_no_model_is_asked(llm: LlmServer) -> None:
    noise = {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": ""}]}
    brain = Fallback(LlmBrain(llm.url), Matcher())

    list(brain.reply(Turn((*HELLO.items, noise))))
    assert llm.requests.empty()

    llm.script = [chunk(content="Hi.")]
    assert words(brain.reply(Turn((noise, *HELLO.items)))) == "Hi."


def test_an_answer_that_is_given_up_is_no_failure(llm: LlmServer) -> None:
    late = threading.Event()
    llm.script = [late, chunk(content="Here I am.")]
    brain = Fallback(LlmBrain(llm.url, "m"), Matcher())
    turn = replace(HELLO, given_up=GivenUp())
    parts: list[TextDelta | FunctionCall] = []
    thread = threading.Thread(target=lambda: parts.extend(brain.reply(turn)))
    thread.start()
    assert llm.asked.acquire(timeout=5)
    turn.given_up.set()
    thread.join(5)
    late.set()

    assert parts == []
    assert words(brain.reply(HELLO)) == "Here I am."


def test_questions_that_are_given_up_do_not_use_up_the_responses(llm: LlmServer, organs: Organs) -> None:
    forever = threading.Event()
    llm.script = [chunk(content="<think>"), forever]
    with (
        Server(replace(organs, brain=Fallback(LlmBrain(llm.url, "m"), Matcher()))) as server,
        connect(f"{server.url}?model=any", max_queue=None) as socket,
    ):
        client = Client(socket)
        for _ in range(10):
            client.say("hello")
            client.send("response.create")
            client.wait("response.created")
            assert llm.asked.acquire(timeout=5)
            client.send("response.cancel")
            assert client.wait("response.done")["response"]["status"] == "cancelled"
            _join_replies()
    forever.set()


def _join_replies() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("offline reply"):
            thread.join(5)
            assert not thread.is_alive()


def test_half_an_answer_is_not_followed_by_another(llm: LlmServer) -> None:
    llm.script = [chunk(content="One"), json.dumps({"error": "out of memory"})]
    answer = Fallback(LlmBrain(llm.url), Matcher()).reply(HELLO)

    assert next(answer) == TextDelta("One")
    with pytest.raises(LlmError, match="out of memory"):
        next(answer)
