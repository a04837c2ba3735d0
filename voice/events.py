"""Events of the Realtime API as frozen values, their names, and their JSON; base64 lives only here.

Names and fields follow the GA API. Servers that still speak the beta dialect are understood as well: `decode` maps
their spellings to the GA ones, and `encode` can do the reverse. Only what the program acts on has a class of its own;
all else is `Other`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, FailFast, TypeAdapter, ValidationError

Json = Mapping[str, Any]


class MalformedEventError(ValueError):
    """A message from the server that is no event: not JSON, no type, or a field of a wrong type."""


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004 - pydantic reports ValueError as a bad field
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error


Audio = Annotated[bytes, BeforeValidator(_from_base64)]
"""PCM16 little-endian mono at 24 kHz; base64 on the wire."""


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) else value


def _as_problem(value: object) -> object:
    return {"message": value} if isinstance(value, str) else value


def _as_whole(value: object) -> object:
    return math.floor(value) if isinstance(value, float) and math.isfinite(value) else value


Word = Annotated[str, BeforeValidator(_as_text)]
"""A code or a name, which some servers write as a number."""
Milliseconds = Annotated[int, BeforeValidator(_as_whole)]


# Server events ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in the service's words."""

    message: str = ""
    type: Word | None = None
    code: Word | None = None
    param: Word | None = None
    event_id: Word | None = None
    """The client event that caused it, if that had an id."""


@dataclass(frozen=True, slots=True)
class SessionCreated:  # noqa: D101 - this and the following are the service's own names
    session: Json


@dataclass(frozen=True, slots=True)
class SessionUpdated:  # noqa: D101
    session: Json


@dataclass(frozen=True, slots=True)
class ErrorReported:
    """``error``: mostly recoverable; a fatal one is followed by a close."""

    error: Annotated[Problem, BeforeValidator(_as_problem)]


@dataclass(frozen=True, slots=True)
class SpeechStarted:  # noqa: D101
    item_id: str | None = None
    audio_start_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True)
class SpeechStopped:  # noqa: D101
    item_id: str | None = None
    audio_end_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True)
class InputCommitted:  # noqa: D101
    item_id: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the conversation: a message, a function call or a function's output."""

    type: str
    id: str | None = None
    status: str | None = None
    role: str | None = None
    content: Annotated[tuple[Json, ...], FailFast()] = ()
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """``conversation.item.added``, and the beta's ``created``."""

    item: Item
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class TranscriptionDelta:
    """A further part of what the user said."""

    item_id: str
    delta: str = ""


@dataclass(frozen=True, slots=True)
class TranscriptionCompleted:  # noqa: D101
    item_id: str
    transcript: str = ""
    usage: Json | None = None


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:  # noqa: D101
    item_id: str
    error: Problem


@dataclass(frozen=True, slots=True)
class StatusDetails:
    """Why a response is not ``completed``."""

    type: str | None = None
    reason: str | None = None
    error: Problem | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of the model: its state and, at its end, its items and what it used."""

    id: str
    status: str | None = None
    status_details: StatusDetails | None = None
    output: Annotated[tuple[Item, ...], FailFast()] = ()
    usage: Json | None = None


@dataclass(frozen=True, slots=True)
class ResponseCreated:  # noqa: D101
    response: Response


@dataclass(frozen=True, slots=True)
class ResponseDone:  # noqa: D101
    response: Response


@dataclass(frozen=True, slots=True)
class OutputItemAdded:  # noqa: D101
    response_id: str
    item: Item


@dataclass(frozen=True, slots=True)
class OutputItemDone:  # noqa: D101
    response_id: str
    item: Item


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """A further piece of the answer's sound."""

    response_id: str
    item_id: str
    delta: Audio = field(repr=False)
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class AudioDone:
    """All of the item's sound has been sent; it may have seconds left to play."""

    response_id: str
    item_id: str
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """A further piece of the answer's text, be it spoken or written; it runs ahead of the sound."""

    response_id: str
    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class Other:
    """An event that the program has no use for: the API's, other servers' extras, and the future's."""

    type: str


ServerEvent = (
    SessionCreated
    | SessionUpdated
    | ErrorReported
    | SpeechStarted
    | SpeechStopped
    | InputCommitted
    | ItemAdded
    | TranscriptionDelta
    | TranscriptionCompleted
    | TranscriptionFailed
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | AudioDelta
    | AudioDone
    | TranscriptDelta
    | Other
)

SERVER_CLASSES: dict[str, type[ServerEvent]] = {
    "session.created": SessionCreated,
    "session.updated": SessionUpdated,
    "error": ErrorReported,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "input_audio_buffer.committed": InputCommitted,
    "conversation.item.added": ItemAdded,
    "conversation.item.input_audio_transcription.delta": TranscriptionDelta,
    "conversation.item.input_audio_transcription.completed": TranscriptionCompleted,
    "conversation.item.input_audio_transcription.failed": TranscriptionFailed,
    "response.created": ResponseCreated,
    "response.done": ResponseDone,
    "response.output_item.added": OutputItemAdded,
    "response.output_item.done": OutputItemDone,
    "response.output_audio.delta": AudioDelta,
    "response.output_audio.done": AudioDone,
    "response.output_audio_transcript.delta": TranscriptDelta,
    "response.output_text.delta": TranscriptDelta,
}

BETA_SPELLINGS = {
    "conversation.item.created": "conversation.item.added",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.text.delta": "response.output_text.delta",
    "transcription_session.created": "session.created",
    "transcription_session.updated": "session.updated",
}


@cache
def _adapter(name: str) -> TypeAdapter[ServerEvent]:
    """Built at first use: building all of them would cost the start-up some 20 ms."""
    return TypeAdapter(SERVER_CLASSES[name])


def _present(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Servers write null for what is not there."""
    return {name: value for name, value in pairs if value is not None}


def decode(message: str | bytes) -> ServerEvent:
    """Turn one WebSocket message into a server event; any thread.

    Raises:
        MalformedEventError: for anything that is not an event. The connection is still good.

    """
    try:
        data = json.loads(message, object_pairs_hook=_present)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError(f"no JSON: {error}") from error
    name = data.get("type") if isinstance(data, dict) else None
    if not isinstance(name, str):
        raise MalformedEventError("no event type")
    ga_name = BETA_SPELLINGS.get(name, name)
    if ga_name not in SERVER_CLASSES:
        return Other(name)
    try:
        return _adapter(ga_name).validate_python(data)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise MalformedEventError(f"{name}: {where}: {problem['msg']}") from error


# Client events ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionUpdate:  # noqa: D101
    session: Json
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class AudioAppend:
    """``input_audio_buffer.append``: PCM16 little-endian mono at 24 kHz."""

    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InputCommit:
    """End the user's turn by hand; at least 100 ms of sound."""


@dataclass(frozen=True, slots=True)
class InputClear:
    """Forget the sound that was sent and not committed."""


@dataclass(frozen=True, slots=True)
class ItemCreate:  # noqa: D101
    item: Json
    previous_item_id: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemTruncate:  # noqa: D101
    item_id: str
    audio_end_ms: int
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class ItemDelete:  # noqa: D101
    item_id: str


@dataclass(frozen=True, slots=True)
class ResponseCreate:  # noqa: D101
    response: Json | None = None
    event_id: str | None = "create"
    """Comes back in an error, which tells it from one about a response that the service wanted by itself."""


@dataclass(frozen=True, slots=True)
class ResponseCancel:  # noqa: D101
    response_id: str | None = None


ClientEvent = (
    SessionUpdate
    | AudioAppend
    | InputCommit
    | InputClear
    | ItemCreate
    | ItemTruncate
    | ItemDelete
    | ResponseCreate
    | ResponseCancel
)

CLIENT_NAMES: dict[type[ClientEvent], str] = {
    SessionUpdate: "session.update",
    AudioAppend: "input_audio_buffer.append",
    InputCommit: "input_audio_buffer.commit",
    InputClear: "input_audio_buffer.clear",
    ItemCreate: "conversation.item.create",
    ItemTruncate: "conversation.item.truncate",
    ItemDelete: "conversation.item.delete",
    ResponseCreate: "response.create",
    ResponseCancel: "response.cancel",
}


def encode(event: ClientEvent, *, beta: bool = False) -> str:
    """JSON text of one WebSocket message, in the `beta` dialect if need be; any thread. None is left out."""
    message: dict[str, Any] = {"type": CLIENT_NAMES[type(event)]}
    for part in fields(event):
        value = getattr(event, part.name)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode("ascii")
        if value is not None:
            message[part.name] = value
    if beta and isinstance(event, ItemCreate) and "content" in event.item:
        message["item"] = {**event.item, "content": [_as_beta(part) for part in event.item["content"]]}
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no text to the service


def _as_beta(part: Json) -> Json:
    return {**part, "type": "text"} if part["type"] == "output_text" else part
