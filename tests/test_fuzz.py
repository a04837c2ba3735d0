"""What no service should send, ten thousand times over, while an answer plays."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.caller import Client, numbers, wait_until
from tests.reply import Event, Reply
from tests.service import Service
from tests.speech import tone
from tests.strict import SERVER_EVENT_NAMES
from voice.refusals import REMEDIES
from voice.shown import Partial

MESSAGES = 10_000
PART = 500
"""Messages between two looks."""


def _events(random: random.Random) -> list[Event]:
    """One of each kind that the client acts on, as they should be; the ids are made up."""
    ids = [f"x{random.randrange(200)}" for _ in range(4)]
    reply = Reply(ids[0])
    answer = [*reply.created(), *reply.message(ids[1]), *reply.transcript("word " * 20), *reply.audio(bytes(960))]
    answer += [*reply.close(), *reply.call(ids[2], "get_weather", "{}", ids[3]), *reply.done()]
    about = {"item_id": ids[1], "content_index": 0}
    transcription = "conversation.item.input_audio_transcription"
    return [
        *answer,
        {"type": "session.created", "session": {"expires_at": random.choice([0, -1, float("inf"), 1e400, "soon"])}},
        {"type": "session.updated", "session": {}},
        {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": random.randrange(10**9), "item_id": ids[1]},
        {"type": "input_audio_buffer.committed", "item_id": ids[1], "previous_item_id": ids[2]},
        {"type": f"{transcription}.delta", **about, "delta": "word"},
        {"type": f"{transcription}.completed", **about, "transcript": "\x1b[2Jwords", "usage": {"seconds": "many"}},
        {"type": f"{transcription}.failed", **about, "error": {"message": None}},
        {"type": "error", "error": {"message": "try again in 1e9s " * random.randrange(50), "code": ids[0]}},
        {"type": random.choice(sorted(SERVER_EVENT_NAMES - {"input_audio_buffer.speech_started"}))},
    ]


def _value(random: random.Random, depth: int = 0) -> Any:
    """Anything that JSON can say."""
    if depth < 3 and random.random() < 0.3:
        values = [_value(random, depth + 1) for _ in range(random.randrange(4))]
        return values if random.random() < 0.5 else {f"k{index}": value for index, value in enumerate(values)}
    return random.choice([None, True, 0, -1, 10**30, 1.5, float("nan"), "", "x", "\ud800", "ü" * 1000, "1" * 5000])


def _spoil(event: Event, random: random.Random) -> Event:
    """Replace or leave out one of its values, at any depth."""
    spoilt: Event = json.loads(json.dumps(event))
    within: Any = spoilt
    while within:
        key = random.choice(list(within) if isinstance(within, dict) else range(len(within)))
        if isinstance(within[key], dict | list) and within[key] and random.random() < 0.7:
            within = within[key]
            continue
        if random.random() < 0.3:
            del within[key]
        else:
            within[key] = _value(random)
        break
    return spoilt


def _message(random: random.Random) -> str | bytes:
    event = random.choice(_events(random))
    whole = json.dumps(event)
    kinds: list[Callable[[], str | bytes]] = [
        lambda: whole,
        lambda: json.dumps(_spoil(event, random)),
        lambda: json.dumps(_spoil(_spoil(event, random), random)),
        lambda: whole[: random.randrange(len(whole))],
        lambda: random.randbytes(random.randrange(200)),
        lambda: whole.encode("utf-16"),
        lambda: "[" * random.randrange(100_000),
        lambda: json.dumps({"type": "x" * random.randrange(100_000)}),
        lambda: json.dumps(_value(random)),
        lambda: json.dumps(event | {"delta": "A" * random.randrange(100_000)}),
    ]
    weights = [4, 8, 4, 2, 1, 1, 0.1, 0.1, 1, 0.2]
    return random.choices(kinds, weights)[0]()


def _send(service: Service, seed: int, count: int) -> None:
    """Send so many, and wait until the client has taken them all."""
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    connection = service.connection()
    assert not REMEDIES.keys() & {f"x{number}" for number in range(200)}
    for _ in range(count):
        connection.ws.send(_message(chance))
    waiter = connection.ws.ping()
    assert waiter.wait(30)  # the pong comes after them


def test_ten_thousand_bad_messages_harm_neither_the_sound_nor_the_conversation(service: Service) -> None:
    sound = np.arange(24_000 * 30, dtype=np.int16).tobytes()
    with Client(service) as client:
        client.start()
        client.wait_for_state("listening")
        service.hear("Sing")
        reply = service.say(sound, "la la la", done=False)
        connection = service.connection()
        connection.send(reply.close())
        client.wait_for_buffer(30_000)
        played = 0
        grown = 0
        for part in range(MESSAGES // PART):
            if part == MESSAGES // PART // 2:
                client.shown.clear()
                gc.collect()
                tracemalloc.start()
            _send(service, part, PART)
            client.tick(50)
            played += 50
            client.shown.clear()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()

        assert bytes(client.played) == sound[: len(client.played)]
        assert len(client.played) == played * 480
        assert grown < 4_000_000
        assert not client.session.wait(0.01)
        assert len(service.connections) == 1
        _is_well(service, client)


def _is_well(service: Service, client: Client) -> None:
    """Talk as if nothing had been."""
    client.session.interrupt()
    _settle(service, client)
    service.hear("Well?")
    service.say(tone(440, 0.2), "Very well.")
    client.wait_for(lambda shown: isinstance(shown, Partial) and shown.text == "Very well.")
    wait_until(lambda: client.audio_buffer.waiting_ms > 0)
    client.played.clear()
    client.tick(100)
    assert client.audio_buffer.waiting_ms == 0
    assert any(client.played)


def _settle(service: Service, client: Client) -> None:
    """Answer what the client still waits for after all that, as a service would, until it waits for nothing.

    A request that nobody answers would make it take the answer to the next question for one that came too late.
    """
    rules = service.connection().rules
    rules.reply = None
    service.hear("Are you well?")
    service.say(tone(440, 0.1), "To that.")
    for _ in range(20):
        _exchange(service, client)
        if rules._requested:
            service.say(tone(440, 0.1), "And to that.")
        elif client.state == "listening":
            return
    raise AssertionError(client.state)


def _exchange(service: Service, client: Client) -> None:
    """Let what was heard be played, and each side take what the other has sent."""
    client.tick(20)
    wait_until(lambda: numbers(service.sound(0))[-1:] == [client.ticks])
    assert service.connection().ws.ping().wait(5)
