"""The log: to a file when one is asked for, else nowhere; it never holds the key."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from voice.config import Config
from voice.errors import SettingError
from voice.terminal import tell
from voice.text import printable

MAX_BYTES = 5_000_000
"""A day of talking with --debug; then the file is renamed to .1 and begun anew."""
DEFAULT_FILE = Path("realtime.log")
"""Where a level is asked for and no file."""


class _PrivateFile(RotatingFileHandler):
    """For the owner alone: with --debug it holds what was said. When it can no longer be written, that is said once."""

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT, 0o600))
        return super()._open()

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        try:
            super().doRollover()
        except OSError:  # Windows renames no file that another program has open
            self.stream = self._open()
            self.maxBytes = Path(self.baseFilename).stat().st_size + MAX_BYTES  # until it is tried again
        else:
            self.maxBytes = MAX_BYTES

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as above
        error, root = sys.exc_info()[1], logging.getLogger()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self in root.handlers:  # another thread may have waited for its turn
            root.removeHandler(self)
            root.addHandler(logging.NullHandler())  # without any, Python would write to standard error
            with suppress(OSError):
                self.close()
            tell(f"realtime: the log ends here, {printable(self.baseFilename)} cannot be written: {error.strerror}")


class _Formatter(logging.Formatter):
    """Every record begins a line, and no other line looks like one; nothing in it can control a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n    ".join(map(_visible, super().format(record).split("\n")))


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def start_logging(config: Config) -> None:
    """Send log records where the settings say, and tell the user what they could not know.

    Raises:
        SettingError: the file cannot be written.

    """
    level = "DEBUG" if config.debug else config.log_level
    root = logging.getLogger()
    if not level and config.log_file is None:
        root.addHandler(logging.NullHandler())
        return
    path = config.log_file or DEFAULT_FILE
    try:
        handler = _PrivateFile(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"the log cannot be written to {path}: {error.strerror}") from error
    handler.setFormatter(_Formatter("%(asctime)s %(threadName)s %(name)s %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(level or "INFO")
    for library in ("urllib3", "websockets", "asyncio"):
        logging.getLogger(library).setLevel(logging.INFO)
    where = printable(str(path.absolute()))
    if level == "DEBUG":  # which may stand in the environment for another program
        tell(f"realtime: DEBUG is on: everything that is said is logged to {where}")
    elif config.log_file is None:
        tell(f"realtime: the log is written to {where}")
