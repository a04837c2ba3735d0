"""Sleep: after silence, or until a wake word, nothing is sent; speaking or typing goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from queue import SimpleQueue
from typing import Literal

import numpy as np
import pytest

from tests.caller import Client
from tests.program import Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import can_speak, match, samples, say
from voice.config import Config
from voice.connection import Connection
from voice.echo import REST_BLOCKS, Off, Samples
from voice.effects import Microphone
from voice.feed import Feed
from voice.nearend import NearEnd
from voice.shown import Notice
from voice.sleep import Sleep
from voice.sound import SILENCE, Block
from voice.uplink import MicQueue, Uplink

Run = Callable[..., Program]


def _wait_for_close(service: Service) -> None:
    reader = service.connection().ws.recv_events_thread
    reader.join(5)
    assert not reader.is_alive()


def test_after_silence_the_connection_is_given_up_and_typing_makes_another(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, "--no-sound", "--idle-minutes", "0.05")
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


def test_without_a_detector_it_sleeps_until_something_is_typed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "voice.wake", raising=False)
    monkeypatch.setitem(sys.modules, "voice.silero", None)  # as on a computer on which its package is missing
    notices: list[str] = []
    feed = Feed()
    feed.subscribe(Notice, lambda notice: notices.append(notice.text))
    with Client(service, config=Config(ws_url=service.url, idle_minutes=0.2 / 60)) as client:

        def show(shown: object) -> None:
            feed.show(shown)
            client._show(shown)

        client.session._show = show
        sleep = Sleep(client.config, client.session, feed)
        client.start()
        client.wait_for_state("listening")
        sleep.start(hears=True)
        for _ in range(2):
            client.wait_for_state("asleep")
            sleep.stir()
            client.wait_for_state("listening")
        sleep.stop()

    assert [text for text in notices if "cannot be heard" in text] == notices[:1]
    assert set(notices[1:]) == {"asleep, and nothing is sent: type to go on"}


class _Counting(Off):
    """Counts the blocks that it is to find an echo in."""

    def __init__(self) -> None:
        self.blocks = 0

    def process(self, near: Samples, far: Samples) -> Samples:
        self.blocks += 1
        return super().process(near, far)


class _Nobody:
    """Is told, and does nothing."""

    def voice_heard(self, *, heard: bool) -> None:
        pass

    def time_passed(self) -> None:
        pass

    def sound_kept(self, ms: int) -> None:
        pass

    def sending_failed(self, connection: Connection) -> None:
        pass

    def failed(self, error: Exception) -> None:
        raise error


@pytest.mark.parametrize(("state", "looked"), [("closed", REST_BLOCKS), ("open", 1000), ("muted", 1000)])
def test_nobody_looks_for_an_echo_when_nothing_is_sent_and_nothing_was_played_of_late(
    state: Literal["closed", "open", "muted"], looked: int
) -> None:
    queue: MicQueue = SimpleQueue()
    uplink = Uplink(queue, _Nobody())
    echo = _Counting()
    queue.put(Microphone(state))
    for _ in range(1000):
        queue.put(Block(SILENCE, SILENCE))
    played = b"\1" * len(SILENCE)
    for block in (played, *[SILENCE] * REST_BLOCKS):
        queue.put(Block(SILENCE, block))
    queue.put(None)
    uplink.near_end = NearEnd(echo)
    uplink.start()
    uplink.join(10)

    assert echo.blocks == looked + 1 + REST_BLOCKS


class _Noting(Off):
    """Notes what it is told besides the sound."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def slipped(self) -> None:
        self.told.append("slipped")

    def renewed(self) -> None:
        self.told.append("renewed")


def test_the_suppressor_is_told_of_lost_sound_and_of_other_devices() -> None:
    queue: MicQueue = SimpleQueue()
    uplink = Uplink(queue, _Nobody())
    echo = _Noting()
    for lost, anew in ((False, False), (True, False), (True, True), (False, True)):
        queue.put(Block(SILENCE, SILENCE, lost, anew))
    queue.put(None)
    uplink.near_end = NearEnd(echo)
    uplink.start()
    uplink.join(10)

    assert echo.told == ["slipped", "renewed", "renewed"]
