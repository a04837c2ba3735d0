"""The two callbacks and the thread *devices*, on devices that do as the test says, as no sound server would."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import numpy as np
import pyaudio
import pytest

import voice.audio
import voice.hardware.supervisor
from tests.caller import wait_until
from tests.portaudio import Devices
from voice.audio import Audio
from voice.buffer import AudioBuffer
from voice.config import Config
from voice.hardware.devices import Device
from voice.hardware.side import Side
from voice.shown import Notice, Shown
from voice.sound import BLOCK_BYTES, BLOCK_SAMPLES, MAX_QUEUED_BLOCKS, SAMPLE_RATE, SILENCE, Block

TIMEOUT = 20.0
WINDOWS_STEP = 1 / 64
"""s. Of time.monotonic() on Windows before Python 3.13."""


def _sound(seconds: float) -> bytes:
    return np.full(round(seconds * SAMPLE_RATE), 1000, np.int16).tobytes()


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    devices = Devices()
    monkeypatch.setattr(pyaudio, "PyAudio", devices.open)
    monkeypatch.setattr(voice.hardware.supervisor, "PATIENT_RETRY_SECONDS", 0.5)
    return devices


class Run:
    """The sound of one conversation, of which nobody takes what goes out."""

    def __init__(self, config: Config) -> None:
        self.audio_buffer = AudioBuffer()
        self.mic_queue: SimpleQueue[Block] = SimpleQueue()
        self.notices: list[str] = []
        self.audio = Audio(self.audio_buffer, self.mic_queue, config, self._show)

    def _show(self, shown: Shown) -> None:
        assert isinstance(shown, Notice)
        self.notices.append(shown.text)

    def take(self) -> list[Block]:
        """All that waits to go out."""
        return [self.mic_queue.get() for _ in range(self.mic_queue.qsize())]

    def wait_for(self, notice: str, times: int = 1) -> None:
        wait_until(lambda: sum(notice in text for text in self.notices) >= times, TIMEOUT)


@pytest.fixture
def make(devices: Devices) -> Iterator[Callable[..., Run]]:
    """Open both devices, without starting them."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Run:
            run = Run(Config(**settings))
            stack.callback(run.audio.stop)
            assert set(devices.streams) == {"input", "output"}
            return run

        yield make


@pytest.fixture
def run(make: Callable[..., Run]) -> Run:
    return make()


# The callbacks, turned by hand ---------------------------------------------------------------------------------------


class Clock:
    """`time` with a monotonic clock as coarse as that of Windows, and a fine one for what is short."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return math.floor(self.now / WINDOWS_STEP) * WINDOWS_STEP

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(voice.audio, "time", clock)
    return clock


def test_a_coarse_clock_makes_no_slips(devices: Devices, run: Run, clock: Clock) -> None:
    late = np.random.default_rng(1)
    speaker, microphone = devices.streams["output"], devices.streams["input"]
    began = clock.now
    turns = [(number * 0.01 + late.uniform(0, 0.001), speaker) for number in range(12_000)]
    turns += [(number * 0.01 + 0.036 + late.uniform(0, 0.001), microphone) for number in range(12_000)]
    for moment, stream in sorted(turns, key=lambda turn: turn[0]):
        clock.now = began + moment
        stream.turn()

    assert run.audio.health.slips == 0


def test_a_slip_is_told_by_the_next_block_that_finds_room(devices: Devices, run: Run, clock: Clock) -> None:
    for _ in range(MAX_QUEUED_BLOCKS):
        run.mic_queue.put(Block(None, SILENCE))
    for number in range(200):
        clock.now += 0.01
        devices.streams["output"].turn()
        if not 100 <= number < 105:
            devices.streams["input"].turn()
    assert run.audio.health.slips == 1
    assert run.audio.health.dropped == 195
    run.take()
    for _ in range(2):
        devices.streams["input"].turn()

    assert [block.slipped for block in run.take()] == [True, False]


@pytest.mark.parametrize("latency", [math.nan, math.inf, -1.0, 0.0, 1000.0])
def test_a_latency_that_cannot_be_is_not_believed(devices: Devices, make: Callable[..., Run], latency: float) -> None:
    devices.latency = latency
    run = make()
    devices.streams["output"].turn()

    assert run.audio_buffer.latency == 0


# Devices that stall, go and come back --------------------------------------------------------------------------------


def _stop_microphone(devices: Devices, run: Run) -> None:
    """Let the microphone stall until it has been opened anew and, as that one stalls too, is not even open any more."""
    first = devices.streams["input"]
    devices.stalled.add("input")
    run.wait_for("the microphone (input) has stopped: looking for another")
    wait_until(lambda: devices.streams["input"] is not first and not devices.streams["input"].is_active(), TIMEOUT)


def _heard(blocks: list[Block]) -> list[bytes]:
    return [block.heard for block in blocks if block.heard is not None]


def test_a_microphone_that_stalls_while_an_answer_pauses_is_heard_to_end_and_comes_back(
    devices: Devices, run: Run
) -> None:
    """Neither may wait for the answer, which waits for the verdict on what the microphone heard."""
    run.audio.start()
    run.audio_buffer.append("a", _sound(60))
    wait_until(lambda: run.audio_buffer.waiting_ms < 59_900, TIMEOUT)
    run.audio_buffer.pause()
    _stop_microphone(devices, run)
    wait_until(lambda: run.mic_queue.qsize() > 100, TIMEOUT)
    devices.stalled.clear()
    run.wait_for("the microphone works again")

    assert SILENCE * 100 in b"".join(_heard(run.take()))
    assert run.audio_buffer.waiting_ms > 50_000


def test_an_answer_that_is_heard_is_not_interrupted_for_a_microphone(devices: Devices, run: Run) -> None:
    run.audio.start()
    run.audio_buffer.append("a", _sound(4))
    wait_until(lambda: run.audio_buffer.waiting_ms < 3_900, TIMEOUT)
    _stop_microphone(devices, run)
    restarts = run.audio.health.restarts
    wait_until(lambda: run.audio.health.restarts > restarts, TIMEOUT)

    assert run.audio_buffer.waiting_ms == 0


def test_a_microphone_that_has_gone_ends_once(devices: Devices, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice.hardware.supervisor, "RETRY_SECONDS", 0.1)
    run.audio.start()
    wait_until(lambda: len(_heard(run.take())) > 0, TIMEOUT)
    devices.there.clear()
    run.wait_for("gone")
    restarts = run.audio.health.restarts
    wait_until(lambda: run.audio.health.restarts > restarts + 4, TIMEOUT)

    assert _heard(run.take()).count(SILENCE) == 100


def test_no_microphone_makes_no_sound(devices: Devices, run: Run) -> None:
    """One that opens and never calls back is none: nothing is heard of it, not even its end."""
    devices.stalled.add("input")
    run.audio.start()
    _stop_microphone(devices, run)
    restarts = run.audio.health.restarts
    wait_until(lambda: run.audio.health.restarts > restarts + 1, TIMEOUT)

    assert _heard(run.take()) == []


@pytest.mark.parametrize(
    ("settings", "blocks"),
    [
        ({}, 100),
        ({"vad_silence_duration_ms": 3000}, 350),
        ({"vad": "semantic"}, 850),
    ],
)
def test_the_end_is_as_long_as_the_service_listens_for_one(
    devices: Devices, make: Callable[..., Run], settings: dict[str, object], blocks: int
) -> None:
    run = make(**settings)
    run.audio.start()
    wait_until(lambda: len(_heard(run.take())) > 0, TIMEOUT)
    devices.there.discard("input")
    run.wait_for("gone")
    wait_until(lambda: run.mic_queue.qsize() >= blocks, TIMEOUT)
    run.audio.stop()

    assert _heard(run.take()).count(SILENCE) == blocks


def test_the_first_block_from_devices_that_were_opened_anew_says_so(devices: Devices, run: Run) -> None:
    run.audio.start()
    wait_until(lambda: run.mic_queue.qsize() > 10, TIMEOUT)
    assert not any(block.renewed for block in run.take())
    devices.stalled.add("output")
    wait_until(lambda: run.audio.health.restarts > 0, TIMEOUT)
    devices.stalled.clear()
    blocks: list[Block] = []

    def told() -> bool:
        blocks.extend(run.take())
        return any(block.renewed for block in blocks)

    wait_until(told, TIMEOUT)


def test_a_mute_goes_on_while_the_loudspeaker_restarts(devices: Devices, run: Run) -> None:
    devices.heard = bytes(BLOCK_BYTES)
    run.audio.start()
    run.wait_for("delivers only silence")
    devices.there.discard("output")
    run.wait_for("gone")
    devices.there.add("output")
    run.wait_for("the loudspeaker works again")
    assert not any("heard again" in text for text in run.notices)
    devices.heard = b"\1\0" * BLOCK_SAMPLES
    run.wait_for("is heard again")


@pytest.mark.parametrize("with_it", ["nothing", "the microphone"])
def test_a_loudspeaker_that_goes_takes_the_end_of_the_answer_with_it(
    devices: Devices, make: Callable[..., Run], with_it: str
) -> None:
    """What it was given counts as heard, else the answer would never end."""
    devices.latency = 1.9
    run = make()
    run.audio.start()
    run.audio_buffer.append("a", _sound(0.1))
    run.audio_buffer.end("a")
    wait_until(lambda: run.audio_buffer.waiting_ms == 0, TIMEOUT)
    assert run.audio_buffer.take_finished() == ()
    run.take()
    devices.there.discard("output")
    if with_it == "the microphone":
        devices.there.discard("input")
    finished: list[str] = []

    def look() -> bool:  # as the send thread does
        for _ in run.take():
            finished.extend(playback.item_id for playback in run.audio_buffer.take_finished())
        return bool(finished)

    wait_until(look, TIMEOUT)
    assert finished == ["a"]


@pytest.mark.usefixtures("devices")
def test_a_device_is_found_again_by_the_same_way_to_it() -> None:
    """Windows has several, each of which lists it, by the same name."""
    mme, direct_sound, wasapi = (
        Device(index, index, "Headset", 0, 2, 48_000, default_input=False, default_output=False) for index in range(3)
    )
    side = Side("output", lambda *_: (None, 0))
    side.choose([mme, direct_sound, wasapi], "1")
    found: list[Device | None] = []
    for there in ([mme, direct_sound, wasapi], [wasapi, direct_sound], [wasapi, mme]):
        side.open_any(pyaudio.PyAudio(), there)
        found.append(side.device)

    assert found == [direct_sound, direct_sound, wasapi]
