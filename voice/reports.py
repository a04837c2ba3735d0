"""What commands answer: lines for people about the conversation, its money, its files and its devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from voice import archive, usage
from voice.assistant import Assistant
from voice.config import Config
from voice.errors import SettingError
from voice.shown import ToolUse, Turn
from voice.skills.notefiles import Note, NoteFolder
from voice.status import Status
from voice.text import line, printable
from voice.ui import statusline

MAX_TURNS = 50
"""Shown of a conversation; the rest is in its file."""
MAX_CONVERSATIONS = 5
"""Older ones that are listed; completion knows more."""


def greeting(assistant: Assistant) -> str:
    """Who answers, and how to leave."""
    config = assistant.config
    who = "the assistant on this computer" if config.uses_offline_assistant else config.model
    return f"{printable(who)}, Ctrl-C ends"


def table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Two columns, the first as wide as it must be."""
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name:{width}}  {meaning}" for name, meaning in rows]


def status(now: Status) -> list[str]:
    """How things stand, in full."""
    return [statusline.summary(now), statusline.GAP.join(statusline.details(now))]


def history(assistant: Assistant, which: str) -> list[str]:
    """What was said in this conversation, or in that one; SettingError."""
    folder = assistant.config.history_folder
    if which:
        return _turns(archive.load(folder, which).turns) or ["nothing was said"]
    found = archive.conversations(folder, MAX_CONVERSATIONS)
    older = table([(summary.id, summary.first_words) for summary in found])
    listing = ["conversations on disk (/history ID shows one, --resume ID goes on with it):", *older] if older else []
    return [*(_turns(assistant.history) or ["nothing has been said yet"]), *listing]


def _turns(turns: Sequence[Turn | ToolUse]) -> list[str]:
    left_out = len(turns) - MAX_TURNS
    lines = [line(turn) for turn in turns[-MAX_TURNS:]]
    return [f"({left_out} turns before these)", *lines] if left_out > 0 else lines


def conversation_ids(config: Config) -> list[str]:
    """Conversations on disk, the newest first."""
    return [summary.id for summary in archive.conversations(config.history_folder)]


def notes(config: Config, name: str) -> list[str]:
    """Which notes there are, or one of them; SettingError."""
    folder = NoteFolder(config.notes_folder)
    if not name:
        titles = [printable(note.title) for note in _notes(folder)]
        return [*titles, f"they are in {folder.path}"] if titles else [f"there are no notes in {folder.path}"]
    try:
        note = folder.find(name)
        found = [note] if note else folder.close_to(name)
    except OSError as error:
        raise _unreadable(folder, error) from error
    if len(found) != 1:
        similar = f"; similar: {', '.join(printable(note.title) for note in found)}" if found else ""
        raise SettingError(f"there is no note {name[:40]}{similar}")
    return [printable(found[0].title), *found[0].text.splitlines()]


def note_titles(config: Config) -> list[str]:
    """The titles of all notes; none when they cannot be read."""
    try:
        return [printable(note.title) for note in NoteFolder(config.notes_folder).notes()]
    except OSError:
        return []


def _notes(folder: NoteFolder) -> list[Note]:
    try:
        return folder.notes()
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: NoteFolder, error: OSError) -> SettingError:
    return SettingError(f"the notes in {folder.path} cannot be read: {error.strerror or error}")


def tools(assistant: Assistant) -> list[str]:
    """What the assistant can do, by name."""
    found = assistant.toolbox.definitions
    rows = [(printable(str(tool["name"])), _first_sentence(str(tool.get("description", "")))) for tool in found]
    return table(rows) or ["there are no tools"]


def _first_sentence(text: str) -> str:
    return printable(text).partition(". ")[0].rstrip(".")


def devices(assistant: Assistant) -> Iterable[str]:
    """What is used, and how to choose others."""
    used = [printable(str(device)) for device in assistant.devices]
    return [
        *(used or ["no sound device is used"]),
        "others: --list-devices shows them, --input-device and --output-device choose (a number or part of a name)",
    ]


def cost(now: Status, config: Config) -> list[str]:
    """What was spent so far, and how far that can be relied on."""
    if config.uses_offline_assistant:
        return [str(now.spent), "the assistant on this computer costs nothing"]
    if now.spent.dollars is None:
        return [str(now.spent), f"what this service takes for {printable(now.model)} is not known here"]
    return [str(now.spent), f"by the prices of {usage.prices_date()}; what counts is the bill"]
