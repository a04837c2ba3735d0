"""The signals that end the program: Ctrl-C, SIGTERM, and SIGHUP when the terminal goes away.

The thread *signals* may block on a socket, to which Python writes the number of each signal as it arrives, and which is
closed at the end of `until_signalled`.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

PATIENCE = 1.0
"""s that main has to take a signal: it does so at once, or on Windows between two waits of half a second."""

_KNOWN = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# What is ignored from the start is to stay so: nohup does that with SIGHUP, a script's & with SIGINT.
_ENDING = [number for number in _KNOWN if signal.getsignal(number) != signal.SIG_IGN]


def leave_when_signalled() -> None:
    """End at once, without a traceback: for as long as there is nothing to tidy up. Main only."""
    _handle(lambda *_: os._exit(0))


@contextmanager
def until_signalled() -> Iterator[None]:
    """Let a signal end the block, wherever it waits; what tidies up after it is not disturbed by another. Main only."""
    taken = threading.Event()

    def end(*_: object) -> None:
        taken.set()
        _handle(_ignore)
        raise KeyboardInterrupt

    with suppress(KeyboardInterrupt), _watched(taken):
        _handle(end)
        try:
            yield
        finally:
            _handle(_ignore)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _ENDING:
        signal.signal(number, handler)


def _ignore(*_: object) -> None:
    """Do nothing; SIG_IGN would be inherited by the programs that are started."""


@contextmanager
def _watched(taken: threading.Event) -> Iterator[None]:
    """Have a signal end the program even if main cannot take it, for as long as the block lasts."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    threading.Thread(target=_watch, args=(reader, taken), name="signals", daemon=True).start()
    with writer:
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)


def _watch(reader: socket.socket, taken: threading.Event) -> None:
    with reader:
        while (came := reader.recv(1)) and came[0] not in _ENDING:
            pass
    if came and not taken.wait(PATIENCE):  # main is in a library that waits, for a sound server that hangs, say
        os._exit(0)
