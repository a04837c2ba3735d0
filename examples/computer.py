"""The computer by voice: its volume, its music player, pages in its browser.

    python realtime.py --tools examples/computer.py

"Quieter." "Pause the music." "What is playing?" "Open wikipedia.org." - "Open https://wikipedia.org in the browser?" -
"Yes."

Linux needs pactl (package pulseaudio-utils) for the volume and playerctl for the music; macOS has what it takes and
steers its Music app; on Windows there are only the pages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from voice.tool import ToolError, confirm

Percent = Annotated[int, Field(ge=0, le=100, description="0 is silent, 100 the loudest")]
Step = Literal["play", "pause", "next", "previous"]
TRACKS = {"next", "previous"}
"""Steps that macOS calls, for example, "next track"."""
NOTHING = subprocess.DEVNULL

LIMIT = 5.0
"""s for one of the programs."""
MOMENT = 1.0
"""s after which a program that was to open a page has not failed."""
SINK = "@DEFAULT_SINK@"
"""What PulseAudio and PipeWire call the loudspeaker in use."""


def set_volume(percent: Percent) -> str:
    """Set how loud the computer is."""
    if sys.platform == "darwin":
        _run("osascript", "-e", f"set volume output volume {percent}")
    else:
        _run("pactl", "set-sink-volume", SINK, f"{percent}%")
    return f"The volume is {percent} percent."


def get_volume() -> str:
    """Tell how loud the computer is, in percent; to make it louder or quieter, set it from there."""
    if sys.platform == "darwin":
        found = re.match(r"(\d+)", _run("osascript", "-e", "output volume of (get volume settings)"))
    else:
        found = re.search(r"(\d+)%", _run("pactl", "get-sink-volume", SINK))
    if not found:
        raise ToolError("The computer does not say how loud it is.")
    return f"The volume is {found[1]} percent."


def control_music(step: Step) -> str:
    """Let the music player go on, pause, or go to the next or previous piece."""
    if sys.platform == "darwin":
        _run("osascript", "-e", f'tell application "Music" to {step}{" track" if step in TRACKS else ""}')
    else:
        _run("playerctl", step)
    return "Done."


def get_music() -> str:
    """Tell which piece of music is playing."""
    if sys.platform == "darwin":
        script = 'tell application "Music" to (get artist of current track) & ": " & (get name of current track)'
        piece = _run("osascript", "-e", script)
    else:
        piece = _run("playerctl", "metadata", "--format", "{{artist}}: {{title}}")
    return f"Now playing {piece}." if piece else "Nothing is playing."


@confirm("Open {address} in the browser?")
def open_page(address: Annotated[str, Field(max_length=2000, description="such as https://wikipedia.org")]) -> str:
    """Open a web page in the browser, for the user to look at."""
    address = address.strip() if "://" in address else f"https://{address.strip()}"
    host = _host(address)
    if not host or re.search(r"[\s\x00-\x1f\"<>]", address):
        raise ToolError("That is not the address of a web page, such as https://wikipedia.org.")
    _open(address)
    return f"Opened {host}."


def _host(address: str) -> str | None:
    """The host of a web page's address."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - asking is the check
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


def _open(address: str) -> None:
    """Not by Python's webbrowser: without a desktop that may start a browser in this very terminal."""
    if sys.platform == "win32":
        import os  # noqa: PLC0415 - startfile is there alone

        os.startfile(address)  # noqa: S606 - of a web page alone
        return
    program = _found("open" if sys.platform == "darwin" else "xdg-open")
    _start([program, address])


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise ToolError(f"This computer has no program {program}; the user has to install it first.")
    return path


def _start(command: list[str]) -> None:
    """Start a program that may go on for as long as it likes."""
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, and a program that was found
            command, stdin=NOTHING, stdout=NOTHING, stderr=NOTHING, start_new_session=True
        )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be started: {error.strerror}.") from error
    try:
        status = process.wait(MOMENT)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, name="browser", daemon=True).start()
        return
    if status != 0:
        raise ToolError("The page could not be opened: there seems to be no browser, or no desktop.")


def _run(program: str, *arguments: str) -> str:
    """Run a program to its end; gives what it prints."""
    command = [_found(program), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - as above
            command, stdin=NOTHING, capture_output=True, text=True, errors="replace", timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{program} does not answer.") from error
    except OSError as error:
        raise ToolError(f"{program} cannot be started: {error.strerror}.") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:200].rstrip(".") or f"it ended with status {done.returncode}"
        raise ToolError(f"{program} could not do that: {said}.")
    return done.stdout.strip()
