"""The core: recorded sequences of events in, effects out."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from voice.buffer import Playback
from voice.conversation import Conversation
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Microphone,
    Offline,
    PauseAudio,
    Play,
    Ready,
    ResumeAudio,
    RunTool,
    Send,
    TryAgain,
)
from voice.errors import ServiceRefusedError, SettingError
from voice.events import (
    InputCommit,
    ItemCreate,
    ItemDelete,
    ItemTruncate,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
    decode,
)
from voice.shown import Notice, StateChanged, ToolUse, Turn
from voice.turns.agenda import MAX_LINES
from voice.turns.transcript import Entry, heard_text


class Talk:
    """A conversation, and every effect that came out of it so far."""

    def __init__(self, *, ready: bool = True, **modes: Any) -> None:
        self.conversation = Conversation(**modes)
        self.effects: list[Effect] = []
        if ready:
            self.connect()
            self.effects.clear()

    def connect(self) -> list[Any]:
        """Take up a connection, and give what the service was told before it was ready."""
        told = self.note(self.conversation.configure({"type": "realtime"}))
        self.event("session.updated", session={})
        return [effect.event for effect in told if isinstance(effect, Send)]

    def event(self, name: str, **fields: Any) -> list[Effect]:
        return self.note(self.conversation.receive(decode(json.dumps({"type": name, **fields}))))

    def note(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        return effects

    def created(self, response_id: str = "r1") -> None:
        self.event("response.created", response={"id": response_id, "status": "in_progress", "output": []})

    def begin_item(self, item_id: str = "i1", response_id: str = "r1") -> None:
        item = {"type": "message", "id": item_id, "role": "assistant", "status": "in_progress", "content": []}
        self.event("response.output_item.added", response_id=response_id, output_index=0, item=item)
        self.event("conversation.item.added", item=item, previous_item_id=None)

    def sound(self, text: str, item_id: str = "i1", response_id: str = "r1") -> None:
        ids = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
        self.event("response.output_audio_transcript.delta", delta=text, **ids)
        self.event("response.output_audio.delta", delta=base64.b64encode(bytes(480)).decode(), **ids)

    def end_item(self, item_id: str = "i1", response_id: str = "r1") -> None:
        ids = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
        self.event("response.output_audio.done", **ids)
        item = {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": []}
        self.event("response.output_item.done", response_id=response_id, output_index=0, item=item)

    def done(self, response_id: str = "r1", status: str = "completed", **details: Any) -> list[Effect]:
        return self.event("response.done", response={"id": response_id, "status": status, "output": [], **details})

    def acknowledge(self, item_id: str) -> None:
        """Tell that an item of ours is in the conversation."""
        self.event("conversation.item.added", item={"type": "message", "id": item_id}, previous_item_id=None)

    def answer(self, text: str, item_id: str = "i1", response_id: str = "r1") -> None:
        """A whole answer as the service generates it; its sound is still to be played."""
        self.created(response_id)
        self.begin_item(item_id, response_id)
        self.sound(text, item_id, response_id)
        self.end_item(item_id, response_id)
        self.done(response_id)

    def heard(self, *item_ids: str) -> list[Effect]:
        return self.note(self.conversation.playback_finished(tuple(Playback(i, 1000, 1000) for i in item_ids)))

    def cut(self, *playbacks: Playback) -> list[Effect]:
        return self.note(self.conversation.playback_cut(playbacks))

    def call(
        self, call_id: str, arguments: str = "{}", response_id: str = "r1", status: str = "completed"
    ) -> list[Effect]:
        item = {"type": "function_call", "id": f"f_{call_id}", "call_id": call_id, "name": "get_weather"}
        item |= {"arguments": arguments, "status": status}
        return self.event("response.output_item.done", response_id=response_id, output_index=0, item=item)

    def said(self, item_id: str, previous: str | None = None) -> None:
        self.event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        self.event("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=900)
        self.event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)

    def written(self, item_id: str, text: str) -> None:
        name = "conversation.item.input_audio_transcription.completed"
        self.event(name, item_id=item_id, content_index=0, transcript=text, usage={"type": "duration", "seconds": 1})

    @property
    def sent(self) -> list[Any]:
        return [effect.event for effect in self.effects if isinstance(effect, Send)]

    @property
    def turns(self) -> list[Turn | ToolUse]:
        return [effect for effect in self.effects if isinstance(effect, Turn | ToolUse)]

    def only(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]


# Session


def test_settings_answer_the_created_session_and_readiness_its_update() -> None:
    conversation = Conversation()

    assert conversation.configure({"type": "realtime"}) == [Send(SessionUpdate({"type": "realtime"}, "configure"))]
    talk = Talk(ready=False)
    talk.connect()
    assert talk.only(Ready) == [Ready()]
    assert talk.only(StateChanged) == [StateChanged("listening")]


def test_a_rejected_setting_ends_the_start_and_names_the_field() -> None:
    talk = Talk(ready=False)
    problem = {"message": "Invalid value", "param": "session.audio.output.voice", "event_id": "configure"}

    (end,) = talk.event("error", error=problem)

    assert isinstance(end, End)
    assert isinstance(end.error, SettingError)
    assert "session.audio.output.voice" in str(end.error)


@pytest.mark.parametrize("code", ["invalid_api_key", "insufficient_quota", "invalid_model", "beta_api_shape_disabled"])
def test_a_refusal_ends_with_a_remedy(code: str) -> None:
    (end,) = Talk(ready=False).event("error", error={"message": "no", "code": code})

    assert isinstance(end, End)
    assert isinstance(end.error, ServiceRefusedError)


@pytest.mark.parametrize("code", ["response_cancel_not_active", "item_truncate_invalid_item_id"])
def test_harmless_races_are_not_shown(code: str) -> None:
    assert Talk().event("error", error={"message": "no", "code": code}) == []


def test_other_errors_are_shown_and_survived() -> None:
    assert Talk().event("error", error={"message": "odd", "code": "strange"}) == [Notice("the service reports: odd")]


def test_unknown_events_change_nothing() -> None:
    assert Talk().event("ping") == []


@pytest.mark.parametrize("message", ["one", "two"])
def test_a_rejected_request_for_an_answer_does_not_stop_the_conversation(message: str) -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one", in_turn=True))
    talk.event("error", error={"message": "slow down", "code": "rate_limit_exceeded", "event_id": "create"})
    talk.effects.clear()
    talk.note(talk.conversation.say(message, in_turn=True))
    talk.note(talk.conversation.end_when_idle())

    assert ResponseCreate() in talk.sent
    talk.answer("Yes.")
    talk.heard("i1")
    assert talk.only(End) == [End()]


def test_speech_that_is_never_answered_does_not_stop_the_conversation() -> None:
    talk = Talk()
    talk.said("u1")
    talk.event("error", error={"message": "broken", "code": "server_error"})
    talk.note(talk.conversation.say("two"))

    assert ResponseCreate() in talk.sent


# Order of the transcript


def test_turns_come_in_the_order_of_the_items_however_late_the_texts_are() -> None:
    talk = Talk()
    talk.said("u1")
    talk.answer("It is noon.")
    talk.heard("i1")
    assert talk.turns == []

    talk.written("u1", "What time is it?")

    assert talk.turns == [Turn("you", "What time is it?"), Turn("assistant", "It is noon.")]
    assert list(talk.conversation.transcript.history) == talk.turns


def test_texts_of_the_user_that_come_in_the_wrong_order_are_put_right() -> None:
    talk = Talk()
    talk.said("u1")
    talk.said("u2", previous="u1")
    talk.written("u2", "second")
    talk.written("u1", "first")

    assert talk.turns == [Turn("you", "first"), Turn("you", "second")]


def test_a_text_that_failed_does_not_hold_back_the_rest() -> None:
    talk = Talk()
    talk.said("u1")
    talk.answer("Yes.")
    talk.heard("i1")
    name = "conversation.item.input_audio_transcription.failed"
    talk.event(name, item_id="u1", content_index=0, error={"message": "no"})

    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["(could not be written down)", "Yes."]


def test_texts_that_never_come_are_given_up() -> None:
    talk = Talk()
    talk.said("u1")
    talk.said("u2")
    talk.written("u2", "second")
    assert talk.turns == []

    talk.said("u3")
    talk.said("u4")
    assert talk.turns == [Turn("you", "second")]


def test_without_transcription_only_the_answers_are_shown() -> None:
    talk = Talk(transcribes=False)
    talk.said("u1")
    talk.answer("Yes.")
    talk.heard("i1")

    assert talk.turns == [Turn("assistant", "Yes.")]


def test_a_repeated_or_late_event_of_a_finished_turn_changes_nothing() -> None:
    talk = Talk()
    talk.said("u1")
    talk.written("u1", "hello")
    talk.written("u1", "hello again")

    assert talk.turns == [Turn("you", "hello")]


# The answer


def test_an_answer_is_finished_when_it_has_been_heard() -> None:
    talk = Talk()
    talk.answer("It is noon.")

    assert talk.only(EndOfSound)
    assert talk.turns == []
    talk.heard("i1")
    assert talk.turns == [Turn("assistant", "It is noon.")]


def test_written_answers_are_finished_when_they_are_complete() -> None:
    talk = Talk(speaks=False)
    talk.created()
    talk.begin_item()
    ids = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
    talk.event("response.output_text.delta", delta="It is noon.", **ids)
    talk.end_item()
    talk.done()

    assert talk.turns == [Turn("assistant", "It is noon.")]


def test_state_follows_the_conversation() -> None:
    talk = Talk()
    talk.said("u1")
    talk.answer("Yes.")
    talk.written("u1", "hi")
    talk.heard("i1")

    states = [effect.state for effect in talk.effects if isinstance(effect, StateChanged)]
    assert states == ["hearing you", "thinking", "speaking", "listening"]


def test_an_answer_that_was_cut_short_is_said() -> None:
    talk = Talk()
    talk.created()
    details = {"type": "incomplete", "reason": "max_output_tokens"}

    effects = talk.done(status="incomplete", status_details=details)

    assert ["max_output_tokens" in effect.text for effect in effects if isinstance(effect, Notice)] == [True]
    assert talk.conversation.idle


def _failed(talk: Talk, message: str, code: str = "server_error") -> list[Effect]:
    talk.created()
    error = {"type": "server_error", "code": code, "message": message}
    return talk.done(status="failed", status_details={"type": "failed", "error": error})


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("The server had an error", 1),
        ("Rate limit reached. Please try again in 12.5s. Visit", 12.5),
        ("Please try again in 1500ms.", 1.5),
        ("Please try again in 20ms.", 1),
        ("Please try again in 86400s.", 60),
        ("Please try again in 1m2.5s.", 60),
        ("Please try again in 0m7.66s. Visit", 7.66),
        ("Please try again in 2m.", 60),
        ("Please try again in 2 months.", 1),
    ],
)
def test_an_answer_that_failed_is_said_and_asked_for_once_more(message: str, seconds: float) -> None:
    talk = Talk()
    effects = _failed(talk, message)

    assert [message in effect.text for effect in effects if isinstance(effect, Notice)] == [True]
    assert TryAgain(seconds) in effects
    assert not talk.conversation.idle
    assert talk.note(talk.conversation.retry()) == [Send(ResponseCreate())]

    assert not [effect for effect in _failed(talk, message) if isinstance(effect, TryAgain)]
    assert talk.conversation.idle


def test_an_answer_that_failed_is_not_asked_for_again_when_another_has_begun() -> None:
    talk = Talk()
    _failed(talk, "broken")
    talk.note(talk.conversation.say("never mind"))
    talk.created("r2")
    talk.done("r2")
    talk.effects.clear()

    assert talk.note(talk.conversation.retry()) == []


def test_an_answer_that_failed_for_good_ends() -> None:
    (end,) = [effect for effect in _failed(Talk(), "no", "insufficient_quota") if isinstance(effect, End)]

    assert isinstance(end.error, ServiceRefusedError)


# Barge-in


def test_speech_silences_an_answer_that_was_finished_long_ago() -> None:
    talk = Talk()
    talk.answer("One two three four five six seven eight nine ten.")
    talk.effects.clear()

    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    assert ClearAudio() in talk.effects
    talk.cut(Playback("i1", received_ms=2000, heard_ms=1000))

    assert talk.sent == [ItemTruncate("i1", 1000)]
    assert talk.turns == [Turn("assistant", "One two three four five", interrupted=True)]


def test_a_service_that_tells_no_times_has_its_noises_doubted_all_the_same() -> None:
    talk = Talk(confirms=True)
    talk.note(talk.conversation.sound_kept(300))
    talk.said("u1")
    talk.answer("Yes.")
    talk.effects.clear()

    talk.event("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=0)

    assert PauseAudio() in talk.effects
    assert ClearAudio() not in talk.effects


def test_what_was_said_in_kept_sound_is_believed() -> None:
    talk = Talk(confirms=True)
    talk.note(talk.conversation.sound_kept(9000))
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=1000)
    talk.event("input_audio_buffer.committed", item_id="u1")
    talk.answer("Yes.")
    talk.effects.clear()

    talk.event("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=2000)

    assert ClearAudio() in talk.effects


def test_nothing_is_sent_when_everything_was_heard() -> None:
    talk = Talk()
    talk.answer("Yes.")
    talk.effects.clear()
    talk.cut(Playback("i1", received_ms=2000, heard_ms=2000))

    assert talk.sent == []
    assert talk.turns == [Turn("assistant", "Yes.")]


def test_items_that_were_never_heard_are_deleted_and_not_shown() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item("i1")
    talk.sound("First. ", "i1")
    talk.end_item("i1")
    talk.begin_item("i2")
    talk.sound("Second.", "i2")
    talk.end_item("i2")
    talk.done()
    talk.effects.clear()

    talk.cut(Playback("i1", 2000, 1999), Playback("i2", 1000, 0))

    assert talk.sent == [ItemTruncate("i1", 1999), ItemDelete("i2")]
    assert [turn.interrupted for turn in talk.turns if isinstance(turn, Turn)] == [True]


def test_late_deltas_of_a_cut_answer_are_dropped() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    talk.sound("One two ")
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.cut(Playback("i1", 500, 400))
    talk.effects.clear()

    talk.sound("three")
    talk.begin_item("i2")
    talk.sound("four", "i2")
    talk.done(status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})

    assert talk.only(Play) == []
    assert talk.turns == []


def test_an_answer_cut_before_its_first_sound_is_deleted_when_it_ends() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    ids = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
    talk.event("response.output_audio_transcript.delta", delta="Hel", **ids)
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.cut()
    talk.end_item()
    talk.done(status="cancelled")

    assert talk.sent == [ItemDelete("i1")]
    assert talk.turns == []


def test_a_server_that_cancels_before_it_tells_of_the_speech_is_understood() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    talk.sound("One two three four. ")
    talk.end_item()
    talk.done(status="cancelled")
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.cut(Playback("i1", 1000, 500))

    assert talk.sent == [ItemTruncate("i1", 500)]
    assert talk.turns == [Turn("assistant", "One two", interrupted=True)]


def test_a_command_cancels_what_the_service_would_not_cancel_by_itself() -> None:
    talk = Talk()
    talk.created()
    talk.note(talk.conversation.interrupt())

    assert talk.sent == [ResponseCancel("r1")]


def test_later_items_of_a_cut_answer_are_deleted() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    talk.sound("One two ")
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.cut(Playback("i1", 500, 400))
    talk.end_item()
    talk.begin_item("i2")
    talk.sound("four", "i2")
    talk.done(status="cancelled")

    assert talk.sent == [ItemTruncate("i1", 400), ItemDelete("i2")]
    assert talk.conversation.transcript.open == ()


def test_an_answer_that_was_asked_for_before_the_user_spoke_is_cancelled() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.done()
    talk.note(talk.conversation.tool_finished("c1", "x"))
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.created("r2")

    assert talk.sent[-1] == ResponseCancel("r2")


# Is it speech?


def _doubting() -> Talk:
    """An answer that is paused, since the service thinks that the user speaks."""
    talk = Talk(confirms=True)
    talk.answer("One two three four five six seven eight nine ten.")
    talk.effects.clear()
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    return talk


def test_what_may_be_speech_only_pauses() -> None:
    talk = _doubting()

    assert talk.only(PauseAudio)
    assert not talk.only(ClearAudio)
    assert talk.sent == []


def test_speech_that_is_confirmed_interrupts() -> None:
    talk = _doubting()
    talk.note(talk.conversation.voice_heard())
    talk.cut(Playback("i1", 2000, 1000))
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=900)
    talk.event("input_audio_buffer.committed", item_id="u1", previous_item_id="i1")
    talk.written("u1", "Stop")
    talk.answer("Very well.", "i2", "r2")
    talk.heard("i2")

    assert talk.sent == [ItemTruncate("i1", 1000)]
    assert not talk.only(ResumeAudio)
    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)][1:] == ["Stop", "Very well."]


def test_speech_that_is_confirmed_cancels_what_is_still_generated() -> None:
    talk = Talk(confirms=True)
    talk.created()
    talk.begin_item()
    talk.sound("One two ")
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    assert talk.sent == []
    talk.note(talk.conversation.voice_heard())

    assert talk.sent == [ResponseCancel("r1")]


@pytest.mark.parametrize("judged_early", [True, False])
def test_a_noise_plays_on_and_leaves_no_trace(judged_early: bool) -> None:
    talk = _doubting()
    if judged_early:
        talk.note(talk.conversation.voice_not_heard())
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=900)
    talk.event("input_audio_buffer.committed", item_id="u1", previous_item_id="i1")
    talk.created("unasked")
    talk.begin_item("i2", "unasked")
    talk.sound("Pardon?", "i2", "unasked")
    talk.done("unasked", status="cancelled")
    talk.written("u1", "Hm.")
    talk.heard("i1")

    assert len(talk.only(ResumeAudio)) == 1
    assert talk.sent == [ItemDelete("u1"), ResponseCancel("unasked"), ItemDelete("i2")]
    assert not talk.only(Play)
    assert talk.turns == [Turn("assistant", "One two three four five six seven eight nine ten.")]
    assert talk.conversation.idle


def test_a_noise_during_generation_lets_the_answer_go_on() -> None:
    talk = Talk(confirms=True)
    talk.created()
    talk.begin_item()
    talk.sound("One two ")
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.sound("three ")
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=300)
    talk.event("error", error={"message": "active", "code": "conversation_already_has_active_response"})
    talk.event("input_audio_buffer.committed", item_id="u1", previous_item_id="i1")
    talk.sound("four.")
    talk.end_item()
    talk.done()
    talk.heard("i1")

    assert talk.sent == [ItemDelete("u1")]
    assert len(talk.only(Play)) == 3
    assert talk.turns == [Turn("assistant", "One two three four.")]


def test_speech_that_begins_with_a_noise_is_still_heard() -> None:
    talk = _doubting()
    talk.note(talk.conversation.voice_not_heard())
    talk.note(talk.conversation.voice_heard())
    talk.cut(Playback("i1", 2000, 1000))
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=900)
    talk.event("input_audio_buffer.committed", item_id="u1", previous_item_id="i1")
    talk.written("u1", "Stop")

    assert talk.sent == [ItemTruncate("i1", 1000)]
    assert talk.turns[-1] == Turn("you", "Stop")


def test_an_answer_to_a_noise_that_never_comes_does_not_cost_the_next_one() -> None:
    talk = _doubting()
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=300)
    talk.event("input_audio_buffer.committed", item_id="u1", previous_item_id="i1")
    talk.heard("i1")
    talk.effects.clear()
    talk.said("u2")
    talk.answer("Yes.", "i2", "r2")

    assert talk.sent == []
    assert talk.only(Play)


def test_an_answer_that_was_heard_and_waits_for_a_text_is_over() -> None:
    talk = Talk(confirms=True)
    talk.said("u1")
    talk.answer("It is noon.")
    talk.heard("i1")
    assert talk.conversation.idle
    assert talk.only(StateChanged)[-1] == StateChanged("listening")
    talk.effects.clear()
    talk.said("u2", previous="i1")
    talk.created("r2")

    assert not talk.only(PauseAudio)
    assert talk.sent == []


def test_speech_while_nothing_is_answered_needs_no_confirmation() -> None:
    talk = Talk(confirms=True)
    talk.said("u1")

    assert not talk.only(PauseAudio)


# Typed messages


def test_a_typed_message_is_sent_and_answered() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("hello"))

    created, wanted = talk.sent
    assert isinstance(created, ItemCreate)
    assert created.item["content"] == [{"type": "input_text", "text": "hello"}]
    assert wanted == ResponseCreate()
    assert talk.turns == [Turn("you", "hello")]


def test_a_typed_message_waits_until_the_service_is_ready() -> None:
    talk = Talk(ready=False)
    talk.note(talk.conversation.say("hello"))
    assert talk.sent == []

    told = talk.connect()
    assert [event.item["content"][0]["text"] for event in told if isinstance(event, ItemCreate)] == ["hello"]
    assert talk.sent[-1] == ResponseCreate()


def test_a_typed_message_interrupts_and_its_answer_waits_for_the_end_of_the_other() -> None:
    talk = Talk()
    talk.created()
    talk.note(talk.conversation.say("stop"))
    assert ResponseCancel("r1") in talk.sent
    assert ResponseCreate() not in talk.sent

    talk.done(status="cancelled")
    assert talk.sent[-1] == ResponseCreate()


def test_a_response_that_was_interrupted_before_it_began_is_cancelled_when_it_begins() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one"))
    talk.note(talk.conversation.say("two"))
    talk.created("r1")
    assert talk.sent[-1] == ResponseCancel("r1")

    talk.done("r1", status="cancelled")
    assert talk.sent[-1] == ResponseCreate()
    assert talk.sent.count(ResponseCreate()) == 2


def test_messages_in_turn_wait_until_the_answer_before_was_heard() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one", in_turn=True))
    talk.note(talk.conversation.say("two", in_turn=True))
    talk.answer("First.")
    assert talk.sent.count(ResponseCreate()) == 1

    talk.heard("i1")
    assert talk.sent.count(ResponseCreate()) == 2
    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["one", "First.", "two"]


def test_so_many_lines_may_wait_for_their_turn() -> None:
    talk = Talk()
    for number in range(MAX_LINES):
        assert talk.conversation.has_room
        talk.note(talk.conversation.say(str(number), in_turn=True))
    assert talk.conversation.has_room  # the first was said
    talk.note(talk.conversation.say("last", in_turn=True))
    assert not talk.conversation.has_room

    talk.answer("First.")
    talk.heard("i1")
    assert talk.conversation.has_room


def test_a_collision_of_responses_is_mended_when_the_other_has_ended() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("hello"))
    talk.created("vad")
    problem = {"message": "active", "code": "conversation_already_has_active_response", "event_id": "create"}
    talk.event("error", error=problem)
    talk.effects.clear()
    talk.done("vad")

    assert talk.sent == [ResponseCreate()]


# Function calls


def test_a_call_is_run_once_and_answered_after_the_response_has_ended() -> None:
    talk = Talk()
    talk.created()
    assert RunTool("c1", "get_weather", '{"city": "Rome"}') in talk.call("c1", '{"city": "Rome"}')
    assert talk.call("c1", '{"city": "Rome"}') == []
    talk.note(talk.conversation.tool_finished("c1", "sunny"))
    assert talk.sent == []

    talk.done()

    output, wanted = talk.sent
    assert isinstance(output, ItemCreate)
    assert output.item == {"id": "output_1", "type": "function_call_output", "call_id": "c1", "output": "sunny"}
    assert wanted == ResponseCreate()
    assert talk.turns == [ToolUse("get_weather", '{"city": "Rome"}', "sunny")]


def test_several_calls_are_answered_in_order_with_one_response() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.call("c2")
    talk.done()
    talk.note(talk.conversation.tool_finished("c2", "two"))
    assert talk.sent == []
    talk.note(talk.conversation.tool_finished("c1", "one"))

    outputs = [event.item["output"] for event in talk.sent if isinstance(event, ItemCreate)]
    assert outputs == ["one", "two"]
    assert talk.sent.count(ResponseCreate()) == 1


def test_outputs_that_come_while_another_response_runs_are_answered_after_it() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.done()
    talk.created("r2")
    talk.note(talk.conversation.tool_finished("c1", "late"))
    assert ResponseCreate() not in talk.sent

    talk.done("r2")
    assert talk.sent[-1] == ResponseCreate()


def test_outputs_that_come_while_the_user_speaks_are_answered_with_what_was_said() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.done()
    talk.event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    talk.note(talk.conversation.tool_finished("c1", "late"))
    talk.acknowledge("output_1")
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=900)
    talk.created("vad")
    talk.done("vad")

    assert ResponseCreate() not in talk.sent


def test_an_output_that_the_response_cannot_have_seen_is_answered_after_it() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.done()
    talk.said("u1")
    talk.note(talk.conversation.tool_finished("c1", "late"))
    talk.created("vad")  # it had begun before the output arrived
    talk.acknowledge("output_1")
    talk.done("vad")

    assert talk.sent[-1] == ResponseCreate()


def test_functions_of_a_cut_response_are_not_run() -> None:
    talk = _doubting()
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=300)
    talk.event("input_audio_buffer.committed", item_id="u1", previous_item_id="i1")
    talk.created("unasked")
    talk.call("c1", response_id="unasked")
    talk.done("unasked", status="cancelled")

    assert not talk.only(RunTool)


def test_calls_of_a_cancelled_response_are_answered_without_going_on() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.call("c2", '{"ci', status="incomplete")
    talk.done(status="cancelled")
    talk.note(talk.conversation.tool_finished("c1", "sunny"))

    (output,) = talk.sent
    assert isinstance(output, ItemCreate)


# The end


@pytest.mark.parametrize("text", ["Goodbye.", "good bye", "Bye bye!", "OK, goodbye", "bye", "Good night!"])
def test_goodbye_ends_after_the_farewell_was_heard(text: str) -> None:
    talk = Talk()
    talk.said("u1")
    talk.written("u1", text)
    talk.answer("See you.")
    assert talk.only(End) == []

    talk.heard("i1")
    assert talk.only(End) == [End()]


@pytest.mark.parametrize("text", ["How do I say goodbye in French?", "She said bye", "goodbye was a film", ""])
def test_a_sentence_that_merely_contains_goodbye_does_not_end(text: str) -> None:
    talk = Talk()
    talk.said("u1")
    talk.written("u1", text)
    talk.answer("Au revoir.")
    talk.heard("i1")

    assert talk.only(End) == []


def test_what_waits_behind_a_goodbye_is_not_said() -> None:
    talk = Talk()
    for text in ("hello", "goodbye", "wait"):
        talk.note(talk.conversation.say(text, in_turn=True))
    talk.answer("Hi.")
    talk.heard("i1")
    talk.answer("See you.", "i2", "r2")
    talk.heard("i2")

    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["hello", "Hi.", "goodbye", "See you."]
    assert talk.only(End) == [End()]


def test_what_comes_behind_a_goodbye_is_not_said() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("goodbye", in_turn=True))
    talk.note(talk.conversation.say("wait", in_turn=True))
    talk.answer("See you.")
    talk.heard("i1")

    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["goodbye", "See you."]
    assert talk.only(End) == [End()]


def test_taking_leave_lets_the_answer_be_heard_and_nothing_more_be_said() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one", in_turn=True))
    talk.note(talk.conversation.say("two", in_turn=True))
    talk.answer("First.")
    talk.note(talk.conversation.take_leave())
    talk.note(talk.conversation.say("three", in_turn=True))
    assert talk.only(End) == []
    talk.heard("i1")

    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["one", "First."]
    assert talk.only(End) == [End()]


def test_a_room_that_does_not_fall_silent_is_not_heard_any_more_after_a_goodbye() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("goodbye"))
    assert talk.only(Microphone)[-1] == Microphone("muted")
    talk.note(talk.conversation.mute(muted=True))
    talk.note(talk.conversation.mute(muted=False))

    assert talk.only(Microphone)[-1] == Microphone("muted")


def test_a_new_conversation_does_not_put_off_the_end() -> None:
    talk = Talk()
    talk.answer("Once upon a time.")
    talk.note(talk.conversation.take_leave())
    talk.note(talk.conversation.forget())
    talk.connect()

    assert talk.only(End) == [End()]


def test_a_goodbye_written_down_after_its_answer_still_ends() -> None:
    talk = Talk()
    talk.said("u1")
    talk.answer("See you.")
    talk.heard("i1")
    talk.written("u1", "Goodbye")

    assert talk.only(End) == [End()]


def test_the_end_of_input_waits_for_the_answers() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one", in_turn=True))
    talk.note(talk.conversation.say("two", in_turn=True))
    talk.note(talk.conversation.end_when_idle())
    talk.answer("First.")
    talk.heard("i1")
    assert talk.only(End) == []
    talk.answer("Second.", "i2", "r2")
    talk.heard("i2")

    assert talk.only(End) == [End()]


def test_closing_in_the_middle_of_an_answer_keeps_what_was_heard() -> None:
    talk = Talk()
    talk.answer("One two three four five six seven eight nine ten.")
    talk.cut(Playback("i1", 2000, 1000))
    talk.note(talk.conversation.close())

    assert talk.turns == [Turn("assistant", "One two three four five", interrupted=True)]


def test_closing_before_anything_was_heard_shows_nothing_of_the_answer() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    ids = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
    talk.event("response.output_audio_transcript.delta", delta="Hello there", **ids)
    talk.cut()
    talk.note(talk.conversation.close())

    assert talk.turns == []


def test_closing_keeps_the_calls_that_had_returned() -> None:
    talk = Talk()
    talk.said("u1")
    talk.created()
    talk.call("c1")
    talk.done()
    talk.note(talk.conversation.tool_finished("c1", "x"))
    talk.note(talk.conversation.close())

    assert talk.turns == [ToolUse("get_weather", "{}", "x")]


def test_a_stray_item_holds_nothing_up() -> None:
    talk = Talk()
    item = {"type": "message", "id": "x", "role": "assistant", "status": "completed", "content": []}
    talk.event("conversation.item.added", item=item, previous_item_id=None)

    assert talk.conversation.idle


def test_a_long_row_of_byes_is_judged_quickly() -> None:
    talk = Talk()
    talk.said("u1")
    talk.written("u1", "bye " * 5000 + "now")

    assert talk.only(End) == []


# The connection is lost


def _texts(told: list[Any]) -> list[str]:
    items = [event.item for event in told if isinstance(event, ItemCreate)]
    return [item["content"][0]["text"] for item in items if item["type"] == "message"]


def test_an_answer_is_taken_up_again_however_often_the_connection_is_lost_before() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("count"))
    talk.created()
    talk.begin_item()
    talk.sound("one two ")
    for _ in range(3):
        talk.note(talk.conversation.disconnected())
        told = talk.connect()
        assert [text[:5] for text in _texts(told)] == ["count", "The c"]  # nothing to speak of was heard
        assert talk.sent[-1] == ResponseCreate()


def test_the_end_of_an_answer_may_be_lost() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    talk.sound("one two")
    talk.end_item()
    talk.note(talk.conversation.disconnected())
    talk.connect()
    talk.heard("i1")

    assert talk.turns == [Turn("assistant", "one two")]
    assert talk.conversation.idle


def test_what_was_cut_before_its_first_sound_was_heard_is_gone_with_the_connection() -> None:
    talk = Talk()
    talk.created()
    talk.begin_item()
    talk.sound("one two")
    talk.note(talk.conversation.interrupt())
    talk.cut(Playback("i1", 10, 0))
    talk.note(talk.conversation.disconnected())
    talk.connect()

    assert talk.turns == []
    assert talk.conversation.idle


def test_an_item_of_a_connection_that_is_gone_is_replaced_on_the_next() -> None:
    talk = Talk()
    talk.answer("One two three four")
    talk.note(talk.conversation.disconnected())
    talk.connect()
    talk.effects.clear()
    talk.note(talk.conversation.interrupt())
    talk.cut(Playback("i1", 1000, 500))

    create, delete = talk.sent
    assert isinstance(create, ItemCreate)
    assert create.item["content"] == [{"type": "output_text", "text": "One two …"}]
    assert create.previous_item_id == "heard_1"
    assert delete == ItemDelete("heard_1")
    assert talk.turns == [Turn("assistant", "One two", interrupted=True)]


def test_an_output_that_comes_before_the_next_session_is_ready_is_told() -> None:
    talk = Talk()
    talk.created()
    talk.call("c1")
    talk.done()
    talk.note(talk.conversation.disconnected())
    talk.note(talk.conversation.configure({"type": "realtime"}))
    talk.note(talk.conversation.tool_finished("c1", "sunny"))
    assert ResponseCreate() not in talk.sent
    talk.event("session.updated", session={})

    assert any("gave: sunny" in text for text in _texts(talk.sent))
    assert talk.sent[-1] == ResponseCreate()


def test_messages_in_turn_wait_for_the_next_connection_and_their_turn() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one", in_turn=True))
    talk.note(talk.conversation.disconnected())
    talk.note(talk.conversation.say("two", in_turn=True))
    told = talk.connect()
    assert _texts(told) == ["one"]
    talk.answer("First.")
    talk.heard("i1")
    talk.answer("Second.", "i2", "r2")
    talk.heard("i2")

    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["one", "First.", "two", "Second."]
    assert talk.conversation.idle


def test_a_new_conversation_shows_how_the_old_one_ended_and_wants_nothing() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("count"))
    talk.created()
    talk.call("c1")
    talk.begin_item()
    talk.sound("One two three four")
    talk.cut(Playback("i1", 1000, 1000))
    talk.note(talk.conversation.forget())
    told = talk.connect()
    talk.note(talk.conversation.tool_finished("c1", "late"))

    assert talk.turns[0] == Turn("you", "count")
    assert len(talk.turns) == 2
    assert _texts(told) == []
    assert talk.conversation.idle
    assert talk.conversation.transcript.history == ()


def test_a_long_past_is_shortened() -> None:
    past = [ToolUse("f", "{" + " " * 50_000, "x" * 50_000), *(Turn("you", f"{n} " + "y" * 1000) for n in range(300))]
    talk = Talk(past=past, ready=False)
    told = talk.connect()
    assert 30 < len(_texts(told)) <= 100
    assert _texts(told)[-1].startswith("299 ")

    talk = Talk(past=past[:2], ready=False)
    call, output, _ = [event.item for event in talk.connect() if isinstance(event, ItemCreate)]
    assert call["arguments"] == "{}"
    assert len(output["output"]) < 10_000


@pytest.mark.parametrize("when", ["by_hand", "hands-free"])
def test_who_ends_a_turn_may_change(when: str) -> None:
    talk = Talk(by_hand=when != "by_hand")
    change = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    talk.note(talk.conversation.take_turns(by_hand=when == "by_hand", change=change))

    assert talk.sent == [SessionUpdate(change)]
    assert talk.conversation.microphone.state == ("closed" if when == "by_hand" else "open")


# What the service never tells

MODE = {"type": "realtime"}
FAILURE: dict[str, Any] = {
    "status_details": {"type": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow down"}}
}


def speak(talk: Talk, item_id: str, start_ms: int) -> None:
    talk.event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=start_ms)


def calling(**modes: Any) -> Talk:
    """A function runs."""
    talk = Talk(**modes)
    talk.note(talk.conversation.say("What is the weather?"))
    talk.created()
    talk.call("c1")
    return talk


def test_an_error_that_names_no_event_does_not_hold_up_what_is_typed_next() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one"))
    talk.event("error", error={"type": "invalid_request_error", "message": "odd", "event_id": None})
    assert talk.conversation.idle
    talk.effects.clear()
    talk.note(talk.conversation.say("two"))

    assert ResponseCreate() in talk.sent


def test_an_answer_that_the_server_could_not_begin_is_asked_for_once_more() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one"))
    for tries in (1, 0):
        talk.event("error", error={"type": "server_error", "message": "The server had an error"})
        assert len(talk.only(TryAgain)) == tries
        talk.effects.clear()
        talk.note(talk.conversation.retry())
        assert talk.sent == [ResponseCreate()] * tries
    assert talk.conversation.idle


def test_what_cannot_be_cancelled_has_ended() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one"))
    talk.created()
    talk.note(talk.conversation.say("two"))
    talk.effects.clear()
    talk.event("error", error={"code": "response_cancel_not_active"})

    assert talk.sent == [ResponseCreate()]
    assert talk.only(Notice) == []


def test_a_turn_that_ended_by_hand_is_answered_although_the_mode_changed() -> None:
    talk = Talk(by_hand=True)
    talk.note(talk.conversation.talk())
    talk.note(talk.conversation.take_turns(by_hand=False, change=MODE))
    talk.event("input_audio_buffer.committed", item_id="u1")

    assert talk.sent[-1] == ResponseCreate()


def test_a_turn_that_the_service_is_about_to_answer_is_answered_although_the_mode_changed() -> None:
    talk = Talk()
    talk.said("u1")
    talk.note(talk.conversation.take_turns(by_hand=True, change=MODE))
    talk.answer("Yes.")
    talk.heard("i1")
    talk.written("u1", "Is it?")

    assert talk.conversation.idle
    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["Is it?", "Yes."]


def test_an_answer_in_doubt_goes_on_when_the_mode_changes() -> None:
    talk = Talk(confirms=True)
    talk.answer("A long story.")
    speak(talk, "u1", 5000)
    talk.note(talk.conversation.take_turns(by_hand=True, change=MODE))

    assert talk.only(ResumeAudio) == [ResumeAudio()]
    talk.note(talk.conversation.voice_heard())
    assert talk.only(ClearAudio) == []


def test_half_a_turn_is_none_when_the_mode_changes() -> None:
    talk = Talk()
    speak(talk, "u1", 1000)
    talk.note(talk.conversation.take_turns(by_hand=True, change=MODE))

    assert talk.conversation.may_sleep
    talk.effects.clear()
    talk.note(talk.conversation.disconnected())
    assert talk.only(Offline) == [Offline(None)]


@pytest.mark.parametrize("status", ["incomplete", "cancelled"])
def test_what_was_answered_in_part_is_not_said_again(status: str) -> None:
    talk = Talk(transcribes=False)
    talk.said("u1")
    talk.created()
    talk.begin_item()
    talk.sound("Well")
    talk.note(talk.conversation.interrupt())
    talk.cut(Playback("i1", 1000, 900))
    talk.done(status=status)

    assert talk.conversation.may_sleep


def test_an_answer_that_was_cut_short_behind_a_call_goes_on() -> None:
    talk = calling()
    talk.done(status="incomplete")
    talk.effects.clear()
    talk.note(talk.conversation.tool_finished("c1", "Sunny."))

    assert ResponseCreate() in talk.sent


def test_an_output_that_the_lost_connection_had_is_answered_on_the_next() -> None:
    talk = calling()
    talk.note(talk.conversation.tool_finished("c1", "Sunny."))
    talk.note(talk.conversation.disconnected())
    talk.effects.clear()
    talk.connect()

    assert ResponseCreate() in talk.sent


def test_an_answer_that_begins_while_the_user_speaks_again_is_not_heard() -> None:
    talk = Talk(confirms=True)
    talk.said("u1")
    speak(talk, "u2", 1000)
    talk.created()
    talk.begin_item()
    talk.sound("Hello")

    assert ResponseCancel("r1") in talk.sent
    assert talk.only(Play) == []


def test_a_server_that_tells_of_no_end_of_speech_is_heard() -> None:
    talk = Talk()
    speak(talk, "u1", 1000)
    talk.event("input_audio_buffer.committed", item_id="u1")
    talk.created()
    talk.begin_item()
    talk.sound("Hello")

    assert len(talk.only(Play)) == 1


def test_what_the_service_wanted_to_say_to_a_noise_is_not_tried_again() -> None:
    talk = Talk(confirms=True)
    talk.answer("A long story.")
    speak(talk, "u1", 5000)
    talk.note(talk.conversation.voice_not_heard())
    talk.event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=5300)
    talk.event("input_audio_buffer.committed", item_id="u1")
    talk.created("r2")
    talk.done("r2", "failed", **FAILURE)

    assert talk.only(TryAgain) == []
    assert talk.only(Notice) == []


@pytest.mark.parametrize("ended", [True, False])
def test_the_answer_to_a_call_is_stopped_with_it(*, ended: bool) -> None:
    talk = calling()
    if ended:
        talk.done()
    talk.note(talk.conversation.interrupt())
    talk.effects.clear()
    talk.note(talk.conversation.tool_finished("c1", "called off"))
    if not ended:
        talk.done()

    assert [type(event) for event in talk.sent] == [ItemCreate]


def test_a_cough_does_not_call_off_a_function() -> None:
    talk = calling(confirms=True)
    talk.done()
    talk.effects.clear()
    speak(talk, "u1", 1)
    assert talk.only(ClearAudio) == []

    talk.note(talk.conversation.voice_heard())
    assert talk.only(ClearAudio) == [ClearAudio()]


def test_each_answer_that_fails_is_tried_once_more() -> None:
    talk = Talk()
    talk.note(talk.conversation.say("one"))
    talk.created()
    talk.done(status="failed", **FAILURE)
    talk.note(talk.conversation.retry())
    talk.created("r2")
    talk.note(talk.conversation.say("two"))
    talk.done("r2", "cancelled")
    talk.created("r3")
    talk.effects.clear()
    talk.done("r3", "failed", **FAILURE)

    assert len(talk.only(TryAgain)) == 1


def test_why_nothing_is_written_down_is_told_once() -> None:
    talk = Talk()
    name = "conversation.item.input_audio_transcription"
    for number in (1, 2):
        talk.said(f"u{number}")
        talk.event(f"{name}.delta", item_id=f"u{number}", delta="I would")
        talk.event(f"{name}.failed", item_id=f"u{number}", error={"message": "no such model"})

    assert talk.only(Notice) == [Notice("the service could not write down what you said: no such model")]
    assert [turn.text for turn in talk.turns if isinstance(turn, Turn)] == ["I would", "I would"]


# What was heard of an answer


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("One two three four.", "One two three"),
        ("今天天气很好我们一起去公园散步吧。", "今天天气很好我们一起去公园"),
        ("สวัสดีครับวันนี้อากาศดีมาก", "สวัสดีครับวันนี้อากา"),
        ("오늘은 날씨가 아주 좋습니다 그렇죠", "오늘은 날씨가 아주 좋습니다"),
    ],
)
def test_no_word_is_torn_in_any_script(text: str, heard: str) -> None:
    entry = Entry("i1", "assistant", text, complete=True)

    assert heard_text(entry, 8000, 10_000) == heard


def test_a_turn_that_ended_offline_is_heard_by_the_service_itself_once_it_shall() -> None:
    talk = Talk(by_hand=True)
    talk.note(talk.conversation.disconnected())
    talk.note(talk.conversation.talk())
    talk.note(talk.conversation.end_talk())
    talk.note(talk.conversation.take_turns(by_hand=False, change=MODE))
    talk.effects.clear()
    talk.connect()

    assert InputCommit() not in talk.sent
    assert talk.conversation.idle
