"""The WebSocket to the service, through a proxy if there is one; the only importer of websocket and socks.

A peer that is gone is noticed within 10 s: when it has said nothing for `PING_SECONDS` it is pinged, and has as long to
answer. One that is there and never gets ready is given up after `READY_TIMEOUT`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

import socks
import websocket

from voice.endpoint import Endpoint, Proxy
from voice.errors import ConnectionLostError, SettingError
from voice.losses import closed, failure, refusal
from voice.tls import DuplexTLS

CONNECT_TIMEOUT = 10.0
"""s for each step of connecting: a slow mobile link takes 1 to 3 s."""
READY_TIMEOUT = 30.0
"""s until a session is open and has our settings: two more steps, and the 15 s that a successor waits for quiet."""
STOP_TIMEOUT = 0.3
"""s that the peer has for its half of the closing handshake; nothing is lost when it needs longer."""
PING_SECONDS = 4.0
"""s of silence until a ping, and from there until the peer counts as gone. It is also the time limit of a `send`."""
MAX_MESSAGE = 16 * 2**20
"""Bytes of one message; the service's longest are some 100 kB, and it takes 15 MiB itself."""
MAX_ANSWER = 128 * 2**10
"""Bytes of the answer to the upgrade, which is read one by one: more than any server's page about an error."""

_PROXY_TYPES = {
    "http": (socks.HTTP, True),
    "socks4": (socks.SOCKS4, False),
    "socks4a": (socks.SOCKS4, True),
    "socks5": (socks.SOCKS5, False),
    "socks5h": (socks.SOCKS5, True),
}
"""Scheme: PySocks' type, whether the proxy looks up names."""


class _Peer:
    """A socket as websocket-client reads it: no endless message, and no more from who does not get ready in time."""

    def __init__(self, raw: socket.socket | DuplexTLS) -> None:
        self._raw = raw
        self.patient = False
        self.allow(MAX_ANSWER, CONNECT_TIMEOUT)

    def allow(self, room: int, seconds: float | None = None) -> None:
        """Read so many bytes from here on, headers of frames included; in so many seconds unless `patient`."""
        self._room = self._left = room
        if seconds is not None:
            self._until = time.monotonic() + seconds

    def recv(self, size: int) -> bytes:
        if not self.patient:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._raw.settimeout(min(left, CONNECT_TIMEOUT))
        data = self._raw.recv(size)
        self._left -= len(data)
        if self._left < 0:
            raise websocket.WebSocketPayloadException(f"a message of more than {self._room:,} bytes")
        return data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._raw, name)


class _WebSocket(websocket.WebSocket):
    """One that tells of a close even if the peer does not wait for an answer to it."""

    def __init__(self, raw: socket.socket | DuplexTLS) -> None:
        super().__init__(enable_multithread=True, skip_utf8_validation=True)  # the JSON decoder does it
        self.peer = _Peer(raw)

    def send_close(self, status: int = websocket.STATUS_NORMAL, reason: str | bytes = b"") -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException):
            super().send_close(status, reason)


class Connection:
    """One WebSocket: one thread reads, one thread writes, any thread may stop it."""

    def __init__(self, target: Endpoint) -> None:
        self._target = target
        self._lock = threading.Lock()  # over the three below
        self._stopped = False
        self._raw: socket.socket | None = None  # while connecting
        self._socket: _WebSocket | None = None  # once connected
        self._sending = threading.Lock()  # held while a message is written
        self._reader_done = threading.Event()

    def connect(self) -> None:
        """Connect; the reading thread calls it, once.

        Raises:
            ConnectionLostError: the network, the proxy or the peer failed.
            ServiceRefusedError: the peer answered the upgrade with a refusal.
            SettingError: the address is none.

        """
        parts = urlsplit(self._target.url)
        host, port = parts.hostname, _port(parts, 443 if parts.scheme == "wss" else 80)
        if not host:
            raise SettingError(f"WS_URL names no host: {self._target.url}")
        raw = self._reach(host, port)
        self._keep(raw, None)
        try:
            if parts.scheme == "wss":
                context = ssl.create_default_context()
                raw = encrypted = context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
                self._keep(raw, None)  # else `stop` would know the bare socket only, which is no more
                encrypted.do_handshake()
                connected = self._upgrade(DuplexTLS(encrypted))
            else:
                connected = self._upgrade(raw)
            self._keep(raw, connected)
        except websocket.WebSocketBadStatusException as error:
            raw.close()
            raise refusal(host, error.status_code, error.resp_headers or {}, error.resp_body or b"") from error
        except (OSError, websocket.WebSocketException) as error:
            raw.close()
            raise failure(error, host, port) from error

    def _upgrade(self, raw: socket.socket | DuplexTLS) -> _WebSocket:
        connected = _WebSocket(raw)
        try:
            connected.connect(  # type: ignore[no-untyped-call]
                self._target.url,
                socket=connected.peer,
                header=dict(self._target.headers),
                timeout=CONNECT_TIMEOUT,
                suppress_origin=True,
                redirect_limit=0,  # elsewhere the key is nobody's business, and the proxy is not in between
            )
        except websocket.WebSocketException as error:
            answer = connected.handshake_response
            if answer is None:
                raise
            text = "redirected"
            raise websocket.WebSocketBadStatusException(text, answer.status, None, answer.headers) from error
        return connected

    def _keep(self, raw: socket.socket, connected: _WebSocket | None) -> None:
        """Note what `stop` has to end; or end it, when that was called meanwhile."""
        with self._lock:
            self._raw, self._socket = raw, connected
            if not self._stopped:
                return
        raw.close()
        raise ConnectionLostError("stopped while connecting")

    def _reach(self, host: str, port: int) -> socket.socket:
        proxy = self._target.proxy
        try:
            raw = self._dial(host, port, proxy)
        except socks.ProxyError as error:
            raise ConnectionLostError(f"the proxy {proxy} does not let us through: {error}") from error
        except (OSError, UnicodeError) as error:  # a host name with an empty or endless part is a UnicodeError
            way = f" through the proxy {proxy}" if proxy else ""
            why = getattr(error, "strerror", None) or error
            raise ConnectionLostError(
                f"{host}:{port} cannot be reached{way} ({why}); --offline needs no network"
            ) from error
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def _dial(self, host: str, port: int, proxy: Proxy | None) -> socket.socket:
        """Try every address of the host or the proxy; `stop` ends a try where the system allows."""
        first = (proxy.host, proxy.port) if proxy else (host, port)
        failure: OSError = OSError("it has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(*first, type=socket.SOCK_STREAM):
            raw = _to_proxy(family, proxy, address) if proxy else socket.socket(family, kind, protocol)
            self._keep(raw, None)
            raw.settimeout(CONNECT_TIMEOUT)
            try:
                raw.connect((host, port) if proxy else address)
            except OSError as error:
                _close(raw)
                failure = error
            else:
                return raw
        raise failure

    @property
    def beta(self) -> bool:
        """Whether the peer speaks the old dialect."""
        return self._target.beta

    def be_patient(self) -> None:
        """Wait for messages as long as pings are answered: the session has our settings. Any thread."""
        self._connected.peer.patient = True
        self._connected.settimeout(PING_SECONDS)

    @property
    def _connected(self) -> _WebSocket:
        assert self._socket is not None, "connect first"  # noqa: S101 - a call out of order is a bug here
        return self._socket

    def messages(self) -> Iterator[str | bytes]:
        """Messages as they come, until the peer or `stop` closes; the reading thread only.

        Raises:
            ConnectionLostError: the connection broke, or the peer closed it; the text has its code and reason. Or
                nobody has become patient with it within `READY_TIMEOUT` from here on.
            ServiceRefusedError: the peer closed it for good.

        """
        peer = self._connected.peer
        peer.allow(MAX_MESSAGE, READY_TIMEOUT)
        try:
            while True:
                opcode, data = self._next_frame()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    raise closed(data)
                if opcode in {websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY}:
                    peer.allow(MAX_MESSAGE)
                    yield data.decode("utf-8", "replace") if opcode == websocket.ABNF.OPCODE_TEXT else data
        except websocket.WebSocketTimeoutException as error:
            raise ConnectionLostError("the service does not answer") from error
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLostError(f"the connection broke: {error}") from error
        finally:
            self._reader_done.set()

    def _next_frame(self) -> tuple[int, bytes]:
        """The next message or control frame; a patient one is waited for twice, with a ping in between."""
        connected = self._connected
        try:
            opcode, data = connected.recv_data(control_frame=True)
        except websocket.WebSocketTimeoutException:
            if not connected.peer.patient:
                raise
            connected.ping()
            opcode, data = connected.recv_data(control_frame=True)
        return opcode, data

    def send(self, message: str) -> None:
        """Send one message, within `PING_SECONDS`; the writing thread only.

        Raises:
            ConnectionLostError: the connection is gone.

        """
        try:
            with self._sending:
                self._connected.send(message)
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLostError(f"the connection broke: {error}") from error

    def stop(self) -> None:
        """End the connection and wake its reader and its writer, in three times `STOP_TIMEOUT` at most; any thread.

        `close()` would wait for the reader's lock, and `shutdown()` alone would not wake it: so a closing frame is
        sent as plain data, the peer's answer wakes the reader, and `abort()` does if there is none.
        """
        with self._lock:
            self._stopped = True
            raw, connected = self._raw, self._socket
        if connected is None:
            if raw is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(raw, socket.SHUT_RDWR)  # SSLSocket's takes TLS from under a handshake
            return
        if self._sending.acquire(timeout=STOP_TIMEOUT):  # else a message has been stuck for as long
            try:
                _say_goodbye(connected)
            finally:
                self._sending.release()
            self._reader_done.wait(STOP_TIMEOUT)
        if not self._reader_done.is_set():
            connected.abort()  # type: ignore[no-untyped-call]
            self._reader_done.wait(STOP_TIMEOUT)
        connected.shutdown()  # type: ignore[no-untyped-call]


def _say_goodbye(connected: websocket.WebSocket) -> None:
    with contextlib.suppress(OSError, websocket.WebSocketException):
        connected.settimeout(STOP_TIMEOUT)
        connected.send(struct.pack("!H", websocket.STATUS_NORMAL), websocket.ABNF.OPCODE_CLOSE)


def _close(raw: socket.socket) -> None:
    """Close for good: PySocks may have closed it, or left a file open on it that would keep it open."""
    handle = raw.detach()
    if handle >= 0:
        socket.close(handle)


def _to_proxy(family: int, proxy: Proxy, address: tuple[object, ...]) -> socket.socket:
    """A socket that reaches its peer through the proxy at this address."""
    kind, remote_names = _PROXY_TYPES[proxy.scheme]
    raw: socket.socket = socks.socksocket(family)
    raw.set_proxy(kind, address[0], address[1], remote_names, proxy.user, proxy.password)  # type: ignore[attr-defined]
    return raw


def _port(parts: SplitResult, usual: int) -> int:
    try:
        return parts.port or usual
    except ValueError as error:
        raise SettingError(f"WS_URL: {error}") from error
