"""The WebSocket to the service, through a proxy if there is one; the only importer of websocket and socks."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import socks
import websocket

from voice.config import Config
from voice.errors import ConnectionLostError, ServiceRefusedError, SettingError

CONNECT_TIMEOUT = 10.0
"""s for each step of connecting: a slow mobile link takes 1 to 3 s."""
STOP_TIMEOUT = 0.5
"""s that the peer has for its half of the closing handshake."""

_DEAD_PEER = {"TCP_KEEPIDLE": 4, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
"""A peer that is gone is noticed within 10 s, whether we send (ms) or only wait (4 s, then 3 probes of 2 s)."""

_PROXY_TYPES = {
    "http": (socks.HTTP, True, 8080),
    "https": (socks.HTTP, True, 8080),
    "socks4": (socks.SOCKS4, False, 1080),
    "socks4a": (socks.SOCKS4, True, 1080),
    "socks5": (socks.SOCKS5, False, 1080),
    "socks5h": (socks.SOCKS5, True, 1080),
}
"""Scheme: PySocks' type, whether the proxy looks up names, usual port."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect and what to show there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy_url: str = field(default="", repr=False)


def endpoint(config: Config, url: str, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Address, headers and proxy for `url`, as the settings and the environment's proxies say."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, f"model={quote(config.model, safe='')}")))
    headers = {"Authorization": f"Bearer {config.openai_api_key}"} if config.openai_api_key else {}
    if config.dialect == "beta":
        headers["OpenAI-Beta"] = "realtime=v1"
    return Endpoint(
        parts._replace(query=query).geturl(), headers, config.proxy_url or _environment_proxy(parts, environment)
    )


def _environment_proxy(parts: SplitResult, environment: Mapping[str, str]) -> str:
    """The proxy of ALL_PROXY or HTTPS_PROXY, unless NO_PROXY names the host or it is this computer."""
    host = parts.hostname or ""
    settings = {name.lower(): value for name, value in environment.items()}
    if host in {"localhost", "127.0.0.1", "::1"} or proxy_bypass_environment(
        host, {"no": settings.get("no_proxy", "")}
    ):
        return ""
    url = settings.get("https_proxy" if parts.scheme == "wss" else "http_proxy") or settings.get("all_proxy") or ""
    return url if "://" in url or not url else f"http://{url}"


class Connection:
    """One WebSocket: one thread reads, one thread writes, any thread may stop it."""

    def __init__(self, target: Endpoint) -> None:
        self._target = target
        self._lock = threading.Lock()  # over the three below
        self._stopped = False
        self._raw: socket.socket | None = None  # while connecting
        self._socket: websocket.WebSocket | None = None  # once connected
        self._reader_done = threading.Event()

    def connect(self) -> None:
        """Connect; the reading thread calls it, once.

        Raises:
            ConnectionLostError: the network, the proxy or the peer failed.
            ServiceRefusedError: the peer answered the upgrade with a refusal.
            SettingError: the address or the proxy's is none.

        """
        parts = urlsplit(self._target.url)
        host, port = parts.hostname, _port(parts, 443 if parts.scheme == "wss" else 80)
        if not host:
            raise SettingError(f"WS_URL names no host: {self._target.url}")
        raw = self._reach(host, port)
        self._keep(raw, None)
        try:
            if parts.scheme == "wss":
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
                self._keep(raw, None)
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

    def _upgrade(self, raw: socket.socket) -> websocket.WebSocket:
        return websocket.create_connection(
            self._target.url,
            socket=raw,
            header=dict(self._target.headers),
            timeout=CONNECT_TIMEOUT,
            suppress_origin=True,
            enable_multithread=True,
            skip_utf8_validation=True,  # the JSON decoder does it
        )

    def _keep(self, raw: socket.socket, connected: websocket.WebSocket | None) -> None:
        """Note what `stop` has to end; or end it, when that was called meanwhile."""
        with self._lock:
            self._raw, self._socket = raw, connected
            if not self._stopped:
                return
        raw.close()
        raise ConnectionLostError("stopped while connecting")

    def _reach(self, host: str, port: int) -> socket.socket:
        proxy = self._target.proxy_url
        try:
            raw = (
                _through_proxy(proxy, host, port) if proxy else socket.create_connection((host, port), CONNECT_TIMEOUT)
            )
        except socks.ProxyError as error:
            raise ConnectionLostError(
                f"the proxy {_without_password(proxy)} does not let us through: {error}"
            ) from error
        except OSError as error:
            way = f" through the proxy {_without_password(proxy)}" if proxy else ""
            raise ConnectionLostError(
                f"{host}:{port} cannot be reached{way} ({error.strerror or error}); --offline needs no network"
            ) from error
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _DEAD_PEER.items():
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return raw

    def be_patient(self) -> None:
        """Wait for messages however long it takes; before this, `CONNECT_TIMEOUT` for each. Any thread."""
        if self._socket is not None:
            self._socket.settimeout(None)

    def messages(self) -> Iterator[str | bytes]:
        """Messages as they come, until the peer or `stop` closes; the reading thread only.

        Raises:
            ConnectionLostError: the connection broke, or the peer closed it; the text has its code and reason.

        """
        assert self._socket is not None, "connect first"  # noqa: S101 - a call out of order is a bug here
        try:
            while True:
                opcode, data = self._socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    raise ConnectionLostError(_close_reason(data))
                yield data.decode("utf-8", "replace") if opcode == websocket.ABNF.OPCODE_TEXT else data
        except websocket.WebSocketTimeoutException as error:
            raise ConnectionLostError("the service does not answer") from error
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLostError(f"the connection broke: {error}") from error
        finally:
            self._reader_done.set()

    def send(self, message: str) -> None:
        """Send one message; the writing thread only.

        Raises:
            ConnectionLostError: the connection is gone.

        """
        assert self._socket is not None, "connect first"  # noqa: S101 - a call out of order is a bug here
        try:
            self._socket.send(message)
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLostError(f"the connection broke: {error}") from error

    def stop(self) -> None:
        """End the connection and wake its reader, in `STOP_TIMEOUT` at most; any thread.

        `close()` would wait for the reader's lock, and `shutdown()` alone would not wake it: so a closing frame is
        sent as plain data, the peer's answer wakes the reader, and `abort()` does if there is none.
        """
        with self._lock:
            self._stopped = True
            raw, connected = self._raw, self._socket
        if connected is None:
            if raw is not None:
                with contextlib.suppress(OSError):
                    raw.shutdown(socket.SHUT_RDWR)
            return
        with contextlib.suppress(OSError, websocket.WebSocketException):
            connected.settimeout(STOP_TIMEOUT)
            connected.send(struct.pack("!H", websocket.STATUS_NORMAL), websocket.ABNF.OPCODE_CLOSE)
        if not self._reader_done.wait(STOP_TIMEOUT):
            connected.abort()  # type: ignore[no-untyped-call]
            self._reader_done.wait(STOP_TIMEOUT)
        connected.shutdown()  # type: ignore[no-untyped-call]


def _through_proxy(proxy: str, host: str, port: int) -> socket.socket:
    parts = urlsplit(proxy)
    if parts.scheme not in _PROXY_TYPES or not parts.hostname:
        raise SettingError(f"{_without_password(proxy)} is no proxy address: use http:// or socks5h:// and host:port")
    kind, remote_names, usual_port = _PROXY_TYPES[parts.scheme]
    tunnel: socket.socket = socks.create_connection(
        (host, port),
        timeout=CONNECT_TIMEOUT,
        proxy_type=kind,
        proxy_addr=parts.hostname,
        proxy_port=_port(parts, usual_port),
        proxy_rdns=remote_names,
        proxy_username=unquote(parts.username) if parts.username else None,
        proxy_password=unquote(parts.password) if parts.password else None,
    )
    return tunnel


def _port(parts: SplitResult, usual: int) -> int:
    try:
        return parts.port or usual
    except ValueError as error:
        raise SettingError(f"{parts.hostname}: {error}") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _refusal(error: websocket.WebSocketBadStatusException, host: str) -> ServiceRefusedError | ConnectionLostError:
    if error.status_code in {401, 403}:
        return ServiceRefusedError(f"{host} refused us (HTTP {error.status_code}): check OPENAI_API_KEY and WS_URL")
    if error.status_code == 404:  # noqa: PLR2004 - HTTP's own number
        return ServiceRefusedError(f"{host} has no Realtime service at this address (HTTP 404): check WS_URL")
    return ConnectionLostError(f"{host} answered HTTP {error.status_code} instead of a WebSocket")


def _close_reason(data: bytes) -> str:
    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else "no code"  # noqa: PLR2004 - the code is 2 bytes
    reason = data[2:].decode("utf-8", "replace")
    return f"the service closed the connection ({code}{': ' + reason if reason else ''})"
