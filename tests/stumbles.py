"""Whether this computer keeps time: sound cannot flow through one that stands still.

One process on each processor goes to sleep for a few ms again and again, and tells when it was woken far too late.
A program under test cannot do that to it, since who has slept is let run before who has not: what does is whatever
this computer shares its processors with, where it is a virtual one. Run as `python -m tests.stumbles PROCESSOR`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.pulse import child

NAP = 0.005
"""s between two looks."""
LATE = 0.015
"""s that count: on a computer that keeps time 9 ms are the worst of a minute with tests, and a sound card has 20 ms."""


class StumbledError(Exception):
    """The computer stood still while sound was to flow, which tells nothing of the program."""


class Watch:
    """What the processes tell; any thread."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self._lock = threading.Lock()
        self._stumbles: list[tuple[float, float]] = []

    def note(self, when: float, late: float) -> None:
        """Take what one of them tells: when it woke (time.monotonic()), how late it was in s."""
        with self._lock:
            self._stumbles.append((when, late))

    def worst(self, since: float) -> float:
        """By how many s it woke late at most since then; 0.0 when it never did."""
        with self._lock:
            return max((late for when, late in self._stumbles if when >= since), default=0.0)


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch all processors while the block lasts."""
    watch = Watch()
    with ExitStack() as stack:
        for processor in sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else ():
            command = [sys.executable, "-m", "tests.stumbles", str(processor)]
            process = stack.enter_context(child(command, stdout=subprocess.PIPE))
            watch.pids.append(process.pid)
            reader = threading.Thread(target=_read, args=(process, watch), name="stumbles", daemon=True)
            reader.start()
            stack.callback(reader.join)
            stack.callback(process.terminate)
        yield watch


def _read(process: subprocess.Popen[bytes], watch: Watch) -> None:
    assert process.stdout
    for line in process.stdout:
        when, late = map(float, line.split())
        watch.note(when, late)


def main() -> None:
    """Tell of every late waking, until the end."""
    os.sched_setaffinity(0, {int(sys.argv[1])})
    slept = time.monotonic()
    while True:
        time.sleep(NAP)
        now = time.monotonic()
        if (late := now - slept - NAP) > LATE:
            sys.stdout.write(f"{now} {late}\n")
            sys.stdout.flush()
        slept = now


if __name__ == "__main__":
    main()
