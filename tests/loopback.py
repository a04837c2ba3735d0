"""The server below the scripted service: connections on loopback, everything received, faults on demand."""

from __future__ import annotations

import base64
import json
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from typing_extensions import Self
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests import certificate
from tests.encrypted import EncryptedConnection
from tests.reply import Event
from tests.strict import parse_client
from tests.wire import BAD_KEY, Connection, Received, Refusal, model_of, problem

Found = TypeVar("Found")


class Loopback:
    """A running server, as a context manager; all methods may be called from the test's thread.

    `key` makes every other key a wrong one; None lets any in, and none. `tls` serves wss with the certificate named
    by `certificate`, see `tests.certificate`. `session_seconds` is what every
    session says of its own length; nothing ends it but the test.
    """

    certificate: Path

    def __init__(
        self,
        *,
        key: str | None = None,
        tls: bool = False,
        ping_interval: float | None = 20,
        session_seconds: float = 3600,
    ) -> None:
        self.received: list[Received] = []
        self.requests: list[Request] = []
        """Every handshake: `path` and `headers`."""
        self.connections: list[Connection] = []
        self.refusals: list[Event] = []
        """Every `error` that was a client's event's fault."""
        self.violations: list[str] = []
        self.refuse_next: deque[Refusal] = deque()
        """What the next handshakes meet, one each."""
        self._key = key
        self._tls = tls
        self._ping_interval = ping_interval
        self._session_seconds = session_seconds
        self._changed = threading.Condition()
        self._taken: set[int] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            context = None
            if self._tls:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="service-"))
                self.certificate, context = certificate.make(Path(folder))
            server = serve(
                self._handle,
                "127.0.0.1",
                0,
                ssl=context,
                create_connection=EncryptedConnection,
                process_request=self._greet,
                compression=None,
                max_size=None,
                ping_interval=self._ping_interval,
                close_timeout=2,
            )
            self.port: int = server.socket.getsockname()[1]
            thread = threading.Thread(target=server.serve_forever, name="service")
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if kind is None:
            assert not self.violations, "\n".join(self.violations)

    @property
    def url(self) -> str:
        """What WS_URL has to be."""
        return f"wss://localhost:{self.port}/v1/realtime" if self._tls else f"ws://127.0.0.1:{self.port}/v1/realtime"

    # What the client did --------------------------------------------------------------------------------------------

    def wait_for(self, kind: str, timeout: float = 5, where: Callable[[Event], bool] = lambda _: True) -> Event:
        """Give the first event of this type that no earlier call gave; AssertionError when none comes in time."""

        def find() -> Event | None:
            for index, received in enumerate(self.received):
                if index not in self._taken and received.event.get("type") == kind and where(received.event):
                    self._taken.add(index)
                    return received.event
            return None

        came = (got.event.get("type") for got in self.received)
        return self._wait(find, timeout, lambda: f"{kind}; came: {dict(Counter(came))}")

    def connection(self, number: int | None = None, timeout: float = 5) -> Connection:
        """Give a connection, from 0, or the newest, waiting until there is one."""
        least = (number or 0) + 1
        return self._wait(
            lambda: self.connections[-1 if number is None else number] if len(self.connections) >= least else None,
            timeout,
            lambda: f"connection {least}; there are {len(self.connections)}",
        )

    def events(self, kind: str) -> list[Event]:
        """All events of this type so far."""
        with self._changed:
            return [got.event for got in self.received if got.event.get("type") == kind]

    def microphone(self) -> tuple[bytes, list[tuple[float, int]]]:
        """All sound that came, and for each message when it came (monotonic) and how many bytes it brought."""
        with self._changed:
            sounds = [got for got in self.received if got.event.get("type") == "input_audio_buffer.append"]
        decoded = [(got.time, base64.b64decode(got.event["audio"])) for got in sounds]
        return b"".join(pcm for _, pcm in decoded), [(when, len(pcm)) for when, pcm in decoded]

    def sound(self, number: int) -> bytes:
        """All sound that one connection brought, from 0."""
        with self._changed:
            brought = [got.event for got in self.received if got.connection == number]
        return b"".join(base64.b64decode(e["audio"]) for e in brought if e["type"] == "input_audio_buffer.append")

    def wait_for_sound(self, more: int, timeout: float = 10) -> int:
        """Return once so many more bytes of sound have come than now; gives how many there were before."""
        before = len(self.microphone()[0])
        seen, total = len(self.received), before

        def enough() -> bool | None:
            nonlocal seen, total
            for got in self.received[seen:]:
                seen += 1
                if got.event.get("type") == "input_audio_buffer.append":
                    total += len(base64.b64decode(got.event["audio"]))
            return total >= before + more or None

        self._wait(enough, timeout, lambda: f"{more} bytes of sound; came: {total - before}")
        return before

    def send(self, event: Event, *, raw: bool = False) -> None:
        """Send an event on the newest connection; `raw` sends it as it is, unchecked."""
        self.connection().send([event], raw=raw)

    def settle(self) -> None:
        """Return once the client has taken all that was sent on the newest connection, since it answers in turn."""
        assert self.connection().ws.ping().wait(5), "the client does not answer a ping"

    # Faults ---------------------------------------------------------------------------------------------------------

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the newest connection in order."""
        self.connection().ws.close(code, reason)

    def reset(self) -> None:
        """Drop the newest connection as a dead network does."""
        self.connection().reset()

    def vanish(self) -> None:
        """Drop the newest connection as a process that is killed does: the end of the stream, and no close."""
        self.connection().vanish()

    @contextmanager
    def stall(self) -> Iterator[None]:
        """Neither read nor write on the newest connection, pongs included, while the block lasts."""
        with self.connection().ws.protocol_mutex:
            yield

    # Threads of the server ------------------------------------------------------------------------------------------

    def _greet(self, ws: ServerConnection, request: Request) -> Response | None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            if self.refuse_next and (status := self.refuse_next[0].status):
                return ws.respond(status, self.refuse_next.popleft().text)
        return None if urlsplit(request.path).path == "/v1/realtime" else ws.respond(HTTPStatus.NOT_FOUND, "")

    def _handle(self, ws: ServerConnection) -> None:
        assert ws.request
        if refusal := self._refusal(ws.request):
            if refusal.said:
                ws.send(json.dumps(problem(refusal.code, refusal.code.replace("_", " "), "event_0")))
            ws.close(refusal.close_code, f"invalid_request_error.{refusal.code}")
            return
        connection = Connection(ws, len(self.connections))
        connection.rules.session["expires_at"] = time.time() + self._session_seconds
        try:
            connection.send([connection.rules.created()])
            with self._changed:
                self.connections.append(connection)
                self._changed.notify_all()
            for message in ws:
                self._receive(connection, message)
        except ConnectionClosed:
            return  # how it ended is the test's own doing
        finally:
            self._notify()

    def _receive(self, connection: Connection, message: str | bytes) -> None:
        now = time.monotonic()
        try:
            event = json.loads(_text(message))
            parse_client(event)
        except (AssertionError, ValueError) as error:
            self.violations.append(str(error))
            connection.send([problem("invalid_event", str(error))])
            return
        with connection.lock:
            answers = connection.rules.answer(event)
            self.refusals += [answer for answer in answers if answer["type"] == "error"]
            # Known to the test before the answer leaves, so that an answered event is always found.
            with self._changed:
                self.received.append(Received(event, now, connection.number))
            connection.send(answers)
        self._notify()

    def _refusal(self, request: Request) -> Refusal | None:
        if self.refuse_next:
            return self.refuse_next.popleft()
        if "OpenAI-Beta" in request.headers:
            return Refusal(code="beta_api_shape_disabled")
        if not model_of(request):
            return Refusal(code="missing_model")
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            return BAD_KEY
        return None

    def _wait(self, find: Callable[[], Found | None], timeout: float, what: Callable[[], str]) -> Found:
        deadline = time.monotonic() + timeout
        with self._changed:
            while (found := find()) is None:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"within {timeout} s no {what()}")
            return found

    def _until(self, happened: Callable[[], bool], due: float) -> None:
        """Return at `due` (monotonic), or as soon as something happened on a connection."""
        with self._changed:
            self._changed.wait_for(happened, max(0, due - time.monotonic()))

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _text(message: str | bytes) -> str:
    assert isinstance(message, str), "a binary message"
    return message
