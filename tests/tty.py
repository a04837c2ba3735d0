"""A program on a terminal of the test's own: a pseudo-terminal that may speak the kitty keyboard protocol."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pyte

from tests.program import TOP

COLUMNS, ROWS = 100, 40
RELEASES, EVERYTHING, TEXTS = 2, 8, 16
_KITTY = re.compile(rb"\x1b\[(?:(\?)u|>(\d+)u|<(\d*)u)")
_UNFINISHED = re.compile(rb"\x1b(\[[?<>]?\d*)?\Z")


class Tty:
    """A running program; `press` and `release` are what its user does."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: dict[str, str],
        folder: Path,
        *,
        kitty: bool,
        size: tuple[int, int] = (COLUMNS, ROWS),
    ) -> None:
        """Start realtime.py; `kitty`: the terminal knows the protocol."""
        (folder / "home").mkdir(exist_ok=True)
        self._kitty = kitty
        self.flags: list[int] = []
        """The protocol's stack; empty when the program has given the terminal back."""
        self._output = b""
        self._shown = 0  # so much of it is on the screen
        self.screen = pyte.Screen(*size)
        """What is to be seen, in its colours."""
        self._stream = pyte.ByteStream(self.screen)
        self._changed = threading.Condition()  # whose lock is reentrant
        self._terminal, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._before = termios.tcgetattr(slave)
        self._slave = slave
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONWARNINGS": "error"} | env
        command = [sys.executable, "realtime.py", *arguments]
        self._process = subprocess.Popen(
            command, env=environment, cwd=TOP, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, name="tty", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while data := os.read(self._terminal, 65536):
                with self._changed:
                    self._output += data
                    self._answer()
                    self._changed.notify_all()
        except OSError:  # the other end is closed
            return

    def _answer(self) -> None:
        """Show what has come, and answer what the protocol asks."""
        unfinished = _UNFINISHED.search(self._output, self._shown)
        end = unfinished.start() if unfinished else len(self._output)
        new, self._shown = self._output[self._shown : end], end
        for match in _KITTY.finditer(new):
            query, push, _ = match.groups()
            if not self._kitty:
                continue
            if query:
                os.write(self._terminal, b"\x1b[?%du" % (self.flags[-1] if self.flags else 0))
            elif push:
                self.flags.append(int(push))
            else:
                del self.flags[-1:]
        self._stream.feed(_KITTY.sub(b"", new))

    @property
    def text(self) -> str:
        """What is to be seen."""
        with self._changed:
            return "\n".join(row.rstrip() for row in self.screen.display).rstrip()

    def wait(self, text: str, timeout: float = 20) -> None:
        """Wait until this is to be seen."""
        with self._changed:
            found = self._changed.wait_for(lambda: text in self.text, timeout)
        assert found, f"no {text!r} in\n{self.text}"

    def wait_for_flags(self, flags: list[int], timeout: float = 20) -> None:
        """Wait until the protocol's stack is this."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.flags == flags, timeout), self.flags

    def press(self, text: str) -> None:
        """Press each key, and let go of it unless it is the last."""
        for number, key in enumerate(text, 1):
            self._press(key)
            if number < len(text):
                self.release(key)

    def _press(self, key: str) -> None:
        if not self.flags:
            os.write(self._terminal, key.encode())
        elif key == "\r":
            os.write(self._terminal, b"\x1b[13u")
        elif key < " ":  # with Control
            os.write(self._terminal, b"\x1b[%d;5u" % (ord(key) + 96))
        else:
            os.write(self._terminal, b"\x1b[%d;;%du" % (ord(key.lower()), ord(key)))

    def repeat(self, key: str) -> None:
        """Hold a key so long that it repeats itself."""
        os.write(self._terminal, b"\x1b[%d;1:2;%du" % (ord(key), ord(key)) if self.flags else key.encode())

    def release(self, key: str) -> None:
        """Let go of a key."""
        if self.flags:
            os.write(self._terminal, b"\x1b[%d;1:3u" % ord(key.lower()))

    @property
    def restored(self) -> bool:
        """Whether the terminal is as it was: its modes, the protocol's stack, the cursor, and pasting."""
        with self._changed:
            written = self._output
        return (
            termios.tcgetattr(self._slave) == self._before
            and not self.flags
            and written.rfind(b"\x1b[?2004l") > written.rfind(b"\x1b[?2004h")
            and written.rfind(b"\x1b[?25h") >= written.rfind(b"\x1b[?25l")
        )

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def status(self, timeout: float = 10) -> int:
        """Return its exit status once it has ended; AssertionError when it goes on."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"still running after {timeout} s:\n{self.text}") from error
        deadline = time.monotonic() + timeout
        while not self.restored and time.monotonic() < deadline:  # what it wrote last is being read
            with self._changed:
                self._changed.wait(0.1)
        return code

    def close(self) -> None:
        """Kill it if it still runs."""
        self._process.kill()
        self._process.wait()
        os.close(self._slave)
        self._reader.join(5)
        os.close(self._terminal)
