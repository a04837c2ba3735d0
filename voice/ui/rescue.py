"""The terminal given back by another thread than the one that draws, should that one hang."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress

RESET = "\x1b[0m\x1b[?2004l\x1b[?25h\r\n"
"""No colour, pasting as ever, the cursor to be seen, on a row of its own."""


def rescuer() -> Callable[[str], None]:
    """Give what puts the terminal back into the state that it is in now, and writes what else undoes; main only.

    It does not block, and any thread may call it. The consoles of Windows do that for every program that ends.
    """
    if sys.platform == "win32":
        return lambda _: None

    import termios  # noqa: PLC0415 - there is none on Windows

    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    before, streams = termios.tcgetattr(keyboard), (sys.stdout, sys.stderr)

    def rescue(undo: str) -> None:
        sys.stdout, sys.stderr = streams  # what is printed went through the one that hangs
        with suppress(OSError, termios.error):  # the terminal has gone
            termios.tcsetattr(keyboard, termios.TCSANOW, before)
            if select.select([], [screen], [], 0)[1]:  # else writing might wait, as the one that hangs perhaps does
                os.write(screen, (undo + RESET).encode())

    return rescue
