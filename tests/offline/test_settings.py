"""What a client may set in the offline assistant, and what it is told when it errs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.offline.client import (
    WEATHER,
    Client,
)

# Session settings


def test_an_update_changes_only_what_it_names(client: Client) -> None:
    updated = client.update(instructions="Be brief.", audio={"output": {"voice": "cedar"}}, tools=[WEATHER])

    assert updated["instructions"] == "Be brief."
    assert updated["tools"] == [WEATHER]
    assert updated["audio"]["output"] == {**client.session["audio"]["output"], "voice": "cedar"}
    assert updated["audio"]["input"] == client.session["audio"]["input"]


def test_null_and_empty_clear(client: Client) -> None:
    client.update(tools=[WEATHER], instructions="x", audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
    updated = client.update(tools=[], instructions="", audio={"input": {"transcription": None, "turn_detection": None}})

    assert (updated["tools"], updated["instructions"]) == ([], "")
    assert updated["audio"]["input"]["transcription"] is None
    assert updated["audio"]["input"]["turn_detection"] is None


def test_turn_detection_of_another_type_starts_from_its_defaults(client: Client) -> None:
    client.update(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.9}}})
    semantic = client.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
    server = client.update(audio={"input": {"turn_detection": {"type": "server_vad"}}})

    assert semantic["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }
    assert server["audio"]["input"]["turn_detection"]["threshold"] == 0.5


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"type": "realtime", "model": "other"}, "invalid_value", "session.model"),
        ({"type": "realtime", "expires_at": 1}, "unknown_parameter", "session.expires_at"),
        ({"type": "realtime", "output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"type": "realtime", "tools": [{**WEATHER, "meta": 1}]}, "unknown_parameter", "session.tools[0].meta"),
        ({"type": "realtime", "tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"type": "realtime", "instructions": 5}, "invalid_type", "session.instructions"),
        ({"type": "realtime", "max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"type": "realtime", "audio": {"input": {"turn_detection": {"idle_timeout_ms": 4999}}}},
            "invalid_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {
                "type": "realtime",
                "audio": {"input": {"turn_detection": {"type": "semantic_vad", "idle_timeout_ms": 6000}}},
            },
            "unknown_parameter",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"type": "realtime", "audio": {"output": {"speed": 2.0}}},
            "invalid_value",
            "session.audio.output.speed",
        ),
        ({"type": "realtime", "voice": "alloy"}, "unknown_parameter", "session.voice"),
    ],
)
def test_a_wrong_update_is_refused_as_a_whole(
    client: Client, session: dict[str, Any], code: str, param: str | None
) -> None:
    error = client.refused("session.update", session={"instructions": "changed", **session})

    assert (error["code"], error["param"]) == (code, param)
    assert client.update()["instructions"] == ""


def test_the_voice_is_fixed_once_it_was_heard(client: Client) -> None:
    client.say("hi")
    client.answer()
    error = client.refused("session.update", session={"type": "realtime", "audio": {"output": {"voice": "cedar"}}})

    assert error["code"] == "cannot_update_voice"
    assert client.update(audio={"output": {"voice": "alloy", "speed": 1.2}})["audio"]["output"]["speed"] == 1.2


# Messages that are no events


@pytest.mark.parametrize(
    ("frame", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("[]", "invalid_json", None),
        (b"\0\1", "invalid_event", None),
        ("{}", "missing_required_parameter", "type"),
        ('{"type": "session.destroy"}', "invalid_value", "type"),
        ('{"type": ["x"]}', "invalid_value", "type"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "%%%"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.clear", "extra": 1}', "unknown_parameter", "extra"),
    ],
)
def test_nonsense_is_answered_and_survived(client: Client, frame: str | bytes, code: str, param: str | None) -> None:
    client.socket.send(frame)
    error = client.wait("error")["error"]

    assert (error["code"], error["param"], error["event_id"]) == (code, param, None)
    assert client.update()["model"] == "any"
