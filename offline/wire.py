"""What a client may say, and how the service tells it that it said something wrong.

`decode` and `parse` turn a frame into one of the client events; `RequestError` becomes an ``error`` event.
Pydantic checks all of it, and `checked` puts its findings into the service's own codes and parameter paths.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

MAX_APPEND_BYTES = 15 * 1024 * 1024
"""Sound in one ``input_audio_buffer.append``, bytes before base64: the limit in the service's reference."""

MAX_MARKS = 32_000
"""Commas and brackets in a frame: one for each four tokens of the largest context (128,000), which is dense JSON; sound
and pictures have none. Each may bring a mistake, and a mistake costs pydantic a kilobyte."""

Event: TypeAlias = dict[str, Any]
"""A server event as it goes on the wire."""


class RequestError(Exception):
    """The client asked for something wrong; the connection goes on.

    ``code`` and ``param`` (a path such as ``session.audio.input.format.rate``) are the service's.
    """

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param

    def event(self, event_id: str | None = None) -> Event:
        """Return the ``error`` event; ``event_id`` is that of the client's event, if it gave one."""
        return error_event("invalid_request_error", self.code, str(self), self.param, event_id)


class Strict(BaseModel):
    """A part of a client's message: no unknown key, no type but the right one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _ClientEvent(Strict):
    type: str
    event_id: str | None = Field(default=None, max_length=512)


class SessionUpdate(_ClientEvent):
    """``session.update``: a partial session, see `offline.settings`."""

    session: dict[str, Any]


class Append(_ClientEvent):
    """``input_audio_buffer.append``: base64 of PCM16 mono 24 kHz."""

    audio: str


class Commit(_ClientEvent):
    """``input_audio_buffer.commit``."""


class Clear(_ClientEvent):
    """``input_audio_buffer.clear``."""


class CreateItem(_ClientEvent):
    """``conversation.item.create``: an item, see `offline.items`."""

    item: dict[str, Any]
    previous_item_id: str | None = None


class RetrieveItem(_ClientEvent):
    """``conversation.item.retrieve``."""

    item_id: str


class TruncateItem(_ClientEvent):
    """``conversation.item.truncate``: what was heard of an answer, in ms of its sound."""

    item_id: str
    content_index: Literal[0]
    audio_end_ms: int = Field(ge=0)


class DeleteItem(_ClientEvent):
    """``conversation.item.delete``."""

    item_id: str


class CreateResponse(_ClientEvent):
    """``response.create``: overrides for this response alone, see `offline.options`."""

    response: dict[str, Any] | None = None


class CancelResponse(_ClientEvent):
    """``response.cancel``."""

    response_id: str | None = None


ClientEvent: TypeAlias = (
    SessionUpdate
    | Append
    | Commit
    | Clear
    | CreateItem
    | RetrieveItem
    | TruncateItem
    | DeleteItem
    | CreateResponse
    | CancelResponse
)

_EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "input_audio_buffer.append": Append,
    "input_audio_buffer.commit": Commit,
    "input_audio_buffer.clear": Clear,
    "conversation.item.create": CreateItem,
    "conversation.item.retrieve": RetrieveItem,
    "conversation.item.truncate": TruncateItem,
    "conversation.item.delete": DeleteItem,
    "response.create": CreateResponse,
    "response.cancel": CancelResponse,
}

_Model = TypeVar("_Model", bound=BaseModel)


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``item_0f…``: 80 random bits, within the 32 characters that ids may have."""
    return f"{prefix}_{secrets.token_hex(10)}"


def server_event(kind: str, **fields: Any) -> Event:  # noqa: ANN401 - a field is any JSON value
    """Return a server event with its own ``event_id``."""
    return {"type": kind, "event_id": new_id("event"), **fields}


def error_event(kind: str, code: str, message: str, param: str | None = None, event_id: str | None = None) -> Event:
    """Return an ``error`` event: ``invalid_request_error`` is the client's fault, ``server_error`` ours."""
    error = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
    return server_event("error", error=error)


def decode(frame: str | bytes) -> dict[str, Any]:
    """Return the JSON object in a frame; `RequestError` for a binary frame or anything else."""
    if isinstance(frame, bytes):
        raise RequestError("invalid_event", "Binary frames are not supported. Send events as JSON text.")
    marks = sum(map(frame.count, ",[{"))
    if marks > MAX_MARKS:
        raise RequestError("invalid_event", f"The event has {marks} commas and brackets. The most is {MAX_MARKS}.")
    try:
        message = json.loads(frame, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise RequestError("invalid_json", f"We could not parse the JSON of your event: {error}") from error
    if not isinstance(message, dict):
        raise RequestError("invalid_json", "An event must be a JSON object.")
    return message


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def decoded(audio: str, param: str) -> bytes:
    """Return the sound in base64; `RequestError` when it is none, or more than `MAX_APPEND_BYTES`."""
    try:
        pcm = base64.b64decode(audio, validate=True)
    except ValueError as error:
        text = f"Invalid '{param}'. Expected base64-encoded audio bytes (PCM16, mono, 24 kHz)."
        raise RequestError("invalid_value", text, param) from error
    if len(pcm) > MAX_APPEND_BYTES:
        raise RequestError("invalid_value", f"Invalid '{param}': more than {MAX_APPEND_BYTES} bytes of audio.", param)
    return pcm


def parse(message: dict[str, Any]) -> ClientEvent:
    """Return the client event in a JSON object; `RequestError` says what is wrong with it."""
    kind = message.get("type")
    if kind is None:
        raise RequestError("missing_required_parameter", "Missing required parameter: 'type'.", "type")
    model = _EVENTS.get(kind) if isinstance(kind, str) else None
    if model is None:
        known = ", ".join(f"'{name}'" for name in _EVENTS)
        raise RequestError("invalid_value", f"Invalid value: {kind!r}. Supported values are: {known}.", "type")
    return checked(model, message)


def checked(model: type[_Model], data: dict[str, Any], path: str = "") -> _Model:
    """Return ``data`` as ``model``, or raise `RequestError` for the first finding; ``path`` is where ``data`` stood."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _translated(error.errors(include_url=False)[0], data, path) from error


def _translated(finding: ErrorDetails, data: object, path: str) -> RequestError:
    kind = finding["type"]
    param = _param(finding["loc"], data, path, is_missing=kind == "missing")
    limit = finding.get("ctx", {}).get("max_length")
    if kind.startswith("union_tag"):
        param += "." + finding["ctx"]["discriminator"].strip("'")
    if kind in {"missing", "union_tag_not_found"}:
        return RequestError("missing_required_parameter", f"Missing required parameter: '{param}'.", param)
    if kind == "extra_forbidden":
        return RequestError("unknown_parameter", f"Unknown parameter: '{param}'.", param)
    if kind == "string_too_long":
        text = (
            f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
            f"but got a string with length {len(finding['input'])} instead."
        )
        return RequestError("string_above_max_length", text, param)
    code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    return RequestError(code, f"Invalid value for '{param}': {finding['msg']}.", param)


def _param(loc: tuple[int | str, ...], data: object, path: str, *, is_missing: bool) -> str:
    """Return a pydantic location as the service writes it: ``item.content[0].text``."""
    here = data
    missing = loc[-1] if is_missing else None
    for step in loc:
        if isinstance(here, list) and isinstance(step, int):
            path += f"[{step}]"
            here = here[step] if step < len(here) else None
        elif isinstance(here, dict) and isinstance(step, str) and (step in here or step == missing):
            path += f".{step}" if path else step
            here = here.get(step)
        # Any other step is the name of a union's branch, which the client never wrote.
    return path
