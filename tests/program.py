"""A program under test in a process of its own: what it prints is waited for, what it reads is typed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

for _name in ("SIGINT", "SIGHUP"):
    # What a background job or nohup starts is born deaf to these, and so would be the programs under test.
    if (_number := getattr(signal, _name, None)) is not None and signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL)

TOP = Path(__file__).parent.parent
"""Where realtime.py is, and where programs are started."""


class Program:
    """A running Python script; its methods may be called from any thread."""

    def __init__(self, script: str | Path, arguments: Sequence[str], env: dict[str, str], folder: Path) -> None:
        """Start `script` with os.environ and `env`, its home and data under `folder`."""
        (folder / "home").mkdir(exist_ok=True)
        own = {
            "HOME": str(folder / "home"),
            "DATA_DIR": str(folder / "data"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
        }
        self._process = subprocess.Popen(
            [sys.executable, TOP / script, *arguments],
            env=os.environ | own | env,
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._changed = threading.Condition()
        self._lines: list[tuple[str, str]] = []
        self._seen = 0
        self._open = 2
        streams = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), name=f"program {name}", daemon=True)
            for name, stream in streams.items()
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            with self._changed:
                self._lines.append((name, line.rstrip("\n")))
                self._changed.notify_all()
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def stdout(self) -> list[str]:
        """The lines of stdout so far."""
        with self._changed:
            return [line for name, line in self._lines if name == "stdout"]

    @property
    def stderr(self) -> list[str]:
        """The lines of stderr so far."""
        with self._changed:
            return [line for name, line in self._lines if name == "stderr"]

    def expect(self, pattern: str, timeout: float = 10) -> re.Match[str]:
        """Wait for a line of either stream that matches, after the line the last call found.

        AssertionError with all output when the program ends, or the time, without it.
        """
        deadline = time.monotonic() + timeout
        position = self._seen
        with self._changed:
            while True:
                for index in range(position, len(self._lines)):
                    if found := re.search(pattern, self._lines[index][1]):
                        self._seen = index + 1
                        return found
                position = len(self._lines)
                if not self._open:
                    raise AssertionError(f"ended without {pattern!r}:\n{self.output}")
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {pattern!r} within {timeout} s:\n{self.output}")

    @property
    def output(self) -> str:
        """Everything printed so far, each line with its stream."""
        with self._changed:
            return "\n".join(f"{name}: {line}" for name, line in self._lines)

    def type(self, line: str) -> None:
        """Type a line at its stdin."""
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end_of_file(self) -> None:
        """Close its stdin."""
        assert self._process.stdin
        self._process.stdin.close()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.signal(signal.SIGINT)

    def signal(self, number: int) -> None:
        """Send any other signal."""
        self._process.send_signal(number)

    def wait(self, timeout: float = 10) -> int:
        """Return its exit status once it has ended and all its output is read; AssertionError when it goes on."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"still running after {timeout} s:\n{self.output}") from error
        for reader in self._readers:
            reader.join(timeout)
        return code

    def close(self) -> None:
        """Kill it if it still runs."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        try:
            if self._process.stdin:
                self._process.stdin.close()
        except BrokenPipeError:
            pass  # a line it never read
