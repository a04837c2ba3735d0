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


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be written"):
        start_logging(Config(log_file=tmp_path / "no" / "talk.log"))
