"""Conversations on disk, as they are found again.

``<id>.jsonl`` is what is read; ``<id>.md`` beside it is for people. The id is the local time at which the conversation
began, ``2026-11-21-1503``; a second one of that minute gets ``-2``. The first line tells of the conversation, each
further one is a finished turn or call. What cannot be read, or is of a kind not known here, is passed over, so that a
line torn by a kill and a newer program do no harm. All of it may be called by any thread, and blocks for the disk.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from voice.errors import SettingError
from voice.shown import ToolUse, Turn
from voice.text import printable
from voice.turns.transcript import MAX_HISTORY

MAX_TEXT = 100_000
"""Characters kept of one text; an hour's speech has 54,000 (150 words of 6 characters a minute)."""
MAX_LINE = 25 * MAX_TEXT
"""Bytes; a call's two texts at 12 bytes a character, the most that JSON needs, and the rest."""
MAX_READ = 8_000_000
"""Bytes read from a file's end; `MAX_HISTORY` turns of a minute's speech have 0.5 MB."""
MAX_LISTED = 20
"""Conversations in a listing: a screen full."""
SUGGESTED = 3
"""Conversations that an error names."""
ID_TIME = "%Y-%m-%d-%H%M"
"""The beginning of an id."""

_HEAD_LINES = 20
"""Lines in which a conversation's first words are looked for."""
_FIRST_WORDS = 60
"""Characters of them; with id and time that fits in a line of 100."""
_ID = re.compile(r"(2\d{3}-\d\d-\d\d-\d{4})(-\d{1,6})?")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Past:
    """A conversation as it was read."""

    id: str
    started: datetime
    """With its zone."""
    turns: tuple[Turn | ToolUse, ...]
    """The newest `MAX_HISTORY`, oldest first."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation as it is listed."""

    id: str
    started: datetime
    """With its zone."""
    first_words: str
    """Of the user, one printable line; empty when they are far from the beginning."""


def load(folder: Path, which: str) -> Past:
    """Read the conversation of that id, or of the only one that begins so; "last" is the one last written to.

    Raises:
        SettingError: there is none, or more than one, or it cannot be read.

    """
    try:
        names = _names(folder)
        found = names[:1] if which == "last" else [name for name in names if name == which]
        found = found or [name for name in names if which and name.startswith(which)]
        if len(found) == 1:
            path = folder / f"{found[0]}.jsonl"
            turns = deque((turn for turn in map(_turn, _lines(path)) if turn), maxlen=MAX_HISTORY)
            return Past(found[0], _started(path), tuple(turns))
    except OSError as error:
        raise SettingError(f"the history in {folder} cannot be read: {error.strerror or error}") from error
    if not names:
        raise SettingError(f"there is no conversation to resume: {folder} has none")
    newest = ", ".join((found or names)[:SUGGESTED])
    what = "several conversations begin" if found else "no conversation begins"
    raise SettingError(f"{what} with {which[:40]!r}: the newest are {newest}")


def conversations(folder: Path, limit: int = MAX_LISTED) -> tuple[Summary, ...]:
    """List the conversations, the one last written to first; what cannot be read is left out."""
    summaries: list[Summary] = []
    try:
        for name in _names(folder)[:limit]:
            path = folder / f"{name}.jsonl"
            turns = map(_turn, islice(_lines(path), _HEAD_LINES))
            said = (turn.text for turn in turns if isinstance(turn, Turn) and turn.role == "you")
            summaries.append(Summary(name, _started(path), printable(next(said, ""))[:_FIRST_WORDS]))
    except OSError as error:
        log.warning("history: %s", error)
    return tuple(summaries)


def kept(text: str) -> str:
    r"""What is kept of a text: not all of an enormous one, and as ``\udc80`` what UTF-8 cannot say."""
    text = text[: MAX_TEXT + 1].encode(errors="backslashreplace").decode()
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


# Files ----------------------------------------------------------------------------------------------------------------


def _names(folder: Path) -> list[str]:
    """The conversations, the one last written to first; only regular files, links are never followed."""
    try:
        with os.scandir(folder) as entries:
            paths = [Path(entry) for entry in entries if entry.is_file(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    used = {path.stem: path.stat() for path in paths if path.suffix == ".jsonl" and _start_of(path.stem)}
    return sorted((name for name in used if used[name].st_size), key=lambda n: (used[n].st_mtime_ns, n), reverse=True)


def _lines(path: Path) -> Iterator[bytes]:
    """The lines at the end of the file, in pieces where they are too long; OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_READ))
        yield from iter(partial(file.readline, MAX_LINE), b"")


def _started(path: Path) -> datetime:
    """When the conversation in that file began: as its first line tells, or else its name; OSError."""
    with path.open("rb") as file:
        meta = _value(file.readline(MAX_LINE))
    try:
        return datetime.fromisoformat(meta["started"]).astimezone()
    except (KeyError, TypeError, ValueError, OverflowError):
        return _start_of(path.stem) or datetime.fromtimestamp(path.stat().st_mtime).astimezone()


def _start_of(name: str) -> datetime | None:
    match = _ID.fullmatch(name)
    try:
        return datetime.strptime(match[1], ID_TIME).astimezone() if match else None
    except (ValueError, OverflowError):
        return None


# Lines ----------------------------------------------------------------------------------------------------------------


def _value(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _turn(line: bytes) -> Turn | ToolUse | None:
    match _value(line):
        case {"kind": "turn", "role": "you" | "assistant" as role, "text": str(text), **rest}:
            return Turn(role, kept(text), rest.get("interrupted") is True)
        case {"kind": "tool", "name": str(name), "arguments": str(arguments), "result": str(result)}:
            return ToolUse(kept(name), kept(arguments), kept(result))
    return None
