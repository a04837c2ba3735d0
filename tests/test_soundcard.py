"""The sound card without hardware behaves like one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests import speech
from tests.pulse import RATE
from tests.soundcard import HUM_DBFS, SoundCard

DUPLEX = Path(__file__).with_name("duplex.py")


def play(card: SoundCard, pcm: bytes) -> None:
    """Play through the loudspeaker, to its end."""
    command = ["pacat", "--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=500"]
    subprocess.run(command, input=pcm, env=os.environ | card.environment, check=True, timeout=30)


def noise(seconds: float, seed: int = 1) -> bytes:
    """Noise below some 3 kHz: unlike a tone it matches at one place only, and a loop's resampler leaves it alone."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (np.convolve(white, np.hanning(16), "same") * 1500).astype("<i2").tobytes()


def test_microphone_hears_what_is_said_unchanged(card: SoundCard) -> None:
    said = noise(0.5)

    with card.record("microphone") as recording:
        card.say(said).wait()
        recording.wait_seconds(0.1)

    assert speech.match(recording.samples, said)[1] > 0.999


def test_recording_hears_the_loudspeaker_and_not_the_microphone(card: SoundCard) -> None:
    played = noise(0.5)

    with card.record() as recording:
        card.say(noise(0.5, seed=2)).wait()
        assert speech.level(recording.wait_seconds(0.05)) == float("-inf")
        play(card, played)
        recording.wait_seconds(0.1)

    assert speech.match(recording.samples, played)[1] > 0.999


def test_recording_runs_on_in_silence_at_the_pace_of_the_clock(card: SoundCard) -> None:
    with card.record() as recording:
        before, began = len(recording.samples), time.monotonic()
        recording.wait_seconds(5)
        heard, seconds = len(recording.samples) - before, time.monotonic() - began

    assert heard / RATE == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("delay_ms", [20, 100])
def test_coupled_microphone_hears_the_loudspeaker_late_and_weaker(card: SoundCard, delay_ms: int) -> None:
    sound = noise(1)

    with card.couple(delay_ms, -20), card.record("microphone") as echo, card.record() as source:
        play(card, sound)
        echo.wait_seconds(0.3)
    came, _ = speech.match(source.samples, sound)
    returned, likeness = speech.match(echo.samples, sound)
    later = returned - came + (echo.started - source.started) * 1000

    # Time stamps of two recordings are 10 ms blunt each.
    assert likeness > 0.99
    assert later == pytest.approx(delay_ms, abs=20)
    assert speech.level(echo.samples) - speech.level(source.samples) == pytest.approx(-20, abs=0.5)


def test_reflections_follow_the_direct_sound(card: SoundCard) -> None:
    sound = noise(1)

    with card.couple(40, -6, reflections=[(30, -6)]), card.record("microphone") as echo:
        play(card, sound)
        echo.wait_seconds(0.3)
    direct, _ = speech.match(echo.samples, sound)
    heard = echo.samples.astype(float)
    start = round(direct * 24)
    heard[start : start + RATE] -= speech.samples(sound)[: len(heard[start : start + RATE])] * 10 ** (-6 / 20)
    reflected, likeness = speech.match(heard.round().astype(np.int16), sound)

    assert reflected - direct == pytest.approx(30, abs=2)
    assert likeness > 0.95


def test_echo_ends_with_the_coupling(card: SoundCard) -> None:
    with card.couple(20, 0):
        pass
    with card.record("microphone") as recording:
        play(card, noise(0.3))

    assert speech.level(recording.samples) < HUM_DBFS


def test_speech_can_be_stopped(card: SoundCard) -> None:
    with card.record("microphone") as recording:
        said = card.say(noise(30))
        recording.wait(lambda samples: speech.level(samples) > -60)
        said.stop()
        recording.wait(lambda samples: len(samples) > RATE and speech.level(samples[-RATE // 4 :]) < HUM_DBFS)


def test_unplugged_card_has_no_devices_until_it_is_plugged_in_again(card: SoundCard) -> None:
    card.unplug()
    assert "speaker" not in card.pactl("list", "short", "sinks")
    card.replug()
    assert card.pactl("get-default-sink") == "speaker"
    assert card.pactl("get-default-source") == "microphone"


def test_leaving_removes_daemon_and_folder() -> None:
    with SoundCard() as card:
        folder = Path(card.environment["XDG_RUNTIME_DIR"])
        assert folder.exists()
        said = card.say(noise(30))

    assert not folder.exists()
    with pytest.raises(subprocess.CalledProcessError):
        said.wait()
    with pytest.raises(subprocess.CalledProcessError):
        card.pactl("info")


def test_two_cards_do_not_hear_each_other(card: SoundCard) -> None:
    with SoundCard() as other, other.record("microphone") as recording:
        card.say(noise(0.3)).wait()

    assert speech.level(recording.samples) < HUM_DBFS


@pytest.mark.parametrize("block_ms", [10, 20])
def test_pyaudio_plays_and_hears_on_the_default_devices(card: SoundCard, block_ms: int) -> None:
    with card.couple(40, 0):
        done = subprocess.run(
            [sys.executable, DUPLEX, str(block_ms), "2", "two"],
            env=os.environ | card.environment,
            capture_output=True,
            timeout=30,
            check=False,
        )

    assert done.returncode == 0, done.stderr.decode()
    assert speech.match(done.stdout, speech.tone(440, 0.1))[1] > 0.9
