"""Connection: real sockets, TLS, proxies, refusals, and the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import pytest
import websocket
from websockets.exceptions import ConnectionClosed

from tests.caller import wait_until
from tests.proxies import free_port, microsocks, tinyproxy
from tests.service import Service
from tests.wire import Refusal, answering, pinging
from voice.config import OPENAI_URL, Config
from voice.connection import MAX_ANSWER, MAX_MESSAGE, PING_SECONDS, Connection
from voice.endpoint import Endpoint, endpoint, parse_proxy
from voice.errors import AssistantError, ConnectionLostError, ServiceRefusedError, SettingError
from voice.events import SessionUpdate, encode


def _target(service: Service, proxy_url: str = "") -> Endpoint:
    proxy = parse_proxy(proxy_url, "PROXY_URL") if proxy_url else None
    return Endpoint(f"{service.url}?model=m", {"Authorization": "Bearer k"}, proxy)


@contextmanager
def _open(target: Endpoint) -> Iterator[tuple[Connection, list[str | bytes], list[Exception]]]:
    """A connection whose reader collects messages and how it ended."""
    connection = Connection(target)
    connection.connect()
    messages: list[str | bytes] = []
    ends: list[Exception] = []

    def read() -> None:
        try:
            messages.extend(connection.messages())
        except AssistantError as error:
            ends.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield connection, messages, ends
    finally:
        connection.stop()
        reader.join(2)
        assert not reader.is_alive()


def _exchange(service: Service, target: Endpoint) -> None:
    with _open(target) as (connection, _, _):
        connection.send(encode(SessionUpdate({"type": "realtime", "instructions": "Be brief."})))
        service.wait_for("session.update")


# Where to connect


def test_the_model_is_in_the_address_and_the_key_in_a_header_only() -> None:
    target = endpoint(Config(openai_api_key="sk-secret", model="a b/c"), OPENAI_URL, {})

    assert target.url == f"{OPENAI_URL}?model=a%20b%2Fc"
    assert target.headers == {"Authorization": "Bearer sk-secret"}
    assert "sk-secret" not in repr(target)


def test_an_address_that_names_its_model_is_left_as_it_is() -> None:
    url = "wss://mine.example/openai/v1/realtime?model=deployment"

    assert endpoint(Config(), url, {}).url == url


def test_the_beta_header_is_sent_in_the_beta_dialect_alone() -> None:
    assert "OpenAI-Beta" not in endpoint(Config(), OPENAI_URL, {}).headers
    assert endpoint(Config(dialect="beta"), OPENAI_URL, {}).headers["OpenAI-Beta"] == "realtime=v1"
    assert Connection(endpoint(Config(dialect="beta"), OPENAI_URL, {})).beta
    assert not Connection(endpoint(Config(), OPENAI_URL, {})).beta


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (OPENAI_URL, {}, ""),
        (OPENAI_URL, {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        (OPENAI_URL, {"https_proxy": "p:1"}, "http://p:1"),
        (OPENAI_URL, {"ALL_PROXY": "socks5h://p:1"}, "socks5h://p:1"),
        (OPENAI_URL, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "openai.com"}, ""),
        (OPENAI_URL, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ""),
        ("ws://example.com/x", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("ws://127.0.0.1:1/x", {"ALL_PROXY": "http://p:1"}, ""),
    ],
)
def test_proxies_of_the_environment(url: str, environment: dict[str, str], proxy: str) -> None:
    assert str(endpoint(Config(), url, environment).proxy or "") == proxy


def test_the_setting_beats_the_environments_proxy() -> None:
    proxy = endpoint(Config(proxy_url="http://a:1"), OPENAI_URL, {"ALL_PROXY": "http://b:1"}).proxy

    assert (str(proxy), proxy and proxy.source) == ("http://a:1", "PROXY_URL")


@pytest.mark.parametrize("key", ["sk-1\nsk-2", "sk-1\r\n", "sk-schlüssel", "sk-\x00"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingError, match="OPENAI_API_KEY") as caught:
        endpoint(Config(openai_api_key=key), OPENAI_URL, {})
    assert "sk" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://user:sec#ret@host", "is no address"),
        ("http://user:sec/ret@host:1", "is no address"),
        ("http://user:sec?ret@host:1", "is no address"),
        ("http://user:secret@host:x", "is no address"),
        ("http://user:secret@host:99999", "is no address"),
        ("http://user:secret@[::1", "is no address"),
        ("http://user:secret@", "is no address"),
        ("https://user:secret@host:1", "TLS"),
        ("ftp://user:secret@host:1", "socks5h://"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "PROXY_URL"])
def test_a_proxy_that_is_none_is_named_by_its_setting_and_not_shown(name: str, value: str, words: str) -> None:
    config = Config(proxy_url=value) if name == "PROXY_URL" else Config()
    with pytest.raises(SettingError, match=name) as caught:
        endpoint(config, OPENAI_URL, {name: value})

    assert words in str(caught.value)
    assert not [part for part in ("sec", "ret@", "user:sec") if part in str(caught.value)]


# Connecting


def test_messages_go_both_ways(service: Service) -> None:
    with _open(_target(service)) as (connection, messages, _):
        connection.send(encode(SessionUpdate({"type": "realtime"})))
        service.wait_for("session.update")
    assert b"session.created" in messages[0].encode() if isinstance(messages[0], str) else messages[0]


def test_tls_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tls=True) as service:
        with pytest.raises(ConnectionLostError, match="cannot prove who it is"):
            Connection(_target(service)).connect()
        monkeypatch.setenv("SSL_CERT_FILE", str(service.certificate))
        _exchange(service, _target(service))


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
def test_a_refused_upgrade_is_a_refusal(service: Service, status: HTTPStatus) -> None:
    service.refuse_next.append(Refusal(status=status))

    with pytest.raises(ServiceRefusedError, match=str(status.value)):
        Connection(_target(service)).connect()


def test_a_broken_service_is_a_lost_connection(service: Service) -> None:
    service.refuse_next.append(Refusal(status=HTTPStatus.BAD_GATEWAY))

    with pytest.raises(ConnectionLostError, match="502"):
        Connection(_target(service)).connect()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Too many connections.\n", "instead of a WebSocket: Too many connections.$"),
        ("<html>Bad gateway</html>", "instead of a WebSocket$"),
        ('{"error": {}}', "instead of a WebSocket$"),
        ("red \x1b[31malert", r"instead of a WebSocket: red  \[31malert$"),
        ("very long " * 100, "very long[a-z ]{1,191}$"),
    ],
)
def test_what_a_service_says_when_it_has_no_room_is_told(service: Service, text: str, told: str) -> None:
    service.refuse_next.append(Refusal(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text))

    with pytest.raises(ConnectionLostError, match=told):
        Connection(_target(service)).connect()


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("ws://127.0.0.1:{thief}/collect", "localhost sends us to 127.0.0.1 .HTTP 302., where we do not go"),
        ("/login", "sends us to another address"),
        ("http://[bad", "sends us to another address"),
        (f"https://{'long.' * 1000}com/", r"sends us to (long\.){40} "),
        ("https://red\x07alert.com/", "sends us to red alert.com "),
    ],
)
def test_a_redirect_is_named_and_not_followed(location: str, told: str) -> None:
    """The key would go to another host, past the proxy and perhaps without TLS."""
    with answering(b"HTTP/1.1 403 No\r\n\r\n") as thief:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {location.format(thief=thief.port)}\r\n\r\n"
        with answering(redirect.encode()) as service, pytest.raises(ConnectionLostError, match=told):
            Connection(Endpoint(f"ws://localhost:{service.port}/", {"Authorization": "Bearer k"})).connect()

    assert b"Bearer k" in service.asked[0]
    assert thief.asked == []


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(ConnectionLostError, match="cannot be reached"):
        Connection(Endpoint(f"ws://127.0.0.1:{port}/")).connect()


@pytest.mark.parametrize("url", ["ws:///path", "ws://host:99999/", "ws://host:x/"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingError):
        Connection(Endpoint(url)).connect()


# Proxies


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_through_a_socks_proxy(service: Service, scheme: str) -> None:
    with microsocks() as port:
        _exchange(service, _target(service, f"{scheme}://127.0.0.1:{port}"))


def test_through_a_socks_proxy_with_a_password(service: Service) -> None:
    with microsocks("-u", "us er", "-P", "p@ss") as port:
        _exchange(service, _target(service, f"socks5h://us%20er:p%40ss@127.0.0.1:{port}"))
        with pytest.raises(ConnectionLostError, match=f"proxy socks5h://127.0.0.1:{port}") as caught:
            Connection(_target(service, f"socks5h://eve:wrong@127.0.0.1:{port}")).connect()
    assert "wrong" not in str(caught.value)


def test_through_an_http_proxy(service: Service, tmp_path: Path) -> None:
    with tinyproxy(tmp_path) as port:
        _exchange(service, _target(service, f"http://127.0.0.1:{port}"))


def test_through_an_http_proxy_with_a_password(service: Service, tmp_path: Path) -> None:
    with tinyproxy(tmp_path, "BasicAuth user secret") as port:
        _exchange(service, _target(service, f"http://user:secret@127.0.0.1:{port}"))
        with pytest.raises(ConnectionLostError, match="proxy"):
            Connection(_target(service, f"http://127.0.0.1:{port}")).connect()


def test_tls_through_a_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Service(tls=True) as service, tinyproxy(tmp_path) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(service.certificate))
        _exchange(service, _target(service, f"http://127.0.0.1:{port}"))


def test_a_proxy_that_is_not_there_is_named(service: Service) -> None:
    with pytest.raises(ConnectionLostError, match="proxy socks5h://127.0.0.1:"):
        Connection(_target(service, f"socks5h://user:secret@127.0.0.1:{free_port()}")).connect()


def test_the_global_socket_module_is_left_alone(service: Service) -> None:
    before = socket.socket
    with microsocks() as port:
        _exchange(service, _target(service, f"socks5h://127.0.0.1:{port}"))

    assert socket.socket is before


# A peer that is there and does nothing


def test_a_peer_that_answers_no_ping_is_gone_within_10_s(service: Service) -> None:
    with _open(_target(service)) as (connection, messages, ends):
        connection.be_patient()
        service.send({"type": "of.the.future"}, raw=True)  # after it the reader is patient
        wait_until(lambda: len(messages) == 2)
        began = time.monotonic()
        with service.stall():
            wait_until(lambda: bool(ends), 10)
        assert "does not answer" in str(ends[0])
        assert time.monotonic() - began < 10


def test_a_peer_that_takes_nothing_is_gone_within_10_s(service: Service) -> None:
    with _open(_target(service)) as (connection, messages, _):
        connection.be_patient()
        service.send({"type": "of.the.future"}, raw=True)  # after it the reader is patient
        wait_until(lambda: len(messages) == 2)
        began = time.monotonic()
        long = encode(SessionUpdate({"type": "realtime", "instructions": "x" * 100_000}))

        def flood() -> None:
            while time.monotonic() < began + 10:
                connection.send(long)

        with service.stall(), pytest.raises(ConnectionLostError):
            flood()
        assert time.monotonic() - began < 10


def test_a_quiet_peer_that_answers_pings_is_not_gone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.connection.PING_SECONDS", 0.5)
    pings: list[float] = []
    ping = websocket.WebSocket.ping

    def count(connected: websocket.WebSocket) -> None:
        pings.append(time.monotonic())
        ping(connected)

    monkeypatch.setattr(websocket.WebSocket, "ping", count)
    with _open(_target(service)) as (connection, messages, ends):
        connection.be_patient()
        service.send({"type": "of.the.future"}, raw=True)  # after it the reader is patient
        wait_until(lambda: len(messages) == 2)
        wait_until(lambda: len(pings) > 2 or bool(ends))
        assert not ends


def test_a_peer_that_pings_and_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.connection.READY_TIMEOUT", 0.5)
    with pinging() as url, _open(Endpoint(url)) as (_, messages, ends):
        wait_until(lambda: bool(ends))

    assert messages == []
    assert str(ends[0]) == "the service does not answer"


def test_a_peer_that_got_ready_in_time_has_all_the_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.connection.READY_TIMEOUT", 0.5)
    with _open(_target(service)) as (connection, messages, ends):
        connection.be_patient()
        wait_until(lambda: bool(messages))
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            service.send({"type": "of.the.future"}, raw=True)
            threading.Event().wait(0.05)
        service.send({"type": "the.last"}, raw=True)
        wait_until(lambda: bool(ends) or "the.last" in str(messages[-1]))
        assert not ends


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "Connection timed out"),
        (b"HTTP/1.1 101 Switching Protocols\r\nX-Slow: ", "Connection timed out"),
        (b"HTTP/1.1 503 Down\r\nContent-Length: 1000000000\r\n\r\n", "Connection timed out"),
    ],
    ids=["nothing", "header", "body"],
)
def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, said: bytes, told: str
) -> None:
    monkeypatch.setattr("voice.connection.CONNECT_TIMEOUT", 0.5)
    with answering(said, more=b"a", pause=0.05) as peer:
        began = time.monotonic()
        with pytest.raises(ConnectionLostError, match=told):
            Connection(Endpoint(f"ws://127.0.0.1:{peer.port}/")).connect()
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 101 Switching Protocols\r\nX-Long: ", b"HTTP/1.1 503 Down\r\nContent-Length: 1000000000\r\n\r\n"],
    ids=["header", "body"],
)
def test_an_answer_without_end_is_not_read(said: bytes) -> None:
    with (
        answering(said, more=b"a" * 65536) as peer,
        pytest.raises(ConnectionLostError, match="more than 131,072 bytes"),
    ):
        Connection(Endpoint(f"ws://127.0.0.1:{peer.port}/")).connect()


def test_an_answer_that_makes_no_sense_is_told_in_short() -> None:
    nonsense = b"no \x1b[31mHTTP" + b"a" * (MAX_ANSWER // 2) + b"\r\n\r\n"
    with answering(nonsense) as peer, pytest.raises(ConnectionLostError) as caught:
        Connection(Endpoint(f"ws://127.0.0.1:{peer.port}/")).connect()

    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_a_message_without_end_is_not_read(service: Service) -> None:
    with _open(_target(service)) as (_, messages, ends):
        wait_until(lambda: bool(messages))
        with suppress(ConnectionClosed):
            service.connection().ws.send("x" * (MAX_MESSAGE + 1))
        wait_until(lambda: bool(ends))
    assert "16,777,216 bytes" in str(ends[0])


# The end


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (3000, "invalid_request_error.invalid_api_key", "OPENAI_API_KEY"),
        (4004, "invalid_request_error.model_not_found", "--model"),
        (4000, "invalid_request_error.of_the_future", "of_the_future"),
    ],
)
def test_a_close_for_good_is_a_refusal(service: Service, code: int, reason: str, words: str) -> None:
    with _open(_target(service)) as (_, _, ends):
        service.connection()
        service.close(code, reason)
    assert isinstance(ends[0], ServiceRefusedError)
    assert words in str(ends[0])


@pytest.mark.parametrize(("code", "reason", "words"), [(1001, "an hour", "1001: an hour"), (1000, "", "(1000)")])
def test_a_close_tells_code_and_reason(service: Service, code: int, reason: str, words: str) -> None:
    with _open(_target(service)) as (_, _, ends):
        service.connection()
        service.close(code, reason)
    assert words in str(ends[0])


def test_a_reset_is_a_lost_connection(service: Service) -> None:
    with _open(_target(service)) as (_, messages, ends):
        service.connection()
        wait_until(lambda: bool(messages))
        service.reset()
        wait_until(lambda: bool(ends))
    assert "broke" in str(ends[0])


def test_stopping_says_goodbye_and_wakes_the_reader(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.connection.STOP_TIMEOUT", 5)
    with _open(_target(service)) as (connection, _, _):
        server_side = service.connection()
        began = time.monotonic()
        connection.stop()
        assert time.monotonic() - began < 5, "it waited for an answer that was there"
        server_side.ws.recv_events_thread.join(2)
        assert server_side.ws.close_code == 1000


def test_stopping_after_a_reset_is_no_error(service: Service) -> None:
    """As while the devices are being opened: nobody has read yet."""
    connection = Connection(_target(service))
    connection.connect()
    service.connection()
    service.reset()
    connection.stop()
    with pytest.raises(ConnectionLostError):
        list(connection.messages())


def test_stopping_does_not_wait_for_a_mute_peer(service: Service) -> None:
    with _open(_target(service)) as (connection, _, _), service.stall():
        began = time.monotonic()
        connection.stop()
        assert time.monotonic() - began < PING_SECONDS


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_stopping_while_connecting_ends_it(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = Connection(Endpoint(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"))
        ends: list[Exception] = []

        def connect() -> None:
            try:
                connection.connect()
            except ConnectionLostError as error:
                ends.append(error)

        connecting = threading.Thread(target=connect)
        connecting.start()
        peer, _ = silent.accept()
        peer.recv(1)  # TLS or the upgrade has been asked for, and is never answered
        connection.stop()
        connecting.join(2)
        peer.close()

    assert not connecting.is_alive()
    assert len(ends) == 1
