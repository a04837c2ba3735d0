"""What the service answers a client's events with, its refusals included; no I/O, one instance per session."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.reply import BYTES_PER_MS, FORMAT, Event, Reply

SHORTEST_COMMIT_MS = 100
"""The service refuses to commit less."""

LONGEST_ID = 32
"""Characters of item.id and item.call_id."""

IDLE_TIMEOUT_MS = range(5_000, 30_001)

_EXAMPLE = {
    "type": "realtime",
    "object": "realtime.session",
    "output_modalities": ["audio"],
    "instructions": "You are a helpful assistant.",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "tracing": None,
    "truncation": "auto",
    "prompt": None,
    "include": None,
    "audio": {
        "input": {
            "format": FORMAT,
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 200,
                "idle_timeout_ms": None,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": FORMAT, "voice": "alloy", "speed": 1.0},
    },
}
"""A new session as the live service describes it."""


class Rules:
    """The state of one session and the answers that follow from it. Not thread-safe."""

    def __init__(self, session_id: str, model: str) -> None:
        self.session: Event = _EXAMPLE | {"id": session_id, "model": model, "expires_at": int(time.time()) + 3600}
        self.items: dict[str, Event] = {}
        """Every item of the conversation by id, in order."""
        self.reply: Reply | None = None
        """The active response."""
        self._requested = False
        self._sent_ms: dict[str, float] = {}
        self._buffered_ms = 0.0
        self._items_made = 0

    def created(self) -> Event:
        """The first event of the session."""
        return {"type": "session.created", "session": self.session}

    def sent(self, event: Event) -> None:
        """Take note of an event that goes out."""
        match event["type"]:
            case "conversation.item.added" | "conversation.item.done":
                self.items[event["item"]["id"]] = event["item"]
            case "conversation.item.deleted":
                self.items.pop(event["item_id"], None)
            case "response.created":
                self._requested = False
            case "response.output_audio.delta":
                length = len(base64.b64decode(event["delta"])) / BYTES_PER_MS
                self._sent_ms[event["item_id"]] = self._sent_ms.get(event["item_id"], 0) + length
            case "response.done" if self.reply and self.reply.id == event["response"]["id"]:
                self.reply = None
            case "input_audio_buffer.committed" | "input_audio_buffer.cleared":
                self._buffered_ms = 0

    def last_item(self) -> str | None:
        """Id of the newest item."""
        return next(reversed(self.items), None)

    def answer(self, event: Event) -> list[Event]:
        """Give the service's answers to an event of known shape."""
        try:
            return self._ANSWERS[event["type"]](self, event)
        except _RefusedError as refused:
            problem = {"type": "invalid_request_error", "code": refused.code, "message": str(refused), "param": None}
            return [{"type": "error", "error": problem | {"event_id": event.get("event_id")}}]

    def _append(self, event: Event) -> list[Event]:
        self._buffered_ms += len(base64.b64decode(event["audio"], validate=True)) / BYTES_PER_MS
        return []

    def _clear(self, _event: Event) -> list[Event]:
        return [{"type": "input_audio_buffer.cleared"}]

    def _delete(self, event: Event) -> list[Event]:
        self._known("delet", event["item_id"])
        return [{"type": "conversation.item.deleted", "item_id": event["item_id"]}]

    def _retrieve(self, event: Event) -> list[Event]:
        return [{"type": "conversation.item.retrieved", "item": self._known("retriev", event["item_id"])}]

    def _silence(self, _event: Event) -> list[Event]:
        raise _RefusedError("invalid_value", "output_audio_buffer.clear is for WebRTC and SIP alone")

    def _update(self, event: Event) -> list[Event]:
        changes = event["session"]
        if len(changes.get("output_modalities") or [1]) != 1:
            raise _RefusedError("invalid_value", "Invalid modalities: one of ['text'] and ['audio']")
        detection = ((changes.get("audio") or {}).get("input") or {}).get("turn_detection") or {}
        if (idle := detection.get("idle_timeout_ms")) is not None and idle not in IDLE_TIMEOUT_MS:
            raise _RefusedError("invalid_value", f"idle_timeout_ms: {idle} is outside 5000-30000")
        merged = merge(self.session, changes)
        if self._sent_ms and merged["audio"]["output"]["voice"] != self.session["audio"]["output"]["voice"]:
            raise _RefusedError(
                "cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present"
            )
        if changes.get("model", self.session["model"]) != self.session["model"]:
            raise _RefusedError("invalid_value", "model cannot be changed")
        self.session = merged
        return [{"type": "session.updated", "session": merged}]

    def _commit(self, _event: Event) -> list[Event]:
        if self._buffered_ms < SHORTEST_COMMIT_MS:
            raise _RefusedError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {self._buffered_ms:.2f}ms of audio.",
            )
        return self.committed(self._new_id())

    def committed(self, item_id: str) -> list[Event]:
        """Make what was heard an item of the user's."""
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
        last = self.last_item()
        return [
            {"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": last},
            {"type": "conversation.item.added", "previous_item_id": last, "item": item},
            {"type": "conversation.item.done", "previous_item_id": last, "item": item},
        ]

    def _create(self, event: Event) -> list[Event]:
        item = {"id": self._new_id(), **event["item"], "status": "completed"}
        if item["id"] in self.items:
            text = f"Error adding item: an item with id '{item['id']}' already exists."
            raise _RefusedError("item_create_duplicate_item_id", text)
        for name in ("id", "call_id"):
            if len(item.get(name) or "") > LONGEST_ID:
                raise _RefusedError("string_above_max_length", f"Invalid 'item.{name}': string too long.")
        calls = {known["call_id"] for known in self.items.values() if known["type"] == "function_call"}
        if item["type"] == "function_call_output" and item["call_id"] not in calls:
            raise _RefusedError("invalid_tool_call_id", f"Tool call ID '{item['call_id']}' not found in conversation.")
        if any(part["type"] == "output_audio" for part in item.get("content") or ()):
            raise _RefusedError("missing_required_parameter", "Missing required parameter: 'item.content[0].text'.")
        previous = event.get("previous_item_id", self.last_item())
        if previous not in (None, "root", *self.items):
            raise _RefusedError("invalid_value", f"the item with id '{previous}' does not exist")
        if previous == "root":
            previous = None
        kinds = ("conversation.item.added", "conversation.item.done")
        return [{"type": kind, "previous_item_id": previous, "item": item} for kind in kinds]

    def _truncate(self, event: Event) -> list[Event]:
        item = self._known("truncat", event["item_id"])
        sent = self._sent_ms.get(event["item_id"], 0)
        if item.get("role") != "assistant" or not sent:
            raise _RefusedError("unsupported_content_type", "Only model output audio messages can be truncated")
        if event["audio_end_ms"] > sent:
            text = f"Audio content of {sent:.0f}ms is already shorter than {event['audio_end_ms']}ms"
            raise _RefusedError("invalid_value", text)
        self._sent_ms[event["item_id"]] = event["audio_end_ms"]
        names = ("item_id", "content_index", "audio_end_ms")
        return [{"type": "conversation.item.truncated"} | {name: event[name] for name in names}]

    def _request(self, event: Event) -> list[Event]:
        if (event.get("response") or {}).get("conversation") == "none":
            return []
        if self.reply or self._requested:
            name = self.reply.id if self.reply else "resp_requested"
            text = f"Conversation already has an active response in progress: {name}."
            raise _RefusedError("conversation_already_has_active_response", text)
        self._requested = True
        return []

    def _cancel(self, event: Event) -> list[Event]:
        response_id = event.get("response_id")
        if not self.reply or response_id not in (None, self.reply.id):
            raise _RefusedError("response_cancel_not_active", "Cancellation failed: no active response found")
        return self.reply.cancelled("client_cancelled")

    def _known(self, verb: str, item_id: str) -> Event:
        if item_id not in self.items:
            code = f"item_{verb}e_invalid_item_id"
            raise _RefusedError(code, f"Error {verb}ing item: the item with id '{item_id}' does not exist.")
        return self.items[item_id]

    def _new_id(self) -> str:
        self._items_made += 1
        return f"item_client_{self._items_made}"

    _ANSWERS: ClassVar[dict[str, Callable[[Rules, Event], list[Event]]]] = {
        "session.update": _update,
        "input_audio_buffer.append": _append,
        "input_audio_buffer.clear": _clear,
        "input_audio_buffer.commit": _commit,
        "conversation.item.create": _create,
        "conversation.item.truncate": _truncate,
        "conversation.item.delete": _delete,
        "conversation.item.retrieve": _retrieve,
        "response.create": _request,
        "response.cancel": _cancel,
        "output_audio_buffer.clear": _silence,
    }


class _RefusedError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> Event:
    """Lay `new` over `old`, objects within objects too; null, lists and what is of another type replace."""
    if new.get("type", old.get("type")) != old.get("type"):
        return dict(new)
    merged = dict(old)
    for name, value in new.items():
        below = merged.get(name)
        merged[name] = merge(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return merged
