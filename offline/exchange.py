"""One HTTP request to a language model's server, which another thread can end at any moment.

http.client, because its socket is at hand: a request that waits for its first byte can be ended by no other library of
ours. No proxy is asked: one for the internet knows nothing of this server.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from offline.brain import GivenUp
from offline.chat import LlmError, fault

_CONNECT_S = 5.0
"""A server on this computer or the next answers at once."""
_FAULT_BYTES = 10_000
"""Of a refusal, so much is read."""


class RefusedError(LlmError):
    """The server answered, but not with HTTP 2xx."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Answer:
    """A response of the server's, in the making; for one thread."""

    def __init__(self, url: str, response: HTTPResponse, stream: socket.socket, deadline: float) -> None:
        self._url = url
        self._response = response
        self._stream = stream
        self.deadline = deadline
        """When to give it up, on time.monotonic's clock; whoever reads may move it."""

    def lines(self) -> Iterator[bytes]:
        """Yield lines as they come; raises LlmError, also when the deadline has passed."""
        while line := self._line():
            yield line

    def _line(self) -> bytes:
        try:
            _wait_until(self._stream, self.deadline)
            return self._response.readline()
        except (OSError, HTTPException) as error:
            raise LlmError(f"The connection to the language model at {self._url} broke: {_reason(error)}.") from error


@contextmanager
def exchange(
    url: str, path: str, key: str, body: Mapping[str, Any] | None, given_up: GivenUp, deadline: float
) -> Iterator[Answer]:
    """Send `body` as JSON, or with None get, and give the response, a good one; raises LlmError.

    `deadline` is on time.monotonic's clock and holds for connecting too, which never takes more than 5 s.
    """
    try:
        connection = _connected(url, deadline)
    except (OSError, ValueError, HTTPException) as error:
        raise _unreachable(url, error) from error
    stream = connection.sock  # the connection forgets it when the server says that it will close it
    with closing(connection), given_up.ending(lambda: _shut(stream)):
        try:
            _wait_until(stream, deadline)
            headers = {"Authorization": f"Bearer {key or 'none'}", "Content-Type": "application/json"}
            data = None if body is None else json.dumps(body).encode()
            connection.request("GET" if body is None else "POST", f"{urlsplit(url).path}/{path}", data, headers)
            _wait_until(stream, deadline)
            response = connection.getresponse()
        except (OSError, ValueError, HTTPException) as error:
            raise _unreachable(url, error) from error
        with response:
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                told = f"The language model at {url} refused with HTTP {response.status}: {_fault(response)}"
                raise RefusedError(told, response.status)
            yield Answer(url, response, stream, deadline)


def _connected(url: str, deadline: float) -> HTTPConnection:
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError
    seconds = max(0.001, min(_CONNECT_S, deadline - time.monotonic()))
    is_safe = address.scheme == "https"
    make = HTTPSConnection if is_safe else HTTPConnection
    connection = make(address.hostname, address.port or (443 if is_safe else 80), timeout=seconds)
    connection.connect()
    return connection


def _wait_until(stream: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    stream.settimeout(left)


def _shut(stream: socket.socket) -> None:
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)


def _unreachable(url: str, error: Exception) -> LlmError:
    return LlmError(f"The language model at {url} cannot be reached: {_reason(error)}.")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, ValueError):  # whose text may hold the key
        return "its address or its key is not right"
    if isinstance(error, (ConnectionError, HTTPException)):
        return "nobody answers there, or the answer stopped half-way"
    return getattr(error, "strerror", None) or str(error)


def _fault(response: HTTPResponse) -> str:
    with suppress(OSError, HTTPException):
        told = response.read(_FAULT_BYTES)
        try:
            return fault(json.loads(told)["error"])
        except (ValueError, LookupError, TypeError):
            return told.decode(errors="replace").strip()[:200] or response.reason
    return response.reason
