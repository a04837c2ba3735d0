"""The events of one response, in the service's order. No thread, no clock: each call adds events, until `end`.

A response is a list of items, a message or calls of functions. An item opens, grows and closes:

    response.output_item.added, conversation.item.added, response.content_part.added      a message opens
    response.output_audio_transcript.delta / output_audio.delta, or output_text.delta     it grows
    ...output_audio.done, ...transcript.done (or output_text.done), content_part.done,
    conversation.item.done, response.output_item.done                                     it closes

Out of band (no conversation), the ``conversation.*`` events and the memory are left out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from offline.brain import FunctionCall, Turn
from offline.conversation import Conversation
from offline.entry import AUDIO_TOKEN_MS, Entry, text_tokens
from offline.listening import BYTES_PER_MS
from offline.wire import Event, new_id, server_event

_LIMIT = 1_000_000
"""Tokens in ``rate_limits.updated``: nothing is limited here, but clients show the row."""

Status: TypeAlias = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be answered, and how: the session's settings under those of this response."""

    turn: Turn
    conversation: Conversation
    is_out_of_band: bool
    """Whether the answer stays out of the conversation."""
    input_tokens: tuple[int, int]
    """Estimated tokens of text and of sound that the brain reads."""
    modality: Literal["audio", "text"]
    voice: str | dict[str, Any]
    speed: float
    max_output_tokens: int | Literal["inf"]
    metadata: dict[str, str] | None


@dataclass(slots=True)
class _Message:
    """The message that is being said."""

    entry: Entry
    ids: dict[str, Any]
    """What names its one part of content in every event."""
    text: str = ""


class Answer:
    """A response in the making. The connection's lock guards it."""

    def __init__(self, plan: Plan, put: Callable[[Event], None]) -> None:
        self.id = new_id("resp")
        self.plan = plan
        self._put_event = put
        self._status: Status = "in_progress"
        self._details: dict[str, Any] | None = None
        self._output: list[Entry] = []
        self._message: _Message | None = None
        self._put("response.created", response=self._response())

    @property
    def is_over(self) -> bool:
        """Whether ``response.done`` has been added; nothing may follow."""
        return self._status != "in_progress"

    @property
    def is_too_long(self) -> bool:
        """Whether ``max_output_tokens`` are spent."""
        return self.plan.max_output_tokens != "inf" and sum(self._spent()) >= self.plan.max_output_tokens

    @property
    def audio_ms(self) -> int:
        """How long the answer takes to play."""
        return sum(entry.audio_ms for entry in self._output)

    def add_text(self, text: str) -> None:
        """Say something in writing: the text itself, or the transcript of the sound that follows."""
        message = self._opened()
        message.text += text
        if not message.entry.is_cut:
            message.entry.words = message.text
        kind = "output_text" if self.plan.modality == "text" else "output_audio_transcript"
        self._put(f"response.{kind}.delta", **message.ids, delta=text)

    def add_audio(self, pcm: bytes) -> None:
        """Let sound follow, PCM16 mono 24 kHz."""
        message = self._opened()
        entry = message.entry
        if not entry.is_cut:
            entry.audio += pcm
            entry.audio_ms = len(entry.audio) // BYTES_PER_MS
        self.plan.conversation.has_spoken = True
        self._put("response.output_audio.delta", **message.ids, delta=base64.b64encode(pcm).decode())

    def add_call(self, call: FunctionCall) -> None:
        """Ask the client to call a function."""
        self._close_message("completed")
        ids = {"call_id": new_id("call")}
        entry = Entry(
            {
                "id": new_id("item"),
                "type": "function_call",
                "status": "in_progress",
                "name": call.name,
                "arguments": "",
                **ids,
            }
        )
        ids |= self._add_item(entry)
        self._put("response.function_call_arguments.delta", **ids, delta=call.arguments)
        self._put("response.function_call_arguments.done", **ids, name=call.name, arguments=call.arguments)
        entry.item.update(status="completed", arguments=call.arguments)
        self._close_item(entry)

    def end(self, status: Status, details: dict[str, Any] | None = None) -> None:
        """Close what is open; ``details`` say why it did not complete."""
        self._close_message("completed" if status == "completed" else "incomplete")
        self._status = status
        self._details = details and {"type": status, **details}
        self._put("response.done", response=self._response())
        row = {"name": "tokens", "limit": _LIMIT, "remaining": _LIMIT - sum(self._spent()), "reset_seconds": 0.0}
        self._put("rate_limits.updated", rate_limits=[row])

    def _opened(self) -> _Message:
        if self._message is None:
            item = {
                "id": new_id("item"),
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }
            entry = Entry(item)
            self._message = _Message(entry, {**self._add_item(entry), "content_index": 0})
            self._put("response.content_part.added", **self._message.ids, part=self._part(""))
        return self._message

    def _close_message(self, status: Literal["completed", "incomplete"]) -> None:
        message, self._message = self._message, None
        if message is None:
            return
        if self.plan.modality == "audio":
            self._put("response.output_audio.done", **message.ids)
            self._put("response.output_audio_transcript.done", **message.ids, transcript=message.text)
            content = {"type": "output_audio", "transcript": None if message.entry.is_cut else message.text}
        else:
            self._put("response.output_text.done", **message.ids, text=message.text)
            content = {"type": "output_text", "text": message.text}
        self._put("response.content_part.done", **message.ids, part=self._part(message.text))
        message.entry.item.update(status=status, content=[content])
        self._close_item(message.entry)

    def _add_item(self, entry: Entry) -> dict[str, Any]:
        """Open an item, and return what names it in the events of this response."""
        where = {"response_id": self.id, "output_index": len(self._output)}
        self._output.append(entry)
        self._put("response.output_item.added", **where, item=entry.copy())
        if not self.plan.is_out_of_band:
            previous = self.plan.conversation.add(entry)
            self._put("conversation.item.added", item=entry.copy(), previous_item_id=previous)
        return {**where, "item_id": entry.id}

    def _close_item(self, entry: Entry) -> None:
        if not self.plan.is_out_of_band:
            previous = self.plan.conversation.before(entry)
            self._put("conversation.item.done", item=entry.copy(), previous_item_id=previous)
        index = self._output.index(entry)
        self._put("response.output_item.done", response_id=self.id, output_index=index, item=entry.copy())

    def _part(self, text: str) -> dict[str, str]:
        return {"type": "text", "text": text} if self.plan.modality == "text" else {"type": "audio", "transcript": text}

    def _response(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": self._status,
            "status_details": self._details,
            "output": [entry.copy() for entry in self._output],
            "conversation_id": None if plan.is_out_of_band else plan.conversation.id,
            "output_modalities": [plan.modality],
            "max_output_tokens": plan.max_output_tokens,
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": plan.voice}},
            "usage": self._usage() if self.is_over else None,
            "metadata": plan.metadata,
        }

    def _spent(self) -> tuple[int, int]:
        """Estimate the tokens of text, transcripts included, and of sound so far."""
        text = sum(text_tokens(entry.words + entry.item.get("arguments", "")) for entry in self._output)
        return text, sum(entry.audio_ms for entry in self._output) // AUDIO_TOKEN_MS

    def _usage(self) -> dict[str, Any]:
        text_in, audio_in = self.plan.input_tokens
        text_out, audio_out = self._spent()
        cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        details = {"text_tokens": text_in, "audio_tokens": audio_in, "image_tokens": 0, "cached_tokens": 0}
        return {
            "total_tokens": text_in + audio_in + text_out + audio_out,
            "input_tokens": text_in + audio_in,
            "output_tokens": text_out + audio_out,
            "input_token_details": {**details, "cached_tokens_details": cached},
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        }

    def _put(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - a field is any JSON value
        self._put_event(server_event(kind, **fields))
