"""The listening socket, the handshake, and the threads' beginning and end.

Only this computer may connect, and of web pages only those it serves itself: the address is a loopback one, and a
browser's ``Origin`` from elsewhere gets HTTP 403. No key is needed and any is accepted.

Each connection is read in a thread of its own. Termination: the thread that accepts is woken by closing the listening
socket, a reader blocks in ``recv`` or in sending, both of which `Server.stop` ends by shutting the socket down.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from offline.organs import Organs
from offline.session import Session
from offline.wire import MAX_APPEND_BYTES, RequestError

if TYPE_CHECKING:
    from typing_extensions import Self

PATH = "/v1/realtime"
REFUSED = 4000
"""The service's close code for a connection that it will not serve."""
SESSION_SECONDS = 3600
"""The service ends every session after an hour."""
_MAX_FRAME_BYTES = MAX_APPEND_BYTES * 4 // 3 + 64 * 1024
"""The largest append in base64, and the JSON around it."""
_OWN_PAGES = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_PING_SECONDS = 20.0
"""As seen of the service."""
_HANDSHAKE_SECONDS = 1.5
"""How long a client may take to begin; `Server.stop` cannot cut these off."""
MOST_CONNECTIONS = 16
"""At a time: a program has one, two while it changes over."""
_FAREWELL_SECONDS = 1.0
"""How long a client may take to say goodbye before it is cut off."""
_END_SECONDS = 1.0
"""How long `Server.stop` waits for threads, whose brain, voice or recogniser may be busy, or who have just begun."""


class Server:
    """The offline assistant at ``ws://127.0.0.1:PORT/v1/realtime``; use it in a ``with`` statement.

    ``port`` 0 takes a free one. All methods may be called from any thread but those of its connections.
    """

    def __init__(self, organs: Organs, port: int = 0, session_seconds: float = SESSION_SECONDS) -> None:
        self._organs = organs
        self._session_seconds = session_seconds
        self._lock = threading.Lock()  # guards the two below
        self._stopped = False
        self._connections: dict[threading.Thread, ServerConnection] = {}
        self._listener = serve(
            self._converse,
            "127.0.0.1",
            port,
            origins=[None, _OWN_PAGES],
            process_request=self._admit,
            select_subprotocol=_subprotocol,
            compression=None,  # sound does not shrink, and nothing is saved on loopback
            max_size=_MAX_FRAME_BYTES,
            open_timeout=_HANDSHAKE_SECONDS,
            close_timeout=_FAREWELL_SECONDS,
            ping_interval=_PING_SECONDS,
        )
        self.url = f"ws://127.0.0.1:{self._listener.socket.getsockname()[1]}{PATH}"
        """Where clients connect; they add ``?model=NAME``, and any name will do."""
        self._thread = threading.Thread(target=self._listener.serve_forever, name="offline accept", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Say goodbye to all clients and end every thread; a second call does nothing.

        At once as a rule; a client that does not answer costs `_FAREWELL_SECONDS`. One that connected and never spoke,
        or a brain, a voice or a recogniser that is busy costs `_END_SECONDS`, after which its thread is left behind: it
        ends by itself, for a recogniser when that is closed.
        """
        with self._lock:
            already, self._stopped = self._stopped, True
            connections = dict(self._connections)
        if already:
            return
        # Closing waits behind a send to a client that reads nothing: the timer ends that.
        cut_off = threading.Timer(_FAREWELL_SECONDS, _shut_down, [connections.values()])
        cut_off.name = "offline farewell"
        cut_off.start()
        for connection in connections.values():
            connection.close(CloseCode.GOING_AWAY, "The assistant stops.")
        cut_off.cancel()
        _shut_down(connections.values())
        # The library waits for its connections' threads, without bound, and one may be busy: that is left to a thread.
        ending = threading.Thread(target=self._listener.shutdown, name="offline end", daemon=True)
        ending.start()
        deadline = time.monotonic() + _END_SECONDS
        for thread in (cut_off, self._thread, ending, *connections):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer a handshake that leads nowhere, or remember the connection. Its own thread."""
        if urlsplit(request.path).path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"The assistant is at {PATH}.\n")
        thread = threading.current_thread()
        thread.name = "offline connection"
        with self._lock:
            if self._stopped:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The assistant stops.\n")
            self._connections = {reader: one for reader, one in self._connections.items() if reader.is_alive()}
            if len(self._connections) >= MOST_CONNECTIONS:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
            self._connections[thread] = connection
        return None

    def _converse(self, connection: ServerConnection) -> None:
        """Hold one conversation. Its own thread."""
        try:
            model = _model(connection.request)
        except RequestError as error:
            _refuse(connection, error, REFUSED)
            return
        session = Session(self._organs, model, connection.send, self._session_seconds)
        try:
            self._read(connection, session)
        finally:
            session.close()

    def _read(self, connection: ServerConnection, session: Session) -> None:
        deadline = time.monotonic() + self._session_seconds
        with suppress(ConnectionClosed):
            while (left := deadline - time.monotonic()) > 0:
                try:
                    frame = connection.recv(timeout=left)
                except TimeoutError:
                    break
                session.handle(frame)
            minutes = round(self._session_seconds / 60)
            text = f"Your session hit the maximum duration of {minutes} minutes."
            _refuse(connection, RequestError("session_expired", text), CloseCode.GOING_AWAY)


def _model(request: Request | None) -> str:
    """Return the model in the address; `RequestError` for requests that the service refuses after the handshake."""
    if request is None or "OpenAI-Beta" in request.headers:
        text = "The Realtime Beta API is no longer supported. Leave out the OpenAI-Beta header."
        raise RequestError("beta_api_shape_disabled", text)
    model = parse_qs(urlsplit(request.path).query).get("model")
    if not model:
        raise RequestError("missing_model", "You must provide a model parameter.")
    return model[0]


def _refuse(connection: ServerConnection, error: RequestError, code: int) -> None:
    """Say why, and end the connection."""
    with suppress(ConnectionClosed):
        connection.send(json.dumps(error.event()))
    reason = f"invalid_request_error.{error.code}" if code == REFUSED else str(error)
    connection.close(code, reason)


def _subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose ``realtime``; browsers offer their key as another, which nobody needs here."""
    return next((name for name in offered if name == "realtime"), None)


def _shut_down(connections: Iterable[ServerConnection]) -> None:
    """End every read and send of these connections, whatever their clients do."""
    for connection in connections:
        with suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
