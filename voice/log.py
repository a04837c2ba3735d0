"""The log: to a file that is asked for, or nowhere; it never holds the key."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from voice.config import Config
from voice.errors import SettingError

MAX_BYTES = 5_000_000
"""A day of talking with --debug; then the file is renamed to .1 and begun anew."""
DEFAULT_DEBUG_FILE = Path("realtime.log")


class _PrivateFile(RotatingFileHandler):
    """For the owner alone: with --debug it holds what was said."""

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT, 0o600))
        return super()._open()


def start_logging(config: Config) -> None:
    """Send log records where the settings say.

    Raises:
        SettingError: the file cannot be written.

    """
    path = config.log_file or (DEFAULT_DEBUG_FILE if config.debug else None)
    root = logging.getLogger()
    if path is None:
        root.addHandler(logging.NullHandler())
        return
    try:
        handler = _PrivateFile(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"the log cannot be written to {path}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(threadName)s %(name)s %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if config.debug else config.log_level)
    for library in ("urllib3", "websockets", "asyncio"):
        logging.getLogger(library).setLevel(logging.INFO)
