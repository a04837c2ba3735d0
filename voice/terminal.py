"""What the program needs of a terminal, and the plain kind: lines in, lines out.

Only this module and `voice.screen`, the kind for a person at a keyboard, read the keyboard and write to the screen.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal, Protocol

from voice.errors import AssistantError
from voice.shown import Notice, ToolUse, Turn
from voice.text import line, printable, row

if TYPE_CHECKING:  # it knows this module
    from voice.commands import Commands

JOIN_TIMEOUT = 1.0
"""s for the threads to write what is left and to restore the terminal; only a reader that is gone takes as long."""

READ_BYTES = 65536
"""What a pipe holds on Linux."""

MAX_LINE = 65536
"""Bytes of a line that is piped in, so that one without end fills no memory: it is said in parts."""
_FIRST = 0xC0
"""The least byte that begins a character of several in UTF-8; they are not torn apart."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One line that answers a command; unlike the rest it may be a row of a table, whose spaces count."""

    text: str


@dataclass(slots=True)
class View:
    """What the user wants to see; commands change it, on any thread."""

    timestamps: bool = False
    """The time before each turn."""
    compact: bool = False
    """What was said alone: no calls of tools."""
    details: bool = False
    """A second status line, about sound and connection."""

    def stamp(self) -> str:
        """Tell the time, if it is wanted, for a line that is shown now."""
        return f"{datetime.now().astimezone():%H:%M:%S} " if self.timestamps else ""


class Terminal(Protocol):
    """What the program needs of a terminal."""

    interactive: bool
    """Whether a person types; else the lines come from a file or a program."""
    view: View

    def start(self, commands: Commands) -> None:
        """Begin to read; `commands` are told on the terminal's threads what is typed."""

    def show(self, shown: object) -> None:
        """Show this, if it is for people; never blocks, any thread."""

    def stop(self) -> None:
        """Write what is left and give the terminal back as it was.

        Raises:
            AssistantError: what was said could not be written.

        """


def prepare_streams() -> None:
    """Put something in place of the standard streams that this program was started without, as by ``2>&-``.

    What the encoding of standard output has no character for is written as a question mark.
    Main, before anything is opened: else a file or a socket would get their numbers, and what libraries print.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - a device, for good
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # stderr has its own way


def open_terminal() -> Terminal:
    """Choose what fits the standard input and output."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from voice.screen import Screen  # noqa: PLC0415 - pipes do without it

        return Screen()
    return Lines()


def say(text: str) -> None:
    """Write a line to standard output, where there is no conversation; main only.

    Raises:
        SystemExit: nobody reads any more, as `head` does.
        AssistantError: it cannot be written.

    """
    try:
        print(text, flush=True)  # noqa: T201 - this module is the one that may
    except OSError as error:
        _forget_output()
        if _has_gone(error):
            raise SystemExit(0) from None
        raise _unwritten(error) from error


def tell(text: str) -> None:
    """Write a line to standard error, where there is no conversation; lost if it cannot be written; any thread."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - as above


def _forget_output() -> None:
    """Point standard output elsewhere, so that Python's exit can flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _has_gone(error: OSError) -> bool:
    """Whether nobody reads any more; Windows says of a pipe's other end that the argument is invalid."""
    return isinstance(error, ConnectionError) or (sys.platform == "win32" and error.errno == errno.EINVAL)


def _unwritten(error: OSError) -> AssistantError:
    return AssistantError(f"the output cannot be written: {error.strerror}")


class Lines:
    """Standard input and output that are no terminal: a line in is a message, a finished turn is a line out.

    *terminal* may block on standard input and in a command, and is left behind at the end; *terminal-write* may block
    on standard output or on its queue, which None ends.
    """

    interactive = False

    def __init__(self) -> None:
        self.view = View()
        self._queue: SimpleQueue[tuple[Literal["stdout", "stderr"], str] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_lines, name="terminal-write", daemon=True)
        self._on_quit: Callable[[], None] = lambda: None
        self._failure: OSError | None = None

    def start(self, commands: Commands) -> None:  # noqa: D102
        self._on_quit = commands.quit
        self._writer.start()
        threading.Thread(target=self._read, args=(commands,), name="terminal", daemon=True).start()

    def show(self, shown: object) -> None:  # noqa: D102
        match shown:
            case Turn():
                self._queue.put(("stdout", self.view.stamp() + line(shown)))
            case ToolUse() if not self.view.compact:
                self._queue.put(("stdout", self.view.stamp() + line(shown)))
            case Notice(text):
                self._queue.put(("stderr", printable(text)))
            case Reply(text):
                self._queue.put(("stderr", row(text)))

    def stop(self) -> None:  # noqa: D102
        self._queue.put(None)
        if self._writer.ident is not None:
            self._writer.join(JOIN_TIMEOUT)
        if self._failure is not None:
            raise _unwritten(self._failure)

    def _read(self, commands: Commands) -> None:
        for text in _lines():
            commands.run(text)
        commands.no_more()

    def _write_lines(self) -> None:
        while (entry := self._queue.get()) is not None:
            name, text = entry
            try:
                print(text, file=getattr(sys, name), flush=True)
            except OSError as error:
                if name == "stderr":  # a remark is lost, no answer is
                    continue
                if not _has_gone(error):  # who read it, as `head` does
                    self._failure = error
                _forget_output()
                self._on_quit()
                return


def _lines() -> Iterator[str]:
    """Lines of standard input as they come; none longer than two of `MAX_LINE`."""
    # Not through sys.stdin: a reader blocked in its buffer would hold the lock that Python's exit wants.
    rest = b""
    with suppress(OSError, ValueError):
        while data := os.read(sys.stdin.fileno(), READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            yield from map(_decoded, lines)
            if len(rest) > MAX_LINE:
                end = next((len(rest) - back for back in (1, 2, 3) if rest[-back] >= _FIRST), len(rest))
                yield _decoded(rest[:end])
                rest = rest[end:]
    if rest:
        yield _decoded(rest)


def _decoded(data: bytes) -> str:
    """Read a line in UTF-8, with or without its mark; in what this computer writes, if it is no UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(sys.stdin.encoding, "replace")
