"""A conversation that a client brings along, with the brain that the program brings along."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offline.matcher import Matcher
from offline.organs import Organs
from tests.offline.client import Client, Ears, Loudness, Tone

APPEND: Any = {
    "type": "function",
    "name": "append_note",
    "description": "",
    "parameters": {"type": "object", "properties": {"name": {"type": "string"}, "text": {"type": "string"}}},
}


@pytest.fixture
def organs() -> Organs:
    return Organs(brain=Matcher(), recognizer=Ears(), synthesizer=Tone(), detector=Loudness)


@pytest.fixture
def restored(client: Client) -> Client:
    """As the program restores it: what was said, and calls with their results."""
    client.update(output_modalities=["text"], tools=[APPEND])
    arguments = json.dumps({"name": "shopping", "text": "milk"})
    for item in (
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Earlier:"}]},
        message("user", "input_text", "add milk to my shopping list"),
        {"type": "function_call", "call_id": "call_1", "name": "append_note", "arguments": arguments},
        {"type": "function_call_output", "call_id": "call_1", "output": "Added to shopping."},
        message("assistant", "output_text", "It is on the list."),
    ):
        client.send("conversation.item.create", item=item)
        client.wait("conversation.item.done")
    return client


def message(role: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what did you say", "It is on the list."),
        ("what did I say", 'You said: "add milk to my shopping list".'),
    ],
)
def test_what_was_said_before_is_known(restored: Client, question: str, answer: str) -> None:
    restored.say(question)

    assert restored.answer()["output"][0]["content"][0]["text"] == answer


def test_what_was_spoken_of_before_is_known(restored: Client) -> None:
    restored.say("add bread to it")
    (called,) = restored.answer()["output"]

    assert json.loads(called["arguments"]) == {"name": "shopping list", "text": "bread"}


def test_nobody_answers_an_answer(restored: Client) -> None:
    assert restored.answer()["output"][0]["content"][0]["text"] == "Anything else?"
