"""The WebSocket to the service, through a proxy if there is one; the only importer of websocket and socks.

A peer that is gone is noticed within 10 s: when it has said nothing for `PING_SECONDS` it is pinged, and has as long to
answer.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from typing import cast
from urllib.parse import SplitResult, urlsplit

import socks
import websocket

from voice.endpoint import Endpoint, Proxy
from voice.errors import ConnectionLostError, ServiceRefusedError, SettingError
from voice.refusals import REMEDIES
from voice.text import printable

CONNECT_TIMEOUT = 10.0
"""s for each step of connecting: a slow mobile link takes 1 to 3 s."""
_EXCERPT_BYTES = 200
"""Of a refusal's own words: a sentence or two."""
STOP_TIMEOUT = 0.3
"""s that the peer has for its half of the closing handshake; nothing is lost when it needs longer."""
PING_SECONDS = 4.0
"""s of silence until a ping, and from there until the peer counts as gone. It is also the time limit of a `send`."""
MAX_MESSAGE = 16 * 2**20
"""Bytes of one message; the service's longest are some 100 kB, and it takes 15 MiB itself."""

_PROXY_TYPES = {
    "http": (socks.HTTP, True),
    "socks4": (socks.SOCKS4, False),
    "socks4a": (socks.SOCKS4, True),
    "socks5": (socks.SOCKS5, False),
    "socks5h": (socks.SOCKS5, True),
}
"""Scheme: PySocks' type, whether the proxy looks up names."""

_REFUSALS = frozenset({3000, 3003, 4000, 4004})
"""Close codes by which the service says no for good; the reason ends with the code of its error."""


class _Bounded(websocket.WebSocket):
    """One that reads no endless message, and tells of a close even if the peer does not wait for an answer to it."""

    received = 0
    """Bytes of the message that is on its way, the headers of its frames included."""

    def _recv(self, bufsize: int) -> bytes:
        data: bytes = super()._recv(bufsize)  # type: ignore[no-untyped-call]
        self.received += len(data)
        if self.received > MAX_MESSAGE:
            raise websocket.WebSocketPayloadException(f"a message of more than {MAX_MESSAGE >> 20} MiB")
        return data

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
        self._socket: _Bounded | None = None  # once connected
        self._sending = threading.Lock()  # held while a message is written
        self._patient = False
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
                raw = wrapped = context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
                self._keep(raw, None)  # else `stop` would know the bare socket only, which is no more
                wrapped.do_handshake()
            self._keep(raw, self._upgrade(raw))
        except websocket.WebSocketBadStatusException as error:
            raw.close()
            raise _refusal(error, host) from error
        except ssl.SSLCertVerificationError as error:
            raw.close()
            reason = error.verify_message
            raise ConnectionLostError(f"{host} cannot prove who it is ({reason}): is a proxy in between?") from error
        except ssl.SSLError as error:
            raw.close()
            raise ConnectionLostError(f"{host}:{port} does not speak TLS ({error.reason}): is ws:// meant?") from error
        except (OSError, websocket.WebSocketException) as error:
            raw.close()
            raise ConnectionLostError(f"{host} does not answer as a WebSocket: {error}") from error

    def _upgrade(self, raw: socket.socket) -> _Bounded:
        connected = websocket.create_connection(
            self._target.url,
            class_=_Bounded,
            socket=raw,
            header=dict(self._target.headers),
            timeout=CONNECT_TIMEOUT,
            suppress_origin=True,
            enable_multithread=True,
            skip_utf8_validation=True,  # the JSON decoder does it
        )
        return cast("_Bounded", connected)

    def _keep(self, raw: socket.socket, connected: _Bounded | None) -> None:
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

    def be_patient(self) -> None:
        """Wait for messages as long as pings are answered; before this, `CONNECT_TIMEOUT` for each. Any thread."""
        self._patient = True
        if self._socket is not None:
            self._socket.settimeout(PING_SECONDS)

    @property
    def _connected(self) -> _Bounded:
        assert self._socket is not None, "connect first"  # noqa: S101 - a call out of order is a bug here
        return self._socket

    def messages(self) -> Iterator[str | bytes]:
        """Messages as they come, until the peer or `stop` closes; the reading thread only.

        Raises:
            ConnectionLostError: the connection broke, or the peer closed it; the text has its code and reason.
            ServiceRefusedError: the peer closed it for good.

        """
        try:
            while True:
                opcode, data = self._next_frame()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    raise _closed(data)
                if opcode in {websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY}:
                    self._connected.received = 0
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
            if not self._patient:
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


def _refusal(error: websocket.WebSocketBadStatusException, host: str) -> ServiceRefusedError | ConnectionLostError:
    if error.status_code in {401, 403}:
        return ServiceRefusedError(f"{host} refused us (HTTP {error.status_code}): check OPENAI_API_KEY and WS_URL")
    if error.status_code == 404:  # noqa: PLR2004 - HTTP's own number
        return ServiceRefusedError(f"{host} has no Realtime service at this address (HTTP 404): check WS_URL")
    said = _own_words(error.resp_body or b"")
    return ConnectionLostError(f"{host} answered HTTP {error.status_code} instead of a WebSocket{said}")


def _own_words(body: bytes) -> str:
    """What a refusal says itself; "" for nothing, and for what is not meant for people."""
    text = printable(body[:_EXCERPT_BYTES].decode("utf-8", "replace")).strip()
    return f": {text}" if text and text[0] not in "<{" else ""


def _closed(data: bytes) -> ServiceRefusedError | ConnectionLostError:
    """What the code and the reason of a close mean."""
    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None  # noqa: PLR2004 - the code is 2 bytes
    reason = data[2:].decode("utf-8", "replace")
    if remedy := REMEDIES.get(reason.rpartition(".")[2]):
        return ServiceRefusedError(remedy)
    text = f"the service closed the connection ({code or 'no code'}{': ' + reason if reason else ''})"
    return (
        ServiceRefusedError(f"{text}: it will not serve this request")
        if code in _REFUSALS
        else (ConnectionLostError(text))
    )
