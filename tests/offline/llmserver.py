"""A small OpenAI-compatible server on loopback that says what it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

from offline.brain import FunctionCall, TextDelta


def chunk(**delta: object) -> str:
    """An event of the stream."""
    return json.dumps({"choices": [{"index": 0, "delta": delta}]})


class LlmServer(ThreadingHTTPServer):
    """Streams `script`, one event an item; a `threading.Event` in it holds the stream until it is set.

    An item that begins with a colon is sent as it is.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[str | threading.Event] = []
        self.status, self.failure = 200, b""
        self.models: dict[str, list[dict[str, str]]] = {"data": [{"id": "small-model"}, {"id": "other"}]}
        self.requests: Queue[tuple[str, str, dict[str, Any]]] = Queue()
        self.hung_up = threading.Event()
        self.asked = threading.Semaphore(0)
        self.plain: bytes | None = None
        """Sent in place of the stream."""
        self.refusal: Callable[[dict[str, Any]], str] = lambda _: ""
        """Why a request is refused with HTTP 400, "" for one that is not."""
        self.headers_first = True
        """Whether the response begins before the first event is there."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: LlmServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._send(200, json.dumps(self.server.models).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.put((self.path, self.headers["Authorization"], body))
        self.server.asked.release()
        if self.server.status != 200:
            self._send(self.server.status, self.server.failure)
        elif why := self.server.refusal(body):
            self._send(400, json.dumps({"error": {"message": why}}).encode())
        elif self.server.plain is not None:
            self._send(200, self.server.plain)
        else:
            self._stream()

    def _stream(self) -> None:
        begun = False
        with contextlib.suppress(OSError):
            for event in self.server.script:
                if not begun and (self.server.headers_first or isinstance(event, str)):
                    self.send_response(200)
                    self.end_headers()
                    begun = True
                if isinstance(event, threading.Event):
                    event.wait(10)
                else:
                    self.wfile.write(event.encode() if event.startswith(":") else f"data: {event}\n\n".encode())
            return
        self.server.hung_up.set()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def words(parts: Iterable[TextDelta | FunctionCall]) -> str:
    """All that a brain says."""
    return "".join(part.text for part in parts if isinstance(part, TextDelta))
