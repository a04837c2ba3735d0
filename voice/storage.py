"""Files of the user's words: for the owner's eyes only, unharmed by a kill and by a full disk."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path

from voice.errors import SettingError

MAX_BACKLOG = 8_000_000
"""Bytes that wait for a disk to have room: as much as is ever read again (`voice.archive.MAX_READ`)."""

_PRIVATE = 0o600
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Journal:
    """Lines on their way to the end of a file; for one thread.

    The file is opened for each writing, so that it may meanwhile be moved, deleted, or on a disk that is full. What was
    written survives the end of this program at once, and a power cut as soon as the system has put it on the disk.
    """

    def __init__(self) -> None:
        self.lost = 0
        """Lines given up since more than `MAX_BACKLOG` waited."""
        self._waiting: deque[bytes] = deque()
        self._size = 0

    def __len__(self) -> int:
        """How many lines wait."""
        return len(self._waiting)

    def add(self, line: bytes) -> None:
        """Let a line wait, its line end included; the oldest are given up when too much waits."""
        self._waiting.append(line)
        self._size += len(line)
        while self._size > MAX_BACKLOG:
            self._size -= len(self._waiting.popleft())
            self.lost += 1

    def flush(self, path: Path, heading: bytes) -> None:
        """Append all that waits, after `heading` when the file is new; on OSError all of it goes on waiting."""
        if not self._waiting:
            return
        descriptor = os.open(path, _APPEND, _PRIVATE)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            start = heading if size == 0 else b"" if _ends_line(descriptor) else b"\n"
            try:
                _write(descriptor, b"".join((start, *self._waiting)))
            except OSError:
                with suppress(OSError):  # a torn line is read over, it only looks bad
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        self._waiting.clear()
        self._size = 0


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, for the owner alone; OSError."""
    missing = [above for above in folder.parents if not above.exists()]
    for each in (*reversed(missing), folder):
        each.mkdir(mode=0o700, exist_ok=True)


def claim(path: Path) -> bool:
    """Make an empty file, unless there is anything of that name; OSError."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))
    except FileExistsError:
        return False
    return True


def save(path: Path, text: str) -> None:
    """Write a new file where the user wants it.

    Raises:
        SettingError: something of that name is there already, or it cannot be written; then nothing is left behind.

    """
    content = text.encode(errors="backslashreplace")
    try:
        path = path.expanduser()
        if not claim(path):
            raise SettingError(f"{str(path)!r} is there already: choose another name")
        try:
            path.write_bytes(content)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    except (RuntimeError, ValueError) as error:  # a home that nobody has; a character that no name may have
        raise SettingError(f"{str(path)!r} cannot be a file: {error}") from error


def _ends_line(descriptor: int) -> bool:
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # a disk takes what it has room for, and only then fails
        rest = rest[os.write(descriptor, rest) :]
