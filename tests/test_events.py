"""Events: names, fields, spellings, bad input."""

from __future__ import annotations

import base64
import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strict import CLIENT_EVENT_NAMES, SERVER_EVENT_NAMES, parse_client
from voice import events
from voice.conversation import Conversation
from voice.events import MalformedEventError, decode, encode


def test_every_event_that_has_a_class_is_one_of_the_api() -> None:
    assert set(events.SERVER_CLASSES) <= SERVER_EVENT_NAMES
    assert set(events.CLIENT_NAMES.values()) <= CLIENT_EVENT_NAMES


@pytest.mark.parametrize(
    "name", sorted({*SERVER_EVENT_NAMES, "ping"} - {*events.SERVER_CLASSES, *events.BETA_SPELLINGS})
)
def test_what_the_program_has_no_use_for_is_survived(name: str) -> None:
    event = decode(json.dumps({"type": name, "event_id": "e"}))

    assert event == events.Other(name)
    assert Conversation().receive(event) == []


@pytest.mark.parametrize(
    ("beta", "ga"),
    [
        ("response.audio.delta", "response.output_audio.delta"),
        ("response.audio_transcript.delta", "response.output_audio_transcript.delta"),
        ("response.text.delta", "response.output_text.delta"),
        ("response.audio.done", "response.output_audio.done"),
        ("conversation.item.created", "conversation.item.added"),
    ],
)
def test_both_spellings_mean_the_same(beta: str, ga: str) -> None:
    fields = {"response_id": "r", "item_id": "i", "delta": "AAAA", "item": {"type": "message", "id": "i"}}

    assert decode(json.dumps({"type": beta, **fields})) == decode(json.dumps({"type": ga, **fields}))


def test_sound_is_decoded_and_extra_fields_are_ignored() -> None:
    message = {
        "type": "response.output_audio.delta",
        "event_id": "e",
        "response_id": "r",
        "item_id": "i",
        "output_index": 0,
        "content_index": 0,
        "delta": base64.b64encode(b"\x01\x02\x03\x04").decode(),
        "obfuscation": "xyz",
    }

    assert decode(json.dumps(message)) == events.AudioDelta("r", "i", b"\x01\x02\x03\x04")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no json",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"type": 5}',
        '{"type": "error"}',
        '{"type": "response.done"}',
        '{"type": "response.done", "response": {"id": 7}}',
        '{"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": "%%%"}',
        '{"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": 5}',
        b"\xff\xfe",
        "[" * 100_000,
    ],
)
def test_malformed_messages_are_reported_as_such(message: str | bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode(message)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "response.created", "response": {"id": "r1", "output": None}},
        {"type": "response.done", "response": {"id": "r1", "output": [{"type": "message", "content": None}]}},
        {"type": "error", "error": {"message": None, "code": "x"}},
        {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": None},
    ],
)
def test_null_is_as_good_as_absent(message: dict[str, Any]) -> None:
    assert not isinstance(decode(json.dumps(message)), events.Other)


def test_an_error_is_understood_however_it_is_written() -> None:
    coded = decode('{"type": "error", "error": {"message": "no", "code": 429}}')
    bare = decode('{"type": "error", "error": "no"}')

    assert coded == events.ErrorReported(events.Problem("no", code="429"))
    assert bare == events.ErrorReported(events.Problem("no"))


def test_times_may_have_a_fraction() -> None:
    assert decode('{"type": "input_audio_buffer.speech_started", "item_id": "u", "audio_start_ms": 12.7}') == (
        events.SpeechStarted("u", 12)
    )


@pytest.mark.parametrize("items", ["output", "content"])
def test_a_long_list_of_nonsense_costs_little(items: str) -> None:
    nonsense = [0] * 200_000
    inner = {"output": nonsense} if items == "output" else {"output": [{"type": "message", "content": nonsense}]}
    message = json.dumps({"type": "response.done", "response": {"id": "r", **inner}})
    tracemalloc.start()
    with pytest.raises(MalformedEventError):
        decode(message)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20 * len(message)


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
_field_names = st.sampled_from(
    ["item", "response", "error", "delta", "item_id", "response_id", "transcript", "session", "previous_item_id"]
)


@settings(max_examples=300)  # the first of each kind builds its model
@given(
    name=st.sampled_from(sorted(SERVER_EVENT_NAMES)),
    fields=st.dictionaries(_field_names, _json_values, max_size=6),
)
def test_any_json_is_an_event_or_malformed(name: str, fields: dict[str, Any]) -> None:
    with suppress(MalformedEventError):
        decode(json.dumps({**fields, "type": name}))


@pytest.mark.parametrize(
    "event",
    [
        events.SessionUpdate({"type": "realtime", "instructions": "Be brief."}, event_id="configure"),
        events.AudioAppend(b"\x00\x01"),
        events.ItemCreate({"type": "function_call_output", "call_id": "c", "output": "it rains"}),
        events.ItemCreate(
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hé \ud800"}]}, "root"
        ),
        events.ItemTruncate("i", 1200),
        events.ItemDelete("i"),
        events.ResponseCreate(),
        events.ResponseCreate({"instructions": "Say goodbye."}, event_id="e"),
        events.ResponseCancel("r"),
    ],
)
def test_every_client_event_is_what_the_service_takes(event: events.ClientEvent) -> None:
    message = encode(event)

    message.encode("utf-8")
    parse_client(json.loads(message))


def test_an_answer_from_before_is_written_as_the_dialect_wants_it() -> None:
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}
    output = {"type": "function_call_output", "call_id": "c", "output": "it rains"}

    assert json.loads(encode(events.ItemCreate(item)))["item"] == item
    in_beta = json.loads(encode(events.ItemCreate(item), beta=True))["item"]
    assert in_beta == item | {"content": [{"type": "text", "text": "Yes."}]}
    assert json.loads(encode(events.ItemCreate(output), beta=True))["item"] == output


def test_sound_is_encoded_as_base64() -> None:
    message = json.loads(encode(events.AudioAppend(b"\x00\x01\xff")))

    assert message == {"type": "input_audio_buffer.append", "audio": base64.b64encode(b"\x00\x01\xff").decode()}
