"""The program on a sound card: what the microphone hears reaches the service, what the service says is heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.program import TOP, Program
from tests.pulse import Recording
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, level, match, silence, tone

Run = Callable[..., Program]


def _noise(seconds: float) -> bytes:
    """Sound that is like no other part of itself, so that a gap or a swap anywhere shows."""
    noise = np.random.default_rng(7).standard_normal(round(seconds * RATE))
    smooth = np.convolve(noise, np.ones(4) / 4, mode="same")
    return bytes((smooth * 4000).astype("<i2"))


def _start(run: Run, card: SoundCard, service: Service, *options: str) -> Program:
    program = run("--ws-url", service.url, "--echo", "off", "--barge-in", "instant", *options, env=card.environment)
    service.wait_for("input_audio_buffer.append", timeout=20)
    return program


def test_the_microphone_reaches_the_service_gapless_in_order_and_in_real_time(
    card: SoundCard, service: Service, run: Run
) -> None:
    _start(run, card, service)
    sound = _noise(15)
    card.say(sound).wait()
    service.wait_for_sound(RATE)

    received, arrivals = service.microphone()
    start, likeness = match(received, sound)
    assert likeness > 0.99, f"alike {likeness:.3f} from {start:.0f} ms on"
    steady = arrivals[50:]  # what waited for the start came at once
    seconds = steady[-1][0] - steady[0][0]
    assert sum(size for _, size in steady[1:]) / 2 / RATE == pytest.approx(seconds, rel=0.001, abs=0.03)


def test_ten_seconds_in_one_burst_are_heard_whole(card: SoundCard, service: Service, run: Run) -> None:
    _start(run, card, service)
    sound = _noise(10)
    with card.record() as recording:
        service.hear("Sing")
        service.say(sound, "la la la")
        recording.wait_seconds(10.5)

    _, likeness = match(recording.samples, sound)
    assert likeness > 0.99


def _say_in_bursts(service: Service, recording: Recording, sound: bytes) -> None:
    """Answer at the pace of speech, 0.3 s of sound at a time, every other burst 0.1 s late."""
    size = RATE * 3 // 10 * 2
    bursts = [sound[start : start + size] for start in range(0, len(sound), size)]
    service.hear("Sing")
    reply = service.say(bursts[0], "la la la", done=False)
    connection = service.connection()
    for number, burst in enumerate(bursts[1:]):
        recording.wait_seconds(0.2 if number % 2 else 0.4)
        with connection.lock:
            connection.send(reply.audio(burst))
    service.finish(reply)
    recording.wait_seconds(1.5)


def test_sound_that_comes_in_bursts_is_torn_once_and_then_comes_whole(
    card: SoundCard, service: Service, run: Run
) -> None:
    _start(run, card, service)
    with card.record() as recording:
        _say_in_bursts(service, recording, _noise(1.8))
        sound = _noise(6)
        position = len(recording.samples)
        _say_in_bursts(service, recording, sound)

    _, likeness = match(recording.samples[position:], sound)
    assert likeness > 0.99


def test_an_interruption_is_silent_soon_and_truncates_to_what_was_heard(
    card: SoundCard, service: Service, run: Run
) -> None:
    program = _start(run, card, service)
    sound = _noise(10)
    with card.record() as recording:
        service.hear("Count")
        service.say(sound, "one two three four five six seven eight nine ten")
        recording.wait(lambda heard: level(heard[-2400:]) > -60)
        recording.wait_seconds(2)
        service.speech_started("barge")
        truncate = service.wait_for("conversation.item.truncate")
        recording.wait_seconds(0.5)

    heard = recording.samples
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 50)
    heard_ms = match(sound, heard[loud[-1] - RATE // 2 : loud[-1]])[0] + 500  # where it ends, whatever came in between
    assert truncate["audio_end_ms"] == pytest.approx(heard_ms, abs=60)
    assert not heard[loud[-1] + RATE // 100 :][: RATE // 4].any()
    program.expect(r"^assistant: one two .*\[interrupted\]$")


def test_a_short_answer_is_heard(card: SoundCard, service: Service, run: Run) -> None:
    program = _start(run, card, service)
    with card.record() as recording:
        service.hear("Beep")
        service.say(tone(440, 0.06), "beep")
        recording.wait(lambda heard: level(heard[-1200:]) > -30)
    program.expect("^you: Beep$")
    program.expect("^assistant: beep$")


def test_the_microphone_is_held_back_while_the_assistant_is_heard(card: SoundCard, service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, "--echo", "mute", env=card.environment)
    service.wait_for("input_audio_buffer.append", timeout=20)
    with card.record() as recording:
        service.hear("Sing")
        service.say(tone(440, 2), "la")
        recording.wait(lambda heard: level(heard[-2400:]) > -60)
        before = len(service.microphone()[0])
        speech = card.say(tone(1000, 1))
        speech.wait()
        during = service.microphone()[0][before:]
        program.expect("^assistant: la$")
        recording.wait_seconds(1)
        card.say(tone(1000, 1) + silence(0.3)).wait()

    on_its_way = RATE // 10 * 2
    assert level(during[on_its_way : RATE * 2]) == float("-inf")
    assert level(service.microphone()[0][-RATE * 2 :]) > -30


DELIVERED = """\
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from voice import Assistant
from voice.shown import Turn

answer = bytearray()
with Assistant(ws_url=sys.argv[2], barge_in="instant", deliver=answer.extend) as assistant:
    assistant.subscribe(Turn, lambda turn: turn.role == "assistant" and assistant.end())
    assistant.wait(30)
Path(sys.argv[3]).write_bytes(answer)
"""


def test_sound_that_is_delivered_is_whole_and_no_loudspeaker_takes_of_it(
    card: SoundCard, service: Service, run: Run, tmp_path: Path
) -> None:
    script, answer = tmp_path / "delivered.py", tmp_path / "answer"
    script.write_text(DELIVERED, encoding="utf-8")
    program = run(str(TOP), service.url, str(answer), script=script, env=card.environment)
    service.wait_for("input_audio_buffer.append", timeout=20)
    sound = _noise(5)
    with card.record() as recording:
        service.hear("Sing")
        service.say(sound, "la la la", burst=False)
        assert program.wait(20) == 0
        heard = recording.samples

    assert answer.read_bytes() == sound
    assert level(heard) < -60
    assert program.stderr == []


def test_a_device_that_is_not_there_is_an_error_that_lists_what_is(card: SoundCard, run: Run) -> None:
    program = run("--offline", "--input-device", "gramophone", env=card.environment)

    assert program.wait(20) == 4
    assert any("'gramophone' is not there; choose one of: " in line and "pulse" in line for line in program.stderr)


def test_devices_are_listed_with_channels_rate_and_default(card: SoundCard, run: Run) -> None:
    program = run("--list-devices", env=card.environment)

    assert program.wait(20) == 0
    assert any("default input and output" in line and "Hz" in line for line in program.stdout)
    assert program.stderr == []


@pytest.mark.skipif(any(Path("/dev/snd").glob("pcm*")), reason="this computer has a sound card")
def test_without_a_sound_card_the_keyboard_goes_on(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, env={"PULSE_SERVER": "none"})
    program.expect("no microphone and no loudspeaker can be used: type your messages")
    program.type("hello")
    program.end_of_file()
    assert service.wait_for("session.update")["session"]["output_modalities"] == ["text"]
    service.wait_for("response.create")
    service.say(silence(0.1), "Good day.")  # a server that speaks all the same
    program.expect("^you: hello$")
    program.expect("^assistant: Good day.$")

    assert program.wait() == 0
    assert len(program.stderr) == 1


WITHOUT_PYAUDIO = """\
import sys

sys.modules["pyaudio"] = None  # an import of it fails
sys.path.insert(0, sys.argv.pop(1))
import realtime

sys.exit(realtime.main())
"""


def test_without_sound_no_pyaudio_is_needed(service: Service, run: Run, tmp_path: Path) -> None:
    script = tmp_path / "without.py"
    script.write_text(WITHOUT_PYAUDIO, encoding="utf-8")
    program = run(str(TOP), "--ws-url", service.url, "--no-sound", script=script)
    program.type("hello")
    service.wait_for("response.create", timeout=20)
    service.say(silence(0.1), "Good day.")  # a server that speaks all the same
    program.expect("^assistant: Good day.$")
    program.end_of_file()

    assert program.wait() == 0
    assert program.stderr == []


@pytest.mark.parametrize("number", [2, 15], ids=["SIGINT", "SIGTERM"])
def test_signals_end_it_quickly_with_status_0(card: SoundCard, service: Service, run: Run, number: int) -> None:
    program = _start(run, card, service)
    service.hear("Sing")
    service.say(tone(440, 5), "la " * 10)
    program.expect("^you: Sing$")
    began = time.monotonic()
    program.signal(number)

    assert program.wait() == 0
    assert time.monotonic() - began < 2
    assert program.stderr == []
