"""Devices that are unlike each other, refuse, go, hang, come back or are muted, while the conversation goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.program import Program
from tests.pulse import Samples
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, level, match, samples
from voice.errors import DeviceError
from voice.hardware.side import Side
from voice.hardware.supervisor import OPEN_SECONDS, Supervisor

Run = Callable[..., Program]

NEVER_CALLS = """\
pcm.never { type plug slave { pcm { type pulse } rate 44100 channels 2 } rate_converter "none" hint { show on } }
"""
"""PortAudio opens this at 44100 Hz, and then waits for it for ever."""


def _noise(seconds: float) -> bytes:
    """Sound that is like no other part of itself, below some 3 kHz so that resampling leaves it alone."""
    white = np.random.default_rng(3).standard_normal(round(seconds * RATE))
    return bytes((np.convolve(white, np.hanning(16), "same") * 1500).astype("<i2").tobytes())


def _start(run: Run, card: SoundCard, service: Service, *options: str, **more: str) -> Program:
    script = "tests/picky.py" if "PICKY" in more else "realtime.py"
    arguments = ("--ws-url", service.url, "--echo", "off", "--barge-in", "instant", *options)
    program = run(*arguments, env=card.environment | more, script=script)
    service.wait_for("input_audio_buffer.append", timeout=20)
    return program


def _hears(service: Service, card: SoundCard) -> None:
    """What is said into the card's microphone reaches the service."""
    sound = _noise(1)
    before = len(service.microphone()[0])
    card.say(sound).wait()
    service.wait_for_sound(RATE)
    likeness = match(service.microphone()[0][before:], sound)[1]
    assert likeness > 0.99, f"alike {likeness:.3f}"


def _is_loud(heard: Samples) -> bool:
    return level(heard[-2400:]) > -60


def _speaks(service: Service, card: SoundCard) -> None:
    """What the service says is heard from the card's loudspeaker."""
    sound = _noise(1)
    with card.record() as recording:
        service.hear("Speak")
        service.say(sound, "here")
        recording.wait(_is_loud)
        recording.wait_seconds(1.2)
    likeness = match(recording.samples, sound)[1]
    assert likeness > 0.99, f"alike {likeness:.3f}"


# Devices that are unlike ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("picky", ["48000,1", "48000,2", "44100,2", "24000,2", "16000,1"])
def test_a_card_that_refuses_24_khz_mono_is_used_as_it_is(
    card: SoundCard, service: Service, run: Run, picky: str
) -> None:
    program = _start(run, card, service, PICKY=picky)

    _hears(service, card)
    _speaks(service, card)
    assert program.stderr == []


@pytest.fixture
def other() -> Iterator[SoundCard]:
    with SoundCard() as running:
        yield running


def _both(card: SoundCard, other: SoundCard, folder: Path) -> dict[str, str]:
    """An environment that has `card` as pcm left, and as the default one, and `other` as pcm right."""
    config = Path(card.environment["ALSA_CONFIG_PATH"]).read_text()
    for name, server in (("left", card), ("right", other)):
        address = server.environment["PULSE_SERVER"]
        config += f'pcm.{name} {{ type pulse server "{address}" hint {{ show on }} }}\n'
    path = folder / "both.conf"
    path.write_text(config)
    return {"ALSA_CONFIG_PATH": str(path)}


def test_two_different_cards(card: SoundCard, other: SoundCard, service: Service, run: Run, tmp_path: Path) -> None:
    devices = ("--input-device", "left", "--output-device", "right")
    program = _start(run, card, service, *devices, **_both(card, other, tmp_path))

    _hears(service, card)
    _speaks(service, other)
    assert program.stderr == []


# Devices that go -----------------------------------------------------------------------------------------------------


def test_the_card_goes_and_comes_back_while_listening(card: SoundCard, service: Service, run: Run) -> None:
    program = _start(run, card, service)
    for _ in range(2):
        card.unplug()
        gone = program.expect("gone.*looking for another$").string
        assert "the microphone (default) is gone" in gone
        assert "the loudspeaker (default) is gone" in gone
        card.replug()
        program.expect("the loudspeaker works again.*, the microphone works again")
        _hears(service, card)
        _speaks(service, card)

    assert len(program.stderr) == 4


def test_an_answer_goes_on_where_the_card_went(card: SoundCard, service: Service, run: Run) -> None:
    program = _start(run, card, service)
    sound = _noise(6)
    with card.record() as before:
        service.hear("Sing")
        service.say(sound, "la la la")
        before.wait(_is_loud)
        before.wait_seconds(2)
        card.unplug()
        program.expect("the loudspeaker .* is gone")
    program.signal(signal.SIGSTOP)  # so that nothing is played before it is listened to
    card.replug()
    with card.record() as after:
        program.signal(signal.SIGCONT)
        program.expect("^assistant: la la la$")

    assert _until(before.samples, sound) - 0.001 < _since(after.samples, sound) < _until(before.samples, sound) + 0.1


def _until(heard: Samples, sound: bytes) -> float:
    """How many seconds of `sound` were heard."""
    last = np.flatnonzero(np.abs(heard.astype(int)) > 200)[-1]
    return match(sound, heard[last - RATE : last])[0] / 1000 + 1


def _since(heard: Samples, sound: bytes) -> float:
    """Which second of `sound` is the first that was heard."""
    first = np.flatnonzero(np.abs(heard.astype(int)) > 200)[0]
    return match(sound, heard[first : first + RATE])[0] / 1000


def test_the_default_card_takes_over_from_one_that_goes(
    card: SoundCard, other: SoundCard, service: Service, run: Run, tmp_path: Path
) -> None:
    program = _start(run, card, service, "--output-device", "right", **_both(card, other, tmp_path))
    sound = _noise(6)
    with other.record() as there, card.record() as here:
        service.hear("Sing")
        service.say(sound, "la la la")
        there.wait(_is_loud)
        there.wait_seconds(2)
        other.unplug()
        program.expect(r"^the loudspeaker \(right\) is gone: looking for another$")
        program.expect(r"^the loudspeaker works again \(default\)$")
        program.expect("^assistant: la la la$")

    assert _until(there.samples, sound) - 0.001 < _since(here.samples, sound) < _until(there.samples, sound) + 0.1
    _hears(service, card)


def test_without_a_loudspeaker_the_microphone_goes_on(
    card: SoundCard, other: SoundCard, service: Service, run: Run, tmp_path: Path
) -> None:
    program = _start(run, card, service, "--input-device", "right", **_both(card, other, tmp_path))
    card.unplug()
    program.expect(r"^the loudspeaker \(default\) is gone: looking for another$")
    service.wait_for_sound(RATE // 4)  # the microphone is back from the short interruption
    _hears(service, other)
    card.replug()
    program.expect(r"^the loudspeaker works again \(default\)$")
    _speaks(service, card)
    _hears(service, other)


def test_without_a_microphone_the_answer_is_heard_and_the_turn_ends(
    card: SoundCard, other: SoundCard, service: Service, run: Run, tmp_path: Path
) -> None:
    program = _start(run, card, service, "--output-device", "right", **_both(card, other, tmp_path))
    before = len(service.microphone()[0])
    sound = _noise(8)
    with other.record() as recording:
        service.hear("Sing")
        service.say(sound, "la la la")
        recording.wait(_is_loud)
        card.unplug()
        program.expect(r"^the microphone \(default\) is gone: looking for another$")
        program.expect("^assistant: la la la$", 15)
    heard = service.microphone()[0][before:]

    assert match(recording.samples, sound[-RATE * 2 * 6 :])[1] > 0.99
    assert level(heard[-RATE * 2 // 2 :]) == float("-inf"), "the service does not hear the end"
    card.replug()
    program.expect(r"^the microphone works again \(default\)$")
    _hears(service, card)


def test_a_device_that_never_calls_back_is_replaced(
    card: SoundCard, service: Service, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "never.conf"
    path.write_text(Path(card.environment["ALSA_CONFIG_PATH"]).read_text() + NEVER_CALLS)
    program = _start(run, card, service, "--output-device", "never", ALSA_CONFIG_PATH=str(path))
    program.expect(r"^the loudspeaker \(never\) has stopped: looking for another$")
    program.expect(r"^the loudspeaker works again \(default\)$")

    _speaks(service, card)
    _hears(service, card)


@pytest.mark.patient
def test_a_sound_server_that_hangs_is_waited_for(card: SoundCard, service: Service, run: Run) -> None:
    program = _start(run, card, service)
    card.freeze()
    program.expect("the loudspeaker .* has stopped, the microphone .* has stopped: looking for another$")
    card.thaw()
    program.expect("the loudspeaker works again .*the microphone works again")

    _hears(service, card)
    _speaks(service, card)


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.patient
def test_a_sound_server_that_hangs_does_not_hold_up_the_end(
    card: SoundCard, service: Service, run: Run, noticed: bool
) -> None:
    program = _start(run, card, service)
    card.freeze()
    if noticed:
        program.expect("has stopped")
    began = time.monotonic()
    program.interrupt()

    assert program.wait() == 0
    assert time.monotonic() - began < 5


@pytest.fixture
def unanswering(card: SoundCard, service: Service, run: Run) -> Program:
    """The program on a sound server that hangs from the start, after it has told so."""
    card.freeze()
    began = time.monotonic()
    program = run("--ws-url", service.url, env=card.environment)
    program.expect("^the sound system does not answer: type your messages; to talk, start again after this: ")
    assert time.monotonic() - began < OPEN_SECONDS + 4
    return program


@pytest.mark.patient
def test_a_sound_server_that_hangs_at_the_start_leaves_the_keyboard(
    unanswering: Program, card: SoundCard, service: Service
) -> None:
    for _ in range(2):
        unanswering.type("hello")
        service.wait_for("response.create")
        service.say(_noise(0.1), "Good day.")
        unanswering.expect("^assistant: Good day.$")
        card.thaw()
    unanswering.expect("^the sound system answers again: start again to talk$")
    unanswering.end_of_file()

    assert unanswering.wait() == 0
    assert len(unanswering.stderr) == 2
    assert service.microphone()[0] == b""


@pytest.mark.patient
def test_a_sound_server_that_hangs_from_the_start_does_not_hold_up_the_end(unanswering: Program) -> None:
    began = time.monotonic()
    unanswering.interrupt()

    assert unanswering.wait() == 0
    assert time.monotonic() - began < 5
    assert len(unanswering.stderr) == 1


@pytest.mark.patient
def test_a_device_that_is_asked_for_on_a_sound_server_that_hangs_is_status_4(card: SoundCard, run: Run) -> None:
    card.freeze()
    program = run("--offline", "--input-device", "default", env=card.environment)

    assert program.wait(20) == 4
    (line,) = program.stderr
    assert line.startswith("realtime: the sound system does not answer: ")


# A microphone that delivers nothing ----------------------------------------------------------------------------------


def test_a_muted_microphone_is_noticed_and_so_is_its_return(card: SoundCard, service: Service, run: Run) -> None:
    program = _start(run, card, service)
    card.mute(muted=True)
    program.expect("^the microphone delivers only silence: is it muted, ")
    card.mute(muted=False)
    program.expect("^the microphone is heard again$")

    _hears(service, card)
    assert len(program.stderr) == 2


def test_a_microphone_that_is_muted_from_the_start_is_noticed(card: SoundCard, service: Service, run: Run) -> None:
    card.mute(muted=True)
    program = _start(run, card, service)
    program.expect("^the microphone delivers only silence: is it muted, ")

    assert not any(samples(service.microphone()[0]))


def test_a_device_that_goes_while_it_is_being_opened_is_an_error_and_no_hang() -> None:
    def gone() -> None:
        raise OSError(-9985, "Device unavailable")

    microphone, speaker = Side("input", lambda *_: (None, 0)), Side("output", lambda *_: (None, 0))
    supervisor = Supervisor(
        microphone, speaker, prepare=gone, look_further=lambda: None, playing=lambda: False, tell=lambda _: None
    )

    with pytest.raises(DeviceError, match="Device unavailable"):
        supervisor.open("", "")
    supervisor.stop()
