"""Who said what, in the order of the conversation; pure, no thread, no clock.

Texts arrive late and out of order: the answer's runs ahead of its sound, the user's often comes after the answer.
An entry takes its place when its item appears, is *settled* once its text is final, and leaves as a finished turn
when everything before it has left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from voice.effects import ToolUse, Turn

MAX_HISTORY = 500
"""Turns kept in memory; what came before is in the transcript on disk."""
MAX_UNWRITTEN = 2
"""Turns of the user whose text may still be missing; an older one is given up, so that it holds nothing back."""
CHARACTERS_PER_MS = 0.015
"""English speech: about 150 words of 6 characters a minute. Used while an answer's full length is not known."""


@dataclass(slots=True)
class Entry:
    """One item on its way to being a finished turn."""

    item_id: str
    role: Literal["you", "assistant", "tool"]
    text: str = ""
    settled: bool = False
    interrupted: bool = False
    response_id: str | None = None
    has_sound: bool = False
    complete: bool = False
    """Whether all of its sound and text have arrived."""
    broken: bool = False
    """Whether the rest was lost with the connection."""
    tool: ToolUse | None = None


class Transcript:
    """The open entries in order, and the finished turns."""

    def __init__(self, past: Iterable[Turn | ToolUse] = ()) -> None:
        """Go on after `past`, oldest first."""
        self._entries: dict[str, Entry] = {}
        self._history: deque[Turn | ToolUse] = deque(past, maxlen=MAX_HISTORY)

    @property
    def history(self) -> tuple[Turn | ToolUse, ...]:
        """The finished turns, oldest first."""
        return tuple(self._history)

    @property
    def said(self) -> tuple[Turn | ToolUse, ...]:
        """The finished turns, and what is known of those that are not, but will be without the service."""
        known = (_turn(entry) for entry in self._entries.values() if entry.settled or entry.has_sound)
        return (*self._history, *known)

    @property
    def open(self) -> tuple[Entry, ...]:
        """Entries that have not left yet, in order."""
        return tuple(self._entries.values())

    @property
    def sounding(self) -> bool:
        """Whether an answer is still to be heard; one that only waits for a text before it is not."""
        return any(entry.has_sound and not entry.settled for entry in self._entries.values())

    @property
    def answering(self) -> bool:
        """Whether an answer or a call is not finished."""
        return any(entry.role != "you" and not entry.settled for entry in self._entries.values())

    def get(self, item_id: str) -> Entry | None:
        """Look up an open entry."""
        return self._entries.get(item_id)

    def place(self, entry: Entry, previous_item_id: str | None = None) -> Entry:
        """Enter an item behind `previous_item_id`, or last when that is not open; known items stay where they are."""
        if known := self._entries.get(entry.item_id):
            return known
        if previous_item_id not in self._entries:
            self._entries[entry.item_id] = entry
            return entry
        ordered: dict[str, Entry] = {}
        for item_id, other in self._entries.items():
            ordered[item_id] = other
            if item_id == previous_item_id:
                ordered[entry.item_id] = entry
        self._entries = ordered
        return entry

    def drop(self, item_id: str) -> None:
        """Forget an item that nobody heard."""
        self._entries.pop(item_id, None)

    def forget(self) -> None:
        """Begin anew: nothing was said."""
        self._entries.clear()
        self._history.clear()

    def give_up_unwritten(self) -> None:
        """Settle all but the newest turns of the user that still have no text."""
        unwritten = [entry for entry in self._entries.values() if entry.role == "you" and not entry.settled]
        for entry in unwritten[:-MAX_UNWRITTEN]:
            entry.settled = True

    def release(self) -> list[Turn | ToolUse]:
        """Turns that are finished now, in order; empty ones (a noise, a silent answer) leave without a trace."""
        finished: list[Turn | ToolUse] = []
        for item_id, entry in list(self._entries.items()):
            if not entry.settled:
                break
            del self._entries[item_id]
            turn = _turn(entry)
            if isinstance(turn, ToolUse) or turn.text or turn.interrupted:
                finished.append(turn)
        self._history.extend(finished)
        return finished


def _turn(entry: Entry) -> Turn | ToolUse:
    if entry.tool is not None:
        return entry.tool
    role: Literal["you", "assistant"] = "you" if entry.role == "you" else "assistant"
    return Turn(role, " ".join(entry.text.split()), entry.interrupted)


def heard_text(entry: Entry, heard_ms: int, received_ms: int) -> str:
    """The part of an answer's text that was heard, in whole words.

    The service gives no times for words, so it is taken in proportion to the sound; while more sound is to come,
    the text is ahead of it and the usual pace of speech bounds the guess.
    """
    if received_ms <= 0:
        return ""
    count = len(entry.text) * heard_ms / received_ms
    if not entry.complete:
        count = min(count, heard_ms * CHARACTERS_PER_MS)
    if count >= len(entry.text):
        return entry.text
    cut = entry.text[: int(count)]
    return cut if entry.text[int(count)].isspace() else cut.rpartition(" ")[0]
