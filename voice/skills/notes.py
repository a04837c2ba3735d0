"""The notepad: what the model may do with notes. A mistake of the model's loses none: see `voice.skills.notefiles`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

from pydantic import Field

from voice.skills.notefiles import Note, NoteFolder, fold, make_title
from voice.tool import ToolError

MAX_LISTED = 50
"""Notes named in one answer; more would be read out for minutes."""
MAX_SNIPPET = 200
"""Characters of a line that is quoted as found."""

Name = Annotated[str, Field(description="Title of the note, such as: shopping list")]
Text = Annotated[str, Field(description="Text of the note, in Markdown, without the title")]
Query = Annotated[str, Field(description="Words, all of which the note contains")]
Overwrite = Annotated[bool, Field(description="Replace a note of that name; ask the user first")]


class Notepad:
    """The notes in one folder. Each method is a tool: it may be called from any thread and raises ToolError."""

    def __init__(self, folder: Path) -> None:
        self._folder = NoteFolder(folder)
        self._lock = threading.Lock()  # held over whole methods; a file system need not have locks

    def write_note(self, name: Name, text: Text, overwrite: Overwrite = False) -> str:
        """Write a new note. A note of that name is left alone unless overwrite is true."""
        title = make_title(name)
        with self._in_use(writes=True) as folder:
            note = folder.find(title)
            if note is None:
                folder.create(title, text)
                return f'Saved the note "{title}".'
            if not overwrite:
                raise ToolError(
                    f'There is a note "{note.title}" already. It can be added to, or else be replaced '
                    "if the user wants that."
                )
            folder.replace(note, title, text)
        return f'Replaced the note "{title}"; the old one is in the trash folder.'

    def append_note(self, name: Name, text: Text) -> str:
        """Add text at the end of a note, on a line of its own. A note that is not there yet is made."""
        title = make_title(name)
        with self._in_use(writes=True) as folder:
            note = folder.find(title)
            if note is not None:
                folder.append(note, text)
                return f'Added that to the note "{note.title}".'
            close = folder.close_to(title)
            folder.create(title, text)
        return f'There was no note "{title}", so it was made, with that text.{_similar(close)}'

    def read_note(self, name: Name) -> str:
        """Read a note. Part of its title is enough when only one note fits."""
        title = make_title(name)
        with self._in_use() as folder:
            note = folder.find(title)
            close = [note] if note else folder.close_to(title)
        if len(close) != 1:
            raise ToolError(_missing(title, close))
        return f'The note "{close[0].title}": {close[0].text}' if close[0].text else f'"{close[0].title}" is empty.'

    def list_notes(self) -> str:
        """List the titles of all notes."""
        with self._in_use() as folder:
            titles = [note.title for note in folder.notes()]
        if not titles:
            return "There are no notes."
        more = f" and {len(titles) - MAX_LISTED} more" if len(titles) > MAX_LISTED else ""
        return f"Notes ({len(titles)}): {', '.join(titles[:MAX_LISTED])}{more}."

    def search_notes(self, query: Query) -> str:
        """Search titles and texts of all notes for words."""
        words = fold(query).split()
        if not words:
            raise ToolError("Say what to search for.")
        with self._in_use() as folder:
            notes = folder.notes()
        found = [note for note in notes if all(word in fold(f"{note.title}\n{note.text}") for word in words)]
        if not found:
            return f'No note mentions "{" ".join(query.split())}".'
        return "\n".join(f"{note.title}: {_snippet(note, words)}" for note in found[:MAX_LISTED])

    def delete_note(self, name: Name) -> str:
        """Delete a note, named by its whole title. Ask the user first."""
        title = make_title(name)
        with self._in_use(writes=True) as folder:
            note = folder.find(title)
            if note is None:
                raise ToolError(_missing(title, folder.close_to(title)))
            folder.discard(note)
        return f'Moved the note "{note.title}" to the trash folder.'

    @contextmanager
    def _in_use(self, *, writes: bool = False) -> Iterator[NoteFolder]:
        with self._lock:
            try:
                with self._folder.writing() if writes else nullcontext():
                    yield self._folder
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise ToolError(f"That did not work: {reason}. The notes are in {self._folder.path}.") from error


def _missing(title: str, close: list[Note]) -> str:
    return f'There is no note "{title}".{_similar(close)}'


def _similar(notes: list[Note]) -> str:
    return f" Similar: {', '.join(note.title for note in notes[:MAX_LISTED])}." if notes else ""


def _snippet(note: Note, words: list[str]) -> str:
    lines = [line.strip() for line in note.text.splitlines() if line.strip()]
    found = next((line for line in lines if any(word in fold(line) for word in words)), lines[0] if lines else "")
    return found[:MAX_SNIPPET]
