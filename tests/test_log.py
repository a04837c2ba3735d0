"""The log: where it is written, by whom it can be read, what never is in it."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from voice.config import Config
from voice.errors import SettingError
from voice.log import MAX_BYTES, start_logging


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    logger = logging.getLogger()
    before, level = list(logger.handlers), logger.level
    yield logger
    for handler in set(logger.handlers) - set(before):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)


def test_it_is_for_the_owner_alone_also_after_it_was_begun_anew(tmp_path: Path, root: logging.Logger) -> None:
    path = tmp_path / "talk.log"
    start_logging(Config(log_file=path))
    for _ in range(2 + MAX_BYTES // 100_000):
        root.info("x" * 100_000)

    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["talk.log", "talk.log.1"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert all(file.stat().st_size <= MAX_BYTES for file in files)


@pytest.mark.parametrize(
    ("settings", "level"), [({}, "INFO"), ({"log_level": "ERROR"}, "ERROR"), ({"debug": True}, "DEBUG")]
)
def test_what_is_worth_logging(tmp_path: Path, root: logging.Logger, settings: dict[str, str], level: str) -> None:
    start_logging(Config(log_file=tmp_path / "talk.log", **settings))  # type: ignore[arg-type]

    assert logging.getLevelName(root.level) == level


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"log_level": "INFO"}, "the log is written to {}"),
        ({"log_level": "DEBUG"}, "DEBUG is on: everything that is said is logged to {}"),
        ({"debug": True, "log_level": "ERROR"}, "DEBUG is on: everything that is said is logged to {}"),
    ],
)
def test_without_a_file_it_is_written_here_and_the_user_is_told(
    tmp_path: Path,
    root: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    start_logging(Config(**settings))  # type: ignore[arg-type]
    root.error("something broke")

    path = tmp_path / "realtime.log"
    assert "something broke" in path.read_text(encoding="utf-8")
    assert capsys.readouterr() == ("", f"realtime: {told.format(path)}\n")


def test_a_file_that_is_asked_for_needs_no_telling_unless_what_is_said_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(Config(log_file=tmp_path / "a.log"))
    assert capsys.readouterr().err == ""
    start_logging(Config(log_file=tmp_path / "b.log", debug=True))
    assert capsys.readouterr().err == f"realtime: DEBUG is on: everything that is said is logged to {tmp_path}/b.log\n"


def test_nothing_is_written_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    start_logging(Config())

    assert not [path for path in tmp_path.iterdir() if path.suffix == ".log"]
    assert capsys.readouterr() == ("", "")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be written"):
        start_logging(Config(log_file=tmp_path / "no" / "talk.log"))


class Unquoted(str):
    """Text that an error shows as it is."""

    __slots__ = ()
    __repr__ = str.__str__


FORGED = "2026-01-01 00:00:00,000 MainThread voice INFO all is well"


def test_one_record_is_lines_of_its_own_that_control_nothing(tmp_path: Path, root: logging.Logger) -> None:
    start_logging(Config(log_file=tmp_path / "a.log"))
    root.info("a server: %s", f"\x1b]0;owned\x07\x9b31m\r\u202e\n{FORGED}")
    try:
        {"": 0}[Unquoted(f"no such city: \x1b[2J\n{FORGED}")]
    except KeyError:
        root.exception("a tool")

    text = (tmp_path / "a.log").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert "".join(lines).isprintable()
    assert [line[24:] for line in lines if line.startswith("20")] == [
        r"MainThread root INFO a server: \x1b]0;owned\x07\x9b31m\r\u202e",
        "MainThread root ERROR a tool",
    ]
    assert f"    {FORGED}" in lines
    assert r"    KeyError: no such city: \x1b[2J" in lines
    assert "    Traceback (most recent call last):" in lines


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk is full here")
def test_a_full_disk_ends_it_in_one_line(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(Config(log_file=Path("/dev/full")))
    for number in range(5):
        root.info("record %d", number)

    told = "realtime: the log ends here, /dev/full cannot be written: No space left on device\n"
    assert capsys.readouterr() == ("", told)


def test_it_goes_on_where_the_file_cannot_be_renamed(
    tmp_path: Path, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "talk.log"
    (tmp_path / "talk.log.1" / "in the way").mkdir(parents=True)
    start_logging(Config(log_file=path))
    for number in range(2 * MAX_BYTES // 100_000):
        root.info("%s record %d", "x" * 100_000, number)
    assert "record 99\n" in path.read_text(encoding="utf-8")
    assert path.stat().st_size > MAX_BYTES

    (tmp_path / "talk.log.1" / "in the way").rmdir()
    (tmp_path / "talk.log.1").rmdir()
    for _ in range(MAX_BYTES // 100_000):
        root.info("x" * 100_000)
    assert path.stat().st_size < MAX_BYTES  # it was begun anew
    assert capsys.readouterr() == ("", "")
