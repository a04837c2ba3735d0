"""The history: one conversation written to disk as it goes on, in the form that `voice.archive` reads."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from voice import VERSION
from voice.archive import ID_TIME, Past, kept
from voice.shown import Shown, ToolUse, Turn
from voice.storage import Journal, claim, make_folder
from voice.text import printable

FORMAT = 1
"""Of the ``.jsonl``; to be raised when an older program would misread it."""
MAX_QUEUE = 500
"""Turns that wait for a disk that does not answer: at one every 5 s, 40 minutes."""
STOP_TIMEOUT = 0.9
"""s to write what is left; a disk takes some ms, one that does not answer is left behind."""

_MARKUP = re.compile(r"([\\`*_~<&\[\]])")
"""What means something in Markdown anywhere in a line; no text of ours begins one."""

log = logging.getLogger(__name__)


class History:
    """Writes one conversation as it goes on, from `start` to `stop`; nothing is on disk before its first turn.

    *history* may block in its queue, which None ends, and in a disk that does not answer, which nothing ends: then it
    is left behind. While a disk is full or cannot be written, turns wait in memory, and each new one tries again.
    """

    def __init__(self, folder: Path, *, tell: Callable[[str], None], model: str, past: Past | None = None) -> None:
        """Keep a new conversation in `folder`, or go on with `past`, in its own files.

        `tell` takes a line for the user and must not block; it is called by *history* and by who calls `show`.
        """
        self.started = past.started if past else datetime.now().astimezone()
        self.id = past.id if past else None
        """None until there is something on disk."""
        self.refused = 0
        """Turns that found the queue full."""
        self._folder = folder
        self._tell = tell
        self._model = model
        self._lines, self._blocks = Journal(), Journal()
        self._failing = False
        self._lock = threading.Lock()  # over refused and the bound of the queue
        self._queue: SimpleQueue[tuple[datetime, Turn | ToolUse] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    @property
    def lost(self) -> int:
        """Turns that will never be on disk; any thread."""
        return self.refused + self._lines.lost

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def show(self, shown: Shown) -> None:
        """Keep a finished turn or call, with the time of now; never blocks, any thread."""
        if not isinstance(shown, Turn | ToolUse):
            return
        with self._lock:
            room = self._queue.qsize() < MAX_QUEUE
            if room:
                self._queue.put((datetime.now().astimezone(), shown))
            else:
                self.refused += 1
            first = self.refused == 1
        if first and not room:
            self._tell(f"the disk of {self._folder} does not answer: the history will miss turns")

    def stop(self) -> None:
        """Write what is left, within `STOP_TIMEOUT`, and tell what could not be written."""
        if self._thread.ident is None:
            return
        self._queue.put(None)
        self._thread.join(STOP_TIMEOUT)
        unread = max(0, self._queue.qsize() - 1)  # without our None
        if missing := self.lost + len(self._lines) + unread:
            self._tell(f"turns of this conversation that could not be written to {self._folder}: {missing}")

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            try:
                time, turn = entry
                self._lines.add(_line(turn, time))
                self._blocks.add(_block(turn))
                self._flush()
            except Exception:
                log.exception("history")
                self._tell("a turn is missing in the history: this is a bug in the program")
        self._flush()

    def _flush(self) -> None:
        try:
            if not self._lines and not self._blocks:
                return
            if self.id is None:
                self.id = _new_id(self._folder, self.started)
            self._lines.flush(self._folder / f"{self.id}.jsonl", self._meta(self.id))
            self._blocks.flush(self._folder / f"{self.id}.md", _heading(self.started))
        except OSError as error:
            if not self._failing:
                self._tell(
                    f"the conversation cannot be written to {self._folder} ({error.strerror or error}): "
                    "it goes on, and each turn tries again"
                )
            self._failing = True
        else:
            if self._failing:
                self._tell(f"the conversation is written to {self._folder} again")
            self._failing = False

    def _meta(self, name: str) -> bytes:
        started = self.started.isoformat(timespec="seconds")
        meta = {"kind": "conversation", "format": FORMAT, "id": name, "started": started}
        return _json(meta | {"model": self._model, "version": VERSION})


def markdown(turns: Iterable[Turn | ToolUse], started: datetime) -> str:
    """Write a conversation for people, a paragraph for each turn; any text, what was said cannot be markup."""
    return b"".join((_heading(started), *map(_block, turns))).decode()


def _new_id(folder: Path, started: datetime) -> str:
    make_folder(folder)
    time = started.strftime(ID_TIME)
    names = (f"{time}-{number}" if number > 1 else time for number in count(1))
    free = (name for name in names if not os.path.lexists(folder / f"{name}.md"))
    return next(name for name in free if claim(folder / f"{name}.jsonl"))


# Text -----------------------------------------------------------------------------------------------------------------


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"  # ASCII: a line that is printed cannot control a terminal


def _line(turn: Turn | ToolUse, time: datetime) -> bytes:
    value: dict[str, Any] = {"time": time.isoformat(timespec="milliseconds")}
    if isinstance(turn, ToolUse):
        texts = {"name": turn.name, "arguments": turn.arguments, "result": turn.result}
        return _json(value | {"kind": "tool"} | {key: kept(text) for key, text in texts.items()})
    said = {"kind": "turn", "role": turn.role, "text": kept(turn.text), "interrupted": turn.interrupted}
    return _json(value | said)


def _heading(started: datetime) -> bytes:
    return f"# Conversation of {started:%Y-%m-%d %H:%M}\n".encode()


def _block(turn: Turn | ToolUse) -> bytes:
    if isinstance(turn, ToolUse):
        name, arguments, result = map(_plain, (turn.name, turn.arguments, turn.result))
        return f"\n**Tool:** {name}({arguments}) -> {result}\n".encode()
    text = f"**{turn.role.capitalize()}:** {_plain(turn.text)}".rstrip()
    return f"\n{text}{' *[interrupted]*' if turn.interrupted else ''}\n".encode()


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", printable(kept(text)))
