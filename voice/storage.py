"""Files of the user's words: for the owner's eyes only, unharmed by a kill, a full disk and a second program."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voice.errors import SettingError

MAX_BACKLOG = 8_000_000
"""Bytes that wait for a disk to have room: as much as is ever read again (`voice.archive.MAX_READ`)."""

LOCK_SECONDS = 5.0
"""How long another program may hold a lock: a hundred writings to a slow disk, and well within a tool's time limit."""
LOCK_POLL_SECONDS = 0.01

_PRIVATE = 0o600
_TAKEN = {errno.EAGAIN, errno.EACCES}
"""Errors that mean that a lock is held; any other, that this file system has none (some network drives)."""
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_APPEND = _OPEN | os.O_APPEND

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


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


def sync_folder(folder: Path) -> None:
    """Have the names in it survive a power cut, where the system can promise that; OSError."""
    if os.name != "posix":  # a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Keep other programs out that lock the same file, which is made and stays; False where there are no locks.

    The lock is the kernel's, and so ends with the program. OSError, TimeoutError among them when another program holds
    it for longer than `LOCK_SECONDS`.
    """
    descriptor = os.open(path, _OPEN, _PRIVATE)
    try:
        yield _wait_for_lock(descriptor)
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in _TAKEN:
                return False
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another program is writing there") from error
        else:
            return True
        time.sleep(LOCK_POLL_SECONDS)


def check_writable(path: Path) -> None:
    """Make sure that a file can be written, and leave it as it was, or away.

    Raises:
        SettingError: it cannot.

    """
    try:
        if claim(path):
            path.unlink()
        elif path.is_file() or path.is_dir():  # whoever reads a pipe would take this for its end
            os.close(os.open(path, os.O_WRONLY))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error


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
