"""A program under measurement, with all the processes it starts; Linux."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import Self

CLOCK_TICKS = 100
"""Hz of /proc/PID/stat."""


class Process:
    """A running program; what it prints goes to the file `log`."""

    def __init__(self, command: Sequence[str | Path], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=dict(env), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )

    @classmethod
    @contextmanager
    def running(cls, command: Sequence[str | Path], env: Mapping[str, str], log: Path) -> Iterator[Self]:
        """Run a program while the block lasts; then press Ctrl-C, and kill it when that is not enough."""
        process = cls(command, env, log)
        try:
            yield process
            process.interrupt()
        finally:
            process.kill()

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the program and what it started have used so far."""
        return sum(map(cpu_seconds, family(self.pid)))

    @property
    def memory_mb(self) -> float:
        """Resident memory of all of them.

        Not the proportional set size: this process has the same libraries open as our program, and not those of others.
        """
        statuses = (Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in family(self.pid))
        return sum(int(status.split("VmRSS:")[1].split()[0]) for status in statuses) / 1024

    def interrupt(self, timeout: float = 5) -> None:
        """Press Ctrl-C, and wait for so long."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return  # `kill` ends it

    def kill(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def last_words(self, lines: int = 15) -> str:
        """The end of what it printed."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def cpu_seconds(pid: int) -> float:
    """Processor time that one process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for member in found:
        children = Path(f"/proc/{member}/task").glob("*/children")
        found += [int(child) for file in children for child in file.read_text(encoding="ascii").split()]
    return found
