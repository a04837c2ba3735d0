"""One client's connection to the scripted service, and the ways in which it may be refused."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

from tests.reply import Event
from tests.rules import Rules
from tests.strict import parse_server


@dataclass(frozen=True)
class Received:
    """An event of the client's."""

    event: Event
    time: float
    """time.monotonic() of its arrival."""
    connection: int
    """Which connection brought it, from 0."""


@dataclass(frozen=True)
class Refusal:
    """Answer the handshake with an HTTP status, or after it with an `error` event and a close code."""

    status: HTTPStatus | None = None
    code: str = ""
    close_code: int = 4000
    said: bool = True
    """Whether there is an `error` event, or the close alone."""
    text: str = ""
    """What is said with the HTTP status."""


BAD_KEY = Refusal(code="invalid_api_key", close_code=3000)
BAD_MODEL = Refusal(code="invalid_model", close_code=4000)


class Connection:
    """One client's connection, for the server's threads and the test's."""

    def __init__(self, ws: ServerConnection, number: int) -> None:
        request = ws.request
        assert request
        self.ws = ws
        self.number = number
        self.rules = Rules(f"sess_{number}", model_of(request))
        self.lock = threading.RLock()
        """Holds the rules and the order of what is sent."""
        self._events = itertools.count(1)

    def send(self, events: list[Event], *, raw: bool = False) -> None:
        """Send events with an event_id each; AssertionError when one is none of the service's."""
        with self.lock:
            for event in events:
                complete = event if raw else {"event_id": f"event_{next(self._events)}"} | event
                if not raw:
                    parse_server(complete)
                    self.rules.sent(complete)
                self.ws.send(json.dumps(complete))

    def reset(self) -> None:
        """Drop the TCP connection with a reset: no close frame, no FIN."""
        self.ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Under the mutex, or the reading thread may send a FIN before the reset; and a socket that is being read from
        # is not closed before that ends.
        with self.ws.protocol_mutex:
            self.ws.socket.shutdown(socket.SHUT_RD)
            self.ws.socket.close()
        self.ws.close_socket()

    def vanish(self) -> None:
        """End the TCP connection without a word."""
        with self.ws.protocol_mutex:
            self.ws.socket.shutdown(socket.SHUT_RDWR)


def problem(code: str, message: str, event_id: str | None = None) -> Event:
    """Give an `error` event."""
    error = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": None}
    return {"type": "error", "error": error} | ({"event_id": event_id} if event_id else {})


def model_of(request: Request) -> str:
    """The model that a handshake asks for, or nothing."""
    return parse_qs(urlsplit(request.path).query).get("model", [""])[0]


@dataclass(frozen=True)
class Answering:
    """A peer that is no service."""

    port: int
    asked: list[bytes] = field(default_factory=list)
    """What it was told, once for each connection."""


@contextmanager
def answering(said: bytes, *, more: bytes = b"", pause: float = 0) -> Iterator[Answering]:
    """A peer that answers everybody with these bytes; and then goes on with `more`, every so many seconds."""
    over = threading.Event()

    def answer(server: socket.socket, asked: list[bytes]) -> None:
        with suppress(OSError):  # the end, or the client's
            while True:
                with server.accept()[0] as client, suppress(ConnectionError):
                    asked.append(client.recv(65536))
                    client.sendall(said)
                    while more and not over.wait(pause):
                        client.sendall(more)

    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = Answering(server.getsockname()[1])
        thread = threading.Thread(target=answer, args=(server, peer.asked), name="answering")
        thread.start()
        try:
            yield peer
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def pinging() -> Iterator[str]:
    """The address of a peer that takes everything, says nothing, and pings."""

    def take(ws: ServerConnection) -> None:
        for _ in ws:
            pass

    with serve(take, "127.0.0.1", 0, ping_interval=0.1) as server:
        thread = threading.Thread(target=server.serve_forever, name="pinging")
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v1/realtime"
        finally:
            server.shutdown()
            thread.join()
