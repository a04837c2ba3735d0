"""What the program needs of a terminal, and the plain kind: lines in, lines out.

Only this module and `voice.screen`, the kind for a person at a keyboard, read the keyboard and write to the screen.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol, TextIO

from voice.effects import Notice, Shown, ToolUse, Turn

JOIN_TIMEOUT = 1.0
"""s for the threads to write what is left and to restore the terminal; only a reader that is gone takes as long."""

READ_BYTES = 65536
"""What a pipe holds on Linux."""

JOINER = "\u200d"
"""Holds the parts of one emoji together; the only invisible character that is let through."""

OnLine = Callable[[str], None]


class Terminal(Protocol):
    """What the program needs of a terminal."""

    interactive: bool
    """Whether a person types; else the lines come from a file or a program."""

    def start(self, on_line: OnLine, on_end: Callable[[], None], on_quit: Callable[[], None]) -> None:
        """Begin to read; all three are called on the terminal's threads.

        `on_line` takes each line, `on_end` tells that there are no more, `on_quit` that the user wants to end, or
        that nobody reads the output any more.
        """

    def show(self, shown: object) -> None:
        """Show this, if it is for people; never blocks, any thread."""

    def stop(self) -> None:
        """Write what is left and give the terminal back as it was."""


def open_terminal() -> Terminal:
    """Choose what fits the standard input and output."""
    if all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        from voice.screen import Screen  # noqa: PLC0415 - pipes do without prompt_toolkit

        return Screen()
    return Lines()


def printable(text: str) -> str:
    """One line of `text` in which nothing can control the terminal."""
    return "".join(c if c.isprintable() or c == JOINER else " " for c in " ".join(text.split()))


def line(shown: Turn | ToolUse) -> str:
    """One finished turn as one line."""
    if isinstance(shown, ToolUse):
        return f"tool: {printable(shown.name)}({printable(shown.arguments)}) -> {printable(shown.result)}"
    return f"{shown.role}: {printable(shown.text)}{' [interrupted]' if shown.interrupted else ''}"


class Lines:
    """Standard input and output that are no terminal: a line in is a message, a finished turn is a line out.

    *terminal* may block on standard input, and is left behind at the end; *terminal-write* may block on standard
    output or on its queue, which None ends.
    """

    interactive = False

    def __init__(self) -> None:
        self._queue: SimpleQueue[Shown | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_lines, name="terminal-write", daemon=True)
        self._on_quit: Callable[[], None] = lambda: None

    def start(self, on_line: OnLine, on_end: Callable[[], None], on_quit: Callable[[], None]) -> None:  # noqa: D102
        self._on_quit = on_quit
        self._writer.start()
        threading.Thread(target=self._read, args=(on_line, on_end), name="terminal", daemon=True).start()

    def show(self, shown: object) -> None:  # noqa: D102
        if isinstance(shown, Turn | ToolUse | Notice):
            self._queue.put(shown)

    def stop(self) -> None:  # noqa: D102
        self._queue.put(None)
        if self._writer.ident is not None:
            self._writer.join(JOIN_TIMEOUT)

    def _read(self, on_line: OnLine, on_end: Callable[[], None]) -> None:
        # Not through sys.stdin: a reader blocked in its buffer would hold the lock that Python's exit wants.
        rest = b""
        with suppress(OSError, ValueError):
            while sys.stdin is not None and (data := os.read(sys.stdin.fileno(), READ_BYTES)):
                *lines, rest = (rest + data).split(b"\n")
                for raw in lines:
                    on_line(raw.decode("utf-8", "replace"))
        if rest:
            on_line(rest.decode("utf-8", "replace"))
        on_end()

    def _write_lines(self) -> None:
        while (shown := self._queue.get()) is not None:
            try:
                if isinstance(shown, Notice):
                    _write(sys.stderr, printable(shown.text))
                elif isinstance(shown, Turn | ToolUse):
                    _write(sys.stdout, line(shown))
            except OSError:
                # Who read our output has gone, as `head` does; point it elsewhere so that Python's exit can flush.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                self._on_quit()
                return


def _write(stream: TextIO, text: str) -> None:
    stream.buffer.write(text.encode("utf-8", "replace") + b"\n")
    stream.flush()
