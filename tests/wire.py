"""One client's connection to the scripted service, and the ways in which it may be refused."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request
from websockets.sync.server import ServerConnection

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
