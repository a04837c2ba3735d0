"""The echo goes, the user stays: in simulated rooms, with speech-like noise and with voices."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest
import pywebrtc_audio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.rooms import BLOCK, Room, Samples, Scene, babble, hear
from tests.speech import RATE, can_speak, level, silence
from voice.aec.alignment import REACH, Alignment, DelayLine
from voice.aec.delay import DelayEstimator
from voice.aec.kalman import KalmanFilter
from voice.aec.residual import Residual
from voice.echo import REST_BLOCKS, EchoCanceller, Mute, Off, Suppressor, create
from voice.errors import SettingError

LATENCY = 223
"""Samples by which WebRTC's filter bank delays the sound."""
FRAME = RATE // 50


def quiet(seconds: float) -> Samples:
    return np.frombuffer(silence(seconds), np.int16)


def noise(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, count).astype(np.float32)


def clean(suppressor: Suppressor, scene: Scene) -> Samples:
    """What is sent, moved to where it was heard."""
    out = np.concatenate([suppressor.process(near, far) for near, far in scene.blocks()])
    return np.append(out[LATENCY:], np.zeros(LATENCY, np.int16))


def levels(sound: Samples) -> NDArray[np.float64]:
    """Level of each 20 ms in dB of full scale."""
    return np.array([level(sound[start : start + FRAME]) for start in range(0, len(sound) - FRAME + 1, FRAME)])


def part(sound: Samples, start: float, end: float) -> Samples:
    """From second to second."""
    return sound[round(start * RATE) : round(end * RATE)]


def leaked(out: Samples, near: Samples) -> float:
    """Seconds for which what is heard comes out above -40 dBFS."""
    return float(np.count_nonzero((levels(near) > -40) & (levels(out) > -40)) * 0.02)


def kept(out: Samples, user: Samples) -> float:
    """The share of the user's loud frames whose level is within 10 dB of what it was."""
    before, after = levels(user), levels(out)
    loud = before > level(user) - 10
    return float(np.mean(np.abs(after[loud] - before[loud]) < 10))


class _Slipping(EchoCanceller):
    """Is told of a slip in one block."""

    def __init__(self, block: int) -> None:
        super().__init__()
        self._slips_in = block

    def process(self, near: Samples, far: Samples) -> Samples:
        if self._slips_in == 0:
            self.slipped()
        self._slips_in -= 1
        return super().process(near, far)


@pytest.fixture(scope="module")
def far() -> Samples:
    return babble(16, seed=1)


@pytest.fixture(scope="module")
def user() -> Samples:
    """Talks from the tenth second on."""
    return np.concatenate([quiet(10), babble(6, seed=2)])


# The canceller ------------------------------------------------------------------------------------------------------


def test_user_alone_passes(user: Samples) -> None:
    scene = hear(Room(), quiet(16), user)
    out = clean(EchoCanceller(), scene)
    assert kept(part(out, 10, 16), part(scene.user, 10, 16)) > 0.98


@pytest.mark.parametrize(("echo_db", "least"), [(-6, 0.9), (5, 0.85), (10, 0.70)])
def test_echo_goes_and_user_stays(far: Samples, user: Samples, echo_db: float, least: float) -> None:
    scene = hear(Room(echo_db), far, user)
    out = clean(EchoCanceller(), scene)
    assert level(part(scene.near, 3, 10)) - level(part(out, 3, 10)) > min(30, 32 + echo_db)
    assert kept(part(out, 10, 16), part(scene.user, 10, 16)) > least


def test_a_rest_while_nothing_plays_changes_nothing(far: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    played = np.concatenate([part(far, 0, 8), quiet(12), part(far, 8, 12)])
    scene = hear(Room(5, drift_ppm=50), played, np.concatenate([quiet(14), babble(3, seed=2), quiet(7)]))
    rested = clean(EchoCanceller(), scene)
    monkeypatch.setattr("voice.echo.REST_BLOCKS", 10**9)
    awake = clean(EchoCanceller(), scene)
    assert np.array_equal(part(rested, 0, 20), part(awake, 0, 20))
    assert level(part(rested, 20, 21)) < level(part(awake, 20, 21)) + 1
    assert level(part(rested, 21, 24)) < level(part(awake, 21, 24)) + 1
    assert level(part(rested, 20, 24)) < level(part(scene.near, 20, 24)) - 25


def test_echo_is_weak_from_the_first_word(far: Samples) -> None:
    scene = hear(Room(5), far, quiet(16))
    out = clean(EchoCanceller(), scene)
    for second in range(10):
        assert level(part(out, second, second + 1)) < level(part(scene.near, second, second + 1)) - 15


@pytest.mark.parametrize("ms", [20, 40, 150, 300, 400])
def test_finds_the_delay(far: Samples, ms: float) -> None:
    canceller = EchoCanceller()
    clean(canceller, hear(Room(0, delay_ms=ms), part(far, 0, 8), quiet(8)))
    assert canceller.delay == pytest.approx(ms, abs=0.5)
    assert canceller.erle is not None
    assert canceller.erle > 15


def test_knows_nothing_without_playback(user: Samples) -> None:
    canceller = EchoCanceller()
    clean(canceller, hear(Room(), quiet(16), user))
    assert (canceller.delay, canceller.erle) == (None, None)


@pytest.mark.parametrize("ppm", [50, -150])
def test_follows_drifting_clocks(far: Samples, user: Samples, ppm: float) -> None:
    scene = hear(Room(5, drift_ppm=ppm), far, user)
    canceller = EchoCanceller()
    out = clean(canceller, scene)
    assert canceller.delay == pytest.approx(40 + 16e-3 * ppm, abs=0.1)
    assert level(part(scene.near, 6, 10)) - level(part(out, 6, 10)) > 25
    assert kept(part(out, 10, 16), part(scene.user, 10, 16)) > 0.8


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("jump", [-20, 40])
def test_finds_a_delay_that_jumped(far: Samples, user: Samples, jump: float, told: bool) -> None:
    scene = hear(Room(5, delay_ms=60, jumps=((6, jump),)), far, user)
    canceller = EchoCanceller()
    out = []
    for number, (near, played) in enumerate(scene.blocks()):
        if told and number == 600:
            canceller.slipped()
        out.append(canceller.process(near, played))
        if number == 799:
            assert canceller.delay == pytest.approx(60 + jump, abs=0.5)
    sound = np.concatenate(out)
    assert level(part(scene.near, 8, 10)) - level(part(sound, 8, 10)) > 25
    assert kept(part(sound[LATENCY:], 10, 15.9), part(scene.user, 10, 15.9)) > 0.7


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("jump", [-20, 40])
def test_a_delay_that_jumped_lets_little_through(far: Samples, jump: float, told: bool) -> None:
    """The suppressor by itself holds on to its old delay."""
    scene = hear(Room(5, delay_ms=60, jumps=((7, jump),)), part(far, 0, 10), quiet(10))
    out = clean(_Slipping(700) if told else EchoCanceller(), scene)
    assert leaked(part(out, 7, 10), part(scene.near, 7, 10)) < 0.2


@pytest.mark.parametrize("slip", [650, 700])
def test_a_slip_that_was_mended_costs_the_user_a_syllable(far: Samples, slip: int) -> None:
    """In a pause of the answer, and as it goes on: what is known of the room stays known."""
    played = part(far, 0, 14).copy()
    played[6 * RATE : 7 * RATE] = 0
    scene = hear(Room(5, delay_ms=60), played, np.concatenate([quiet(8), babble(6, seed=2)]))
    undisturbed, out = clean(EchoCanceller(), scene), clean(_Slipping(slip), scene)
    assert leaked(part(out, 7, 8), part(scene.near, 7, 8)) < 0.05
    user = part(scene.user, 8, 13.9)
    assert kept(part(out, 8, 13.9), user) > kept(part(undisturbed, 8, 13.9), user) - 0.1


def test_the_loudspeaker_that_takes_over_from_headphones_is_not_sent(far: Samples) -> None:
    scene = hear(Room(5), part(far, 0, 8), quiet(8))
    canceller = EchoCanceller()
    still = hear(Room(), part(far, 8, 12), quiet(4)).user + np.random.default_rng(0).normal(0, 18, 4 * RATE)
    clean(canceller, Scene(still.astype(np.int16), part(far, 8, 12), scene.echo, scene.user))
    canceller.renewed()
    out = clean(canceller, scene)
    assert leaked(part(out, 0, 3), part(scene.near, 0, 3)) < 0.1


def test_the_clock_of_a_device_that_has_gone_is_forgotten() -> None:
    canceller = EchoCanceller()
    clean(canceller, hear(Room(5, drift_ppm=150), babble(20, seed=6), quiet(20)))
    canceller.renewed()
    scene = hear(Room(5, delay_ms=90, seed=3), babble(6, seed=5), quiet(6))
    clean(canceller, scene)
    assert canceller.delay == pytest.approx(90, abs=0.05)


def test_survives_a_moved_loudspeaker(far: Samples) -> None:
    scene = hear(Room(5, changes=(6,)), far, quiet(16))
    out = clean(EchoCanceller(), scene)
    assert level(part(scene.near, 9, 16)) - level(part(out, 9, 16)) > 25


def test_user_passes_again_when_playback_ends(far: Samples) -> None:
    played = np.concatenate([part(far, 0, 6), quiet(4)])
    scene = hear(Room(10), played, np.concatenate([quiet(7), babble(3, seed=5)]))
    out = clean(EchoCanceller(), scene)
    assert kept(part(out, 7, 10), part(scene.user, 7, 10)) > 0.95


def test_with_headphones_nothing_is_taken_from_the_user(far: Samples, user: Samples) -> None:
    """No echo is heard, so none is suppressed: not even of a user who speaks at the same time."""
    near = np.clip(user + quiet(len(user) / RATE), -32768, 32767).astype(np.int16)
    near[: 3 * RATE] = quiet(3)
    scene = Scene(near, far[: len(near)], np.zeros_like(near), user)
    assert kept(clean(EchoCanceller(), scene)[3 * RATE :], user[3 * RATE :]) > 0.97


def test_an_echo_that_begins_later_is_cancelled(far: Samples, user: Samples) -> None:
    """The headphones are pulled out: the loudspeaker is heard from now on."""
    scene = hear(Room(5), far, np.zeros_like(user))
    near = scene.near.copy()
    near[: 4 * RATE] = quiet(4)
    out = clean(EchoCanceller(), Scene(near, scene.far, scene.echo, scene.user))
    assert level(part(near, 7, 10)) - level(part(out, 7, 10)) > 25


def test_a_clipped_microphone_does_no_harm(far: Samples) -> None:
    scene = hear(Room(24, drive=6), far, quiet(16))
    assert np.max(scene.near) == 32767
    out = clean(EchoCanceller(), scene)
    assert level(part(scene.near, 3, 16)) - level(part(out, 3, 16)) > 10


@settings(max_examples=30)
@given(st.lists(st.sampled_from([-32768, -1, 0, 1, 300, 32767]), min_size=2, max_size=40))
def test_takes_any_sound(values: list[int]) -> None:
    canceller = EchoCanceller()
    for index in range(120):
        near = np.full(BLOCK, values[index % len(values)], np.int16)
        far = np.full(BLOCK, values[(index * 7 + 1) % len(values)], np.int16)
        out = canceller.process(near, far)
        assert out.shape == (BLOCK,)
        assert out.dtype == np.int16


@pytest.mark.skipif(not can_speak(), reason="flite is not installed")
def test_no_self_interruption_and_every_interruption_with_voices() -> None:
    from benchmarks.echo import measure, voices  # noqa: PLC0415 - needs flite

    far, user, places = voices()
    result = measure(hear(Room(5), far, user), EchoCanceller(), places, LATENCY)
    assert result.removed > 30
    assert result.leak < 0.5
    assert result.false == 0
    assert result.kept > 0.85
    assert result.heard == 1


# Its parts ----------------------------------------------------------------------------------------------------------


def test_filter_learns_a_path_and_takes_it_up_again() -> None:
    far = noise(200 * BLOCK, seed=1)
    near = np.concatenate([np.zeros(500, np.float32), far[:-500] / 2])
    adaptive = KalmanFilter(BLOCK, 8)

    def left(start: int, end: int) -> float:
        total = 0.0
        for index in range(start * BLOCK, end * BLOCK, BLOCK):
            adaptive.remember(far[index : index + BLOCK])
            rest = adaptive.process(near[index : index + BLOCK])
            total += float(rest @ rest)
        return float(10 * np.log10(total / (end - start) / BLOCK / 0.05**2))

    left(0, 100)
    assert left(100, 120) < -40
    adaptive.save()
    adaptive.save()
    adaptive.restore(far[120 * BLOCK - adaptive.reach : 120 * BLOCK])
    assert left(120, 121) < -40
    adaptive.restore(far[121 * BLOCK - adaptive.reach : 121 * BLOCK])
    assert left(121, 122) > -10, "a path that failed is not tried again"


def test_filter_learns_after_minutes_of_silence() -> None:
    silent, hiss = np.zeros(BLOCK, np.float32), noise(BLOCK, seed=2) * np.float32(0.005)
    adaptive = KalmanFilter(BLOCK, 4)
    for _ in range(3 * 6000):
        adaptive.remember(silent)
        adaptive.process(hiss)
    far = noise(50 * BLOCK, seed=1)
    rest = silent
    for start in range(0, len(far), BLOCK):
        adaptive.remember(far[start : start + BLOCK])
        rest = adaptive.process(far[start : start + BLOCK] * np.float32(0.5))
    assert rest @ rest < 0.01 * (far[-BLOCK:] @ far[-BLOCK:])


def test_a_short_answer_tells_too_little_of_the_clocks_for_minutes_of_silence() -> None:
    scene = hear(Room(), np.concatenate([babble(0.7, seed=2), quiet(1)]), quiet(1.7))
    alignment = Alignment(RATE)
    for near, far in scene.blocks():
        alignment.process(near / np.float32(32768), far / np.float32(32768))
    known, silent = alignment.delay, np.zeros(BLOCK, np.float32)
    assert known is not None
    for _ in range(2 * 6000):
        alignment.process(silent, silent)
    assert alignment.delay == pytest.approx(known, abs=1), "samples"


def test_filter_holds_still_while_the_user_talks() -> None:
    far, user = noise(200 * BLOCK, seed=1), noise(200 * BLOCK, seed=2)
    adaptive = KalmanFilter(BLOCK, 4)
    rest = np.zeros(BLOCK, np.float32)
    for index in range(0, len(far), BLOCK):
        block = slice(index, index + BLOCK)
        adaptive.remember(far[block])
        rest = adaptive.process(far[block] + user[block] if index >= 100 * BLOCK else far[block])
    wrong = rest - user[-BLOCK:]
    assert wrong @ wrong < 0.03 * (user[-BLOCK:] @ user[-BLOCK:])


@pytest.mark.parametrize("delay", [REACH, 240, 1000.5, 4999.25])
def test_delay_line_reads_between_samples(delay: float) -> None:
    time = np.arange(RATE)
    line = DelayLine(RATE)
    for start in range(0, RATE, BLOCK):
        line.add(np.sin(time[start : start + BLOCK] * 0.8).astype(np.float32))
    expected = np.sin((time[-500:] - delay) * 0.8)
    assert np.max(np.abs(line.read(500, delay) - expected)) < 0.01


def test_unrelated_sounds_have_no_delay() -> None:
    estimator = DelayEstimator(RATE)
    near, far = noise(10 * RATE, seed=3), noise(10 * RATE, seed=4)
    found = [estimator.process(near[at : at + BLOCK], far[at : at + BLOCK]) for at in range(0, len(far), BLOCK)]
    assert not any(found)


def test_residual_trusts_a_good_filter_and_tells_a_harmful_one() -> None:
    residual = Residual(BLOCK)
    near = noise(BLOCK, seed=5)
    for _ in range(50):
        assert residual.update(near, 0.1 * near)
    assert residual.trusted
    assert residual.gain()[-1] < 0.3
    user = noise(BLOCK, seed=6)
    for _ in range(100):
        assert residual.update(near + user, 0.1 * near + user)
    assert residual.trusted
    assert residual.gain()[-1] > 0.9, "the user is not turned down"
    assert not all(residual.update(near, 3 * near) for _ in range(10))


# The other ways -----------------------------------------------------------------------------------------------------


def test_mute_is_silent_until_the_loudspeaker_has_died_away(far: Samples) -> None:
    mute = Mute()
    voice = np.full(BLOCK, 1000, np.int16)
    assert np.array_equal(mute.process(voice, np.zeros(BLOCK, np.int16)), voice)
    assert not mute.process(voice, far[RATE : RATE + BLOCK]).any()
    after = [mute.process(voice, np.zeros(BLOCK, np.int16)).any() for _ in range(60)]
    assert after == [False] * 49 + [True] * 11


def test_off_changes_nothing(far: Samples) -> None:
    voice = np.full(BLOCK, 1000, np.int16)
    assert np.array_equal(Off().process(voice, far[:BLOCK]), voice)


@pytest.mark.parametrize(
    ("mode", "kind"), [("auto", EchoCanceller), ("cancel", EchoCanceller), ("mute", Mute), ("off", Off)]
)
def test_create(mode: Literal["auto", "cancel", "mute", "off"], kind: type) -> None:
    suppressor, reason = create(mode)
    assert isinstance(suppressor, kind)
    assert reason == ""
    suppressor.slipped()
    suppressor.renewed()


@pytest.mark.parametrize("module", [None, ModuleType("pywebrtc_audio")])
def test_without_the_library_the_microphone_is_muted_meanwhile(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | None
) -> None:
    """It is not installed, or pip took its first version, which is empty."""
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", module)
    suppressor, reason = create("auto")
    assert isinstance(suppressor, Mute)
    assert "pywebrtc-audio" in reason
    with pytest.raises(SettingError, match="--echo mute"):
        create("cancel")


def test_the_suppressor_never_sees_a_loudspeaker_that_is_quite_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or it would be slow from the first answer on, see `DITHER`."""
    shown: list[int] = []

    suppressor = pywebrtc_audio.AudioProcessor

    class Watched:
        def __init__(self, **options: Any) -> None:
            self._suppressor = suppressor(**options)

        def process(self, near: Samples, far: Samples) -> Samples:
            shown.append(int(np.abs(far).max()))
            return self._suppressor.process(near, far)

    monkeypatch.setattr(pywebrtc_audio, "AudioProcessor", Watched)
    canceller = EchoCanceller()
    nothing, loud = np.zeros(240, np.int16), np.full(240, 8000, np.int16)
    for far in [loud] * 10 + [nothing] * (REST_BLOCKS + 10):
        canceller.process(nothing, far)

    assert len(shown) == REST_BLOCKS + 20
    assert min(shown) == 1
