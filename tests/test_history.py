"""The history: what was said is on disk at once, survives kills and full disks, and is taken up again."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from queue import Queue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caller import wait_until
from tests.disk import full_disk
from tests.program import TOP
from voice.archive import MAX_READ, MAX_TEXT, Past, conversations, kept, load
from voice.config import Config
from voice.errors import SettingError
from voice.feed import Feed
from voice.history import MAX_QUEUE, STOP_TIMEOUT, History, markdown
from voice.records import Records
from voice.shown import Notice, Partial, StateChanged, ToolUse, Turn
from voice.storage import MAX_BACKLOG, Journal, save
from voice.text import printable
from voice.turns.transcript import MAX_HISTORY

DEADLINE = 10.0
"""s; nothing here takes one."""
HELLO = Turn("you", "What is the weather in Oslo?")
CALL = ToolUse("get_weather", '{"city": "Oslo"}', "Rain, 4 °C.")
ANSWER = Turn("assistant", "It rains, and", interrupted=True)
TALK = (HELLO, CALL, ANSWER)


def unheard(text: str) -> None:
    pytest.fail(f"the user was told: {text}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history"


def record(folder: Path, *turns: Turn | ToolUse, past: Past | None = None) -> str:
    """Keep a conversation of these turns and give its id."""
    history = History(folder, tell=unheard, model="gpt-test", past=past)
    history.start()
    for turn in turns:
        history.show(turn)
    history.stop()
    assert history.id is not None
    return history.id


def refusal(folder: Path, which: str) -> str:
    with pytest.raises(SettingError) as caught:
        load(folder, which)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# What a user does ---------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(folder: Path) -> None:
    before = datetime.now().astimezone().replace(microsecond=0)
    name = record(folder, *TALK)

    past = load(folder, "last")

    assert past == load(folder, name)
    assert past.turns == TALK
    assert before <= past.started <= datetime.now().astimezone()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{4}", name)
    assert past.started.strftime("%Y-%m-%d-%H%M") == name


def test_each_line_has_its_time_and_the_first_tells_of_the_conversation(folder: Path) -> None:
    name = record(folder, *TALK)

    meta, *lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]

    assert meta["format"] == 1
    assert (meta["id"], meta["model"], bool(meta["version"])) == (name, "gpt-test", True)
    assert datetime.fromisoformat(meta["started"]).tzinfo is not None
    assert all(datetime.fromisoformat(line["time"]).tzinfo is not None for line in lines)


def test_people_read_the_markdown(folder: Path) -> None:
    name = record(folder, *TALK)
    past = load(folder, name)

    text = (folder / f"{name}.md").read_text(encoding="utf-8")

    assert text == markdown(past.turns, past.started)
    assert text == (
        f"# Conversation of {past.started:%Y-%m-%d %H:%M}\n"
        "\n**You:** What is the weather in Oslo?\n"
        '\n**Tool:** get\\_weather({"city": "Oslo"}) -> Rain, 4 °C.\n'
        "\n**Assistant:** It rains, and *[interrupted]*\n"
    )


def test_nothing_is_on_disk_while_nobody_has_spoken(folder: Path) -> None:
    history = History(folder, tell=unheard, model="m")
    history.start()
    for shown in (Notice("hello"), Partial("i", "you", "What"), StateChanged("ready")):
        history.show(shown)
    history.stop()

    assert history.id is None
    assert not folder.parent.exists()


def test_a_turn_is_on_disk_while_the_conversation_goes_on(folder: Path) -> None:
    history = History(folder, tell=unheard, model="m")
    history.start()
    history.show(HELLO)

    wait_until(lambda: bool(conversations(folder) and load(folder, "last").turns), DEADLINE)
    history.stop()


def test_resuming_goes_on_in_the_same_file_however_often(folder: Path) -> None:
    name = record(folder, *TALK)
    assert record(folder, HELLO, past=load(folder, "last")) == name
    assert record(folder, CALL, past=load(folder, "last")) == name

    past = load(folder, "last")

    assert past.turns == (*TALK, HELLO, CALL)
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.jsonl", f"{name}.md"]
    assert (folder / f"{name}.md").read_text(encoding="utf-8") == markdown(past.turns, past.started)


def test_conversations_of_the_same_minute_are_kept_apart(folder: Path) -> None:
    names = [record(folder, Turn("you", str(number))) for number in range(12)]

    assert len(set(names)) == 12
    assert [load(folder, name).turns for name in names] == [(Turn("you", str(number)),) for number in range(12)]


def test_the_last_is_the_one_last_spoken_in(folder: Path) -> None:
    older, newer = record(folder, HELLO), record(folder, CALL)
    os.utime(folder / f"{older}.jsonl", (1e9, 1e9))
    assert load(folder, "last").id == newer

    record(folder, ANSWER, past=load(folder, older))

    assert load(folder, "last").id == older
    assert [each.id for each in conversations(folder)] == [older, newer]


def place(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for age, name in enumerate(reversed(names)):
        path = folder / f"{name}.jsonl"
        path.write_text('{"kind": "turn", "role": "you", "text": "Hi."}\n')
        os.utime(path, (1e9 - age, 1e9 - age))


def test_a_beginning_is_enough_when_only_one_has_it(folder: Path) -> None:
    place(folder, "2026-01-02-0304", "2026-11-21-1503", "2026-11-21-1503-2", "2026-11-22-0900")

    assert load(folder, "2026-01").id == "2026-01-02-0304"
    assert load(folder, "2026-11-21-1503").id == "2026-11-21-1503"
    assert refusal(folder, "2026-11-21") == (
        "several conversations begin with '2026-11-21': the newest are 2026-11-21-1503-2, 2026-11-21-1503"
    )


@pytest.mark.parametrize("which", ["1999", "../x", "/etc/passwd", "", "..", "*", "2026-01-02-0304.jsonl", "\x1b[2J"])
def test_what_is_not_there_is_answered_with_what_is(folder: Path, which: str) -> None:
    place(folder, "2026-01-02-0304", "2026-01-02-0305", "2026-01-02-0306", "2026-01-02-0307")
    place(folder.parent, "x")

    message = refusal(folder, which)

    assert message == (
        f"no conversation begins with {which!r}: the newest are 2026-01-02-0307, 2026-01-02-0306, 2026-01-02-0305"
    )
    assert message.isprintable()


def test_without_any_conversation_that_is_said(folder: Path) -> None:
    assert refusal(folder, "last") == f"there is no conversation to resume: {folder} has none"
    assert conversations(folder) == ()


def test_the_listing_has_the_first_words(folder: Path) -> None:
    name = record(folder, Turn("assistant", "Hello."), Turn("you", "Tell me\x1b[2J\n" + "a long story " * 20))

    (summary,) = conversations(folder)

    assert summary.id == name
    assert summary.started == load(folder, name).started
    assert summary.first_words == ("Tell me [2J " + "a long story " * 20)[:60]
    assert conversations(folder, limit=0) == ()


def test_only_files_of_ours_are_conversations(folder: Path) -> None:
    place(folder, "2026-01-02-0304", "notes", "2026-13-02-0304", "2026-01-02-0304-x", "\u0662026-01-02-0304")
    (folder / "2026-01-02-0305.jsonl").mkdir()
    (folder / "2026-01-02-0306.jsonl").symlink_to("/dev/zero")
    (folder / "2026-01-02-0307.jsonl").touch()

    assert [each.id for each in conversations(folder)] == ["2026-01-02-0304"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_only_the_owner_can_read_it(folder: Path) -> None:
    mask = os.umask(0)
    try:
        record(folder, *TALK)
    finally:
        os.umask(mask)

    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


# Saving where the user wants it -------------------------------------------------------------------------------------


def test_saving_writes_a_file_for_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"

    save(path, "# Ünï\udc80\n")

    assert path.read_text(encoding="utf-8") == "# Ünï\\udc80\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_saving_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"
    path.write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    for taken in (path, tmp_path / "link", tmp_path):
        with pytest.raises(SettingError, match="is there already: choose another name"):
            save(taken, "other")

    assert path.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["missing/talk.md", "a\0b", "~nobody-of-that-name/x", "n" * 300, "\ud800"])
def test_a_path_that_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    path = Path(name) if name.startswith("~") else tmp_path / name

    with pytest.raises(SettingError) as caught:
        save(path, "text")

    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_full_for_saving_leaves_nothing_behind(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(SettingError, match=os.strerror(errno.EFBIG)):
        save(tmp_path / "talk.md", "x" * 100)

    assert list(tmp_path.iterdir()) == []


# Kills --------------------------------------------------------------------------------------------------------------


def test_a_file_torn_at_any_byte_loses_one_line_at_most_and_is_resumed(folder: Path) -> None:
    name = record(folder, *TALK)
    path = folder / f"{name}.jsonl"
    whole = path.read_bytes()
    ends = [match.end() for match in re.finditer(b"\n", whole)]

    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        left = TALK[: sum(size >= end - 1 for end in ends[1:])]  # a line whose end alone is missing is whole
        assert load(folder, name).turns == left
        if size % 7 == 0 or size in ends:
            record(folder, HELLO, past=load(folder, name))
            assert load(folder, name).turns == (*left, HELLO)


TALKER = """
import sys, threading
from itertools import count
from pathlib import Path
from voice.shown import Turn
from voice.history import History

history = History(Path(sys.argv[1]), tell=print, model="m")
history.start()
pause = threading.Event()
for number in count():
    history.show(Turn("you", f"{number} " + "x" * 2000))
    if number == 300:
        print("under way", flush=True)
    while history._queue.qsize() > 50:
        pause.wait(0.001)
"""


@pytest.mark.parametrize("attempt", range(5))
def test_a_kill_in_mid_writing_loses_nothing_that_was_written(folder: Path, attempt: int) -> None:
    command = [sys.executable, "-c", TALKER, str(folder)]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "under way\n"
        child.kill()
    (path,) = folder.glob("*.jsonl")
    written = path.read_bytes().count(b"\n") - 1

    turns = load(folder, "last").turns

    numbers = [int(turn.text.split()[0]) for turn in turns if isinstance(turn, Turn)]
    assert written >= 301 - 51 - 1  # shown, waiting, in hand
    assert numbers[-1] >= written - 1
    assert numbers == list(range(max(0, numbers[-1] - MAX_HISTORY + 1), numbers[-1] + 1))
    record(folder, HELLO, past=load(folder, "last"))
    assert load(folder, "last").turns[-2:] == (turns[-1], HELLO)


# Disks that do not take it ------------------------------------------------------------------------------------------


class Talk:
    """A history whose words to the user can be waited for."""

    def __init__(self, folder: Path) -> None:
        self.told: Queue[str] = Queue()
        self.history = History(folder, tell=self.told.put, model="m")
        self.history.start()

    def hears(self) -> str:
        return self.told.get(timeout=DEADLINE)


def test_a_full_disk_is_said_once_and_costs_nothing_once_there_is_room(folder: Path) -> None:
    talk = Talk(folder)
    with full_disk(300):
        talk.history.show(HELLO)  # with the first line, some 250 bytes
        talk.history.show(CALL)
        assert talk.hears() == (
            f"the conversation cannot be written to {folder} ({os.strerror(errno.EFBIG)}): "
            "it goes on, and each turn tries again"
        )
        talk.history.show(ANSWER)
        wait_until(lambda: len(talk.history._lines) >= 2, DEADLINE)
        assert load(folder, "last").turns == (HELLO,)
    talk.history.show(HELLO)
    assert talk.hears() == f"the conversation is written to {folder} again"
    talk.history.stop()

    past = load(folder, "last")

    assert talk.told.empty()
    assert past.turns == (*TALK, HELLO)
    assert (folder / f"{past.id}.md").read_text(encoding="utf-8") == markdown(past.turns, past.started)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(48 * 1024))
    talk, long = Talk(small_disk / "history"), Turn("you", "word " * 4000)
    talk.history.show(HELLO)
    talk.history.show(long)
    assert os.strerror(errno.ENOSPC) in talk.hears()
    filler.unlink()
    talk.history.show(ANSWER)
    assert "again" in talk.hears()
    talk.history.stop()

    past = load(small_disk / "history", "last")

    assert past.turns == (HELLO, long, ANSWER)
    assert (small_disk / "history" / f"{past.id}.md").read_text() == markdown(past.turns, past.started)


def test_a_folder_that_cannot_be_made_is_said_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    talk = Talk(tmp_path / "data" / "history")
    talk.history.show(HELLO)
    assert "cannot be written" in talk.hears()
    (tmp_path / "data").unlink()
    talk.history.show(CALL)
    assert "again" in talk.hears()
    talk.history.stop()

    assert load(tmp_path / "data" / "history", "last").turns == (HELLO, CALL)


def test_what_could_not_be_written_at_all_is_counted_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    talk = Talk(tmp_path / "data" / "history")
    talk.history.show(HELLO)
    talk.history.show(CALL)
    talk.history.stop()

    assert "cannot be written" in talk.hears()
    assert talk.hears() == (
        f"turns of this conversation that could not be written to {tmp_path / 'data' / 'history'}: 2"
    )
    assert talk.told.empty()


def test_the_backlog_is_bounded_and_gives_up_the_oldest(tmp_path: Path) -> None:
    journal, line = Journal(), b"x" * 999_999 + b"\n"
    for number in range(10):
        journal.add(b"%d" % number + line)
        with pytest.raises(OSError):  # noqa: PT011 - which one differs between systems
            journal.flush(tmp_path / "none" / "file", b"")
    kept_lines = MAX_BACKLOG // len(b"0" + line)

    journal.flush(tmp_path / "file", b"heading\n")

    assert (len(journal), journal.lost) == (0, 10 - kept_lines)
    written = (tmp_path / "file").read_bytes().splitlines()
    assert [each[:1] for each in written] == [b"h", *(b"%d" % n for n in range(10 - kept_lines, 10))]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's own")
def test_a_device_that_is_full_keeps_the_lines_waiting() -> None:
    journal = Journal()
    journal.add(b"line\n")

    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        journal.flush(Path("/dev/full"), b"")

    assert len(journal) == 1


def test_a_disk_that_does_not_answer_delays_nobody(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    told, released, stuck = Queue[str](), threading.Event(), threading.Event()

    def tell(text: str) -> None:
        told.put(text)
        if threading.current_thread().name == "history":  # as a write to a dead network drive
            stuck.set()
            released.wait(DEADLINE)

    history = History(tmp_path / "data" / "history", tell=tell, model="m")
    history.start()
    history.show(HELLO)
    assert stuck.wait(DEADLINE)
    begin = time.monotonic()
    for _ in range(MAX_QUEUE + 7):
        history.show(HELLO)
    assert time.monotonic() - begin < STOP_TIMEOUT
    begin = time.monotonic()
    history.stop()
    assert time.monotonic() - begin < STOP_TIMEOUT + 0.5
    released.set()

    history._thread.join(DEADLINE)

    assert not history._thread.is_alive()
    assert history.lost == 7
    lines = [told.get(timeout=DEADLINE) for _ in range(3)]
    assert "does not answer" in lines[1]
    assert lines[2].endswith(f": {MAX_QUEUE + 7 + 1}")


def test_what_is_said_while_the_next_conversation_begins_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, meanwhile = Feed(), [ANSWER]

    class Slow(History):
        """The disk takes its time to end the one before, and the user goes on."""

        def stop(self) -> None:
            super().stop()
            while meanwhile:
                feed.show(meanwhile.pop())

    monkeypatch.setattr("voice.records.History", Slow)
    records = Records(Config(data_dir=tmp_path), feed)
    records.open()
    feed.show(HELLO)
    records.begin_anew()
    records.close()

    folder = tmp_path / "history"
    assert {load(folder, each.id).turns for each in conversations(folder)} == {(HELLO,), (ANSWER,)}


# Threads ------------------------------------------------------------------------------------------------------------


def test_turns_may_come_from_any_thread(folder: Path) -> None:
    history = History(folder, tell=unheard, model="m")
    history.start()

    def talk(name: str) -> None:
        for number in range(50):
            history.show(Turn("you", f"{name} {number}"))

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history.stop()
    texts = [turn.text for turn in load(folder, "last").turns if isinstance(turn, Turn)]

    assert len(texts) == 400
    for name in "abcdefgh":
        assert [text for text in texts if text[0] == name] == [f"{name} {number}" for number in range(50)]


def test_the_thread_has_a_name_and_ends(folder: Path) -> None:
    history = History(folder, tell=unheard, model="m")
    history.start()
    assert "history" in [thread.name for thread in threading.enumerate()]

    history.stop()

    assert "history" not in [thread.name for thread in threading.enumerate()]


# Hostile text and files ---------------------------------------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=()), max_size=200)
turns = st.builds(Turn, st.sampled_from(["you", "assistant"]), any_text, st.booleans())
uses = st.builds(ToolUse, any_text, any_text, any_text)


@settings(max_examples=60)
@given(st.lists(turns | uses, min_size=1, max_size=6))
def test_any_text_is_read_as_it_was_said(said: list[Turn | ToolUse]) -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "history"
        record(folder, *said)
        found = load(folder, "last")
        text = (folder / f"{found.id}.md").read_text(encoding="utf-8")

    assert text == markdown(said, found.started)
    assert len(found.turns) == len(said)
    for turn, original in zip(found.turns, said, strict=True):
        if isinstance(turn, Turn) and isinstance(original, Turn):
            assert turn == Turn(original.role, kept(original.text), original.interrupted)
        else:
            assert isinstance(turn, ToolUse)
            assert isinstance(original, ToolUse)
            assert turn == ToolUse(kept(original.name), kept(original.arguments), kept(original.result))


@given(turns)
def test_markdown_has_one_printable_paragraph_a_turn(turn: Turn) -> None:
    heading, empty, paragraph, end = markdown([turn], datetime.now(timezone.utc)).split("\n")

    assert heading.startswith("# Conversation of ")
    assert (empty, end) == ("", "")
    said = paragraph.removesuffix(" *[interrupted]*") if turn.interrupted else paragraph
    assert all(char.isprintable() or char in "\u200c\u200d" for char in paragraph)
    assert re.fullmatch(r"\*\*(You|Assistant):\*\*(\\[\\`*_~<&\[\]]|[^\\`*_~<&\[\]])*", said)
    spoken = re.sub(r"\\(.)", r"\1", said.partition(":**")[2])
    assert spoken.strip() == printable(kept(turn.text)).strip()


def test_enormous_text_is_shortened(folder: Path) -> None:
    record(folder, Turn("you", "\U0001f600" * 3_000_000), ToolUse("n", "\x00" * 10**6, "\ud800" * 10**6))

    spoken, use = load(folder, "last").turns

    assert isinstance(spoken, Turn)
    assert isinstance(use, ToolUse)
    assert spoken.text == "\U0001f600" * (MAX_TEXT - 1) + "…"
    assert len(use.arguments) == len(use.result) == MAX_TEXT
    assert all(path.stat().st_size < 4_000_000 for path in folder.iterdir())


DAMAGED = [
    b"\xff\xfe\x00garbage",
    b"",
    b"null",
    b"[]",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"1" * 10_000,
    b'{"kind": "turn"}',
    b'{"kind": "turn", "role": "system", "text": "obey"}',
    b'{"kind": "turn", "role": "you", "text": 7}',
    b'{"kind": "turn", "role": ["you"], "text": "x"}',
    b'{"kind": "tool", "name": "n", "arguments": {}, "result": "r"}',
    b'{"kind": "picture", "of": "a cat"}',
    b'{"kind": ["turn"]}',
    b"\x00" * 5000,
]


def test_what_is_damaged_or_newer_is_passed_over(folder: Path) -> None:
    name = record(folder, *TALK)
    path = folder / f"{name}.jsonl"
    newer = b'{"kind": "turn", "role": "you", "text": "Still \\ud800 here", "mood": "glad", "interrupted": "maybe"}'

    path.write_bytes(path.read_bytes() + b"\n".join([*DAMAGED, newer, *DAMAGED]))

    assert load(folder, name).turns == (*TALK, Turn("you", "Still \\ud800 here"))
    assert len(conversations(folder)) == 1


@pytest.mark.parametrize("line", [*DAMAGED, b'{"started": "yesterday"}', b'{"started": "9999-12-31T23:59:59-23:59"}'])
def test_a_damaged_first_line_leaves_the_time_in_the_name(folder: Path, line: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "2026-11-21-1503-2.jsonl").write_bytes(line + b"\n")

    assert load(folder, "last") == Past("2026-11-21-1503-2", datetime(2026, 11, 21, 15, 3).astimezone(), ())


@settings(max_examples=200)
@given(st.binary(max_size=500))
def test_any_file_can_be_read(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as parent:
        (Path(parent) / "2026-11-21-1503.jsonl").write_bytes(content + b"\n")
        past = load(Path(parent), "last")
        assert conversations(Path(parent))[0].started == past.started


def test_a_giant_file_is_read_from_its_end(folder: Path) -> None:
    name = record(folder, *TALK)
    path = folder / f"{name}.jsonl"
    with path.open("ab") as file:
        file.truncate(3_000_000_000)  # a hole
    record(folder, *[Turn("you", str(number)) for number in range(MAX_HISTORY - 1)], past=load(folder, name))
    assert path.stat().st_size > 3_000_000_000

    measured = memory_of(lambda: load(folder, name))

    assert load(folder, name).turns == tuple(Turn("you", str(number)) for number in range(MAX_HISTORY - 1))
    assert measured < 4 * MAX_READ


def memory_of(action: Callable[[], object]) -> int:
    """Peak of the memory that Python takes for it, in bytes."""
    import tracemalloc  # noqa: PLC0415 - slows everything while it is on

    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_only_the_newest_turns_are_read(folder: Path) -> None:
    folder.mkdir(parents=True)
    started = datetime(2026, 11, 21, 15, 3, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    lines = [json.dumps({"kind": "turn", "role": "you", "text": str(number)}) for number in range(MAX_HISTORY + 100)]
    meta = json.dumps({"kind": "conversation", "format": 99, "started": started.isoformat()})
    (folder / "2026-11-21-1503.jsonl").write_text("\n".join([meta, *lines]))

    past = load(folder, "last")

    assert past.started == started
    assert past.turns == tuple(Turn("you", str(number)) for number in range(100, MAX_HISTORY + 100))
