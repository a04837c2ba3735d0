"""Interruptions on a sound card: a cough lets the answer go on from where it paused, a word ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests import speech
from tests.program import Program
from tests.pulse import Recording, Samples
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, level, match, say

Run = Callable[..., Program]

ROUNDS = 3
"""Per test; `benchmarks/barge_in.py` does 20."""


def cough(seed: int) -> bytes:
    """0.2 s of noise that dies away, loud."""
    noise = np.random.default_rng(seed).standard_normal(RATE // 5)
    return bytes((noise * np.exp(-np.linspace(0, 4, len(noise))) * 9000).clip(-32768, 32767).astype("<i2"))


class Room:
    """The program with a long answer in the air; the service's detector is played by the test."""

    def __init__(self, card: SoundCard, service: Service, program: Program, air: Recording) -> None:
        self.card = card
        self.service = service
        self.program = program
        self.air = air

    def begin_answer(self, sound: bytes, text: str) -> int:
        """Let the service answer; the sample at which it is heard for 0.5 s."""
        position = len(self.air.samples)
        self.service.hear("Go on")
        self.service.say(sound, text)
        self.air.wait(lambda heard: _is_loud(heard[position:]))
        self.air.wait_seconds(0.5)
        return position

    def disturb(self, sound: bytes, item_id: str) -> None:
        """Make a sound into the microphone, for which the service's detector fires 0.1 s late, and ends 0.5 s late."""
        disturbance = self.card.say(sound)
        self.air.wait_seconds(0.1)
        self.service.speech_started(item_id)
        disturbance.wait()
        self.air.wait_seconds(0.5)
        self.service.speech_stopped(item_id)
        self.service.committed(item_id)


def _is_loud(heard: Samples) -> bool:
    return len(heard) > RATE // 10 and level(heard[-RATE // 10 :]) > -50


def _until(heard: Samples, sound: bytes) -> float:
    """How many ms of the sound were heard, told by the last that was."""
    last = np.flatnonzero(heard)[-1]
    return match(sound, heard[last - RATE // 4 : last])[0] + 250


def share_heard(heard: Samples, sound: bytes) -> float:
    """How many quarter seconds of the sound were heard as they are: all but those with the pause or a stumble in."""
    size = RATE // 4 * 2
    pieces = [sound[start : start + size] for start in range(0, len(sound) - size, size)]
    return sum(match(heard, piece)[1] > 0.98 for piece in pieces) / len(pieces)


@pytest.fixture
def room(card: SoundCard, service: Service, run: Run) -> Iterator[Room]:
    if not speech.can_speak():
        pytest.skip("no flite to speak with")
    program = run("--ws-url", service.url, "--echo", "off", env=card.environment | {"PYTHONWARNINGS": "default"})
    service.wait_for("input_audio_buffer.append", timeout=20)
    with card.record() as air:
        air.wait_seconds(1)  # the judge has been loaded by then
        yield Room(card, service, program, air)
    assert service.refusals == []


def test_a_cough_does_not_end_the_answer(room: Room) -> None:
    sound = say("This is a long answer that goes on and on, and that nobody wants to miss a single word of.")
    for number in range(ROUNDS):
        position = room.begin_answer(sound, f"A long answer, number {number}.")
        room.disturb(cough(number), f"cough_{number}")
        room.program.expect(rf"^assistant: A long answer, number {number}\.$", 20)
        room.air.wait_seconds(0.3)
        heard = room.air.samples[position:]

        assert match(heard, sound)[1] < 0.9, "it did not pause"
        assert share_heard(heard, sound) > 0.8, "a piece was lost"
        assert not room.service.events("conversation.item.truncate")
        deleted = [event["item_id"] for event in room.service.events("conversation.item.delete")]
        assert deleted == [f"cough_{n}" for n in range(number + 1)]


def test_a_word_ends_the_answer(room: Room) -> None:
    sound = say("This is a long answer that goes on and on, and that everybody wants to end as soon as they can.")
    for number, (word, voice) in enumerate([("stop", "slt"), ("wait", "rms"), ("no", "awb")][:ROUNDS]):
        position = room.begin_answer(sound, "a long answer " * 4)
        room.disturb(say(word, voice), f"word_{number}")
        room.program.expect(r"^assistant: a long .*\[interrupted\]$", 20)
        room.service.user_transcript(f"word_{number}", word)
        room.program.expect(f"^you: {word}$")
        truncated = room.service.wait_for("conversation.item.truncate")["audio_end_ms"]

        assert truncated == pytest.approx(_until(room.air.samples[position:], sound), abs=60)
    assert not room.service.events("conversation.item.delete")
