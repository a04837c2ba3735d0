"""What a device gives and takes, as the program's blocks; and when a device is given up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.speech import level, match, samples
from voice.hardware.streams import FromDevice, ToDevice
from voice.hardware.watch import LOOK_SECONDS, LOOKS, MAX_MUTES, ZERO_SECONDS, MuteWatch, Watch
from voice.sound import BLOCK_BYTES, BLOCK_SAMPLES

FORMATS = [(24_000, 1), (24_000, 2), (48_000, 1), (48_000, 2), (44_100, 2), (22_050, 1), (16_000, 1), (8_000, 1)]


def _at(rate: int, seconds: float, channels: int = 1) -> bytes:
    time = np.arange(round(rate * seconds)) / rate
    sound = (np.sin(2 * np.pi * 440 * time) * 8000).round().astype("<i2")
    return bytes(sound.repeat(channels).tobytes())


def _pieces(pcm: bytes, size: int) -> list[bytes]:
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


@pytest.mark.parametrize(("rate", "channels"), FORMATS)
def test_a_microphone_gives_whole_blocks_of_the_same_sound(rate: int, channels: int) -> None:
    microphone = FromDevice(rate, channels)
    callbacks = [microphone.blocks(piece) for piece in _pieces(_at(rate, 2, channels), rate // 100 * channels * 2)]

    sound = b"".join(itertools.chain(*callbacks))
    assert {len(block) for block in itertools.chain(*callbacks)} == {BLOCK_BYTES}
    assert max(map(len, callbacks[10:])) <= 2, "sound comes in lumps"
    assert len(sound) / 2 / 24_000 > 1.96
    assert match(sound, _at(24_000, 1.5))[1] > 0.999


@pytest.mark.parametrize(("rate", "channels"), FORMATS)
def test_a_loudspeaker_is_given_what_it_asks_for(rate: int, channels: int) -> None:
    pieces = iter(_pieces(_at(24_000, 3), BLOCK_BYTES))
    speaker = ToDevice(rate, channels, lambda: next(pieces))
    given = [speaker.take(rate // 100) for _ in range(200)]

    assert {len(sound) for sound in given} == {rate // 100 * channels * 2}
    sides = samples(b"".join(given)).reshape(-1, channels)
    assert all((sides[:, 0] == side).all() for side in sides.T)
    assert match(sides[:, 0], _at(rate, 1.5))[1] > 0.999


@pytest.mark.parametrize(("rate", "channels"), FORMATS)
def test_the_loudspeaker_knows_how_far_ahead_it_has_read(rate: int, channels: int) -> None:
    bump = (np.hanning(BLOCK_SAMPLES) * 8000).astype("<i2").tobytes()
    blocks = itertools.chain([bytes(BLOCK_BYTES)] * 100, [bump], itertools.repeat(bytes(BLOCK_BYTES)))
    count = itertools.count(1)
    read = 0

    def next_block() -> bytes:
        nonlocal read
        read = next(count)
        return next(blocks)

    speaker = ToDevice(rate, channels, next_block)
    frames = rate // 100
    given: list[bytes] = []
    while read < 101:
        given.append(speaker.take(frames))
    ahead = speaker.ahead(frames) - (read - 101) * BLOCK_SAMPLES
    expected = (len(given) - 1) * frames / rate + (ahead - BLOCK_SAMPLES / 2) / 24_000
    given += [speaker.take(frames) for _ in range(10)]
    sound = samples(b"".join(given)).reshape(-1, channels)[:, 0]

    assert np.argmax(sound) / rate == pytest.approx(expected, abs=0.0005)


def test_stereo_is_averaged() -> None:
    stereo = np.zeros((240, 2), np.int16)
    stereo[:, 1] = 1000

    (block,) = FromDevice(24_000, 2).blocks(stereo.tobytes())
    assert set(samples(block)) == {500}


def test_loud_stereo_does_not_overflow() -> None:
    (block,) = FromDevice(24_000, 2).blocks(np.full(480, 32767, np.int16).tobytes())

    assert level(block) == pytest.approx(0, abs=0.01)


# Giving up -----------------------------------------------------------------------------------------------------------


def _looks(watch: Watch, frames: list[int]) -> list[str]:
    return [watch.look(count, index * LOOK_SECONDS) for index, count in enumerate(frames)]


def test_a_device_that_works_is_left_alone() -> None:
    assert set(_looks(Watch(24_000), [index * 6000 for index in range(50)])) == {""}


@pytest.mark.parametrize("worked", [0, 20])
def test_a_device_that_does_not_call_back_has_stopped(worked: int) -> None:
    verdicts = _looks(Watch(24_000), [min(index, worked) * 6000 for index in range(worked + LOOKS + 1)])

    assert verdicts == [""] * (worked + LOOKS) + ["has stopped"]


def test_one_callback_a_second_is_enough() -> None:
    assert set(_looks(Watch(24_000), [index // LOOKS * 240 for index in range(40)])) == {""}


def test_a_device_that_spins_is_given_up() -> None:
    assert _looks(Watch(24_000), [index * 600_000 for index in range(LOOKS + 1)])[-1] == "runs wild"


def test_a_hold_up_of_the_whole_program_is_not_the_device_s() -> None:
    watch = Watch(24_000)
    _looks(watch, [index * 6000 for index in range(10)])
    held_up = 10 * LOOK_SECONDS + 3

    assert watch.look(9 * 6000, held_up) == ""
    assert watch.look(9 * 6000 + 3 * 24_000, held_up + LOOK_SECONDS) == ""


def test_a_mute_is_said_once_and_so_is_its_end() -> None:
    mute = MuteWatch()

    assert mute.look(ZERO_SECONDS - 0.1) == ""
    assert "muted" in mute.look(ZERO_SECONDS)
    assert mute.look(ZERO_SECONDS + 1) == ""
    assert mute.look(0) == "is heard again"
    assert mute.look(0) == ""


def test_a_noise_gate_is_no_mute() -> None:
    mute = MuteWatch()
    said = [mute.look(seconds) for _ in range(20) for seconds in (ZERO_SECONDS, 0)]

    assert len([text for text in said if text]) == 2 * MAX_MUTES
