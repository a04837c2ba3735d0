"""Turns with the offline assistant: detected and committed, heard and interrupted."""

from __future__ import annotations

import contextlib

import pytest
from websockets.exceptions import ConnectionClosed

from tests.offline.client import (
    DEADLINE,
    LOUD,
    MS,
    SILENCE,
    SPOKEN_ANSWER,
    VAD_TURN,
    Client,
    Ears,
    Echo,
    farewell,
)

# Turns that the server detects


def test_a_spoken_turn_is_detected_and_answered_in_the_service_s_order(client: Client, brain: Echo, ears: Ears) -> None:
    client.events.clear()
    client.append(SILENCE)
    client.append(LOUD)
    client.append(SILENCE)
    done = client.wait("response.done")["response"]
    client.wait("rate_limits.updated")
    events = {event["type"]: event for event in client.events}

    assert events["input_audio_buffer.speech_started"]["audio_start_ms"] == 700
    assert events["input_audio_buffer.speech_stopped"]["audio_end_ms"] == 2000
    assert client.kinds() == VAD_TURN + SPOKEN_ANSWER
    assert len({events[kind]["item_id"] for kind in VAD_TURN[:3]}) == 1
    assert brain.turns[0].items[0]["content"] == [{"type": "input_audio", "transcript": "hello there"}]
    assert ears.heard == [SILENCE[: 300 * MS] + LOUD + SILENCE[: 500 * MS]]
    assert done["output"][0]["content"] == [
        {"type": "output_audio", "transcript": "You said hello there. That is all."}
    ]


def test_usage_is_estimated_from_sound_andtext_item(client: Client) -> None:
    client.append(LOUD + SILENCE)
    usage = client.wait("response.done")["response"]["usage"]

    assert usage["input_token_details"]["audio_tokens"] == 10  # 1000 ms of the user
    assert usage["output_token_details"] == {"audio_tokens": 14, "text_tokens": 9}  # 7 words, 34 characters
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_the_transcript_is_told_only_where_it_is_wanted(client: Client) -> None:
    client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
    client.append(LOUD + SILENCE)
    told = client.wait("conversation.item.input_audio_transcription.completed")
    client.wait("rate_limits.updated")
    client.update(audio={"input": {"transcription": None}})
    client.events.clear()
    client.append(LOUD + SILENCE)
    client.wait("rate_limits.updated")

    assert told["transcript"] == "hello there"
    assert told["usage"] == {"type": "duration", "seconds": 1.0}
    assert "conversation.item.input_audio_transcription.completed" not in client.kinds()


def test_a_recogniser_that_fails_is_told_and_survived(client: Client, ears: Ears) -> None:
    ears.words = "deaf"
    client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
    client.append(LOUD + SILENCE)
    failed = client.wait("conversation.item.input_audio_transcription.failed")

    assert failed["error"]["message"] == "no ears"
    assert _spoken(client) == ["I cannot understand you: no ears."]


def test_why_speech_is_not_understood_is_said_once(client: Client, ears: Ears, brain: Echo) -> None:
    spoken = []
    for words in ("deaf", "deaf", "hello there"):
        ears.words = words
        client.append(LOUD + SILENCE)
        spoken.append(_spoken(client))

    assert spoken == [["I cannot understand you: no ears."], [], ["You said hello there. That is all."]]
    assert len(brain.turns) == 1


def _spoken(client: Client) -> list[str]:
    done = client.wait("response.done")["response"]
    assert done["status"] == "completed"
    return [part["transcript"] for item in done["output"] for part in item["content"]]


def test_several_turns_in_one_append_are_each_answered(client: Client) -> None:
    client.update(audio={"input": {"turn_detection": {"create_response": False}}})
    client.append((LOUD + SILENCE) * 3)
    starts = [client.wait("input_audio_buffer.speech_started")["audio_start_ms"] for _ in range(3)]
    ends = [event["previous_item_id"] for event in client.events if event["type"] == "input_audio_buffer.committed"]

    assert starts == [0, 1200, 2700]
    assert ends[0] is None


def test_odd_pieces_of_sound_are_put_together(manual: Client, ears: Ears) -> None:
    for start in range(0, 300 * MS, 4801):
        manual.append(LOUD[start : min(start + 4801, 300 * MS)])
    manual.send("input_audio_buffer.commit")
    manual.wait("conversation.item.done")
    manual.say("and")

    assert ears.heard == [LOUD[: 300 * MS]]


def test_eagerness_is_how_short_a_silence_ends_the_turn(client: Client) -> None:
    client.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
    client.append(LOUD + SILENCE)

    assert client.wait("input_audio_buffer.speech_stopped")["audio_end_ms"] == 900


def test_speech_interrupts_the_answer(client: Client, brain: Echo) -> None:
    client.say("slowly")
    client.send("response.create")
    item = client.wait("conversation.item.added")["item"]
    client.wait("response.output_audio.delta")
    client.events.clear()
    client.append(LOUD)
    done = client.wait("response.done")["response"]
    kinds = client.kinds()

    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["id"] == item["id"]
    assert done["output"][0]["status"] == "incomplete"
    assert kinds[kinds.index("input_audio_buffer.speech_started") :] == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    client.append(SILENCE)  # answered, although the interrupted brain has not noticed yet
    assert client.wait("response.done")["response"]["status"] == "completed"
    assert not brain.closed.is_set() or len(brain.turns) == 2
    brain.gate.set()
    assert brain.closed.wait(DEADLINE)
    assert client.update()["model"] == "any"
    assert "response.output_audio.delta" not in client.kinds()[-1:]


def test_speech_does_not_interrupt_where_it_must_not(client: Client, brain: Echo) -> None:
    client.update(audio={"input": {"turn_detection": {"interrupt_response": False}}})
    client.say("slowly")
    client.send("response.create")
    client.wait("response.output_audio.delta")
    client.append(LOUD + SILENCE)
    error = client.wait("error")["error"]
    brain.gate.set()

    assert error["code"] == "conversation_already_has_active_response"
    assert client.wait("response.done")["response"]["status"] == "completed"


def test_silence_after_an_answer_makes_the_assistant_speak_up(client: Client) -> None:
    client.update(audio={"input": {"turn_detection": {"idle_timeout_ms": 5000}}})
    client.append(LOUD + SILENCE)
    client.wait("rate_limits.updated")
    client.events.clear()
    for _ in range(7):  # 0.7 s until the answer has been played, 5 s of silence
        client.append(SILENCE)
    event = client.wait("input_audio_buffer.timeout_triggered")

    assert event["audio_end_ms"] - event["audio_start_ms"] >= 5000
    assert client.wait("input_audio_buffer.committed")["item_id"] == event["item_id"]
    assert client.wait("response.done")["response"]["status"] == "completed"


# Turns that the client commits


def test_the_client_commits_and_asks(manual: Client, brain: Echo) -> None:
    manual.append(LOUD)
    manual.send("input_audio_buffer.commit")
    manual.wait("conversation.item.done")

    assert manual.kinds() == VAD_TURN[2:]
    assert manual.answer()["status"] == "completed"
    assert brain.turns[0].items[0]["content"][0]["transcript"] == "hello there"


@pytest.mark.parametrize(("sound_ms", "told"), [(0, "0.00ms"), (99, "99.00ms")])
def test_less_than_100_ms_are_not_committed(manual: Client, sound_ms: int, told: str) -> None:
    manual.append(LOUD[: sound_ms * MS])
    error = manual.refused("input_audio_buffer.commit")

    assert error["code"] == "input_audio_buffer_commit_empty"
    assert told in error["message"]


def test_a_cleared_buffer_is_empty(manual: Client) -> None:
    manual.append(LOUD)
    manual.send("input_audio_buffer.clear")
    manual.wait("input_audio_buffer.cleared")

    assert manual.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_nothing_is_committed_while_nobody_speaks(client: Client) -> None:
    client.append(SILENCE)

    assert client.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_a_commit_ends_the_speech_that_was_detected(client: Client, ears: Ears) -> None:
    client.append(LOUD)
    client.send("input_audio_buffer.commit")
    client.wait("input_audio_buffer.committed")
    client.append(SILENCE)
    client.update()

    assert "input_audio_buffer.speech_stopped" not in client.kinds()
    assert ears.heard == [LOUD]


def test_the_buffer_is_bounded(manual: Client) -> None:
    five_minutes = bytes(300_000 * MS)
    manual.append(five_minutes)
    manual.append(five_minutes)
    manual.append(LOUD)
    error = manual.wait("error")["error"]

    assert error["code"] == "input_audio_buffer_full"
    manual.send("input_audio_buffer.clear")
    manual.wait("input_audio_buffer.cleared")


def test_an_append_has_a_largest_size(manual: Client) -> None:
    manual.append(bytes(15 * 1024 * 1024))
    manual.append(bytes(15 * 1024 * 1024 + 2))
    assert manual.wait("error")["error"]["code"] == "invalid_value"

    with contextlib.suppress(ConnectionClosed):
        manual.append(bytes(16 * 1024 * 1024))
    assert farewell(manual.socket)[0] == 1009


def test_speech_without_end_becomes_a_turn(client: Client) -> None:
    client.update(audio={"input": {"turn_detection": {"create_response": False}}})
    for _ in range(3):
        client.append(LOUD * 500)  # 250 s

    assert client.wait("input_audio_buffer.speech_stopped")["audio_end_ms"] == 750_000
