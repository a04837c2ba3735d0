"""The scripted service behaves like the real one, seen from a plain WebSocket client."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests import speech
from tests.program import Program
from tests.service import BAD_KEY, Refusal, Service
from tests.strict import parse_client, parse_server

APPEND = {"type": "input_audio_buffer.append", "audio": base64.b64encode(speech.silence(0.2)).decode()}


def client(service: Service, query: str = "?model=test", **options: Any) -> ClientConnection:
    ws: ClientConnection = connect(service.url + query, proxy=None, max_size=None, **options)
    return ws


def receive(ws: ClientConnection, until: str | None = None) -> list[dict[str, Any]]:
    """Events up to and with the first of type `until`, or only one."""
    events: list[dict[str, Any]] = []
    while not events or (until and events[-1]["type"] != until):
        events.append(json.loads(ws.recv(5)))
    return events


def ask(ws: ClientConnection, event: dict[str, Any]) -> dict[str, Any]:
    ws.send(json.dumps(event))
    return receive(ws)[0]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


# Strictness


def test_event_with_unknown_field_is_refused_by_its_path() -> None:
    session = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000, "bits": 16}}}}
    with pytest.raises(AssertionError, match=r"session\.audio\.input\.format\.bits"):
        parse_client({"type": "session.update", "session": session})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.update", "session": {}},
        {"type": "session.update", "session": {"type": "realtime", "tools": [{"type": "function", "meta": 1}]}},
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": "1"},
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0},
        {"type": "response.audio.delta"},
        {},
    ],
)
def test_malformed_client_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        parse_client(event)


def test_server_event_with_unknown_field_is_refused() -> None:
    with pytest.raises(AssertionError, match="extra"):
        parse_server({"type": "input_audio_buffer.cleared", "event_id": "e", "extra": 1})


def test_violation_fails_the_test_that_made_it() -> None:
    with pytest.raises(AssertionError, match="unknown field greeting"), Service() as service:  # noqa: PT012, SIM117
        with client(service) as ws:
            receive(ws)
            assert ask(ws, {"type": "response.create", "greeting": 1})["error"]["code"] == "invalid_event"


# Sessions


def test_session_is_updated_deeply(service: Service) -> None:
    with client(service) as ws:
        assert receive(ws)[0]["type"] == "session.created"
        changes = {"type": "realtime", "audio": {"input": {"turn_detection": None}, "output": {"voice": "cedar"}}}
        updated = ask(ws, {"type": "session.update", "session": changes})["session"]

    assert updated["audio"]["input"]["turn_detection"] is None
    assert updated["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert updated["audio"]["output"]["voice"] == "cedar"


def test_handshake_is_recorded(service: Service) -> None:
    with client(service, additional_headers={"Authorization": "Bearer sk-1"}) as ws:
        receive(ws)

    assert service.requests[0].path == "/v1/realtime?model=test"
    assert service.requests[0].headers["Authorization"] == "Bearer sk-1"


def test_several_connections_are_kept_apart(service: Service) -> None:
    for _ in range(2):
        with client(service) as ws:
            receive(ws)
            ws.send(json.dumps(APPEND))
            service.wait_for("input_audio_buffer.append")

    assert [received.connection for received in service.received] == [0, 1]
    assert len(service.connections) == 2


def test_microphone_is_what_was_appended(service: Service) -> None:
    with client(service) as ws:
        before = time.monotonic()
        ws.send(json.dumps(APPEND))
        service.wait_for("input_audio_buffer.append")

    pcm, times = service.microphone()
    assert pcm == speech.silence(0.2)
    assert [length for _, length in times] == [len(pcm)]
    assert before <= times[0][0] <= time.monotonic()


def test_waiting_gives_each_event_once_and_ends(service: Service) -> None:
    with client(service) as ws:
        ws.send(json.dumps(APPEND))
        service.wait_for("input_audio_buffer.append", where=lambda event: event["audio"] == APPEND["audio"])
        with pytest.raises(AssertionError, match=r"within 0\.1 s no input_audio_buffer.append"):
            service.wait_for("input_audio_buffer.append", timeout=0.1)


# Turns


def test_spoken_turn_comes_in_the_order_of_the_service(service: Service) -> None:
    audio = speech.tone(440, 0.25)
    with client(service) as ws:
        receive(ws)
        item_id = service.hear("how are you")
        service.say(audio, "I am fine")
        events = receive(ws, until="rate_limits.updated")

    assert kinds(events) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_audio_transcript.delta", "response.output_audio.delta"] * 3,
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    assert b"".join(map(base64.b64decode, deltas)) == audio
    assert events[2]["item_id"] == item_id
    assert events[-2]["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": "I am fine"}]


@pytest.mark.parametrize("transcript", ["", "one", "one two three four five six"])
def test_transcript_adds_up_whatever_its_length(service: Service, transcript: str) -> None:
    with client(service) as ws:
        service.say(speech.silence(0.3), transcript)
        events = receive(ws, until="response.done")

    told = [event["delta"] for event in events if event["type"] == "response.output_audio_transcript.delta"]
    assert "".join(told) == transcript


def test_function_call_and_its_result(service: Service) -> None:
    with client(service) as ws:
        call_id = service.call_function("get_weather", '{"city":"Oslo"}')
        done = receive(ws, until="response.done")[-1]
        receive(ws)
        output = {"type": "function_call_output", "call_id": call_id, "output": "sunny"}
        added = ask(ws, {"type": "conversation.item.create", "item": output})

    assert done["response"]["output"][0]["arguments"] == '{"city":"Oslo"}'
    assert added["type"] == "conversation.item.added"


def test_user_speaking_cancels_an_open_response(service: Service) -> None:
    with client(service) as ws:
        service.say(speech.silence(1), "a long story", done=False)
        service.speech_started()
        events = receive(ws, until="response.done")

    assert events[-1]["response"]["status"] == "cancelled"
    assert events[-1]["response"]["status_details"]["reason"] == "turn_detected"
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"


def test_cancel_ends_a_paced_answer(service: Service) -> None:
    with client(service) as ws:
        speaking = threading.Thread(target=service.say, args=(speech.silence(30), "on and on"), kwargs={"burst": False})
        speaking.start()
        receive(ws, until="response.output_audio.delta")
        ws.send(json.dumps({"type": "response.cancel"}))
        done = receive(ws, until="response.done")[-1]
        speaking.join(2)

    assert not speaking.is_alive()
    assert done["response"]["status_details"]["reason"] == "client_cancelled"


def test_failed_response_says_why(service: Service) -> None:
    with client(service) as ws:
        service.fail("rate_limit_exceeded")
        done = receive(ws, until="response.done")[-1]

    assert done["response"]["status_details"]["error"]["code"] == "rate_limit_exceeded"


# Refusals


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": "", **fields}}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_delete_invalid_item_id"),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id"),
        (item(call_id="x"), "invalid_tool_call_id"),
        (item(call_id="x" * 33), "string_above_max_length"),
        (
            {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1},
            "item_truncate_invalid_item_id",
        ),
        (
            {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["audio", "text"]}},
            "invalid_value",
        ),
    ],
)
def test_refusal_has_the_code_of_the_service(service: Service, event: dict[str, Any], code: str) -> None:
    with client(service) as ws:
        receive(ws)
        error = ask(ws, {"event_id": "mine", **event})["error"]

    assert (error["code"], error["event_id"]) == (code, "mine")
    assert len(service.refusals) == 1


def test_second_response_is_refused_while_one_is_active(service: Service) -> None:
    with client(service) as ws:
        reply = service.say(speech.silence(0.1), "hm", done=False)
        receive(ws, until="response.output_audio.delta")
        assert ask(ws, {"type": "response.create"})["error"]["code"] == "conversation_already_has_active_response"
        service.finish(reply)
        receive(ws, until="rate_limits.updated")
        ws.send(json.dumps({"type": "response.create"}))
        assert ask(ws, {"type": "response.create"})["error"]["code"] == "conversation_already_has_active_response"


def test_truncation_is_held_against_the_audio_that_was_sent(service: Service) -> None:
    def truncate(end_ms: int) -> dict[str, Any]:
        about = {"item_id": "spoken", "content_index": 0, "audio_end_ms": end_ms}
        return ask(ws, {"type": "conversation.item.truncate", **about})

    with client(service) as ws:
        service.say(speech.silence(0.5), "half a second", item_id="spoken")
        receive(ws, until="rate_limits.updated")
        assert "500ms is already shorter than 501ms" in truncate(501)["error"]["message"]
        assert truncate(300)["type"] == "conversation.item.truncated"
        assert truncate(301)["type"] == "error"


# Faults


@pytest.mark.parametrize(
    ("query", "headers", "code", "close_code"),
    [
        ("?model=test", {}, "invalid_api_key", 3000),
        ("", {"Authorization": "Bearer sk-good"}, "missing_model", 4000),
        ("?model=test", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled", 4000),
    ],
)
def test_bad_request_is_refused_after_the_handshake(
    query: str, headers: dict[str, str], code: str, close_code: int
) -> None:
    with Service(key="sk-good") as service, client(service, query, additional_headers=headers) as ws:
        assert receive(ws)[0]["error"]["code"] == code
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(5)

    assert closed.value.rcvd
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (close_code, f"invalid_request_error.{code}")


def test_refusals_are_met_in_turn(service: Service) -> None:
    service.refuse_next += [Refusal(HTTPStatus.TOO_MANY_REQUESTS), BAD_KEY]

    with pytest.raises(InvalidStatus, match="429"):
        client(service)
    with client(service) as ws:
        assert receive(ws)[0]["error"]["code"] == "invalid_api_key"
    with client(service) as ws:
        assert receive(ws)[0]["type"] == "session.created"


def test_expiry_closes_with_1001(service: Service) -> None:
    with client(service) as ws:
        receive(ws)
        service.expire()
        assert receive(ws)[0]["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(5)

    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1001


def test_reset_is_no_orderly_close(service: Service) -> None:
    with client(service) as ws:
        receive(ws)
        service.reset()
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(5)

    assert closed.value.rcvd is None
    assert isinstance(closed.value.__cause__, ConnectionResetError)


def test_stalled_service_does_not_even_pong(service: Service) -> None:
    with client(service) as ws:
        receive(ws)
        with service.stall():
            pong = ws.ping()
            assert not pong.wait(0.3)
        assert pong.wait(5)


def test_tls_is_trusted_by_its_certificate_alone() -> None:
    with Service(tls=True) as service:
        with client(service, ssl=ssl.create_default_context(cafile=str(service.certificate))) as ws:
            assert receive(ws)[0]["type"] == "session.created"
        with pytest.raises(ssl.SSLCertVerificationError):
            client(service)


# Programs


SCRIPT = """
import os, sys, time
print("key", os.environ.get("OPENAI_API_KEY"), "data", os.environ["DATA_DIR"], flush=True)
for line in sys.stdin:
    print("read", line.strip())
try:
    print("waiting", file=sys.stderr)
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(7)
"""


def test_program_is_isolated_typed_to_and_interrupted(run: Callable[..., Program], tmp_path: Any) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    program = run(script=script)
    program.expect(f"key  data {tmp_path}")
    program.type("hello")
    program.expect("read hello")
    program.end_of_file()
    program.expect("waiting")
    program.interrupt()

    assert program.wait() == 7
    assert program.stderr == ["waiting"]


def test_expecting_in_vain_shows_the_output(run: Callable[..., Program], tmp_path: Any) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('only this')")

    with pytest.raises(AssertionError, match="only this"):
        run(script=script).expect("something else")
