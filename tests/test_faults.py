"""The faults of docs/faults.md against a service on loopback, and how long it takes until one can talk again.

Every test states what the user sees, and that no word is lost: each block of the microphone holds its number. With
``-s`` the measured times are printed.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.caller import DOWN, Client, numbers, wait_until
from tests.proxies import free_port, microsocks, tinyproxy
from tests.service import Service
from tests.speech import tone
from tests.wire import BAD_KEY, BAD_MODEL, Refusal
from voice.config import Config
from voice.connection import MAX_MESSAGE
from voice.conversation import Conversation
from voice.errors import AssistantError, ServiceRefusedError
from voice.shown import Notice, Turn

NOTICED = 10.0
"""s until the most silent loss is noticed."""


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service) as client:
        client.start()
        client.wait_for_state("listening")
        yield client


def _speak(client: Client, blocks: int = 20) -> None:
    client.tick(blocks)
    wait_until(client.mic_queue.empty)


def _heard(service: Service) -> set[int]:
    return {number for c in list(service.connections) for number in numbers(service.sound(c.number))}


def _nothing_lost(client: Client, service: Service) -> None:
    """Speak once more, and see that every block has been heard by some connection."""
    client.tick(20 + client.ticks % 2)
    wait_until(lambda: _heard(service) == set(range(1, client.ticks + 1)))


def _talks_again(client: Client, began: float, what: str, losses: int = 1) -> None:
    """Wait until the client says so, and print how long it took since `began`."""
    wait_until(lambda: client.notices.count("connected again") == losses, 15)
    print(f"{what}: {time.monotonic() - began:.2f} s")  # noqa: T201 - the figures of docs/faults.md


def _oversized(service: Service) -> None:
    with suppress(ConnectionClosed):
        service.connection().ws.send("x" * (MAX_MESSAGE + 1))


LOSSES: dict[str, Callable[[Service], None]] = {
    "reset": Service.reset,
    "gone without a close": Service.vanish,
    "close 1000": lambda service: service.close(1000),
    "close 1001": lambda service: service.close(1001, "going away"),
    "close 1008": lambda service: service.close(1008, "policy"),
    "close 1011": lambda service: service.close(1011, "keepalive ping timeout"),
    "close 1012": lambda service: service.close(1012, "restart"),
    "close 1013": lambda service: service.close(1013, "try again later"),
    "60 minutes": Service.expire,
    "a message without end": _oversized,
}


@pytest.mark.parametrize("fault", LOSSES)
def test_a_connection_that_is_lost(service: Service, client: Client, fault: str) -> None:
    """The user reads why, and "connected again"."""
    _speak(client)
    began = time.monotonic()
    LOSSES[fault](service)
    _talks_again(client, began, fault)
    _nothing_lost(client, service)

    assert len(client.notices) == 2
    assert client.notices[0].endswith(": connecting again")
    assert client.state == "listening"


@pytest.mark.parametrize("fault", ["a stalled peer", "a stalled peer while nobody speaks"])
def test_a_peer_that_is_silent(service: Service, client: Client, fault: str) -> None:
    _speak(client)
    began = time.monotonic()
    with service.stall():
        if fault == "a stalled peer":
            client.tick(20)
        client.wait_for_state("reconnecting", NOTICED)
    _talks_again(client, began, fault)
    _nothing_lost(client, service)

    assert "does not answer" in client.notices[0]


def test_a_peer_that_hangs_for_3_s(service: Service, client: Client) -> None:
    _speak(client)
    with service.stall():
        client.tick(20)
        with pytest.raises(AssertionError):
            client.wait_for_state("reconnecting", 3)
    _nothing_lost(client, service)

    assert client.notices == []
    assert len(service.connections) == 1


def test_a_service_that_is_down_for_a_while(service: Service, client: Client) -> None:
    service.refuse_next += [DOWN] * 4
    began = time.monotonic()
    service.reset()
    client.wait_for_state("reconnecting")
    client.tick(20)
    _talks_again(client, began, "HTTP 503 four times")
    _nothing_lost(client, service)


def test_no_name_service_for_a_while(service: Service, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    failures = itertools.count()

    def fail(*args: Any, **options: Any) -> Any:
        if next(failures) < 3:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    began = time.monotonic()
    service.reset()
    client.wait_for_state("reconnecting")
    client.tick(20)
    _talks_again(client, began, "no DNS three times")
    _nothing_lost(client, service)


def test_a_connection_that_is_lost_three_times_in_a_row(service: Service, client: Client) -> None:
    began = time.monotonic()
    for losses in range(1, 4):
        service.reset()
        _talks_again(client, began, f"lost {losses} times in a row", losses)
        _speak(client)
    _nothing_lost(client, service)


def test_a_loss_while_an_answer_plays(service: Service, client: Client) -> None:
    service.hear("Count")
    service.say(tone(440, 2), "one two three four five six seven eight nine ten", done=False)
    client.wait_for_buffer(2000)
    client.tick(50)
    began = time.monotonic()
    service.reset()
    _talks_again(client, began, "while an answer plays")
    service.wait_for("response.create")
    client.tick(160)  # what had come of it plays to its end
    cut = client.wait_for(lambda shown: isinstance(shown, Turn) and shown.interrupted)
    assert isinstance(cut, Turn)
    assert cut.text.startswith("one two three")


def test_a_loss_while_the_user_speaks(service: Service, client: Client) -> None:
    _speak(client, 50)
    service.speech_started(audio_start_ms=200)
    client.wait_for_state("hearing you")
    began = time.monotonic()
    service.reset()
    _talks_again(client, began, "while the user speaks")
    client.tick(20)
    wait_until(lambda: numbers(service.sound(1))[-1:] == [70])

    assert numbers(service.sound(1)) == list(range(1, 71))


def test_a_loss_while_somebody_may_speak(service: Service) -> None:
    with Client(service) as client:
        client.start(Conversation(confirms=True))
        client.wait_for_state("listening")
        service.hear("Count")
        service.say(tone(440, 2), "one two three", done=False)
        client.wait_for_buffer(2000)
        client.session.uplink.judge = _Undecided()
        service.speech_started(audio_start_ms=0)
        client.wait_for_state("hearing you")
        began = time.monotonic()
        service.reset()
        _talks_again(client, began, "while somebody may speak")
        service.wait_for("response.create")
        service.say(tone(440, 0.2), "four")
        client.wait_for_buffer(2200)
        client.tick(230)
        client.wait_for_state("listening")

        assert any(client.played)  # the answer plays on
        assert client.turns[-1] == Turn("assistant", "four")


class _Undecided:
    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass

    def hear(self, block: bytes) -> bool | None:
        return None


def test_a_loss_after_an_interruption(service: Service, client: Client) -> None:
    service.hear("Count")
    service.say(tone(440, 2), "one two three four", done=False)
    client.wait_for_buffer(2000)
    client.tick(100)
    client.session.interrupt()
    service.wait_for("response.cancel")
    began = time.monotonic()
    service.reset()
    _talks_again(client, began, "after an interruption")
    _nothing_lost(client, service)

    assert client.turns[-1] == Turn("assistant", "one two", interrupted=True)
    assert not service.events("response.create")


def test_a_loss_with_two_items_waiting_to_be_heard(service: Service, client: Client) -> None:
    service.hear("Count")
    reply = service.say(tone(440, 0.5), "one two", done=False)
    connection = service.connection()
    connection.send([*reply.close(), *reply.message("second", connection.rules.last_item())])
    connection.send([*reply.transcript("three four"), *reply.audio(tone(440, 0.5))])
    client.wait_for_buffer(1000)
    began = time.monotonic()
    service.reset()
    _talks_again(client, began, "with two items waiting")
    client.tick(110)
    client.wait_for(lambda shown: isinstance(shown, Turn) and shown.text.startswith("three"))

    assert client.turns[-2] == Turn("assistant", "one two")
    assert isinstance(client.turns[-1], Turn)
    assert client.turns[-1].interrupted


def test_a_failed_answer(service: Service, client: Client) -> None:
    client.session.say("hello")
    service.wait_for("response.create")
    began = time.monotonic()
    service.fail("rate_limit_exceeded", "Rate limit reached. Please try again in 1.5s.")
    service.wait_for("response.create")
    took = time.monotonic() - began
    print(f"a failed answer that names 1.5 s: {took:.2f} s")  # noqa: T201 - the figures of docs/faults.md
    service.fail("server_error", "still broken")
    client.wait_for(lambda shown: isinstance(shown, Notice) and "still broken" in shown.text)
    client.wait_for_state("listening")

    assert 1.5 <= took < 2.5
    assert len(service.events("response.create")) == 2


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (BAD_KEY, "OPENAI_API_KEY"),
        (BAD_MODEL, "--model"),
        (Refusal(code="model_not_found", close_code=4004), "--model"),
        (Refusal(code="insufficient_quota"), "credit"),
        (Refusal(code="account_deactivated"), "account"),
        (Refusal(code="beta_api_shape_disabled"), "--dialect"),
        (Refusal(code="invalid_api_key", close_code=3000, said=False), "OPENAI_API_KEY"),
        (Refusal(code="of_the_future", close_code=4000, said=False), "of_the_future"),
    ],
    ids=["key", "model", "4004", "quota", "closed account", "beta", "close alone", "unknown"],
)
@pytest.mark.parametrize("when", ["at the start", "after a loss"])
def test_a_refusal_is_not_tried_again(service: Service, refusal: Refusal, words: str, when: str) -> None:
    with Client(service) as client:
        if when == "at the start":
            service.refuse_next.append(refusal)
            client.start()
        else:
            client.start()
            client.wait_for_state("listening")
            service.refuse_next.append(refusal)
            service.reset()
        with pytest.raises(ServiceRefusedError, match=words):
            client.session.wait(5)

    assert len(service.requests) == (1 if when == "at the start" else 2)


def test_benign_errors_are_not_shown(service: Service, client: Client) -> None:
    codes = ["response_cancel_not_active", "input_audio_buffer_commit_empty", "item_truncate_invalid_item_id"]
    errors = [{"type": "invalid_request_error", "code": code, "message": "m"} for code in codes]
    errors.append({"type": "x", "code": "conversation_already_has_active_response", "message": "m", "event_id": "x"})
    errors.append({"type": "x", "code": "invalid_value", "message": "Audio content of 2ms is already shorter than 3ms"})
    for error in errors:
        service.send({"type": "error", "error": error}, raw=True)
    service.hear("hello")
    client.wait_for(lambda shown: shown == Turn("you", "hello"))

    assert client.notices == []


@pytest.mark.parametrize("kind", ["socks", "socks with password", "http", "http with password"])
def test_a_proxy_that_is_restarted(
    service: Service, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setattr("tests.proxies.free_port", lambda: port)  # it comes back where it was

    def proxy() -> Any:
        secret = "password" in kind
        if kind.startswith("socks"):
            return microsocks(*(("-u", "user", "-P", "secret") if secret else ()))
        return tinyproxy(tmp_path, *(("BasicAuth user secret",) if secret else ()))

    scheme = "socks5h" if kind.startswith("socks") else "http"
    account = "user:secret@" if "password" in kind else ""
    config = Config(ws_url=service.url, proxy_url=f"{scheme}://{account}127.0.0.1:{port}")
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        first.enter_context(proxy())
        client = stack.enter_context(Client(service, config=config))
        client.start()
        client.wait_for_state("listening")
        _speak(client)
        first.close()
        began = time.monotonic()
        client.wait_for_state("reconnecting")
        client.tick(20)
        stack.enter_context(proxy())
        _talks_again(client, began, f"a restarted proxy: {kind}")
        _nothing_lost(client, service)

    assert not [text for text in client.notices if "secret" in text]


def test_a_proxy_that_does_not_come_back_is_named(service: Service) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        port = first.enter_context(microsocks())
        config = Config(ws_url=service.url, proxy_url=f"socks5h://user:secret@127.0.0.1:{port}")
        client = stack.enter_context(Client(service, config=config, retry_seconds=0.5))
        client.start()
        client.wait_for_state("listening")
        first.close()
        with pytest.raises(AssistantError, match=f"proxy socks5h://127.0.0.1:{port}") as caught:
            client.session.wait(15)
    assert "secret" not in str(caught.value)
