"""The program on open loudspeakers: its microphone hears its own voice, and the service must not.

The short form of `benchmarks/in_situ.py`, on the program as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import speech
from tests.program import Program
from tests.pulse import Samples
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, level, match, samples, say

Run = Callable[..., Program]

GAIN_DB = -4
"""Of the coupling: echo and user are about as loud as each other."""
LADSPA = Path("/usr/lib/ladspa/delayorama_1402.so")
SENTENCES = (
    "Let me explain how a rainbow comes about. Sunlight enters each drop of water, and is bent and split in it.",
    "Trains to the airport leave every twenty minutes, from platform nine. The next one goes at half past four.",
)
QUESTION = "Could you say that again more slowly?"

pytestmark = [
    pytest.mark.skipif(not speech.can_speak(), reason="no flite to speak with"),
    pytest.mark.skipif(not LADSPA.exists(), reason="no saturation and no reflections without swh-plugins"),
]


def quieter(pcm: bytes, db: float) -> bytes:
    return bytes((samples(pcm) * 10 ** (db / 20)).round().astype("<i2"))


def part(sound: Samples, start: float, end: float) -> Samples:
    """From second to second."""
    return sound[round(start * RATE) : round(end * RATE)]


@pytest.fixture
def room(card: SoundCard) -> Iterator[SoundCard]:
    with card.couple_in_room(gain_db=GAIN_DB):
        yield card


def talk(room: SoundCard, service: Service, run: Run, mode: str) -> tuple[Samples, Samples]:
    """What the microphone heard and the service got: 12 s of the assistant, with the user from the eighth on."""
    env = room.environment | {"PYTHONWARNINGS": "default"}
    run("--ws-url", service.url, "--echo", mode, "--barge-in", "instant", env=env)
    service.wait_for("input_audio_buffer.append", timeout=20)
    answer = b"".join(quieter(say(text), -5) for text in SENTENCES)
    before = service.wait_for_sound(2)
    with room.record("microphone") as air:
        service.say(answer, "A long answer.")
        air.wait_seconds(8)
        room.say(quieter(say(QUESTION, "rms"), -6)).wait()
        air.wait_seconds(0.5)
        heard = air.samples
    return heard, samples(service.microphone()[0][before:])


def test_the_service_hears_the_user_and_not_the_assistant(room: SoundCard, service: Service, run: Run) -> None:
    heard, sent = talk(room, service, run, "cancel")
    question = samples(quieter(say(QUESTION, "rms"), -6))
    at, likeness = match(sent, question)
    there, _ = match(heard, question)

    assert level(part(heard, 3, 7.5)) > -30, "there was no echo"
    assert level(part(heard, 3, 7.5)) - level(part(sent, 3, 7.5)) > 25
    assert likeness > 0.7
    assert at == pytest.approx(there, abs=100)
    assert not service.events("conversation.item.truncate")


def test_nothing_passes_while_a_muted_microphone_hears_the_assistant(
    room: SoundCard, service: Service, run: Run
) -> None:
    heard, sent = talk(room, service, run, "mute")

    assert level(part(heard, 2, 8)) > -30, "there was no echo"
    assert not np.any(part(sent, 2, 8))
