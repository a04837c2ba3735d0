"""Notes on disk: Markdown files that people can read, with names that come from a model and may be anything.

- A note has a title, the file's first line (``# Shopping list``), and a file named after it (``shopping-list.md``). A
  file that somebody else put there is a note as well; without such a line its name is its title.
- Two names mean the same note when their *keys* are equal: case, Unicode form, and the difference between space, dash
  and underscore do not count, since none of that can be heard. The file's name is made from the key alone; what some
  file system would not take is replaced, and then a digest of the key keeps such names apart.
- Files are replaced whole or not at all; what is thrown away goes to ``.trash``, which is never emptied.
- Only regular files directly in the folder are notes: links are never followed.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from itertools import count
from pathlib import Path

from voice.storage import make_folder
from voice.tool import ToolError

MAX_NAME = 200
"""Characters of a title; nobody says a longer one."""
MAX_STEM = 100
"""Bytes of a file's name before ``.md``; the strictest file system in use (eCryptfs) takes 143 in all."""
MAX_FILE = 1_000_000
"""Bytes of a note; 30 times what `voice.toolbox.MAX_OUTPUT` lets through to the model."""

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
    """The notes in a folder, which is made when it is first written to. OSError from any method; no lock of its own."""

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

    def create(self, title: str, text: str) -> None:
        """Write a new note; ToolError when anything at all is in the way."""
        path = self.path / f"{_stem(_key(title))}.md"
        if os.path.lexists(path):  # a link, a folder, a note called otherwise: whatever it is, it stays
            raise ToolError(f'Something else is in the file {path.name}. Choose another name than "{title}".')
        self._write(path, _content(title, text), keep_old=False)

    def replace(self, note: Note, title: str, text: str) -> None:
        """Write another note in its place; the old one goes to the trash."""
        self._write(note.path, _content(title, text), keep_old=True)

    def append(self, note: Note, text: str) -> None:
        """Add lines at its end."""
        before = _load(note.path)
        self._write(note.path, before + "\n" * (not before.endswith("\n")) + _tidy(text) + "\n", keep_old=False)

    def discard(self, path: Path) -> None:
        """Move a file to the trash, under a name that is free there."""
        trash = self.path / ".trash"
        trash.mkdir(mode=0o700, exist_ok=True)
        if trash.is_symlink():
            raise ToolError(f"{trash} leads elsewhere; it must be a folder.")
        names = (trash / f"{path.stem}{f' {number}' if number else ''}.md" for number in count())
        path.rename(next(name for name in names if not os.path.lexists(name)))

    def _write(self, path: Path, text: str, *, keep_old: bool) -> None:
        """Put text at path, whole or not at all, and safe from a power cut once this returns."""
        content = text.encode(errors="surrogateescape")
        if len(content) > MAX_FILE:
            raise ToolError(f"That makes the note too long: {MAX_FILE} bytes at most.")
        make_folder(self.path)
        descriptor, name = tempfile.mkstemp(dir=self.path, prefix=".", suffix=".tmp")  # for its owner's eyes only
        new = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if keep_old:
                self.discard(path)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        if os.name == "posix":  # elsewhere a folder cannot be opened
            folder = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


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
