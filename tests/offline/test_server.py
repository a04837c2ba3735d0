"""The offline assistant's socket: who may connect, how it ends, and the official client."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

import pytest
from openai import OpenAI
from openai.resources.realtime.realtime import RealtimeConnection
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from offline.brain import FunctionCall, TextDelta, Turn
from offline.organs import Organs
from offline.server import Server
from tests.offline.client import (
    DEADLINE,
    LOUD,
    SILENCE,
    WEATHER,
    Client,
    Dial,
    Ears,
    EarsUtterance,
    Echo,
    Loudness,
    Tone,
    check,
    farewell,
    text_item,
)

# Connecting


def test_the_first_event_tells_the_whole_session(client: Client) -> None:
    assert client.session["model"] == "any"
    assert client.session["type"] == "realtime"
    assert client.session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert client.session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert 3500 < client.session["expires_at"] - time.time() <= 3600


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("", {}, "missing_model"),
        ("?model=any", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled"),
    ],
)
def test_what_the_service_refuses_is_refused_after_the_handshake(
    server: Server, query: str, headers: dict[str, str], code: str
) -> None:
    with connect(server.url + query, additional_headers=headers) as socket:
        event = json.loads(socket.recv(timeout=DEADLINE))
        check(event)
        code_and_reason = farewell(socket)

    assert event["error"]["code"] == code
    assert code_and_reason == (4000, f"invalid_request_error.{code}")


@pytest.mark.parametrize(
    ("origin", "path", "status"),
    [
        ("https://example.com", "", 403),
        ("http://localhost.example.com", "", 403),
        ("null", "", 403),
        (None, "/else", 404),
    ],
)
def test_foreign_pages_and_other_addresses_are_turned_away(
    server: Server, origin: Origin | None, path: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"{server.url}{path}?model=any", origin=origin):
        pass

    assert refused.value.response.status_code == status


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8765", "http://[::1]:80"])
def test_pages_of_this_computer_may_connect(dial: Dial, origin: str | None) -> None:
    assert dial(origin=origin).session["object"] == "realtime.session"


def test_browser_style_authorization_is_accepted(dial: Dial) -> None:
    client = dial(subprotocols=["realtime", "openai-insecure-api-key.x"])

    assert client.socket.subprotocol == "realtime"
    assert dial(subprotocols=["openai-insecure-api-key.x"]).socket.subprotocol is None


def test_only_this_computer_is_listened_to(server: Server) -> None:
    assert urlsplit(server.url).hostname == "127.0.0.1"


def test_a_session_ends_when_its_time_is_over(organs: Organs) -> None:
    with Server(organs, session_seconds=0.2) as server, connect(f"{server.url}?model=any", max_queue=None) as socket:
        client = Client(socket)
        error = client.wait("error")["error"]
        code_and_reason = farewell(socket)

    assert error["code"] == "session_expired"
    assert code_and_reason == (1001, error["message"])


# Beginning and end


def _gone(threads: set[threading.Thread]) -> None:
    """Wait for the libraries' own threads, which see the end of their connection a moment later."""
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("offline")}


def test_stopping_says_goodbye_and_leaves_no_thread(organs: Organs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline.server._FAREWELL_SECONDS", DEADLINE)
    before = set(threading.enumerate())
    with Server(organs) as server, connect(f"{server.url}?model=any", max_queue=None) as socket:
        Client(socket)
        assert {"offline accept", "offline connection"} <= _threads()
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
        code_and_reason = farewell(socket)
        server.stop()
    server.stop()

    assert took < DEADLINE
    assert code_and_reason == (1001, "The assistant stops.")
    _gone(set(threading.enumerate()) - before)
    with pytest.raises(OSError, match="refused"):
        connect(f"{server.url}?model=any")


def test_stopping_ends_an_answer_that_nobody_reads() -> None:
    class Endless:
        def reply(self, turn: Turn) -> Iterator[TextDelta | FunctionCall]:
            while True:
                yield TextDelta("word " * 100)

    endless = Organs(brain=Endless(), recognizer=Ears(), synthesizer=Tone(), detector=Loudness)
    before = set(threading.enumerate())
    server = Server(endless)
    with connect(f"{server.url}?model=any", max_queue=1) as socket:
        Client(socket).send("response.create", response={"output_modalities": ["text"]})
        socket.recv(timeout=DEADLINE)
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
        socket.close_timeout = 0

    assert took < 3
    assert not _threads()
    _gone(set(threading.enumerate()) - before)


def test_stopping_does_not_wait_for_a_recogniser_that_hangs(organs: Organs) -> None:
    class Lost(Ears):
        def __init__(self) -> None:
            super().__init__()
            self.asked, self.found = threading.Event(), threading.Event()

        def start(self) -> LostUtterance:
            return LostUtterance(self)

    class LostUtterance(EarsUtterance):
        def finish(self) -> str:
            lost.asked.set()
            lost.found.wait(20)
            return ""

    lost = Lost()
    before = set(threading.enumerate())
    with Server(replace(organs, recognizer=lost)) as server, connect(f"{server.url}?model=any") as socket:
        Client(socket).append(LOUD + SILENCE)
        assert lost.asked.wait(DEADLINE)
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
        lost.found.set()

    assert took < 2
    _gone(set(threading.enumerate()) - before)


def test_stopping_ends_connections_that_say_nothing(organs: Organs) -> None:
    with Server(organs) as server:
        address = urlsplit(server.url)
        with create_connection(("127.0.0.1", address.port or 0)):
            began = time.monotonic()
            server.stop()

    assert time.monotonic() - began < 2.5


def test_a_client_that_leaves_ends_its_answer(server: Server, brain: Echo) -> None:
    with connect(f"{server.url}?model=any", max_queue=None) as socket:
        client = Client(socket)
        client.say("slowly")
        client.send("response.create")
        client.wait("response.output_audio.delta")
    brain.gate.set()

    assert brain.closed.wait(DEADLINE)


# The official client


@pytest.fixture
def official(server: Server) -> Iterator[OpenAI]:
    base = server.url.removesuffix("/realtime")
    with OpenAI(api_key="x", websocket_base_url=base, base_url=base) as openai:
        yield openai


# The client's own use of websockets is deprecated there since 17.1.
@pytest.mark.filterwarnings("ignore:connect:DeprecationWarning")
def test_the_official_client_talks_text_sound_and_functions(official: OpenAI) -> None:
    with official.realtime.connect(model="offline", max_retries=0) as talk:
        assert talk.recv().type == "session.created"
        talk.session.update(session={"type": "realtime", "output_modalities": ["text"], "tools": [WEATHER]})
        talk.conversation.item.create(item=text_item())
        talk.response.create()
        text = "".join(event.delta for event in _until_done(talk) if event.type == "response.output_text.delta")
        assert text == "You said x. That is all."

        talk.session.update(session={"type": "realtime", "output_modalities": ["audio"]})
        talk.input_audio_buffer.append(audio=base64.b64encode(LOUD + SILENCE).decode())
        sound = [event for event in _until_done(talk) if event.type == "response.output_audio.delta"]
        assert len(sound) == 7

        talk.conversation.item.create(item=text_item(content=[{"type": "input_text", "text": "weather"}]))
        talk.response.create()
        calls = [event for event in _until_done(talk) if event.type == "response.function_call_arguments.done"]
        assert [(call.name, call.arguments) for call in calls] == [("get_weather", '{"city":"Paris"}')]


def _until_done(talk: RealtimeConnection) -> Iterator[Any]:
    for event in talk:
        assert event.type != "error", event
        yield event
        if event.type == "response.done":
            return
