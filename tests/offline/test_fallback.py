"""The built-in commands in place of a language model that does not answer."""

from __future__ import annotations

import json
import threading

import pytest

from offline.brain import FunctionCall, TextDelta, Turn
from offline.fallback import APOLOGY, REST_S, Fallback
from offline.llm import LlmBrain, LlmError
from offline.matcher import Matcher
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


def test_half_an_answer_is_not_followed_by_another(llm: LlmServer) -> None:
    llm.script = [chunk(content="One"), json.dumps({"error": "out of memory"})]
    answer = Fallback(LlmBrain(llm.url), Matcher()).reply(HELLO)

    assert next(answer) == TextDelta("One")
    with pytest.raises(LlmError, match="out of memory"):
        next(answer)
