"""The conversation over more than one connection: lost, made again, rolled over; against a service on loopback.

Every block of the microphone holds its number, so what a service heard can be compared with what was spoken.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from tests.caller import DOWN, Client, numbers, wait_until
from tests.reply import Event
from tests.service import Service
from tests.speech import tone
from tests.wire import Refusal, pinging
from voice import connection, line, uplink
from voice.connection import Connection
from voice.conversation import Conversation
from voice.endpoint import Endpoint
from voice.errors import ConnectionLostError
from voice.shown import Notice, StateChanged, ToolUse, Turn


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service) as client:
        client.start()
        client.wait_for_state("listening")
        yield client


def _talk_on(client: Client, service: Service, blocks: int = 20) -> None:
    """Speak, and wait until the newest connection has heard all of it."""
    client.tick(blocks)
    last = client.ticks - client.ticks % 2  # 20 ms a message
    number = len(service.connections) - 1
    wait_until(lambda: numbers(service.sound(number))[-1:] >= [last])


def _ticked(client: Client) -> bool:
    client.tick(2)
    return True


def _restored(service: Service, number: int, least: int = 0) -> list[Event]:
    """The items that a connection was given, once there are so many."""

    def items() -> list[Event]:
        events = [got.event for got in service.received if got.connection == number]
        return [event["item"] for event in events if event["type"] == "conversation.item.create"]

    wait_until(lambda: len(items()) >= least)
    return items()


def _texts(items: list[Event]) -> list[str]:
    return [f"{item['role']}: {item['content'][0]['text']}" for item in items if item["type"] == "message"]


def _wait_for_connection(client: Client, number: int) -> None:
    """Wait until the client has noticed and mended so many losses."""
    wait_until(lambda: client.notices.count("connected again") == number)


# What the next session is told


def test_the_conversation_is_restored(service: Service, client: Client) -> None:
    service.hear("What is the weather?")
    service.call_function("get_weather", '{"city": "Rome"}', f"call_{27 * 'x'}")
    service.wait_for("response.create")
    service.say(tone(440, 0.2), "It is sunny.")
    client.wait_for_buffer(200)
    client.tick(30)
    client.wait_for(lambda shown: shown == Turn("assistant", "It is sunny."))
    service.reset()
    _wait_for_connection(client, 1)

    user, call, output, answer = _restored(service, 1, 4)
    kinds = [got.event["type"] for got in service.received if got.connection == 1]
    assert kinds[0] == "session.update"
    assert user["content"] == [{"type": "input_text", "text": "What is the weather?"}]
    assert (call["name"], call["arguments"]) == ("get_weather", '{"city": "Rome"}')
    assert (output["output"], output["call_id"]) == ("done", call["call_id"])
    assert answer["content"] == [{"type": "output_text", "text": "It is sunny."}]
    assert service.refusals == []
    assert "response.create" not in kinds


def test_an_answer_that_is_cut_by_the_loss_is_marked_and_taken_up_again(service: Service, client: Client) -> None:
    service.hear("Count")
    service.say(tone(440, 2), "one two three four five six seven eight nine ten", done=False)
    client.wait_for_buffer(2000)
    client.tick(50)
    service.reset()
    service.connection(1)
    service.wait_for("response.create")
    service.say(tone(440, 0.5), "eleven twelve")
    client.wait_for_buffer(2000)
    client.tick(220)
    client.wait_for(lambda shown: shown == Turn("assistant", "eleven twelve"))

    *_, cut, last = client.turns
    assert isinstance(cut, Turn)
    assert cut.interrupted  # and all that had come of it was played
    assert cut.text.startswith("one two three four five")
    assert last == Turn("assistant", "eleven twelve")
    told = _texts(_restored(service, 1, 3))
    assert told[0] == "user: Count"
    assert told[1].endswith("…")
    assert "Go on from where" in told[2]


def test_an_answer_that_had_come_whole_is_not_asked_for_again(service: Service, client: Client) -> None:
    service.hear("Count")
    reply = service.say(tone(440, 1), "one two three", done=False)
    service.connection().send(reply.close())  # the item has ended, its response has not
    client.wait_for_buffer(1000)
    service.reset()
    service.connection(1)
    _wait_for_connection(client, 1)
    client.tick(110)
    client.wait_for(lambda shown: shown == Turn("assistant", "one two three"))
    client.wait_for_state("listening")

    assert not service.events("response.create")


def test_an_answer_that_is_interrupted_after_the_loss_is_known_as_far_as_it_was_heard(
    service: Service, client: Client
) -> None:
    service.hear("Count")
    service.say(tone(440, 1), "one two three four")
    client.wait_for_buffer(1000)
    client.tick(50)
    service.reset()
    _wait_for_connection(client, 1)
    assert _texts(_restored(service, 1, 2)) == ["user: Count", "assistant: one two three four"]
    client.session.say("Stop")
    service.wait_for("response.create")

    events = [got.event for got in service.received if got.connection == 1]
    whole, heard = [e["item"] for e in events if "assistant" in str(e.get("item"))]
    assert heard["content"][0]["text"] == "one two …"
    assert [e["item_id"] for e in events if e["type"] == "conversation.item.delete"] == [whole["id"]]
    assert [e["previous_item_id"] for e in events if "previous_item_id" in e] == [whole["id"]]
    assert [item["content"][0]["text"] for item in service.connection().rules.items.values()] == [
        "Count",
        "one two …",
        "Stop",
    ]
    assert not service.refusals


def test_an_item_that_was_never_heard_is_forgotten_after_a_loss(service: Service, client: Client) -> None:
    service.hear("Count")
    for text in ("one two", "three four"):
        reply = service.say(tone(440, 0.5), text, done=False)
        service.finish(reply)
    client.wait_for_buffer(1000)
    client.tick(25)
    service.reset()
    _wait_for_connection(client, 1)
    service.reset()
    _wait_for_connection(client, 2)  # and once more: only what this one knows counts
    client.session.say("Stop")
    service.wait_for("response.create")

    items = service.connection().rules.items.values()
    assert [item["content"][0]["text"] for item in items] == ["Count", "one …", "Stop"]
    assert not service.refusals


def test_an_output_of_a_function_that_was_called_before_the_loss_is_told_as_text(service: Service) -> None:
    go_on = threading.Event()
    with Client(service, lambda _n, _a: str(go_on.wait(10))) as client:
        client.start()
        service.wait_for("session.update")
        service.hear("Do it")
        service.call_function("slow", "{}", "call_1")
        service.reset()
        service.connection(1)
        _wait_for_connection(client, 1)
        go_on.set()
        service.wait_for("response.create")

        assert "system: slow({}), called before the connection was lost, gave: True" in _texts(_restored(service, 1))
        assert service.refusals == []
        assert client.session.history[-1] == ToolUse("slow", "{}", "True")


def test_an_output_that_comes_while_there_is_no_connection_is_restored_as_a_pair(service: Service) -> None:
    go_on = threading.Event()
    with Client(service, lambda _n, _a: str(go_on.wait(10))) as client:
        client.start()
        service.wait_for("session.update")
        service.hear("Do it")
        service.call_function("slow", "{}", "call_1")
        service.refuse_next += [DOWN] * 2
        service.reset()
        client.wait_for_state("reconnecting")
        go_on.set()
        service.connection(1)
        service.wait_for("response.create")

        assert [item["type"] for item in _restored(service, 1)][1:] == ["function_call", "function_call_output"]


def test_what_is_typed_while_there_is_no_connection_is_answered_by_the_next(service: Service, client: Client) -> None:
    service.refuse_next += [DOWN] * 2
    service.reset()
    client.wait_for_state("reconnecting")
    client.session.say("hello")
    assert client.turns[-1] == Turn("you", "hello")
    service.connection(1)
    service.wait_for("response.create")

    assert _texts(_restored(service, 1)) == ["user: hello"]


def test_an_unanswered_message_is_answered_by_the_next(service: Service, client: Client) -> None:
    client.session.say("hello")
    service.wait_for("response.create")
    service.reset()
    service.connection(1)
    service.wait_for("response.create")

    assert _texts(_restored(service, 1)) == ["user: hello"]


def test_what_was_interrupted_is_not_taken_up_again(service: Service, client: Client) -> None:
    service.hear("Count")
    service.say(tone(440, 2), "one two three four", done=False)
    client.wait_for_buffer(2000)
    service.refuse_next += [DOWN]
    service.reset()
    client.wait_for_state("reconnecting")
    client.tick(50)
    client.session.interrupt()
    _wait_for_connection(client, 1)

    assert not service.events("response.create")
    assert client.turns[-1] == Turn("assistant", "one", interrupted=True)
    assert not any("Go on" in text for text in _texts(_restored(service, 1)))


# What the user says


def test_what_is_said_while_there_is_no_connection_is_sent_once_there_is(service: Service, client: Client) -> None:
    _talk_on(client, service)
    service.refuse_next += [DOWN] * 2
    service.reset()
    client.wait_for_state("reconnecting")
    client.tick(100)
    service.connection(1)
    _talk_on(client, service)

    heard = numbers(service.sound(1))
    assert heard == list(range(heard[0], heard[-1] + 1))
    assert heard[0] <= 21
    assert heard[-1] >= 139


def test_no_more_than_30_s_are_kept_and_they_are_the_newest(service: Service, client: Client) -> None:
    service.refuse_next += [DOWN] * 2
    service.reset()
    client.wait_for_state("reconnecting")
    client.tick(4000)
    service.connection(1)
    wait_until(lambda: numbers(service.sound(1))[-1:] == [4000])

    assert numbers(service.sound(1)) == list(range(1001, 4001))
    longest = max(len(event["audio"]) for event in service.events("input_audio_buffer.append"))
    assert longest <= uplink.MAX_BLOCKS_PER_MESSAGE * 480 * 4 / 3


def test_what_the_service_had_not_written_down_is_said_again(service: Service, client: Client) -> None:
    _talk_on(client, service, 100)
    service.hear("hello", start_ms=100, end_ms=500)
    client.wait_for(lambda shown: shown == Turn("you", "hello"))
    service.say(tone(440, 0.1), "hi")
    client.wait_for_buffer(100)
    client.tick(20)
    client.wait_for(lambda shown: shown == Turn("assistant", "hi"))
    item = service.speech_started(audio_start_ms=700)
    service.speech_stopped(item, 900)
    service.committed(item)
    service.settle()
    service.reset()
    service.connection(1)
    wait_until(lambda: numbers(service.sound(1))[-1:] >= [120])

    heard = numbers(service.sound(1))
    assert heard == list(range(71, heard[-1] + 1))  # from 700 ms on
    assert _texts(_restored(service, 1)) == ["user: hello", "assistant: hi"]
    assert not service.events("response.create")  # the service will answer what it hears
    service.hear("again", start_ms=200, end_ms=400)
    service.say(tone(440, 0.1), "sure")
    client.wait_for_buffer(100)
    client.tick(20)
    client.wait_for_state("listening")
    assert client.turns[-2:] == [Turn("you", "again"), Turn("assistant", "sure")]


def test_what_was_answered_is_not_said_again_though_it_was_not_written_down(service: Service, client: Client) -> None:
    _talk_on(client, service, 100)
    item = service.speech_started(audio_start_ms=100)
    service.speech_stopped(item, 900)
    service.committed(item)
    service.say(tone(440, 0.1), "sure")
    client.wait_for_buffer(100)
    client.tick(20)
    service.settle()
    service.reset()
    service.connection(1)
    wait_until(lambda: numbers(service.sound(1))[-1:] >= [120])

    assert numbers(service.sound(1))[0] == 91
    assert client.turns == [Turn("you", "(could not be written down)"), Turn("assistant", "sure")]


def test_speech_from_the_gap_is_believed_though_an_answer_plays(service: Service) -> None:
    with Client(service) as client:
        client.start(Conversation(confirms=True))
        client.session.uplink.judge = _Deaf()
        client.wait_for_state("listening")
        service.hear("Count")
        service.say(tone(440, 5), "one two three four", done=False)
        client.wait_for_buffer(5000)
        service.refuse_next += [DOWN]
        service.reset()
        client.wait_for_state("reconnecting")
        client.tick(100)  # the user says something
        service.connection(1)
        service.wait_for("response.create")
        service.hear("Stop", start_ms=100, end_ms=500)
        client.wait_for(lambda shown: shown == Turn("you", "Stop"))

        cut = client.turns[-2]
        assert isinstance(cut, Turn)
        assert cut.interrupted
        assert client.audio_buffer.waiting_ms == 0


class _Deaf:
    """A judge that never hears anybody."""

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass

    def hear(self, block: bytes) -> bool | None:
        return False


# By hand


@pytest.fixture
def by_hand(service: Service) -> Iterator[Client]:
    with Client(service) as client:
        client.start(Conversation(by_hand=True))
        client.wait_for_state("listening")
        yield client


def test_a_turn_by_hand_goes_on_over_a_loss(service: Service, by_hand: Client) -> None:
    by_hand.tick(10)  # not heard
    by_hand.session.talk()
    _talk_on(by_hand, service)
    service.reset()
    service.connection(1)
    _talk_on(by_hand, service)
    by_hand.session.end_talk()
    service.wait_for("input_audio_buffer.commit")

    assert numbers(service.sound(1)) == list(range(11, 51))


def test_a_turn_that_ends_while_there_is_no_connection_is_committed_by_the_next(
    service: Service, by_hand: Client
) -> None:
    by_hand.session.talk()
    by_hand.tick(20)
    service.refuse_next += [DOWN] * 2
    service.reset()
    by_hand.wait_for_state("reconnecting")
    by_hand.tick(20)
    by_hand.session.end_talk()
    by_hand.tick(10)  # not heard
    service.connection(1)
    service.wait_for("input_audio_buffer.commit")
    service.wait_for("response.create")

    assert numbers(service.sound(1)) == list(range(1, 41))


def test_two_turns_while_there_is_no_connection_are_both_heard(service: Service, by_hand: Client) -> None:
    service.refuse_next += [DOWN] * 2
    service.reset()
    by_hand.wait_for_state("reconnecting")
    for _ in range(2):
        by_hand.session.talk()
        by_hand.tick(20)
        by_hand.session.end_talk()
        by_hand.tick(10)
    service.connection(1)
    service.wait_for("input_audio_buffer.commit")
    service.wait_for("response.create")

    assert numbers(service.sound(1)) == [*range(1, 21), *range(31, 51)]


def test_a_commit_that_is_not_acknowledged_is_made_again(service: Service, by_hand: Client) -> None:
    by_hand.session.talk()
    by_hand.tick(20)
    wait_until(lambda: len(numbers(service.sound(0))) == 20)
    with service.stall():
        by_hand.session.end_talk()
        wait_until(by_hand.mic_queue.empty)
        service.connection().ws.socket.shutdown(2)
    service.connection(1)
    service.wait_for("input_audio_buffer.commit", where=lambda _: len(numbers(service.sound(1))) == 20)
    service.wait_for("response.create")

    assert numbers(service.sound(1)) == list(range(1, 21))


def test_a_turn_that_was_committed_and_not_understood_is_said_again(service: Service, by_hand: Client) -> None:
    by_hand.session.talk()
    by_hand.tick(20)
    by_hand.session.end_talk()
    service.wait_for("response.create")
    service.reset()
    service.connection(1)
    service.wait_for("response.create")

    assert numbers(service.sound(1)) == list(range(1, 21))
    assert len(service.events("input_audio_buffer.commit")) == 2


# How it is tried again


def test_a_connection_that_does_not_last_is_tried_again_with_pauses(service: Service, client: Client) -> None:
    for number in range(1, 4):
        service.reset()
        service.connection(number)
        _wait_for_connection(client, number)
    _talk_on(client, service)

    assert client.session.losses == 3


def test_a_connection_that_is_lost_before_it_is_ready_is_not_the_end(service: Service, client: Client) -> None:
    client.tick(10)
    with service.connection(0).lock:
        service.reset()
    wait_until(lambda: len(service.connections) > 1)
    service.reset()  # the second, whether ready or not
    service.connection(2)
    _talk_on(client, service)


def test_patience_has_an_end(service: Service) -> None:
    with Client(service, retry_seconds=0.3) as client:
        client.start()
        client.wait_for_state("listening")
        service.refuse_next += [DOWN] * 50
        service.reset()

        with pytest.raises(ConnectionLostError, match="503"):
            client.session.wait(10)


def test_a_peer_that_never_gets_ready_does_not_hold_it_up_for_ever(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READY_TIMEOUT", 0.2)
    client.session._line._retry_seconds = 0.1
    with pinging() as url:
        client.session._line._connect = partial(Connection, Endpoint(url))
        service.reset()

        with pytest.raises(ConnectionLostError, match="does not answer"):
            client.session.wait(10)


def test_an_outage_at_the_start_ends_it_at_once(service: Service) -> None:
    service.refuse_next += [DOWN]
    with Client(service) as client:
        client.start()
        with pytest.raises(ConnectionLostError, match="503"):
            client.session.wait(5)


# Asleep


def _asleep_from_the_start(client: Client) -> None:
    client.session.start(client._connect, client._tools, asleep=True)
    client.begin()
    client.wait_for_state("asleep")


def test_an_outage_on_the_first_waking_is_waited_for(service: Service) -> None:
    service.refuse_next += [DOWN] * 2
    with Client(service) as client:
        _asleep_from_the_start(client)
        client.session.wake()
        client.wait_for_state("listening")

        assert not client.session.wait(0)
        assert client.notices == []


@pytest.mark.parametrize("when", ["connecting", "waiting for quiet"])
def test_who_falls_asleep_is_not_woken_by_a_successor(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    go_on, arrived = threading.Event(), threading.Event()
    dial = Connection._dial

    def slow(*arguments: Any) -> Any:
        arrived.set()
        assert go_on.wait(5)
        return dial(*arguments)

    if when == "connecting":
        monkeypatch.setattr(Connection, "_dial", slow)
        _roll_over(client)
        assert arrived.wait(5)
    else:
        go_on.set()
        monkeypatch.setattr(client.session, "is_quiet", lambda: False)
        _roll_over(client)
        service.connection(1)
    successor = next(t for t in client.session._line._threads if t is not client.session._line._keeper)
    client.session.sleep()
    go_on.set()
    successor.join(5)

    assert not successor.is_alive()
    assert client.state == "asleep"
    assert client.notices == []
    assert not [got for got in service.received if got.connection == 1]
    client.session.wake()
    client.wait_for_state("listening")


# Rolling over


def _roll_over(client: Client) -> None:
    client.session._line._make_successor()  # what its timer calls


def test_a_successor_is_made_filled_and_ready_before_the_old_one_is_closed(service: Service, client: Client) -> None:
    service.hear("hello")
    client.wait_for(lambda shown: shown == Turn("you", "hello"))
    service.say(tone(440, 0.1), "hi")
    client.wait_for_buffer(100)
    client.tick(20)
    client.wait_for_state("listening")
    client.shown.clear()
    first = service.connection(0)
    _roll_over(client)
    service.wait_for("session.update", where=lambda _: len(service.connections) == 2)
    first.ws.recv_events_thread.join(5)
    _talk_on(client, service)

    assert first.ws.close_code == 1000
    assert _texts(_restored(service, 1)) == ["user: hello", "assistant: hi"]
    assert client.shown == []  # the user notices nothing
    assert client.session.losses == 0


@pytest.mark.parametrize("busy", ["answering", "unwritten", "thinking"])
def test_a_successor_waits_for_a_quiet_moment(service: Service, client: Client, busy: str) -> None:
    item = service.speech_started()
    service.speech_stopped(item)
    service.committed(item)
    if busy != "unwritten":
        service.user_transcript(item, "hello")
    if busy == "answering":
        service.say(tone(440, 1), "hi")
        client.wait_for_buffer(1000)
    else:
        client.wait_for_state("thinking")
    if busy == "unwritten":
        service.say(tone(440, 0.1), "hi")
        client.wait_for_buffer(100)
        client.tick(20)
        client.wait_for_state("listening")
    _roll_over(client)
    second = service.connection(1)
    _talk_on_first(client, service)
    assert not [got for got in service.received if got.connection == 1]

    first = service.connection(0)
    if busy == "unwritten":
        about = {"item_id": item, "content_index": 0, "transcript": "hello"}
        usage = {"usage": {"type": "duration", "seconds": 1.0}}
        first.send([{"type": "conversation.item.input_audio_transcription.completed", **about, **usage}])
    elif busy == "answering":
        client.tick(110)
    else:
        client.session.interrupt()
        first.send([{"type": "error", "error": {"type": "server_error", "message": "no answer"}}])
    wait_until(lambda: bool([got for got in service.received if got.connection == 1]))
    _talk_on(client, service)
    assert second is service.connection()


def _talk_on_first(client: Client, service: Service) -> None:
    client.tick(20)
    wait_until(lambda: numbers(service.sound(0))[-1:] >= [client.ticks - 1])


def test_a_successor_that_finds_no_quiet_moment_is_tried_again_later(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "QUIET_TIMEOUT", 0.1)
    monkeypatch.setattr(line, "NEXT_ROLL_OVER", 0.1)
    service.hear("Sing")
    service.say(tone(440, 1), "la la")
    client.wait_for_buffer(1000)
    _roll_over(client)
    service.connection(2)
    client.tick(110)
    wait_until(lambda: _ticked(client) and bool(service.sound(len(service.connections) - 1)))

    assert client.session.losses == 0


def test_a_successor_that_is_refused_leaves_the_conversation_alone(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "NEXT_ROLL_OVER", 0.05)
    service.refuse_next += [DOWN, Refusal(code="insufficient_quota", close_code=4000)]
    _roll_over(client)
    service.connection(1)
    wait_until(lambda: bool([got for got in service.received if got.connection == 1]))

    assert not client.session.wait(0.1)
    assert client.notices == []


def test_a_successor_that_is_lost_before_it_is_ready_is_replaced(service: Service, client: Client) -> None:
    client.tick(10)
    first = service.connection(0)
    with ExitStack() as stack:
        _roll_over(client)
        second = service.connection(1)
        stack.enter_context(second.lock)
        second.reset()
    service.connection(2)
    _talk_on(client, service)
    first.ws.recv_events_thread.join(5)

    assert not first.ws.recv_events_thread.is_alive()
    assert client.state == "listening"


def test_the_old_connection_may_be_lost_while_a_successor_waits(service: Service, client: Client) -> None:
    service.hear("Sing")
    service.say(tone(440, 1), "la la")
    client.wait_for_buffer(1000)
    first = service.connection(0)
    _roll_over(client)
    service.connection(1)
    first.reset()
    _wait_for_connection(client, 1)
    client.tick(110)
    client.wait_for_state("listening")
    wait_until(lambda: client.ticks in [n for c in service.connections for n in numbers(service.sound(c.number))])

    receiving = [thread for thread in threading.enumerate() if thread.name == "receive"]
    wait_until(lambda: len([thread for thread in receiving if thread.is_alive()]) == 1)


@pytest.mark.parametrize(("left", "hour"), [(3600, 3600), (1800, 1800), (300, 3600), (-60, 3600), (4000, 3600)])
def test_a_clock_that_is_wrong_makes_no_storm_of_sessions(left: float, hour: float) -> None:
    with Service(session_seconds=left) as service, Client(service) as client:
        client.start()
        client.wait_for_state("listening")
        wait_until(lambda: client.session._line._roll_over is not None)
        timer = client.session._line._roll_over

        assert timer is not None
        assert timer.interval == pytest.approx(hour * 11 / 12, abs=10)


def test_sixty_sessions_in_a_row_lose_and_double_no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "SESSION_SECONDS", 0.15)  # what a session says of its end is nonsense, then
    with Service() as service, Client(service) as client:
        client.start()
        deadline = time.monotonic() + 90
        while len(service.connections) <= 60:
            client.tick(2)
            threading.Event().wait(0.002)
            assert time.monotonic() < deadline, len(service.connections)
        wait_until(lambda: _ticked(client) and bool(service.sound(len(service.connections) - 1)))
        client.tick(2)
        last = client.ticks
        wait_until(lambda: any(numbers(service.sound(c.number))[-1:] == [last] for c in service.connections))
        heard = [numbers(service.sound(connection.number)) for connection in service.connections]

        assert list(itertools.chain(*heard)) == list(range(1, last + 1))
        assert sum(map(bool, heard)) >= 60
        assert client.session.losses == 0
        assert {shown for shown in client.shown if isinstance(shown, StateChanged)} == {StateChanged("listening")}


# Another session, as the user wants


def test_a_renewed_session_has_the_new_settings_and_the_conversation(service: Service, client: Client) -> None:
    service.hear("hello")
    client.wait_for(lambda shown: shown == Turn("you", "hello"))
    service.say(tone(440, 0.1), "hi")
    client.wait_for_buffer(100)
    client.tick(20)
    client.wait_for_state("listening")
    client.session.renew({**client.settings, "instructions": "Sing."})
    service.connection(1)
    service.wait_for("session.update", where=lambda event: event["session"]["instructions"] == "Sing.")
    _talk_on(client, service)

    assert _texts(_restored(service, 1)) == ["user: hello", "assistant: hi"]
    assert client.session.losses == 0


def test_a_new_conversation_knows_nothing_of_the_one_before(service: Service, client: Client) -> None:
    service.hear("Count")
    service.say(tone(440, 2), "one two three four", done=False)
    client.wait_for_buffer(2000)
    client.tick(100)
    client.session.renew(client.settings, forget=True)
    service.connection(1)
    _talk_on(client, service)

    assert _restored(service, 1) == []
    assert not service.events("response.create")
    assert client.turns[-1] == Turn("assistant", "one two", interrupted=True)
    assert client.session.history == ()


# The end, in every state


def _connecting(service: Service, client: Client) -> None:
    client.connect()


def _configuring(service: Service, client: Client) -> None:
    client.connect()
    service.connection()


def _listening(service: Service, client: Client) -> None:
    client.start()
    client.wait_for_state("listening")


def _speaking(service: Service, client: Client) -> None:
    _listening(service, client)
    service.hear("Sing")
    service.say(tone(440, 5), "la")
    client.wait_for_buffer(5000)


def _in_a_tool(service: Service, client: Client) -> None:
    _listening(service, client)
    service.hear("Do it")
    service.call_function("slow", "{}")
    client.wait_for_state("thinking")


def _between_attempts(service: Service, client: Client) -> None:
    _listening(service, client)
    service.refuse_next += [DOWN] * 100
    service.reset()
    wait_until(lambda: len(service.refuse_next) < 97)


def _waiting_for_quiet(service: Service, client: Client) -> None:
    _speaking(service, client)
    _roll_over(client)
    service.connection(1)


def _waiting_to_retry(service: Service, client: Client) -> None:
    _listening(service, client)
    service.hear("Sing")
    service.fail("rate_limit_exceeded", "Please try again in 30s.")
    client.wait_for(lambda shown: isinstance(shown, Notice) and "30 s" in shown.text)


STATES: list[Callable[[Service, Client], None]] = [
    _connecting,
    _configuring,
    _listening,
    _speaking,
    _in_a_tool,
    _between_attempts,
    _waiting_for_quiet,
    _waiting_to_retry,
]


@pytest.mark.parametrize("stalled", [False, True], ids=["answering", "stalled"])
@pytest.mark.parametrize("state", STATES)
def test_the_end_comes_within_2_s_in_every_state_and_leaves_no_thread(
    service: Service, state: Callable[[Service, Client], None], *, stalled: bool
) -> None:
    before = set(threading.enumerate())
    hang = threading.Event()
    client = Client(service, lambda _n, _a: str(hang.wait(30)))
    with ExitStack() as stack:
        state(service, client)
        if stalled:
            for connection in service.connections:
                stack.enter_context(connection.ws.protocol_mutex)
            client.tick(1000)
        began = time.monotonic()
        client.session.stop()
        took = time.monotonic() - began
    hang.set()

    ours = {"send", "receive", "roll-over", "retry"}
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name in ours]
    assert took < 2
    assert left == []
