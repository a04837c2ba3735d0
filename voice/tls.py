"""TLS on a socket that one thread reads while another writes.

OpenSSL takes one call at a time for a connection, and Python's `ssl` lets two threads call at once: a `recv` beside a
`send` now and then reports the end of a connection that is alive (python-engineio#461, cpython#77271). So here every
call is made under a lock and none of them waits; the waiting is done outside of it.
"""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class DuplexTLS:
    """A socket after its handshake, with the methods that websocket-client calls; the timeout is the socket's."""

    def __init__(self, encrypted: ssl.SSLSocket) -> None:
        self._encrypted = encrypted
        self._calling = threading.Lock()
        self._timeout = encrypted.gettimeout()
        encrypted.setblocking(False)

    def settimeout(self, seconds: float | None) -> None:
        """Let each call take so many s; None: for ever."""
        self._timeout = seconds

    def gettimeout(self) -> float | None:
        """How long each call may take, in s."""
        return self._timeout

    def recv(self, size: int) -> bytes:
        """Read 1 to `size` bytes, or none at the end; TimeoutError. One thread at a time."""
        return self._call(self._encrypted.recv, size)

    def send(self, data: bytes) -> int:
        """Write some of `data`, at least a byte, and give how many; TimeoutError. One thread at a time."""
        return self._call(self._encrypted.send, data)

    def shutdown(self, how: int) -> None:
        """Wake whoever waits; SSLSocket's own would have a reader take what is still encrypted for plain."""
        socket.socket.shutdown(self._encrypted, how)

    def close(self) -> None:
        """Close it, between two calls; what is called from then on is an OSError."""
        with self._calling:
            self._encrypted.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._encrypted, name)

    def _call(self, operation: Callable[[Argument], Result], argument: Argument) -> Result:
        until = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            try:
                with self._calling:
                    return operation(argument)
            except ssl.SSLWantReadError:
                self._wait(selectors.EVENT_READ, until)
            except ssl.SSLWantWriteError:
                self._wait(selectors.EVENT_WRITE, until)

    def _wait(self, event: int, until: float | None) -> None:
        with selectors.DefaultSelector() as selector:
            try:
                selector.register(self._encrypted, event)
            except ValueError as error:
                raise OSError(errno.EBADF, "closed by another thread") from error
            if not selector.select(None if until is None else max(until - time.monotonic(), 0)):
                raise TimeoutError("timed out")
