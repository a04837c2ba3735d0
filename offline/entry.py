"""An item of the conversation with all that belongs to it: what is told, what is heard, what is understood."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from offline.items import Call, NewItem, UserMessage
from offline.listening import BYTES_PER_MS
from offline.organs import Recognizer
from offline.wire import decoded, new_id

Item: TypeAlias = dict[str, Any]
"""An item as clients see it, without sound."""

AUDIO_TOKEN_MS = 50
"""What a token of the assistant's sound lasts at the service; of the user's, twice that."""


@dataclass(slots=True, eq=False)
class Entry:
    """An item, and what belongs to it."""

    item: Item
    words: str = ""
    """What the brain reads in place of sound: as understood, or as far as it was heard."""
    fault: str = ""
    """Why its sound could not be understood, "" if it could; no words are no fault."""
    audio: bytearray = field(default_factory=bytearray)
    """PCM16 mono 24 kHz, empty once forgotten."""
    audio_ms: int = 0
    """How long the sound is, or was before it was forgotten."""
    is_cut: bool = False
    """Whether the client told how much of it was heard."""
    size: int = 0
    """Characters of the item as the client gave it; what is said here is short."""

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.item["id"])

    @property
    def is_assistant_sound(self) -> bool:
        """Whether this was spoken by the assistant, or is being spoken: then it has no content yet."""
        return self.item.get("role") == "assistant" and (
            self.audio_ms > 0 or any(part["type"] == "output_audio" for part in self.item["content"])
        )

    def copy(self) -> Item:
        """Return the item as it is now, for an event that is sent later."""
        return copy.deepcopy(self.item)

    def for_brain(self) -> Item:
        """Return the item with words in place of sound."""
        item = self.copy()
        for part in item.get("content", ()):
            if part["type"] in {"input_audio", "output_audio"}:
                part["transcript"] = self.words
        return item

    def with_audio(self) -> Item:
        """Return the item with its sound, base64."""
        item = self.copy()
        for part in item.get("content", ()):
            if part["type"] in {"input_audio", "output_audio"} and self.audio:
                part["audio"] = base64.b64encode(self.audio).decode()
        return item


def entry_of(new: NewItem, recognizer: Recognizer) -> Entry:
    """Return a client's item as an entry, completed; sound in it is listened to, which takes a while.

    Raises `RequestError` for sound that is not base64.
    """
    item = {"id": new_id("item"), **new.model_dump(exclude_none=True), "status": "completed"}
    if isinstance(new, Call):
        item.setdefault("call_id", new_id("call"))
    entry = Entry(item)
    if isinstance(new, UserMessage):
        for index, part in enumerate(item["content"]):
            if part["type"] == "input_audio":
                pcm = decoded(part.pop("audio"), f"item.content[{index}].audio")
                part.setdefault("transcript", None)
                utterance = recognizer.start()
                utterance.feed(pcm)
                entry.words = f"{entry.words} {utterance.finish()}".strip()
                entry.audio += pcm
    entry.audio_ms = len(entry.audio) // BYTES_PER_MS
    entry.size = len(json.dumps(item))
    return entry


def tokens(entries: Sequence[Entry]) -> tuple[int, int]:
    """Estimate text and audio tokens of entries: a character is a quarter token, 100 ms heard or 50 ms spoken are one.

    The rates of sound are the service's; a quarter token is its rule of thumb for English.
    """
    text = audio = 0
    for entry in entries:
        if entry.audio_ms:
            audio += entry.audio_ms // (AUDIO_TOKEN_MS if entry.is_assistant_sound else 2 * AUDIO_TOKEN_MS)
        item = entry.item
        typed = "".join(part.get("text") or "" for part in item.get("content", ()))
        text += text_tokens(typed + item.get("name", "") + item.get("arguments", "") + item.get("output", ""))
    return text, audio


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text, rounded up."""
    return -(-len(text) // 4)
