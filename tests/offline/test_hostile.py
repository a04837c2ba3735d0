"""What no friendly client does: each is refused or bounded, and the next client is served."""

from __future__ import annotations

import base64
import json
import socket
import sys
import tracemalloc
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from offline.server import MOST_CONNECTIONS, Server
from offline.wire import MAX_APPEND_BYTES, Append, RequestError, decode, decoded, parse
from tests.offline.client import DEADLINE, LOUD, MS, Client, Dial, Echo, text_item


def test_connections_are_counted_and_one_that_leaves_makes_room(server: Server, dial: Dial) -> None:
    clients = [dial() for _ in range(MOST_CONNECTIONS)]
    with pytest.raises(InvalidStatus) as refused:
        dial()

    assert refused.value.response.status_code == 503
    clients[0].socket.close()
    for thread, connection in list(server._connections.items()):
        if connection.close_code is not None:
            thread.join(DEADLINE)
    assert dial().session["object"] == "realtime.session"


@pytest.mark.parametrize(
    "frame",
    [
        "[" * 100_000,
        '{"type": "input_audio_buffer.clear", "event_id": ' + "9" * 10_000 + "}",
        '{"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"speed": NaN}}}}',
        '{"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"speed": 1e999}}}}',
        '{"type": "session.update", "session": ' + '{"a": ' * 500 + "1" + "}" * 501,
        '{"type": "' + "x" * 1_000_000 + '"}',
        '{"type": "conversation.item.create", "item": null}',
        '{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1'
        + "0" * 400
        + "}",
        "\u0000",
        "",
        b"\xff" * 1000,
    ],
    ids=["deep", "large number", "NaN", "infinity", "nested", "long type", "null", "far", "zero", "empty", "binary"],
)
def test_what_is_no_event_is_refused_and_the_session_goes_on(client: Client, frame: str | bytes) -> None:
    client.socket.send(frame)

    assert client.wait("error")["error"]["type"] == "invalid_request_error"
    assert client.update()["model"] == "any"


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "session.update", "session": {"type": "realtime", "tools": [' + "0," * 500_000 + "0]}}",
        json.dumps({"type": "response.cancel"} | dict.fromkeys(map(str, range(100_000)))),
        "[" + "[]," * 500_000 + "[]]",
    ],
    ids=["elements", "keys", "lists"],
)
def test_what_is_wrong_a_hundred_thousand_times_takes_no_memory(frame: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RequestError, match="commas and brackets"):
            parse(decode(frame))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_the_longest_sound_is_taken() -> None:
    audio = base64.b64encode(bytes(MAX_APPEND_BYTES)).decode()
    event = parse(decode(json.dumps({"type": "input_audio_buffer.append", "audio": audio})))

    assert isinstance(event, Append)
    assert len(decoded(event.audio, "audio")) == MAX_APPEND_BYTES


def test_half_a_character_is_survived(client: Client) -> None:
    client.socket.send(json.dumps({"type": "conversation.item.create", "item": text_item(id="half\ud800")}))
    client.receive()
    client.update()
    client.say("hello")

    assert client.answer()["status"] == "completed"


def test_large_items_push_out_the_oldest(client: Client, brain: Echo) -> None:
    for number in range(8):
        content = [{"type": "input_text", "text": str(number) * 1_000_000}]
        client.send("conversation.item.create", item=text_item(id=f"item_{number}", content=content))
        client.wait("conversation.item.done")
    client.say("hello")
    client.answer(output_modalities=["text"])

    assert brain.turns[0].items[0]["id"] == "item_5"
    assert sum(len(json.dumps(item)) for item in brain.turns[0].items) <= 4_000_000


def test_a_flood_of_sound_is_refused_and_others_are_served(dial: Dial) -> None:
    flood, other = dial(), dial()
    flood.update(audio={"input": {"turn_detection": None}})
    minute = bytes(60_000 * MS)
    for _ in range(12):
        flood.append(minute)
    other.say("hello")

    assert other.answer()["status"] == "completed"
    codes = [flood.wait("error")["error"]["code"] for _ in range(2)]
    assert codes == ["input_audio_buffer_full"] * 2
    assert flood.refused("input_audio_buffer.append", audio="AAAA")["code"] == "input_audio_buffer_full"


def test_a_flood_of_turns_is_bounded(client: Client) -> None:
    client.update(audio={"input": {"turn_detection": None}})
    for _ in range(600):
        client.append(LOUD[: 100 * MS])
        client.send("input_audio_buffer.commit")
        done = client.wait("conversation.item.done")

    assert client.refused("conversation.item.retrieve", item_id="item_gone")["code"] == "item_retrieve_invalid_item_id"
    assert client.ask("conversation.item.retrieve", item_id=done["item"]["id"])["item"]["id"] == done["item"]["id"]


def test_a_client_that_reads_nothing_holds_up_itself_alone(server: Server, dial: Dial) -> None:
    with connect(f"{server.url}?model=any", compression=None, max_queue=1) as deaf:
        deaf.socket.settimeout(DEADLINE)
        Client(deaf)
        content = [{"type": "input_text", "text": "x" * 3_000_000}]
        deaf.send(json.dumps({"type": "conversation.item.create", "item": text_item(id="long", content=content)}))
        for _ in range(10):
            deaf.send(json.dumps({"type": "conversation.item.retrieve", "item_id": "long"}))
        other = dial()
        other.say("hello")

        assert other.answer()["status"] == "completed"
        with suppress(OSError):  # the server may have given it up by now
            deaf.socket.shutdown(socket.SHUT_RDWR)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_only_its_own_address_is_listened_to(server: Server) -> None:
    port = urlsplit(server.url).port or 0

    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.2", port), timeout=DEADLINE):
        pass
