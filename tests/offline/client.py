"""A client of the offline assistant that checks every event, and an assistant that is small, real and predictable."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from openai.types.realtime import RealtimeServerEvent
from openai.types.realtime.realtime_session_create_response import RealtimeSessionCreateResponse
from pydantic import BaseModel, TypeAdapter
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from offline.brain import FunctionCall, TextDelta, Turn
from offline.vad import SpeechStarted, SpeechStopped

DEADLINE = 5.0
RATE = 24_000
MS = RATE * 2 // 1000  # bytes

SILENCE = bytes(1000 * MS)
LOUD = np.full(RATE // 2, 8000, np.int16).tobytes()  # half a second

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


# An assistant whose every part is small, real and predictable


class Loudness:
    """Hears speech in 10 ms of anything loud."""

    def __init__(self, threshold: float, prefix_padding_ms: int, silence_duration_ms: int) -> None:
        self.level = threshold * 8000
        self.padding_ms = prefix_padding_ms
        self.silence_ms = silence_duration_ms
        self.rest = b""
        self.now_ms = 0
        self.quiet_ms = 0
        self.speaking = False

    def feed(self, pcm: bytes) -> list[SpeechStarted | SpeechStopped]:
        """Return where it became loud, and where it had been quiet for long enough."""
        pcm = self.rest + pcm
        whole = len(pcm) // (10 * MS) * (10 * MS)
        self.rest = pcm[whole:]
        peaks = abs(np.frombuffer(pcm[:whole], np.int16).reshape(-1, 10 * RATE // 1000)).max(axis=1)
        heard: list[SpeechStarted | SpeechStopped] = []
        for peak in peaks:
            self.now_ms += 10
            self.quiet_ms = 0 if peak >= self.level else self.quiet_ms + 10
            if not self.speaking and self.quiet_ms == 0:
                self.speaking = True
                heard.append(SpeechStarted(max(0, self.now_ms - 10 - self.padding_ms)))
            elif self.speaking and self.quiet_ms >= self.silence_ms:
                self.speaking = False
                heard.append(SpeechStopped(self.now_ms))
        return heard


class Ears:
    """Understands one fixed sentence in every sound, and counts how often it was fed."""

    def __init__(self) -> None:
        self.words = "hello there"
        self.heard: list[bytes] = []

    def start(self) -> EarsUtterance:
        """Begin to listen."""
        return EarsUtterance(self)


class EarsUtterance:
    """Remembers the sound."""

    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        self.chunks: list[bytes] = []

    def feed(self, pcm: bytes) -> None:
        """Remember more."""
        self.chunks.append(pcm)

    def finish(self) -> str:
        """Return the fixed sentence."""
        self.ears.heard.append(b"".join(self.chunks))
        if self.ears.words == "deaf":
            raise OSError("no ears")
        return self.ears.words


class Echo:
    """Repeats what it was told; a few words make it do something else."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.gate = threading.Event()  # holds back what follows the word "slowly"
        self.closed = threading.Event()

    def reply(self, turn: Turn) -> Iterator[TextDelta | FunctionCall]:
        """Repeat the last words, in three pieces."""
        self.turns.append(turn)
        said = _last_words(turn)
        try:
            if said == "fail":
                raise OSError("no idea")
            if said.startswith("weather") and turn.tools:
                yield TextDelta("Let me see. ")
                yield FunctionCall("get_weather", '{"city":"Paris"}')
                return
            yield TextDelta("You said ")
            yield TextDelta(f"{said}. ")
            if said == "slowly":
                self.gate.wait(DEADLINE)
            yield TextDelta("That is all.")
        finally:
            self.closed.set()


def _last_words(turn: Turn) -> str:
    if not turn.items:
        return "nothing"
    item = turn.items[-1]
    if item["type"] == "function_call_output":
        return str(item["output"])
    part = item["content"][-1]
    return str(part.get("text") or part.get("transcript") or "nothing")


class Tone:
    """Speaks 100 ms for every word."""

    def speak(self, text: str, voice: str = "", speed: float = 1.0) -> Iterator[bytes]:
        """Yield a piece per word."""
        for _ in text.split():
            yield LOUD[: round(100 / speed) * MS]


# Reading what the server says


_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def refuse_extras(value: object) -> None:
    """Fail on any field, however deep, that the official models do not know."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, (type(value).__name__, value.model_extra)
        for name in type(value).model_fields:
            refuse_extras(getattr(value, name))
    elif isinstance(value, list):
        for one in value:
            refuse_extras(one)


def check(event: dict[str, Any]) -> None:
    """Fail on an event that the official models would not read, or read with something left over."""
    if "session" in event:  # the models of these events leave out the fields that the server alone sets
        refuse_extras(RealtimeSessionCreateResponse.model_validate(event["session"]))
        session = {key: value for key, value in event["session"].items() if key not in {"id", "object", "expires_at"}}
        event = {**event, "session": session}
    refuse_extras(_EVENT.validate_python(event))


class Client:
    """A connection that checks every event, and waits for what it is asked to."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.session = self.wait("session.created")["session"]

    def send(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def receive(self) -> dict[str, Any]:
        """Return the next event, checked."""
        event: dict[str, Any] = json.loads(self.socket.recv(timeout=DEADLINE))
        check(event)
        self.events.append(event)
        return event

    def wait(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the next event of a kind, with these values if any; those before it are kept in `events`."""
        while True:
            event = self.receive()
            if event["type"] == kind and fields.items() <= event.items():
                return event
            assert event["type"] != "error" or kind == "error", event

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send, and return the answer to it, whatever it is."""
        self.send(kind, **fields)
        return self.receive()

    def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send something wrong, and return the error."""
        self.send(kind, event_id="mine", **fields)
        error: dict[str, Any] = self.wait("error")["error"]
        assert error["event_id"] == "mine"
        assert error["type"] == "invalid_request_error"
        return error

    def update(self, **session: Any) -> dict[str, Any]:
        """Update the session, and return what is in force then."""
        self.send("session.update", session={"type": "realtime", **session})
        updated: dict[str, Any] = self.wait("session.updated")["session"]
        return updated

    def append(self, pcm: bytes) -> None:
        """Send sound."""
        self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def say(self, text: str) -> str:
        """Put typed words into the conversation, and return the item's id."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        item_id: str = self.wait("conversation.item.done")["item"]["id"]
        return item_id

    def answer(self, **response: Any) -> dict[str, Any]:
        """Ask for a response, and return it when it is done."""
        self.send("response.create", response=response)
        done: dict[str, Any] = self.wait("response.done")["response"]
        self.wait("rate_limits.updated")
        return done

    def kinds(self) -> list[str]:
        """Return the kinds of all events since the last call, repeated ones once."""
        kinds = [event["type"] for event in self.events]
        self.events.clear()
        return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]


Dial = Callable[..., Client]


def farewell(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Wait for the server to close, and return its code and reason."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=DEADLINE)
    return socket.close_code, socket.close_reason


def text_item(**fields: Any) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}], **fields}


VAD_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
SPOKEN_ANSWER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
