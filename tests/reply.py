"""One response of the service as the events it sends, in the order in which they were seen on the wire."""

from __future__ import annotations

import base64
import json
from typing import Any

Event = dict[str, Any]

BYTES_PER_MS = 48
"""PCM16 mono at 24 kHz."""

FORMAT = {"type": "audio/pcm", "rate": 24_000}


class Reply:
    """A response on its way: each method gives the events to send next. Not thread-safe."""

    def __init__(self, response_id: str, metadata: dict[str, str] | None = None) -> None:
        self.id = response_id
        self._metadata = metadata
        self._output: list[Event] = []
        self._item: Event = {}
        self._text = ""
        self._open = False

    def created(self) -> list[Event]:
        """Open the response."""
        return [{"type": "response.created", "response": self._response("in_progress")}]

    def message(self, item_id: str, previous_item_id: str | None = None) -> list[Event]:
        """Open a spoken message."""
        item = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self._begin(item)
        return [
            self._about_output("response.output_item.added", item=dict(item)),
            {"type": "conversation.item.added", "previous_item_id": previous_item_id, "item": dict(item)},
            self._about_part("response.content_part.added", part={"type": "audio", "transcript": ""}),
        ]

    def transcript(self, delta: str) -> list[Event]:
        """Go on with the words of the open message."""
        self._text += delta
        return [self._about_part("response.output_audio_transcript.delta", delta=delta)]

    def audio(self, pcm: bytes) -> list[Event]:
        """Go on with the sound of the open message."""
        return [self._about_part("response.output_audio.delta", delta=base64.b64encode(pcm).decode())]

    def close(self, status: str = "completed") -> list[Event]:
        """Close the open message; nothing when none is open."""
        if not self._open:
            return []
        item = self._item | {"status": status, "content": [{"type": "output_audio", "transcript": self._text}]}
        part = {"type": "audio", "transcript": self._text}
        events = [
            self._about_part("response.output_audio.done"),
            self._about_part("response.output_audio_transcript.done", transcript=self._text),
            self._about_part("response.content_part.done", part=part),
            {"type": "conversation.item.done", "item": item},
            self._about_output("response.output_item.done", item=item),
        ]
        self._end(item)
        return events

    def call(self, item_id: str, name: str, arguments: str, call_id: str) -> list[Event]:
        """Call a function: the whole item."""
        item = {
            "id": item_id,
            "type": "function_call",
            "status": "in_progress",
            "name": name,
            "call_id": call_id,
            "arguments": "",
        }
        self._begin(item)
        finished = item | {"status": "completed", "arguments": arguments}
        about = {"item_id": item_id, "call_id": call_id}
        events = [
            self._about_output("response.output_item.added", item=item),
            {"type": "conversation.item.added", "item": item},
            self._about_output("response.function_call_arguments.delta", **about, delta=arguments),
            self._about_output("response.function_call_arguments.done", **about, arguments=arguments, name=name),
            {"type": "conversation.item.done", "item": finished},
            self._about_output("response.output_item.done", item=finished),
        ]
        self._end(finished)
        return events

    def done(self, status: str = "completed", details: Event | None = None) -> list[Event]:
        """End the response, with what is open closed first."""
        closing = self.close("completed" if status == "completed" else "incomplete")
        response = self._response(status, _usage(self._output)) | {"status_details": details}
        rates = [{"name": "tokens", "limit": 40_000, "remaining": 39_000, "reset_seconds": 1.5}]
        return [
            *closing,
            {"type": "response.done", "response": response},
            {"type": "rate_limits.updated", "rate_limits": rates},
        ]

    def cancelled(self, reason: str) -> list[Event]:
        """End the response early: `turn_detected` or `client_cancelled`."""
        return self.done("cancelled", {"type": "cancelled", "reason": reason})

    def _begin(self, item: Event) -> None:
        self._item, self._text, self._open = item, "", item["type"] == "message"

    def _end(self, item: Event) -> None:
        self._output.append(item)
        self._open = False

    def _response(self, status: str, usage: Event | None = None) -> Event:
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": None,
            "output": list(self._output),
            "conversation_id": "conv_1",
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": {"format": FORMAT, "voice": "marin"}},
            "usage": usage,
            "metadata": self._metadata,
        }

    def _about_output(self, kind: str, **more: Any) -> Event:
        return {"type": kind, "response_id": self.id, "output_index": len(self._output), **more}

    def _about_part(self, kind: str, **more: Any) -> Event:
        return self._about_output(kind, item_id=self._item["id"], content_index=0, **more)


def _usage(output: list[Event]) -> Event:
    """Token counts of a plausible size: the service always tells them, and they add up."""
    words = len(json.dumps(output).split())
    return {
        "total_tokens": 132 + 5 * words,
        "input_tokens": 132,
        "output_tokens": 5 * words,
        "input_token_details": {
            "text_tokens": 59,
            "audio_tokens": 73,
            "image_tokens": 0,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 64, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": words, "audio_tokens": 4 * words},
    }
