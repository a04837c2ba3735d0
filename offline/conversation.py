"""The conversation: its items in order, with what the brain knows of their sound.

No thread, no clock; the connection's lock guards it. Clients are told of sound by its transcript alone and fetch the
sound itself with ``conversation.item.retrieve``. Both memory and what the brain reads are bounded: of the oldest items
first the sound is forgotten, then the item, like the service shortens a conversation that grows too long.
"""

from __future__ import annotations

from offline.entry import Entry, Item
from offline.listening import BYTES_PER_MS
from offline.wire import RequestError, new_id

MOST_ITEMS = 500
"""About an hour of lively talk: a bound, not a figure of the service's."""
MOST_TEXT = 4_000_000
"""Characters of JSON without the sound: 500 items of more than an hour's talk, or some pictures."""
MOST_SOUND_MS = 600_000
"""Ten minutes of sound are kept to be retrieved, 29 MB."""


class Conversation:
    """Items in the order in which they are meant, which is not always that of their arrival."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self.has_spoken = False
        """Whether the assistant's voice has been heard, which from then on is fixed."""
        self._entries: list[Entry] = []

    def add(self, entry: Entry, after: str | None = None) -> str | None:
        """Put an entry behind the item ``after`` ("root" for the front, None for the end); return the id before it.

        Raises `RequestError` for an id that is taken, a predecessor that is not there, a result without its call.
        """
        if self._find(entry.id):
            text = f"Error adding item: an item with id '{entry.id}' already exists."
            raise RequestError("item_create_duplicate_item_id", text)
        place = self._place_after(after)
        if entry.item["type"] == "function_call_output":
            self._require_call(entry.item["call_id"])
        previous = self._entries[place - 1].id if place else None
        self._entries.insert(place, entry)
        self._forget()
        return previous

    def retrieve(self, item_id: str) -> Item:
        """Return an item with its sound."""
        return self.entry(item_id, "retriev").with_audio()

    def delete(self, item_id: str) -> None:
        """Forget an item."""
        self._entries.remove(self.entry(item_id, "delet"))

    def truncate(self, item_id: str, end_ms: int) -> None:
        """Cut a spoken item to the ``end_ms`` that were heard: its sound, its transcript and what the brain knows.

        How many words that is can only be guessed: in proportion, whole words.
        """
        entry = self.entry(item_id, "truncat")
        if not entry.is_assistant_sound or not entry.audio_ms:
            raise RequestError("unsupported_content_type", "Only model output audio messages can be truncated.")
        if end_ms > entry.audio_ms:
            text = f"Audio content of {entry.audio_ms}ms is already shorter than {end_ms}ms"
            raise RequestError("invalid_value", text, "audio_end_ms")
        if end_ms < entry.audio_ms:
            entry.words = _first_words(entry.words, end_ms / entry.audio_ms)
        del entry.audio[end_ms * BYTES_PER_MS :]
        entry.audio_ms = end_ms
        entry.is_cut = True
        for part in entry.item["content"]:
            part["transcript"] = None

    def entry(self, item_id: str, verb: str) -> Entry:
        """Return an entry; ``verb`` is the stem of what the error says could not be done: retriev, truncat, delet."""
        found = self._find(item_id)
        if found is None:
            text = f"Error {verb}ing item: the item with id '{item_id}' does not exist."
            raise RequestError(f"item_{verb}e_invalid_item_id", text, "item_id")
        return found

    def before(self, entry: Entry) -> str | None:
        """Return the id of the item before ``entry``, None at the front or when it has been deleted meanwhile."""
        place = self._entries.index(entry) if entry in self._entries else 0
        return self._entries[place - 1].id if place else None

    def finished(self) -> tuple[Entry, ...]:
        """Return what has been said, leaving out what is still being said."""
        return tuple(entry for entry in self._entries if entry.item.get("status") != "in_progress")

    def _find(self, item_id: str) -> Entry | None:
        return next((entry for entry in self._entries if entry.id == item_id), None)

    def _place_after(self, item_id: str | None) -> int:
        if item_id is None:
            return len(self._entries)
        if item_id == "root":
            return 0
        for place, entry in enumerate(self._entries, 1):
            if entry.id == item_id:
                return place
        text = f"Error adding item: the previous item with id '{item_id}' does not exist."
        raise RequestError("item_create_invalid_previous_item_id", text, "previous_item_id")

    def _require_call(self, call_id: str) -> None:
        calls = (entry.item["call_id"] for entry in self._entries if entry.item["type"] == "function_call")
        if call_id not in calls:
            text = f"Tool call ID '{call_id}' not found in conversation."
            raise RequestError("invalid_tool_call_id", text, "item.call_id")

    def _forget(self) -> None:
        del self._entries[:-MOST_ITEMS]
        text = sum(entry.size for entry in self._entries)
        while text > MOST_TEXT and len(self._entries) > 1:
            text -= self._entries.pop(0).size
        budget = MOST_SOUND_MS * BYTES_PER_MS
        for entry in reversed(self._entries):
            budget -= len(entry.audio)
            if budget < 0:
                entry.audio.clear()


def _first_words(text: str, part: float) -> str:
    kept = text[: round(len(text) * part)]
    ends_inside_word = len(kept) < len(text) and not text[len(kept)].isspace()
    return (kept.rpartition(" ")[0] if ends_inside_word else kept).rstrip()
