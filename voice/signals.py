"""The signals that end the program: Ctrl-C, SIGTERM, and SIGHUP when the terminal goes away; and Ctrl-Z's.

The thread *signals* may block on a socket, to which Python writes the number of each signal as it arrives, and which is
closed at the end of `until_signalled`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

PATIENCE = 1.6
"""s for the block to end after a signal, so that with the program's own end it takes less than 2 s in any case."""

SIGNAL_INTERVAL = 0.5
"""s that main waits at a time. On Windows a signal is only handled between two waits."""

STOP_SECONDS = 1.0
"""For a stop to take hold of all threads; it takes some ms, and does not come where the shell has no job control."""

_KNOWN = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# What is ignored from the start is to stay so: nohup does that with SIGHUP, a script's & with SIGINT.
_ENDING = [number for number in _KNOWN if signal.getsignal(number) != signal.SIG_IGN]


def leave_when_signalled() -> None:
    """End at once, without a traceback: for as long as there is nothing to tidy up. Main only."""
    _handle(lambda *_: os._exit(0))


@contextmanager
def until_signalled() -> Iterator[None]:
    """Let a signal end the block, wherever it waits; what tidies up after it is not disturbed by another. Main only."""

    def end(*_: object) -> None:
        _handle(_ignore)
        raise KeyboardInterrupt

    hook, sys.unraisablehook = sys.unraisablehook, _tell_of_no_signal
    try:
        with suppress(KeyboardInterrupt), _watched():
            _handle(end)
            try:
                yield
            finally:
                _handle(_ignore)
    finally:
        sys.unraisablehook = hook


def suspender() -> Callable[[], None]:
    """Give what suspends the program until the shell's fg, for one thread to call. Main only."""
    continued = threading.Event()
    if hasattr(signal, "SIGCONT"):
        signal.signal(signal.SIGCONT, lambda *_: continued.set())

    def suspend() -> None:
        continued.clear()
        os.kill(0, signal.SIGTSTP)
        # Any thread may be the one that takes the signal: the caller would go on until all are stopped.
        continued.wait(STOP_SECONDS)

    return suspend


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _ENDING:
        signal.signal(number, handler)


def _tell_of_no_signal(unraisable: sys.UnraisableHookArgs) -> None:
    """Print what Python says of an exception that it has to drop, unless a signal was that: `_watch` sees to it."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _ignore(*_: object) -> None:
    """Do nothing; SIG_IGN would be inherited by the programs that are started."""


@contextmanager
def _watched() -> Iterator[None]:
    """Have a signal end the program even if main cannot: it may be in a library that waits, say for a sound server."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()
    with writer:
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)


def _watch(reader: socket.socket) -> None:
    with reader:
        while (came := reader.recv(1)) and came[0] not in _ENDING:
            pass
        reader.settimeout(PATIENCE)
        try:
            while came:  # more signals; nothing at the end of the block
                came = reader.recv(1)
        except TimeoutError:
            os._exit(0)
