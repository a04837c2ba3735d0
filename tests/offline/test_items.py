"""Items of a conversation with the offline assistant."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.offline.client import (
    LOUD,
    MS,
    Client,
    Echo,
    text_item,
)

# Items


def test_every_kind_of_item_can_be_put_in_and_the_brain_reads_them_in_order(client: Client, brain: Echo) -> None:
    sound = base64.b64encode(LOUD).decode()
    items: list[dict[str, Any]] = [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "be kind"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": sound}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,"}],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "earlier"}]},
        {"type": "function_call", "id": "my_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
    ]
    for item in items:
        client.send("conversation.item.create", item=item)
        added = client.wait("conversation.item.added")
        client.wait("conversation.item.done")
    client.answer(output_modalities=["text"])

    assert added["previous_item_id"] == "my_call"
    assert [item["type"] for item in brain.turns[0].items] == [item["type"] for item in items]
    assert brain.turns[0].items[1]["content"] == [{"type": "input_audio", "transcript": "hello there"}]
    assert all(item["status"] == "completed" for item in brain.turns[0].items)


def test_items_go_where_they_are_put(client: Client, brain: Echo) -> None:
    first = client.say("first")
    client.say("last")
    for place in ("root", first):
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"after {place}"}]}
        client.send("conversation.item.create", item=item, previous_item_id=place)
    events = [client.wait("conversation.item.done") for _ in range(2)]
    client.answer(output_modalities=["text"])

    assert [event["previous_item_id"] for event in events] == [None, first]
    texts = [item["content"][0]["text"] for item in brain.turns[0].items]
    assert texts == ["after root", "first", f"after {first}", "last"]


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"item": text_item(id="taken")}, "item_create_duplicate_item_id", None),
        ({"item": text_item(id="x" * 33)}, "string_above_max_length", "item.id"),
        ({"item": text_item(), "previous_item_id": "gone"}, "item_create_invalid_previous_item_id", "previous_item_id"),
        ({"item": text_item(role="nobody")}, "invalid_value", "item.role"),
        ({"item": {"type": "message"}}, "missing_required_parameter", "item.role"),
        ({"item": {"type": "riddle"}}, "invalid_value", "item.type"),
        ({"item": {}}, "missing_required_parameter", "item.type"),
        ({"item": text_item(colour="red")}, "unknown_parameter", "item.colour"),
        ({"item": text_item(content=[{"type": "input_text"}])}, "missing_required_parameter", "item.content[0].text"),
        (
            {"item": {"type": "function_call_output", "call_id": "c", "output": ""}},
            "invalid_tool_call_id",
            "item.call_id",
        ),
        (
            {"item": {"type": "message", "role": "assistant", "content": [{"type": "output_audio"}]}},
            "invalid_value",
            "item.content[0].type",
        ),
    ],
)
def test_a_wrong_item_is_refused(client: Client, fields: dict[str, Any], code: str, param: str | None) -> None:
    client.send("conversation.item.create", item=text_item(id="taken"))
    client.wait("conversation.item.done")
    error = client.refused("conversation.item.create", **fields)

    assert (error["code"], error["param"]) == (code, param)


def test_items_are_retrieved_with_their_sound_and_deleted(manual: Client) -> None:
    manual.append(LOUD)
    manual.send("input_audio_buffer.commit")
    item_id = manual.wait("conversation.item.done")["item"]["id"]
    item = manual.ask("conversation.item.retrieve", item_id=item_id)["item"]

    assert base64.b64decode(item["content"][0]["audio"]) == LOUD
    assert item["content"][0]["transcript"] is None
    assert manual.ask("conversation.item.delete", item_id=item_id)["type"] == "conversation.item.deleted"
    for verb in ("retrieve", "delete"):
        error = manual.refused(f"conversation.item.{verb}", item_id=item_id)
        assert error["code"] == f"item_{verb}_invalid_item_id"


def test_of_a_truncated_answer_the_brain_knows_what_was_heard(client: Client, brain: Echo) -> None:
    client.say("hi")
    item_id = client.answer()["output"][0]["id"]
    event = client.ask("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=300)
    item = client.ask("conversation.item.retrieve", item_id=item_id)["item"]
    client.answer(output_modalities=["text"])

    assert (event["type"], event["audio_end_ms"]) == ("conversation.item.truncated", 300)
    assert len(base64.b64decode(item["content"][0]["audio"])) == 300 * MS
    assert item["content"][0]["transcript"] is None
    assert brain.turns[1].items[1]["content"] == [{"type": "output_audio", "transcript": "You said hi."}]


def test_an_answer_in_the_making_is_truncated(client: Client, brain: Echo) -> None:
    client.say("slowly")
    client.send("response.create")
    item_id = client.wait("response.output_audio.delta")["item_id"]
    client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=100)
    client.wait("conversation.item.truncated")
    brain.gate.set()
    client.wait("rate_limits.updated")
    item = client.ask("conversation.item.retrieve", item_id=item_id)["item"]

    assert len(base64.b64decode(item["content"][0]["audio"])) == 100 * MS
    assert item["content"][0]["transcript"] is None


def test_what_cannot_be_truncated_is_refused(client: Client) -> None:
    typed = client.say("hi")
    spoken = client.answer()["output"][0]["id"]
    written = client.answer(output_modalities=["text"])["output"][0]["id"]

    def refused(item_id: str, end_ms: int) -> tuple[str, str]:
        error = client.refused("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=end_ms)
        return error["code"], error["message"]

    assert refused("gone", 0)[0] == "item_truncate_invalid_item_id"
    assert refused(typed, 0)[0] == "unsupported_content_type"
    assert refused(written, 0)[0] == "unsupported_content_type"
    assert refused(spoken, 9999) == ("invalid_value", "Audio content of 600ms is already shorter than 9999ms")


def test_the_oldest_items_are_forgotten(client: Client, brain: Echo) -> None:
    for number in range(502):
        client.send("conversation.item.create", item=text_item(id=f"item_{number}"))
        client.wait("conversation.item.done")
    client.answer(output_modalities=["text"])

    assert len(brain.turns[0].items) == 500
    assert brain.turns[0].items[0]["id"] == "item_2"
