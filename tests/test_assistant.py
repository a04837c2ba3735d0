"""Assistant: the whole as a library, against a service on loopback and without sound devices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.service import Service
from tests.speech import RATE, can_speak, match, say, silence, tone
from voice import Assistant, limits
from voice.config import Config
from voice.errors import AssistantError, SettingError
from voice.events import AudioDelta
from voice.shown import Notice, StateChanged, ToolUse, Turn

Start = Callable[..., Assistant]


def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}."


class Follower:
    """Everything of one type, to wait for."""

    def __init__(self, assistant: Assistant, kind: type) -> None:
        self.values: list[object] = []
        self._changed = threading.Condition()
        assistant.subscribe(kind, self._take)

    def _take(self, value: object) -> None:
        with self._changed:
            self.values.append(value)
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[object], bool], timeout: float = 5) -> object:
        with self._changed:
            found = self._changed.wait_for(lambda: next((v for v in self.values if wanted(v)), None), timeout)
            assert found is not None, self.values
            return found


@pytest.fixture
def make(service: Service, tmp_path: Path) -> Iterator[Start]:
    """An assistant that talks to the service; it is stopped at the end."""
    with ExitStack() as stack:

        def build(**settings: Any) -> Assistant:
            own: dict[str, Any] = {"ws_url": service.url, "data_dir": tmp_path / "data", "sound": False}
            assistant = Assistant(**(own | settings))
            stack.callback(assistant.stop)
            return assistant

        yield build


def test_a_typed_question_is_answered_and_both_are_told_and_kept(service: Service, make: Start, tmp_path: Path) -> None:
    assistant = make(text=True, tools=[greet])
    turns = Follower(assistant, Turn)
    calls = Follower(assistant, ToolUse)
    assistant.start()
    assistant.send_text("Greet Ann")
    service.wait_for("response.create")
    service.call_function("greet", '{"name": "Ann"}')
    service.wait_for("response.create")

    calls.wait_for(lambda call: call == ToolUse("greet", '{"name": "Ann"}', "Hello, Ann."))
    assert turns.values == [Turn("you", "Greet Ann")]
    assistant.stop()
    assert [type(turn) for turn in assistant.history] == [Turn, ToolUse]
    kept = next((tmp_path / "data" / "history").glob("*.md")).read_text(encoding="utf-8")
    assert "Greet Ann" in kept


def test_sound_goes_in_and_comes_out_without_devices(service: Service, make: Start) -> None:
    heard = bytearray()
    assistant = make(deliver=heard.extend, barge_in="instant")
    turns = Follower(assistant, Turn)
    sounds = Follower(assistant, AudioDelta)
    assistant.start()
    said = tone(500, 1.0)
    assistant.send_audio(said[:1001])
    assistant.send_audio(said[1001:])
    service.wait_for("input_audio_buffer.append")
    service.hear("Sing")
    song = tone(700, 2.0)
    service.say(song, "La la.")

    turns.wait_for(lambda turn: turn == Turn("assistant", "La la."))
    sounds.wait_for(lambda delta: isinstance(delta, AudioDelta))
    assert bytes(heard) == song
    assert service.microphone()[0] == said


def test_a_turn_by_hand_is_committed_and_answered(service: Service, make: Start) -> None:
    assistant = make(mode="push-to-talk", text=True)
    assistant.start()
    states = Follower(assistant, StateChanged)
    states.wait_for(lambda changed: changed == StateChanged("ready"))
    assistant.send_audio(tone(300, 0.3))
    assistant.talk()
    said = tone(500, 1.0)
    assistant.send_audio(said)
    assistant.end_talk()

    service.wait_for("input_audio_buffer.commit")
    service.wait_for("response.create")
    assert service.microphone()[0] == said
    assert service.events("session.update")[0]["session"]["audio"]["input"]["turn_detection"] is None


def test_the_mode_changes_in_the_middle(service: Service, make: Start) -> None:
    assistant = make(text=True)
    assistant.start()
    service.wait_for("session.update")
    assistant.take_turns(by_hand=True)
    first = service.wait_for("session.update")["session"]["audio"]["input"]["turn_detection"]
    assistant.take_turns(by_hand=False)
    second = service.wait_for("session.update")["session"]["audio"]["input"]["turn_detection"]

    assert first is None
    assert second["type"] == "server_vad"


def test_a_muted_microphone_sends_silence(service: Service, make: Start) -> None:
    assistant = make(text=True)
    states = Follower(assistant, StateChanged)
    assistant.start()
    states.wait_for(lambda changed: changed == StateChanged("ready"))
    assistant.mute(muted=True)
    assistant.send_audio(tone(500, 0.5))
    service.wait_for_sound(RATE // 10)

    assert assistant.status.muted
    assert not service.microphone()[0].strip(b"\0")


def test_another_voice_takes_a_new_session_which_is_told_what_was_said(service: Service, make: Start) -> None:
    assistant = make(text=True)
    assistant.start()
    assistant.send_text("Remember seven")
    service.wait_for("response.create")
    service.finish(service._open(service.connection()))
    assistant.change_voice("cedar")
    service.wait_for("session.update")
    voice = service.wait_for("session.update")["session"]["audio"]["output"]["voice"]

    assert voice == "cedar"
    told = service.wait_for("conversation.item.create", where=lambda event: "id" not in event["item"])
    assert told["item"]["content"] == [{"type": "input_text", "text": "Remember seven"}]
    assert assistant.status.losses == 0


def test_a_new_conversation_knows_nothing_of_the_old(service: Service, make: Start, tmp_path: Path) -> None:
    assistant = make(text=True)
    states = Follower(assistant, StateChanged)
    assistant.start()
    assistant.send_text("Remember seven")
    service.wait_for("response.create")
    assistant.restart()
    service.wait_for("session.update")
    service.wait_for("session.update")
    assistant.send_text("What was it?")
    service.wait_for("response.create")

    states.wait_for(lambda changed: changed == StateChanged("thinking"))
    texts = [event["item"]["content"][0]["text"] for event in service.events("conversation.item.create")]
    assert texts == ["Remember seven", "What was it?"]
    assistant.stop()
    assert len(list((tmp_path / "data" / "history").glob("*.jsonl"))) == 2


def test_a_conversation_is_taken_up_again(service: Service, make: Start) -> None:
    first = make(text=True)
    first.start()
    first.send_text("Remember seven")
    service.wait_for("response.create")
    first.stop()
    second = make(text=True, resume="last")
    notices = Follower(second, Notice)
    second.start()

    told = service.wait_for("conversation.item.create", where=lambda event: "id" not in event["item"])
    assert told["item"]["content"] == [{"type": "input_text", "text": "Remember seven"}]
    assert "1 turns" in str(notices.values)
    assert second.history == (Turn("you", "Remember seven"),)


def test_a_turn_may_end_when_it_sounds_finished(service: Service, make: Start) -> None:
    assistant = make(vad="semantic")
    turns = Follower(assistant, Turn)
    assistant.start()
    update = service.wait_for("session.update")
    service.hear("and so on and")

    assert update["session"]["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert turns.wait_for(lambda turn: True) == Turn("you", "and so on and")


def test_the_time_until_an_answer_is_heard_is_told(service: Service, make: Start) -> None:
    heard = threading.Event()
    assistant = make(deliver=lambda _: heard.set())
    assistant.start()
    assert assistant.status.first_audio is None
    began = time.monotonic()
    assistant.send_text("count")
    service.wait_for("response.create")
    service.say(tone(440, 0.1), "One.")
    assert heard.wait(5)
    waited = assistant.status.first_audio

    assert waited is not None
    assert 0 < waited < time.monotonic() - began


def test_who_is_told_something_may_answer(service: Service, make: Start) -> None:
    assistant = make(deliver=lambda _: None)
    histories: list[int] = []

    def answer(turn: Turn) -> None:
        histories.append(len(assistant.history))
        if turn.role == "assistant" and turn.text == "One.":
            assistant.send_text("and then?")

    assistant.subscribe(Turn, answer)
    assistant.start()
    assistant.send_text("count")
    service.wait_for("response.create")
    service.say(tone(440, 0.1), "One.")
    service.wait_for("conversation.item.create", where=lambda event: "and then?" in str(event))
    service.wait_for("response.create")

    assert histories == [1, 2, 3]


def test_who_takes_the_sound_may_fail(service: Service, make: Start, caplog: pytest.LogCaptureFixture) -> None:
    def deliver(_: bytes) -> None:
        raise BrokenPipeError("the player has gone")

    assistant = make(deliver=deliver)
    turns = Follower(assistant, Turn)
    assistant.start()
    assistant.send_text("count")
    service.wait_for("response.create")
    service.say(tone(440, 0.1), "One.")
    turns.wait_for(lambda turn: turn == Turn("assistant", "One."))

    assert "the player has gone" in caplog.text
    assert not assistant.wait(0)


def test_an_answer_that_has_come_to_a_halt_is_broken_off(
    service: Service, make: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.5)
    assistant = make(text=True, max_minutes=0.05)
    notices = Follower(assistant, Notice)
    assistant.start()
    assistant.send_text("count")
    service.wait_for("response.create")
    service.say(silence(0.1), "One.", done=False)

    assert assistant.wait(20)
    assert "does not come to its end" in str(notices.values[-1])


def test_both_voices_are_recorded_on_demand(service: Service, make: Start, tmp_path: Path) -> None:
    assistant = make(text=True)
    assistant.start()
    assistant.record(on=True)
    assert assistant.status.recording
    assistant.send_audio(tone(500, 1.0))
    service.wait_for_sound(RATE)
    assistant.record(on=False)

    assert not assistant.status.recording
    assert [path.suffix for path in (tmp_path / "data" / "recordings").iterdir()] == [".wav"]


def test_settings_come_in_one_of_two_ways() -> None:
    with pytest.raises(SettingError, match="voice: put it into the Config"):
        Assistant(Config(), voice="cedar")


def test_a_bad_setting_is_refused_before_anything_starts() -> None:
    with pytest.raises(SettingError, match="speed"):
        Assistant(speed=9)


@pytest.mark.parametrize(
    "use",
    [
        lambda assistant: assistant.status,
        lambda assistant: assistant.hears,
        lambda assistant: assistant.devices,
        lambda assistant: assistant.send_text("Hello"),
        lambda assistant: assistant.interrupt(),
        lambda assistant: assistant.mute(muted=True),
        lambda assistant: assistant.talk(),
        lambda assistant: assistant.end_talk(),
        lambda assistant: assistant.end_when_idle(),
        lambda assistant: assistant.wait_until_idle(1),
        lambda assistant: assistant.take_turns(by_hand=True),
        lambda assistant: assistant.change_voice("cedar"),
        lambda assistant: assistant.restart(),
    ],
)
def test_nothing_is_said_to_nobody_before_the_start(make: Start, use: Callable[[Assistant], object]) -> None:
    assistant = make()

    with pytest.raises(AssistantError, match="has not been started"):
        use(assistant)
    assert assistant.config.voice == "marin"
    assert not assistant.config.by_hand


def _asleep(states: Follower) -> None:
    states.wait_for(lambda changed: changed == StateChanged("asleep"))


@pytest.mark.skipif(not can_speak(), reason="flite is not installed")
@pytest.mark.parametrize("began", ["awake", "asleep"])
def test_sound_from_elsewhere_wakes_whenever_it_began(service: Service, make: Start, began: str) -> None:
    assistant = make(text=True, idle_minutes=0.01)
    states = Follower(assistant, StateChanged)
    assistant.start()
    service.wait_for("session.update")
    if began == "awake":
        assistant.send_audio(silence(0.1))
    _asleep(states)
    hello = say("Hello, are you there?")
    deadline = time.monotonic() + 5
    while len(service.events("session.update")) < 2:
        assert time.monotonic() < deadline, "it is deaf"
        assistant.send_audio(hello)
        assistant.wait(0.2)


@pytest.mark.skipif(not can_speak(), reason="flite is not installed")
def test_sound_that_wakes_is_sent_whole_however_fast_it_comes(service: Service, make: Start) -> None:
    assistant = make(text=True, idle_minutes=0.01)
    states = Follower(assistant, StateChanged)
    assistant.start()
    service.wait_for("session.update")
    assistant.send_audio(silence(0.1))
    _asleep(states)
    hello = say("Hello, are you there?")
    assistant.send_audio(hello + silence(0.1))
    service.wait_for("session.update")
    assistant.send_audio(silence(5))
    service.wait_for_sound(len(hello))

    assert match(service.microphone()[0], hello)[1] > 0.99


def test_who_never_writes_down_what_was_said_lets_it_sleep(service: Service, make: Start) -> None:
    assistant = make(text=True, idle_minutes=0.05)
    states = Follower(assistant, StateChanged)
    turns = Follower(assistant, Turn)
    assistant.start()
    service.wait_for("session.update")
    item_id = service.speech_started()
    service.speech_stopped(item_id)
    service.committed(item_id)
    service.say(silence(0.1), "I hear you.")

    states.wait_for(lambda changed: changed == StateChanged("asleep"), 20)
    turns.wait_for(lambda turn: turn == Turn("assistant", "I hear you."))
    assert turns.values[0] == Turn("you", "(could not be written down)")


@pytest.mark.skipif(not can_speak(), reason="flite is not installed")
def test_a_wake_word_that_is_not_listened_for_any_more_is_told_once(service: Service, make: Start) -> None:
    pytest.importorskip("pocketsphinx")
    assistant = make(text=True, wake_word="computer")
    notices = Follower(assistant, Notice)
    assistant.start()
    waker = assistant._sleep._waker
    assert waker is not None
    assert waker._spotter is not None
    waker._spotter._child.kill()
    assistant.send_audio(say("Computer, what time is it?"))
    waker._spotter._child._process.wait(5)
    deadline = time.monotonic() + 5
    while not (told := [value for value in notices.values if "not listened for" in str(value)]):
        assert time.monotonic() < deadline, notices.values
        assistant.send_audio(say("Computer!"))
        assistant.wait(0.1)
    assistant.send_audio(say("Computer!"))
    assistant.send_text("Hello")
    service.wait_for("response.create")

    assert len(told) == 1
    assert len([value for value in notices.values if "not listened for" in str(value)]) == 1
