"""Who said what, in the order of the conversation; pure, no thread, no clock.

Texts arrive late and out of order: the answer's runs ahead of its sound, the user's often comes after the answer.
An entry takes its place when its item appears, is *settled* once its text is final, and leaves as a finished turn
when everything before it has left.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from voice.shown import ToolUse, Turn

MAX_HISTORY = 500
"""Turns kept in memory; what came before is in the transcript on disk."""
MAX_UNWRITTEN = 2
"""Spoken turns, the newest, whose text may still be missing; an older one is given up: it must hold nothing back."""
MAX_OPEN = 100
"""Entries that are not finished; a handful, unless the service begins items and never ends them."""
MAX_CHARACTERS = 200_000
"""Of one entry: the longest answer of a model with 32,000 tokens has some 130,000."""
BYTES_PER_MS = 48
"""PCM16 mono at 24 kHz."""
CHARACTERS_PER_MS = 0.015
"""English speech: about 150 words of 6 characters a minute. Used while an answer's full length is not known."""
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
"""Letters of scripts that have no spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


@dataclass(slots=True)
class Entry:
    """One item on its way to being a finished turn."""

    item_id: str
    role: Literal["you", "assistant", "tool"]
    text: str = ""
    settled: bool = False
    interrupted: bool = False
    spoken: bool = False
    """Whether the user said it aloud: its text comes later."""
    response_id: str | None = None
    sound_bytes: int = 0
    """PCM16 mono at 24 kHz, received so far."""
    complete: bool = False
    """Whether all of its sound and text have arrived."""
    past: bool = False
    """Whether its connection is gone."""
    copy_id: str = ""
    """Under which name the present connection knows it, as text; empty when it does not."""
    tool: ToolUse | None = None

    @property
    def has_sound(self) -> bool:
        """Whether there is something to be heard of it."""
        return self.sound_bytes > 0

    @property
    def broken(self) -> bool:
        """Whether the rest was lost with the connection."""
        return self.past and not self.complete

    def append(self, text: str) -> bool:
        """Go on with the text; False when it is too long already."""
        if len(self.text) + len(text) > MAX_CHARACTERS:
            return False
        self.text += text
        return True


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
    def said(self) -> tuple[tuple[Turn | ToolUse, str], ...]:
        """The finished turns, and what is known of those that are not, but will be without the service.

        Each with the name that another connection is to know it by, if it needs one.
        """
        unfinished = (entry for entry in self.open if entry.settled or entry.has_sound)
        return (*((turn, "") for turn in self._history), *((_known(entry), entry.copy_id) for entry in unfinished))

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

    @property
    def unwritten(self) -> tuple[Entry, ...]:
        """Turns of the user that still have no text, in order."""
        return tuple(entry for entry in self._entries.values() if entry.role == "you" and not entry.settled)

    def get(self, item_id: str) -> Entry | None:
        """Look up an open entry."""
        return self._entries.get(item_id)

    def place(self, entry: Entry, previous_item_id: str | None = None) -> Entry:
        """Enter an item behind `previous_item_id`, or last when that is not open; known items stay where they are."""
        if known := self._entries.get(entry.item_id):
            return known
        if len(self._entries) == MAX_OPEN:
            self.drop(next((other.item_id for other in self.open if not other.has_sound), self.open[0].item_id))
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
        """Settle spoken turns that still have no text, except among the newest."""
        for entry in [entry for entry in self._entries.values() if entry.spoken][:-MAX_UNWRITTEN]:
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
    return Turn(role, " ".join(entry.text.split()), entry.interrupted, entry.item_id)


def _known(entry: Entry) -> Turn | ToolUse:
    """What is known of an entry now: of a broken answer, what is going to be heard of it."""
    if entry.settled or not entry.broken:
        return _turn(entry)
    received_ms = entry.sound_bytes // BYTES_PER_MS
    return Turn("assistant", " ".join(heard_text(entry, received_ms, received_ms).split()), interrupted=True)


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
    end = int(count)
    while end > 0 and not _may_break(entry.text[end - 1], entry.text[end]):
        end -= 1
    return entry.text[:end].rstrip()


def _may_break(before: str, after: str) -> bool:
    """Whether no word is torn between these two characters."""
    return before.isspace() or after.isspace() or bool(UNSPACED.search(before + after))
