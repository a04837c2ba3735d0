"""Responses of the offline assistant: spoken, written, functions, cancelled, failed."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from offline.reply import _PAUSE
from tests.offline.client import (
    DEADLINE,
    MS,
    SPOKEN_ANSWER,
    WEATHER,
    Client,
    Echo,
)

# Responses


def test_text_answers_come_without_sound(client: Client) -> None:
    client.say("hi")
    client.events.clear()
    done = client.answer(output_modalities=["text"])

    assert done["output"][0]["content"] == [{"type": "output_text", "text": "You said hi. That is all."}]
    assert client.kinds() == [
        *SPOKEN_ANSWER[:4],
        "response.output_text.delta",
        "response.output_text.done",
        *SPOKEN_ANSWER[10:],
    ]


def test_a_run_of_dots_is_no_work() -> None:
    began = time.process_time()
    found = _PAUSE.search("." * 100_000 + "x! y")

    assert time.process_time() - began < 1
    assert found is not None
    assert found.end() == 100_003


def test_sound_and_transcript_of_an_answer_are_whole(client: Client) -> None:
    client.say("hi")
    client.answer()
    sound = b"".join(
        base64.b64decode(event["delta"]) for event in client.events if event["type"] == "response.output_audio.delta"
    )
    words = "".join(
        event["delta"] for event in client.events if event["type"] == "response.output_audio_transcript.delta"
    )

    assert len(sound) == 6 * 100 * MS
    assert words == "You said hi. That is all."


def test_a_function_call_is_told_and_its_result_is_read(client: Client, brain: Echo) -> None:
    client.update(tools=[WEATHER])
    client.say("weather")
    client.events.clear()
    done = client.answer()
    message, call = done["output"]
    kinds = client.kinds()

    assert message["content"] == [{"type": "output_audio", "transcript": "Let me see. "}]
    assert (call["status"], call["name"], json.loads(call["arguments"])) == (
        "completed",
        "get_weather",
        {"city": "Paris"},
    )
    assert kinds[kinds.index("response.function_call_arguments.delta") - 2 :] == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert brain.turns[0].tools == (WEATHER,)

    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    client.send("conversation.item.create", item=output)
    client.wait("conversation.item.done")
    assert client.answer()["output"][0]["content"][0]["transcript"] == "You said sunny. That is all."


def test_a_response_may_be_different_from_the_session(client: Client, brain: Echo) -> None:
    client.update(instructions="session", tools=[WEATHER])
    client.say("hi")
    done = client.answer(
        instructions="response", tools=[], tool_choice="none", metadata={"topic": "x"}, output_modalities=["text"]
    )
    client.answer(output_modalities=["text"])

    assert done["metadata"] == {"topic": "x"}
    assert (brain.turns[0].instructions, brain.turns[0].tools, brain.turns[0].tool_choice) == ("response", (), "none")
    assert (brain.turns[1].instructions, brain.turns[1].tools, brain.turns[1].tool_choice) == (
        "session",
        (WEATHER,),
        "auto",
    )


def test_out_of_band_responses_run_beside_and_leave_no_trace(client: Client, brain: Echo) -> None:
    client.say("slowly")
    client.send("response.create")
    client.wait("response.output_audio.delta")
    aside = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "aside"}]}
    client.send("response.create", response={"conversation": "none", "input": [aside], "output_modalities": ["text"]})
    done = client.wait("response.done")["response"]
    brain.gate.set()
    client.wait("response.done")
    client.wait("rate_limits.updated")
    ids = {event["item"]["id"] for event in client.events if event["type"] == "conversation.item.added"}

    assert done["conversation_id"] is None
    assert done["output"][0]["content"][0]["text"] == "You said aside. That is all."
    assert done["output"][0]["id"] not in ids
    assert len(brain.turns[1].items) == 1
    client.answer()
    assert len(brain.turns[2].items) == 2


def test_a_response_may_read_chosen_items_alone(client: Client, brain: Echo) -> None:
    first = client.say("one")
    client.say("two")
    client.answer(input=[{"type": "item_reference", "id": first}], output_modalities=["text"])
    client.answer(input=[], output_modalities=["text"])

    assert [len(turn.items) for turn in brain.turns] == [1, 0]
    assert brain.turns[0].items[0]["id"] == first
    assert client.refused("response.create", response={"input": [{"type": "item_reference", "id": "gone"}]})


def test_a_conversation_has_one_response_at_a_time(client: Client, brain: Echo) -> None:
    client.say("slowly")
    client.send("response.create")
    active = client.wait("response.created")["response"]["id"]
    error = client.refused("response.create")
    brain.gate.set()

    assert error["code"] == "conversation_already_has_active_response"
    assert active in error["message"]
    assert client.wait("response.done")["response"]["status"] == "completed"


def test_a_response_is_cancelled_at_once(client: Client, brain: Echo) -> None:
    client.say("slowly")
    client.send("response.create")
    active = client.wait("response.created")["response"]["id"]
    assert client.refused("response.cancel", response_id="resp_else")["code"] == "response_cancel_not_active"
    client.send("response.cancel", response_id=active)
    done = client.wait("response.done")["response"]

    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert client.refused("response.cancel")["code"] == "response_cancel_not_active"
    brain.gate.set()
    assert brain.closed.wait(DEADLINE)


def test_responses_are_bounded_in_number(client: Client, brain: Echo) -> None:
    for _ in range(8):
        client.say("slowly")
        client.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
        client.wait("response.output_text.delta")
    error = client.refused("response.create", response={"conversation": "none"})
    brain.gate.set()
    for _ in range(8):
        client.wait("response.done")

    assert error["code"] == "rate_limit_exceeded"


def test_an_answer_ends_when_its_tokens_are_spent(client: Client) -> None:
    client.say("hi")
    done = client.answer(max_output_tokens=5)

    assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert done["usage"]["output_tokens"] < 15


def test_a_brain_that_fails_fails_the_response_alone(client: Client) -> None:
    client.say("fail")
    failed = client.answer()
    client.say("hi")

    assert failed["status"] == "failed"
    assert failed["status_details"]["error"]["code"] == "server_error"
    assert "no idea" in failed["status_details"]["error"]["message"]
    assert client.answer()["status"] == "completed"


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"modalities": ["text"]}, "unknown_parameter", "response.modalities"),
        ({"output_modalities": ["text", "audio"]}, "invalid_value", "response.output_modalities"),
        ({"metadata": {str(key): "" for key in range(17)}}, "invalid_value", "response.metadata"),
        ({"input": [{"type": "message", "role": "user"}]}, "missing_required_parameter", "response.input[0].content"),
    ],
)
def test_a_wrong_response_is_refused(client: Client, response: dict[str, Any], code: str, param: str | None) -> None:
    error = client.refused("response.create", response=response)

    assert (error["code"], error["param"]) == (code, param)
