"""Session: the two threads against a service on loopback; the sound card is the test's own loop."""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.caller import Client, numbers, wait_until
from tests.service import Service
from tests.speech import tone
from tests.wire import BAD_KEY, BAD_MODEL
from voice.config import Config
from voice.conversation import Conversation
from voice.echo import Off
from voice.errors import AssistantError, ConnectionLostError, ServiceRefusedError, SettingError
from voice.nearend import NearEnd
from voice.settings import session_settings
from voice.shown import Notice, ToolUse, Turn
from voice.sound import BLOCK_BYTES, BLOCK_SAMPLES

Start = Callable[..., Client]


@pytest.fixture
def start(service: Service) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(run_tool: Callable[[str, str], str] = lambda _name, _arguments: "done", **options: str) -> Client:
            client = Client(service, run_tool, Config(**{"ws_url": service.url, **options}))  # type: ignore[arg-type]
            stack.callback(client.session.stop)
            client.start()
            return client

        yield begin


def test_the_session_is_configured_with_explicit_values(service: Service, start: Start) -> None:
    start()
    session = service.wait_for("session.update")["session"]

    detection = session["audio"]["input"]["turn_detection"]
    assert session["type"] == "realtime"
    assert (detection["threshold"], detection["prefix_padding_ms"], detection["silence_duration_ms"]) == (0.5, 300, 500)
    assert session["audio"]["input"]["transcription"] == {"model": "gpt-transcribe"}


def test_sound_from_before_the_service_was_ready_is_sent_once_it_is(service: Service) -> None:
    client = Client(service, lambda _n, _a: "")
    client.tick(50)
    client.start()
    service.wait_for("input_audio_buffer.append")
    client.tick(50)
    last = np.full(BLOCK_SAMPLES, 100, dtype=np.int16).tobytes()
    service.wait_for("input_audio_buffer.append", where=lambda event: b64decode(event["audio"]).endswith(last))
    client.session.stop()

    sound, _ = service.microphone()
    assert sound == np.repeat(np.arange(1, 101, dtype=np.int16), BLOCK_SAMPLES).tobytes()
    kinds = [received.event["type"] for received in service.received]
    assert kinds.index("session.update") < kinds.index("input_audio_buffer.append")


def test_sound_waits_until_there_is_something_to_hear_it_with(service: Service) -> None:
    client = Client(service, lambda _n, _a: "")
    client.connect()
    client.session.begin(client.settings, Conversation())
    client.tick(50)
    client.wait_for_state("listening")
    wait_until(client.mic_queue.empty)
    assert not service.microphone()[0]
    client.session.uplink.near_end = NearEnd(Off())
    client.tick(3)

    wait_until(lambda: len(service.microphone()[0]) >= 53 * BLOCK_BYTES)
    client.session.stop()
    assert numbers(service.microphone()[0]) == list(range(1, 54))


def test_sound_that_does_not_fill_a_message_goes_before_what_follows_it(service: Service, start: Start) -> None:
    client = start()
    client.wait_for_state("listening")
    client.tick(3)
    client.session.say("hello")
    service.wait_for("conversation.item.create")

    kinds = [received.event["type"] for received in service.received]
    before = service.received[: kinds.index("conversation.item.create")]
    sound = b"".join(b64decode(r.event["audio"]) for r in before if r.event["type"] == "input_audio_buffer.append")
    assert numbers(sound) == [1, 2, 3]


def test_the_last_sound_is_sent_and_listened_to_even_if_it_does_not_fill_a_message(
    service: Service, start: Start
) -> None:
    client = start()
    listened: list[bytes] = []
    client.session.uplink.listen = lambda _block, clean: listened.append(clean)
    client.wait_for_state("listening")
    client.tick(3)
    client.session.stop()

    wait_until(lambda: len(service.microphone()[0]) >= 3 * BLOCK_BYTES)
    assert numbers(service.microphone()[0]) == numbers(b"".join(listened)) == [1, 2, 3]


def test_ten_seconds_that_arrive_at_once_are_played_whole_and_in_order(service: Service, start: Start) -> None:
    client = start()
    service.wait_for("session.update")
    sound = np.arange(240_000, dtype=np.int16).tobytes()
    service.hear("Sing")
    service.say(sound, "la la la")
    client.wait_for_buffer(10_000)

    client.tick(1000)

    assert bytes(client.played) == sound


def test_speech_stops_playback_within_a_block_and_tells_what_was_heard(service: Service, start: Start) -> None:
    client = start()
    service.wait_for("session.update")
    service.hear("Count")
    reply_text = "one two three four five six seven eight nine ten"
    service.say(tone(440, 10), reply_text)
    client.wait_for_buffer(10_000)
    client.tick(500)
    service.speech_started("barge")
    truncate = service.wait_for("conversation.item.truncate")
    client.played.clear()
    client.tick(2)

    assert truncate["audio_end_ms"] == 5000
    assert not any(client.played[BLOCK_SAMPLES * 2 :])
    assert client.wait_for(lambda s: isinstance(s, Turn) and s.role == "assistant") == Turn(
        "assistant", "one two three four five", interrupted=True
    )


def test_sound_that_comes_after_the_interruption_is_not_played(service: Service, start: Start) -> None:
    client = start()
    service.wait_for("session.update")
    service.hear("Count")
    reply = service.say(tone(440, 1), "one two", done=False)
    client.wait_for_buffer(1000)
    client.session.interrupt()
    service.wait_for("response.cancel")
    service.send(reply.audio(tone(440, 1))[0], raw=True)
    service.hear("Again")
    service.say(tone(880, 0.5), "three")
    client.wait_for_buffer(500)

    assert client.audio_buffer.waiting_ms == 500


def test_a_slow_function_does_not_hold_up_the_sound(service: Service, start: Start) -> None:
    go_on = threading.Event()

    def wait(name: str, arguments: str) -> str:
        go_on.wait(10)
        return f"{name} {arguments}"

    client = start(wait)
    service.wait_for("session.update")
    service.hear("Do it")
    service.call_function("slow", "{}", "call_1")
    service.say(tone(440, 1), "One moment.")
    client.wait_for_buffer(1000)
    assert not service.events("conversation.item.create")
    go_on.set()

    output = service.wait_for("conversation.item.create")["item"]
    assert (output["call_id"], output["output"]) == ("call_1", "slow {}")


def test_two_calls_run_side_by_side_and_answer_in_order(service: Service, start: Start) -> None:
    both = threading.Barrier(2, timeout=5)

    def meet(name: str, _: str) -> str:
        both.wait()
        return name

    client = start(meet)
    service.wait_for("session.update")
    service.hear("Both")
    service.call_functions([("first", "{}", "call_1"), ("second", "{}", "call_2")])
    service.wait_for("response.create")

    assert [event["item"]["output"] for event in service.events("conversation.item.create")] == ["first", "second"]
    assert len(service.events("response.create")) == 1
    assert client.session.history[-2:] == (ToolUse("first", "{}", "first"), ToolUse("second", "{}", "second"))


def test_what_is_typed_wakes_it_by_itself(service: Service, start: Start) -> None:
    client = start()
    service.wait_for("session.update")
    client.wait_for_state("listening")
    client.session.sleep()
    client.wait_for_state("asleep")
    client.session.say("Hello")

    assert service.wait_for("response.create")


def test_a_function_that_cannot_be_started_is_told_to_the_model(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    service.wait_for("session.update")
    started = threading.Thread.start

    def start_unless_a_call(thread: threading.Thread) -> None:
        if thread.name == "call":
            raise RuntimeError("can't start new thread")
        started(thread)

    monkeypatch.setattr(threading.Thread, "start", start_unless_a_call)
    service.hear("Do it")
    service.call_function("slow", "{}", "call_1")
    output = service.wait_for("conversation.item.create")["item"]

    assert (output["call_id"], output["output"]) == ("call_1", "The computer is too busy to do that now.")
    service.wait_for("response.create")


def test_malformed_events_are_reported_once_and_survived(service: Service, start: Start) -> None:
    client = start()
    service.wait_for("session.update")
    for _ in range(3):
        service.connection().ws.send("no json {")
    service.connection().ws.send(b"\xff\x00")
    service.send({"type": "of.the.future"}, raw=True)
    service.hear("hello")

    client.wait_for(lambda s: s == Turn("you", "hello"))
    assert len([shown for shown in client.shown if isinstance(shown, Notice)]) == 1


@pytest.mark.parametrize(
    ("refusal", "words"), [(BAD_KEY, "OPENAI_API_KEY"), (BAD_MODEL, "--model")], ids=["key", "model"]
)
def test_a_refusal_after_the_upgrade_ends_with_the_remedy(service: Service, refusal: object, words: str) -> None:
    service.refuse_next.append(refusal)  # type: ignore[arg-type]
    client = Client(service, lambda _n, _a: "")
    client.start()

    with pytest.raises(ServiceRefusedError, match=words):
        client.session.wait()
    client.session.stop()


def test_a_rejected_setting_names_the_field(service: Service) -> None:
    client = Client(service, lambda _n, _a: "")
    client.connect()
    settings = {**session_settings(client.config, (), speaks=True), "output_modalities": ["audio", "text"]}
    client.session.begin(settings, Conversation())

    with pytest.raises(SettingError, match="rejected"):
        client.session.wait()
    client.session.stop()


def test_a_connection_that_is_lost_before_it_was_ready_ends_with_a_reason(service: Service) -> None:
    with Client(service) as client:
        client.connect()  # and the settings are not known yet
        service.connection()
        service.close(1011, "tired")
        client.begin()

        with pytest.raises(ConnectionLostError, match="1011: tired"):
            client.session.wait(5)


def test_a_function_that_is_still_running_does_not_hold_up_the_end(service: Service, start: Start) -> None:
    hang = threading.Event()
    client = start(lambda _n, _a: str(hang.wait(30)))
    service.wait_for("session.update")
    service.hear("Hang")
    service.call_function("hang", "{}")
    began = time.monotonic()
    client.session.stop()
    took = time.monotonic() - began
    hang.set()

    assert took < 2


def test_a_bug_in_a_part_is_reported_as_one(service: Service) -> None:
    class Broken(Off):
        def process(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
            raise RuntimeError("broken canceller")

    client = Client(service, lambda _n, _a: "")
    client.connect()
    client.begin(suppressor=Broken())
    client.tick()

    with pytest.raises(AssistantError, match="broken canceller"):
        client.session.wait()
    client.session.stop()
