"""Notes on disk: Markdown files that people can read, with names that come from a model and may be anything.

- A note has a title, the file's first line (``# Shopping list``), and a file named after it (``shopping-list.md``). A
  file that somebody else put there is a note as well; without such a line its name is its title.
- Two names mean the same note when their *keys* are equal: case, Unicode form, and the difference between space, dash
  and underscore do not count, since none of that can be heard. The file's name is made from the key alone; what some
  file system would not take is replaced, and then a digest of the key keeps such names apart.
- Files are replaced whole or not at all; what is thrown away goes to ``.trash``, which is never emptied. At no moment
  is a note without a file of its name, or an old one nowhere.
- Programs that write take turns, by a lock on ``.lock``; reading needs none.
- Only regular files directly in the folder are notes: links are never followed.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from itertools import count
from pathlib import Path

from voice.storage import claim, locked, make_folder, sync_folder
from voice.tool import ToolError

MAX_NAME = 200
"""Characters of a title; nobody says a longer one."""
MAX_STEM = 100
"""Bytes of a file's name before ``.md``; the strictest file system in use (eCryptfs) takes 143 in all."""
MAX_FILE = 1_000_000
"""Bytes of a note; 30 times what `voice.toolbox.MAX_OUTPUT` lets through to the model."""

_PREFIX, _SUFFIX = ".note-", ".tmp"
"""Of files that are being written."""
_FORBIDDEN = '<>:"/\\|?*'
"""Characters that Windows takes in no file's name."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that mean devices on Windows."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read."""

    path: Path
    title: str
    text: str
    """Without the title line."""

    @property
    def key(self) -> str:
        """What it is known by; equal for names that are the same to the ear."""
        return _key(self.title)


class NoteFolder:
    """The notes in a folder, which is made when it is first written to. Any method: one thread at a time, OSError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder

    def notes(self) -> list[Note]:
        """All notes that can be read, by file name; what is larger than `MAX_FILE` is none."""
        if not self.path.is_dir():
            return []
        with os.scandir(self.path) as entries:
            paths = [Path(entry) for entry in entries if entry.is_file(follow_symlinks=False)]
        return [note for path in sorted(paths) if path.suffix == ".md" and (note := _read(path))]

    def find(self, title: str) -> Note | None:
        """The note of that title, or else the one in a file of that name."""
        wanted, notes = _key(title), self.notes()
        named = [note for note in notes if note.key == wanted] or [n for n in notes if _key(n.path.stem) == wanted]
        return named[0] if named else None

    def close_to(self, title: str) -> list[Note]:
        """Notes whose title has all these words, or only some of them; if there are none, titles spelled alike."""
        key, notes = _key(title), self.notes()
        wanted = set(key.split("-"))
        close = [note for note in notes if (words := set(note.key.split("-"))) >= wanted or words <= wanted]
        alike = get_close_matches(key, [note.key for note in notes])
        return close or [note for note in notes if note.key in alike]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other programs from writing; to be held from the reading of a note to its writing."""
        make_folder(self.path)
        with locked(self.path / ".lock") as is_locked:
            if is_locked:  # then nobody is at work, and this was left by one that was killed
                for left in self.path.glob(f"{_PREFIX}*{_SUFFIX}"):
                    left.unlink()
            yield

    def create(self, title: str, text: str) -> None:
        """Write a new note; ToolError when anything at all is in the way."""
        path = self.path / f"{_stem(_key(title))}.md"
        with self._written(_content(title, text)) as new:
            if not self._link(new, path):  # a link, a folder, a note called otherwise: whatever it is, it stays
                raise ToolError(f'Something else is in the file {path.name}. Choose another name than "{title}".')

    def replace(self, note: Note, title: str, text: str) -> None:
        """Write another note in its place; the old one goes to the trash."""
        with self._written(_content(title, text)) as new:
            self._keep(note.path)
            new.replace(note.path)

    def append(self, note: Note, text: str) -> None:
        """Add lines at its end."""
        before = _load(note.path)
        with self._written(before + "\n" * (not before.endswith("\n")) + _tidy(text) + "\n") as new:
            new.replace(note.path)

    def discard(self, note: Note) -> None:
        """Move a note to the trash."""
        self._keep(note.path)
        note.path.unlink()

    def _keep(self, path: Path) -> None:
        """Put a file into the trash as well, under a name that is free there."""
        trash = self.path / ".trash"
        trash.mkdir(mode=0o700, exist_ok=True)
        if trash.is_symlink():
            raise ToolError(f"{trash} leads elsewhere; it must be a folder.")
        names = (trash / f"{path.stem}{f' {number}' if number else ''}.md" for number in count())
        next(name for name in names if self._link(path, name))
        sync_folder(trash)

    def _link(self, path: Path, name: Path) -> bool:
        """Give a file a second name, or a copy of that name; False when there is anything of it."""
        try:
            os.link(path, name)
        except FileExistsError:
            return False
        except OSError:  # on FAT and on Android a file has one name
            if not claim(name):
                return False
            try:
                with self._written(_load(path)) as copy:
                    copy.replace(name)
            except OSError:
                name.unlink()
                raise
        return True

    @contextmanager
    def _written(self, text: str) -> Iterator[Path]:
        """Text in a file that is yet to get its name; what was done with it is safe from a power cut in the end."""
        content = text.encode(errors="surrogateescape")
        if len(content) > MAX_FILE:
            raise ToolError(f"That makes the note too long: {MAX_FILE} bytes at most.")
        descriptor, name = tempfile.mkstemp(dir=self.path, prefix=_PREFIX, suffix=_SUFFIX)  # for its owner's eyes only
        new = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield new
        finally:
            new.unlink(missing_ok=True)
        sync_folder(self.path)


def _load(path: Path) -> str:
    """Whole file; bytes that are no UTF-8 survive being read and written back."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode(errors="surrogateescape")


def _read(path: Path) -> Note | None:
    try:
        if path.stat().st_size > MAX_FILE:
            return None
        text = _clean(_load(path).removeprefix("\ufeff"))
    except OSError as error:  # one file that cannot be read must not hide the others
        logger.warning("%s cannot be read: %s", path, error.strerror)
        return None
    title, rest = _split(text)
    return Note(path, title or _one_line(_clean(path.stem)).replace("-", " "), rest.strip())


# Text ---------------------------------------------------------------------------------------------------------------


def _clean(text: str) -> str:
    r"""Text that can be written and sent: what UTF-8 cannot say is spelled out, as in ``\udc80``."""
    return text.encode(errors="backslashreplace").decode()


def _tidy(text: str) -> str:
    return _clean(text).replace("\r\n", "\n").strip("\n")


def _one_line(text: str) -> str:
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in text).split())


def _split(text: str) -> tuple[str, str]:
    """Title and the rest; no title unless the first line is a heading."""
    first, _, rest = text.partition("\n")
    title = _one_line(first.removeprefix("# "))[:MAX_NAME] if first.startswith("# ") else ""
    return (title, rest) if title else ("", text)


def _content(title: str, text: str) -> str:
    heading, rest = _split(_tidy(text))
    if _key(heading) != _key(title):  # models like to begin with the title themselves
        rest = _tidy(text)
    return f"# {title}\n\n{_tidy(rest)}\n"


# Names --------------------------------------------------------------------------------------------------------------


def make_title(name: str) -> str:
    """Make a title of what the model said; ToolError when there is nothing to make it of."""
    title = _one_line(_clean(name))
    if not _key(title):
        raise ToolError("A note needs a name, such as: shopping list.")
    if len(title) > MAX_NAME:
        raise ToolError(f"That is too long for a note's name: {MAX_NAME} characters at most.")
    return title


def fold(text: str) -> str:
    """Text as it is compared: no case, one Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _key(name: str) -> str:
    return "-".join(filter(None, re.split(r"[\s_-]+", fold(name).removesuffix(".md"))))


def _stem(key: str) -> str:
    """File name for a key: the key itself, or what can be kept of it and a digest."""
    safe = "".join("-" if char in _FORBIDDEN or unicodedata.category(char).startswith("C") else char for char in key)
    kept = safe.encode()[:MAX_STEM].decode(errors="ignore").strip("-. ")
    if not kept or _RESERVED.fullmatch(kept):
        kept = f"note-{kept}"
    return key if kept == key else f"{kept.rstrip('-')}-{sha256(key.encode()).hexdigest()[:8]}"
