"""Sleep: after silence, or until a wake word, nothing is sent; speaking or typing goes on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.program import Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import can_speak, match, samples, say

Run = Callable[..., Program]


def _wait_for_close(service: Service) -> None:
    reader = service.connection().ws.recv_events_thread
    reader.join(5)
    assert not reader.is_alive()


def test_after_silence_the_connection_is_given_up_and_typing_makes_another(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, "--no-sound", "--idle-minutes", "0.02")
    service.wait_for("session.update")
    program.type("Remember seven")
    service.wait_for("response.create")
    service.say(bytes(480), "I shall.")
    program.expect("asleep")
    _wait_for_close(service)
    program.type("What was it?")
    service.wait_for("session.update")
    service.wait_for("response.create")

    texts = [event["item"]["content"][0]["text"] for event in service.events("conversation.item.create")]
    assert texts == ["Remember seven", "Remember seven", "I shall.", "What was it?"]


def test_speech_wakes_and_is_heard_from_its_first_word(service: Service, run: Run, card: SoundCard) -> None:
    if not can_speak():
        pytest.skip("no flite to speak with")
    program = run("--ws-url", service.url, "--echo", "off", "--idle-minutes", "0.05", env=card.environment)
    service.wait_for("session.update", timeout=20)
    program.expect("asleep", 20)
    _wait_for_close(service)
    asleep = len(service.microphone()[0])
    words = say("Hello again, what time is it now?")
    speech = card.say(words)
    service.wait_for("session.update")
    service.speech_started()
    speech.wait()
    service.wait_for_sound(48_000)

    heard = samples(service.microphone()[0][asleep:])
    assert match(heard, samples(words))[1] > 0.95


def test_with_a_wake_word_nobody_is_connected_to_before_it_is_said(service: Service, run: Run, card: SoundCard) -> None:
    pytest.importorskip("pocketsphinx")
    if not can_speak():
        pytest.skip("no flite to speak with")
    program = run("--ws-url", service.url, "--echo", "off", "--wake-word", "computer", env=card.environment)
    program.expect('say "computer"', 20)
    card.wait_for_listener()
    card.say(say("What time is it now?")).wait()
    assert service.connections == []
    card.say(np.concatenate([samples(say("computer")), np.zeros(48_000, np.int16)]).tobytes()).wait()

    service.wait_for("session.update", timeout=20)


def test_a_wake_word_that_nobody_can_say_is_refused(service: Service, run: Run) -> None:
    pytest.importorskip("pocketsphinx")
    program = run("--ws-url", service.url, "--no-sound", "--wake-word", "xqzyw")

    assert program.wait(20) == 2
    assert len(program.stderr) == 1
    assert "xqzyw" in program.stderr[0]
