"""A small OpenAI-compatible server on loopback that says what it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

from offline.brain import FunctionCall, TextDelta


def chunk(**delta: object) -> str:
    """An event of the stream."""
    return json.dumps({"choices": [{"index": 0, "delta": delta}]})


class LlmServer(ThreadingHTTPServer):
    """Streams `script`, one event an item; a `threading.Event` in it holds the stream until it is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[str | threading.Event] = []
        self.status, self.failure = 200, b""
        self.models: dict[str, list[dict[str, str]]] = {"data": [{"id": "small-model"}, {"id": "other"}]}
        self.requests: Queue[tuple[str, str, dict[str, Any]]] = Queue()
        self.hung_up = threading.Event()

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
        if self.server.status != 200:
            self._send(self.server.status, self.server.failure)
            return
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for event in self.server.script:
                if isinstance(event, threading.Event):
                    event.wait(10)
                else:
                    self.wfile.write(f"data: {event}\n\n".encode())
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
