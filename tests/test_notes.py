"""The notepad: every name finds its note and no other, nothing leaves the folder, nothing is lost."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.disk import full_disk
from tests.program import TOP
from voice.skills.notefiles import MAX_FILE, MAX_NAME, fold
from voice.skills.notes import MAX_LISTED, Notepad
from voice.tool import ToolError

# fmt: off
ODD_NAMES = [
    "a/b", "..", ".", "../../etc/passwd", "/etc/passwd", "C:\\Windows", "~", "~root", "$HOME", "*?<>|\"'", "%s", "{x}",
    "# title", "- [ ] x", "x.md.md", ".md", "con", "CON.txt", "nul", "com1", "lpt9.md", "COM¹", "note.", "note ...",
    ".hidden", "...", ".trash", "a\0b", "a\nb", "a\u2028b", "\ud800", "\udc80", "\ufffe", "\u202edne", "\u200d",
    "\uff0f", "\u017f", "\ufb01", "\u212b", "\u2025", "İ", "ß", "🛒", "👩‍👩‍👧 list", "日本語のメモ", "हिन्दी",
    "\ufdfa" * 60, "é" * 150, "a" * 200,
]
# fmt: on


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "notes"


@pytest.fixture
def notepad(folder: Path) -> Notepad:
    return Notepad(folder)


def failure(tool: Callable[..., str], *arguments: str) -> str:
    with pytest.raises(ToolError) as caught:
        tool(*arguments)
    return str(caught.value)


# What a user does ---------------------------------------------------------------------------------------------------


def test_a_note_is_a_file_that_people_can_read(notepad: Notepad, folder: Path) -> None:
    assert notepad.write_note("Shopping list", "- milk\n- eggs") == 'Saved the note "Shopping list".'

    assert (folder / "shopping-list.md").read_text() == "# Shopping list\n\n- milk\n- eggs\n"


def test_what_was_written_is_read(notepad: Notepad) -> None:
    notepad.write_note("ideas", "fly")

    assert notepad.read_note("ideas") == 'The note "ideas": fly'


@pytest.mark.parametrize(
    "spoken", ["shopping list", "SHOPPING LIST", "shopping-list", " Shopping_List ", "shopping-list.md"]
)
def test_a_note_is_found_however_it_is_spoken_or_spelled(notepad: Notepad, spoken: str) -> None:
    notepad.write_note("Shopping List", "milk")

    assert notepad.read_note(spoken) == 'The note "Shopping List": milk'
    assert notepad.append_note(spoken, "eggs") == 'Added that to the note "Shopping List".'


def test_accents_are_the_same_however_they_are_composed(notepad: Notepad) -> None:
    notepad.write_note(unicodedata.normalize("NFC", "Café"), "au lait")

    assert "au lait" in notepad.read_note(unicodedata.normalize("NFD", "café"))


def test_part_of_a_title_is_enough_to_read_but_not_to_delete(notepad: Notepad, folder: Path) -> None:
    notepad.write_note("shopping list", "milk")

    assert notepad.read_note("shopping") == 'The note "shopping list": milk'
    assert notepad.read_note("my shopping list") == 'The note "shopping list": milk'
    assert notepad.read_note("shoping list") == 'The note "shopping list": milk'
    assert failure(notepad.delete_note, "shopping") == 'There is no note "shopping". Similar: shopping list.'
    assert (folder / "shopping-list.md").exists()


def test_part_of_two_titles_asks_which(notepad: Notepad) -> None:
    notepad.write_note("work ideas", "a")
    notepad.write_note("home ideas", "b")

    assert failure(notepad.read_note, "ideas") == 'There is no note "ideas". Similar: home ideas, work ideas.'


def test_an_existing_note_is_not_written_over_unless_asked(notepad: Notepad, folder: Path) -> None:
    notepad.write_note("Packing", "sunglasses")

    assert failure(notepad.write_note, "packing", "shoes").startswith('There is a note "Packing" already.')
    assert "sunglasses" in notepad.read_note("packing")
    assert notepad.write_note("packing", "shoes", overwrite=True).startswith('Replaced the note "packing"')
    assert notepad.read_note("packing") == 'The note "packing": shoes'
    assert (folder / ".trash" / "packing.md").read_text() == "# Packing\n\nsunglasses\n"


def test_append_adds_a_line_and_changes_nothing_else(notepad: Notepad, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "old.md").write_bytes(b"\xef\xbb\xbf# Old\r\n\r\nl\xe9 one")

    notepad.append_note("old", "two")

    assert (folder / "old.md").read_bytes() == b"\xef\xbb\xbf# Old\r\n\r\nl\xe9 one\ntwo\n"


def test_append_makes_a_missing_note_and_tells_of_similar_ones(notepad: Notepad) -> None:
    made = 'There was no note "{}", so it was made, with that text.'

    assert notepad.append_note("shopping list", "milk") == made.format("shopping list")
    assert notepad.append_note("shopping", "eggs") == made.format("shopping") + " Similar: shopping list."
    assert notepad.read_note("shopping list") == 'The note "shopping list": milk'
    assert notepad.read_note("shopping") == 'The note "shopping": eggs'


def test_a_title_in_the_text_is_not_doubled(notepad: Notepad, folder: Path) -> None:
    notepad.write_note("shopping list", "# Shopping List\n\n- milk")
    notepad.write_note("plan", "# Monday\nrest")

    assert (folder / "shopping-list.md").read_text() == "# shopping list\n\n- milk\n"
    assert (folder / "plan.md").read_text() == "# plan\n\n# Monday\nrest\n"


def test_notes_are_listed_and_searched(notepad: Notepad) -> None:
    assert notepad.list_notes() == "There are no notes."
    notepad.write_note("shopping list", "- milk\n- Fresh EGGS")
    notepad.write_note("ideas", "")

    assert notepad.list_notes() == "Notes (2): ideas, shopping list."
    assert notepad.search_notes("eggs FRESH") == "shopping list: - Fresh EGGS"
    assert notepad.search_notes("idea") == "ideas: "
    assert notepad.search_notes("butter") == 'No note mentions "butter".'
    assert failure(notepad.search_notes, " ") == "Say what to search for."
    assert notepad.read_note("ideas") == '"ideas" is empty.'


def test_a_long_list_is_cut(notepad: Notepad, folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(MAX_LISTED + 2):
        (folder / f"{number:03}.md").touch()

    assert notepad.list_notes().endswith(" and 2 more.")


def test_a_deleted_note_is_in_the_trash_and_so_is_its_namesake(notepad: Notepad, folder: Path) -> None:
    for text in ("one", "two"):
        notepad.write_note("ideas", text)
        assert notepad.delete_note("Ideas") == 'Moved the note "ideas" to the trash folder.'

    assert notepad.list_notes() == "There are no notes."
    assert sorted(path.read_text().split()[-1] for path in (folder / ".trash").iterdir()) == ["one", "two"]


# Names --------------------------------------------------------------------------------------------------------------


def check_name(name: str) -> None:
    """Write, read, append to and delete a note of that name; whatever it is, it is one file, in the folder."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "data", "notes")
        notepad = Notepad(folder)
        refusal = ""
        try:
            notepad.write_note(name, "text")
        except ToolError as error:
            refusal = str(error)
        if refusal:
            assert refusal.startswith(("A note needs a name", "That is too long"))
            assert not folder.exists()
            return
        (file,) = set(folder.iterdir()) - {folder / ".lock"}
        assert file.is_file()
        assert len(file.name.encode()) <= 143
        assert not file.name.startswith(".")
        assert not set(file.name) & set('<>:"/\\|?*\0')
        assert file.name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
        assert sorted(Path(top).rglob("*")) == sorted([folder.parent, folder, folder / ".lock", file])
        assert notepad.read_note(name).endswith(": text")
        assert notepad.append_note(name, "more").startswith("Added")
        with pytest.raises(ToolError, match="already"):
            notepad.write_note(name, "other")
        assert notepad.delete_note(name).startswith("Moved")


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_odd_names_make_one_file_in_the_folder(name: str) -> None:
    check_name(name)


@settings(max_examples=200)
@given(st.text(st.characters(), max_size=MAX_NAME + 10))
def test_any_name_makes_one_file_in_the_folder(name: str) -> None:
    check_name(name)


@settings(max_examples=200)
@given(st.lists(st.text(st.sampled_from("aAé:/\\.?*-_ İſ\u0301ß\ud800🛒"), min_size=1, max_size=6), max_size=8))
def test_different_names_never_share_a_file_unless_that_is_said(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as top:
        notepad = Notepad(Path(top))
        written: dict[str, str] = {}
        for number, name in enumerate(names):
            try:
                notepad.write_note(name, f"text {number}")
                written[name] = f"text {number}"
            except ToolError:
                continue

        for name, text in written.items():
            assert notepad.read_note(name).endswith(text)


@pytest.mark.parametrize(
    ("one", "other"), [("C++", "C#"), ("a/b", "a:b"), ("a?", "a*"), ("todo", "todo?"), ("1.", "1")]
)
def test_names_that_sound_different_are_two_notes(notepad: Notepad, one: str, other: str) -> None:
    notepad.write_note(one, "one")
    notepad.write_note(other, "other")

    assert (notepad.read_note(one)[-3:], notepad.read_note(other)[-5:]) == ("one", "other")


@pytest.mark.parametrize("name", ["", " ", "\n", "---", "_ _", "\0", "a" * (MAX_NAME + 1), "x" * 1_000_000])
def test_a_name_that_is_none_is_said(notepad: Notepad, name: str) -> None:
    tools: list[Callable[..., str]] = [notepad.read_note, notepad.delete_note]
    for tool in tools:
        assert failure(tool, name).startswith(("A note needs a name", "That is too long"))


@given(st.text(st.characters()))
def test_any_text_can_be_written_added_and_searched_for(text: str) -> None:
    with tempfile.TemporaryDirectory() as top:
        notepad = Notepad(Path(top))
        notepad.write_note("note", text)
        notepad.append_note("note", text)
        assert notepad.read_note("note").encode()
        if fold(text).strip():
            assert notepad.search_notes(text)


# Files --------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_notes_are_for_their_owner_alone(notepad: Notepad, folder: Path) -> None:
    old = os.umask(0)
    try:
        notepad.write_note("diary", "dear")
        notepad.append_note("diary", "me")
        notepad.write_note("other", "x")
        notepad.delete_note("other")
    finally:
        os.umask(old)

    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)} == {0o700}
    assert stat.S_IMODE((folder / ".trash").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "diary.md").stat().st_mode) == 0o600


def test_links_are_not_followed(notepad: Notepad, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("# plan\n\nsecret")
    folder.mkdir(parents=True)
    (folder / "plan.md").symlink_to(secret)

    assert notepad.list_notes() == "There are no notes."
    assert notepad.search_notes("secret") == 'No note mentions "secret".'
    assert failure(notepad.read_note, "plan") == 'There is no note "plan".'
    assert "Something else" in failure(notepad.write_note, "plan", "x")
    assert "Something else" in failure(notepad.append_note, "plan", "x")
    failure(notepad.delete_note, "plan")
    assert secret.read_text() == "# plan\n\nsecret"


def test_a_trash_that_leads_elsewhere_is_not_used(notepad: Notepad, folder: Path, tmp_path: Path) -> None:
    notepad.write_note("ideas", "x")
    (folder / ".trash").symlink_to(tmp_path)

    assert "leads elsewhere" in failure(notepad.delete_note, "ideas")
    assert notepad.read_note("ideas")


def test_folders_pipes_and_other_files_are_no_notes(notepad: Notepad, folder: Path) -> None:
    (folder / "dir.md").mkdir(parents=True)
    os.mkfifo(folder / "pipe.md")
    (folder / "photo.jpg").touch()
    (folder / "large.md").write_bytes(b"x" * (MAX_FILE + 1))

    assert notepad.list_notes() == "There are no notes."
    for name in ("dir", "pipe", "large"):
        assert "Something else" in failure(notepad.write_note, name, "x")


def test_a_hand_made_file_is_a_note(notepad: Notepad, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "Meeting Notes.md").write_text("Alice: yes")
    (folder / "x.md").write_text("# To do\x1b[31m\n- rest")

    assert notepad.list_notes() == "Notes (2): Meeting Notes, To do [31m."
    assert notepad.read_note("meeting-notes") == 'The note "Meeting Notes": Alice: yes'
    assert notepad.read_note("x").endswith("- rest")
    assert "already" in failure(notepad.write_note, "x", "new")


def test_a_disk_that_is_full_costs_nothing_but_the_new_text(notepad: Notepad, folder: Path) -> None:
    notepad.write_note("ideas", "fly")

    with full_disk():
        said = [
            failure(notepad.append_note, "ideas", "more"),
            failure(lambda: notepad.write_note("ideas", "other", overwrite=True)),
            failure(notepad.write_note, "new", "text"),
        ]

    assert all(each.startswith(f"That did not work: {os.strerror(errno.EFBIG)}.") for each in said)
    assert {path.name for path in folder.iterdir()} == {"ideas.md", ".lock"}
    assert notepad.read_note("ideas") == 'The note "ideas": fly'


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    notepad = Notepad(tmp_path / "file" / "notes")

    assert failure(notepad.write_note, "ideas", "x").startswith("That did not work: Not a directory.")
    assert notepad.list_notes() == "There are no notes."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(notepad: Notepad, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)

    assert failure(notepad.write_note, "ideas", "x").startswith("That did not work: Permission denied.")


def test_a_note_does_not_grow_without_bound(notepad: Notepad) -> None:
    notepad.write_note("ideas", "x" * (MAX_FILE - 100))

    assert "too long" in failure(notepad.append_note, "ideas", "y" * 200)
    assert notepad.read_note("ideas").endswith("x")


def test_calls_side_by_side_lose_nothing(notepad: Notepad) -> None:
    notepad.write_note("log", "start")
    threads = [threading.Thread(target=notepad.append_note, args=("log", f"line {number}.")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert all(f"line {number}." in notepad.read_note("log") for number in range(20))


# Several programs, and kills -----------------------------------------------------------------------------------------

APPENDING = """
import sys
from pathlib import Path
from voice.skills.notes import Notepad
notepad = Notepad(Path(sys.argv[1]))
print(flush=True)
input()
for number in range(25):
    assert notepad.append_note("log", f"{sys.argv[2]} {number}.").startswith("Added")
"""

DYING = """
import json, os, sys
from pathlib import Path
from voice.skills.notes import Notepad

def die_at(step):
    left = step
    def count(event, arguments):
        nonlocal left
        left -= event in ("open", "os.mkdir", "os.link", "os.rename", "os.remove", "tempfile.mkstemp")
        if left == 0:
            os._exit(9)
    sys.addaudithook(count)

def contents(folder):
    return {path.read_text().split()[-1] for path in Path(folder).glob("*.md")}

def run(step, top):
    notepad = Notepad(Path(top, str(step)))
    notepad.write_note("list", "old")
    child = os.fork()
    if child == 0:
        die_at(step)
        getattr(notepad, sys.argv[2])("list", **json.loads(sys.argv[3]))
        os._exit(0)
    died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    named, kept = contents(notepad._folder.path), contents(notepad._folder.path / ".trash")
    notepad.append_note("other", "x")
    left = [path.name for path in notepad._folder.path.glob("*.tmp")]
    print(died, sorted(named), sorted(kept), left)
    return died

step = 1
while run(step, sys.argv[1]):
    step += 1
"""


def python(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_programs_lose_nothing(notepad: Notepad, folder: Path) -> None:
    notepad.write_note("log", "start")
    programs = [python(APPENDING, folder, name) for name in ("one", "two")]
    for program in programs:
        assert program.stdout is not None
        program.stdout.readline()  # it is ready
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    for program in programs:
        program.communicate(timeout=60)

    assert [program.returncode for program in programs] == [0, 0]
    text = (folder / "log.md").read_text()
    lines = [f"{name} {number}." for name in ("one", "two") for number in range(25)]
    assert [line for line in lines if line not in text] == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("write_note", {"text": "new", "overwrite": True}), ("append_note", {"text": "new"}), ("delete_note", {})],
)
def test_a_kill_at_any_step_loses_no_note(tmp_path: Path, tool: str, arguments: dict[str, object]) -> None:
    said, _ = python(DYING, tmp_path, tool, json.dumps(arguments)).communicate(timeout=60)
    *died, _ = [line.partition(" ")[2] for line in said.splitlines()]

    assert len(died) >= 4
    before, after = "['old'] [] []", {"write_note": "['new'] ['old'] []", "append_note": "['new'] [] []"}
    assert died[0] == before
    assert set(died) <= {before, "['old'] ['old'] []", after.get(tool, "")}


def test_a_note_that_appears_meanwhile_is_not_written_over(
    notepad: Notepad, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    fsync = os.fsync

    def write_too(descriptor: int) -> None:
        (folder / "ideas.md").write_text("mine")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", write_too)

    assert "Something else" in failure(notepad.write_note, "ideas", "yours")
    assert (folder / "ideas.md").read_text() == "mine"


def test_a_program_that_keeps_the_lock_is_not_waited_for_without_end(
    notepad: Notepad, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.storage.LOCK_SECONDS", 0.05)
    notepad.write_note("ideas", "fly")

    with (folder / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        said = failure(notepad.append_note, "ideas", "more")
        assert notepad.read_note("ideas").endswith("fly")

    assert said.startswith("That did not work: another program is writing there.")
    assert notepad.append_note("ideas", "more").startswith("Added")


def refused(*_: object) -> None:
    raise OSError(errno.ENOTSUP, "not here")


@pytest.mark.parametrize("name", ["fcntl.flock", "os.link"])
def test_a_file_system_without_locks_or_links_keeps_notes_too(
    notepad: Notepad, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(name, refused)
    notepad.write_note("ideas", "fly")
    notepad.append_note("ideas", "high")
    notepad.write_note("ideas", "swim", overwrite=True)
    (folder / "taken.md").mkdir()

    assert "Something else" in failure(notepad.write_note, "taken", "x")
    assert notepad.read_note("ideas").endswith("swim")
    assert notepad.delete_note("ideas").startswith("Moved")
    assert sorted(path.read_text().split()[-1] for path in (folder / ".trash").iterdir()) == ["high", "swim"]
    assert {path.name for path in folder.iterdir()} == {".lock", ".trash", "taken.md"}


def test_on_a_full_disk_a_note_can_be_deleted(notepad: Notepad, folder: Path) -> None:
    notepad.write_note("ideas", "a text of some length")

    with full_disk():
        assert notepad.delete_note("ideas").startswith("Moved")

    assert (folder / ".trash" / "ideas.md").read_text().endswith("length\n")
