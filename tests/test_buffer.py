"""AudioBuffer: what plays, and what was heard."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.buffer import FADE_SAMPLES, MAX_SECONDS, AudioBuffer, Delivery, Playback

MS = 24
"""Samples."""


def _sound(ms: int, value: int = 1000) -> bytes:
    return np.full(ms * MS, value, dtype=np.int16).tobytes()


def test_silence_when_there_is_nothing_to_play() -> None:
    assert AudioBuffer().read(240) == bytes(480)


@given(st.lists(st.integers(1, 500), max_size=20), st.integers(1, 700))
def test_everything_is_played_in_order_whatever_the_pieces(pieces: list[int], frames: int) -> None:
    audio_buffer = AudioBuffer()
    sound = np.arange(sum(pieces), dtype=np.int16)
    position = 0
    for piece in pieces:
        audio_buffer.append("a", sound[position : position + piece].tobytes())
        position += piece

    played = b"".join(audio_buffer.read(frames) for _ in range(len(sound) // frames + 1))

    assert len(played) == (len(sound) // frames + 1) * frames * 2
    assert played[: len(sound) * 2] == sound.tobytes()
    assert not any(played[len(sound) * 2 :])


def test_clearing_tells_what_was_heard_of_each_item() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(15))
    audio_buffer.append("b", _sound(50))
    audio_buffer.append("c", _sound(50))
    audio_buffer.read(20 * MS)

    cut = audio_buffer.clear_audio_buffer()

    assert cut == (Playback("a", 15, 15), Playback("b", 50, 5), Playback("c", 50, 0))
    assert [playback.finished for playback in cut] == [True, False, False]
    assert audio_buffer.waiting_ms == 0


def test_clearing_fades_out_within_a_block_and_then_is_silent() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(100))
    audio_buffer.read(10 * MS)
    audio_buffer.clear_audio_buffer()

    block = np.frombuffer(audio_buffer.read(10 * MS), dtype=np.int16)

    assert block[0] == 1000
    assert np.all(np.diff(block[:FADE_SAMPLES]) <= 0)
    assert not block[FADE_SAMPLES:].any()
    assert audio_buffer.read(240) == bytes(480)


def test_a_pause_is_silent_and_loses_nothing() -> None:
    audio_buffer = AudioBuffer()
    sound = np.full(100 * MS, 1000, dtype=np.int16)
    audio_buffer.append("a", sound.tobytes())
    before = audio_buffer.read(10 * MS)
    audio_buffer.pause()
    audio_buffer.pause()
    falling = np.frombuffer(audio_buffer.read(10 * MS), dtype=np.int16)
    silent = [audio_buffer.read(10 * MS) for _ in range(20)]
    audio_buffer.resume()
    after = np.frombuffer(audio_buffer.read(90 * MS), dtype=np.int16)

    assert before == sound[: 10 * MS].tobytes()
    assert falling[0] == 1000
    assert not falling[FADE_SAMPLES:].any()
    assert not any(any(block) for block in silent)
    assert after[0] == 0
    assert np.all(np.diff(after[:FADE_SAMPLES]) >= 0)
    assert np.all(after[FADE_SAMPLES:] == 1000)
    assert audio_buffer.waiting_ms == 0


def test_what_is_cut_in_a_pause_was_heard_until_it() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(100))
    audio_buffer.read(30 * MS)
    audio_buffer.pause()
    audio_buffer.read(30 * MS)

    assert audio_buffer.clear_audio_buffer() == (Playback("a", 100, 30),)
    assert audio_buffer.read(240) == bytes(480)
    audio_buffer.append("b", _sound(10))
    assert audio_buffer.read(10 * MS) == _sound(10)


def test_resuming_without_a_pause_changes_nothing() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(10))
    audio_buffer.resume()

    assert audio_buffer.read(10 * MS) == _sound(10)


def test_an_item_is_finished_when_its_last_sample_has_left_the_loudspeaker() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.latency = 20 * MS
    audio_buffer.append("a", _sound(20))
    reports = []
    for tick in range(6):
        audio_buffer.read(10 * MS)
        if tick == 1:
            audio_buffer.end("a")
        reports.append(audio_buffer.take_finished())

    assert reports == [(), (), (), (Playback("a", 20, 20),), (), ()]


def test_an_item_that_may_go_on_is_not_finished() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(10))
    audio_buffer.read(20 * MS)

    assert audio_buffer.take_finished() == ()


def test_more_than_the_bound_is_dropped_and_counted() -> None:
    audio_buffer = AudioBuffer()
    minute = _sound(60_000)
    for _ in range(MAX_SECONDS // 60 + 1):
        audio_buffer.append("a", minute)

    assert audio_buffer.waiting_ms == MAX_SECONDS * 1000
    assert audio_buffer.dropped == 60 * 24000


@given(st.lists(st.integers(0, 333), max_size=20))
def test_sound_may_be_cut_within_a_sample(pieces: list[int]) -> None:
    """What is sent in pieces is one stream of bytes: were half a sample dropped, all that follows would be noise."""
    audio_buffer = AudioBuffer()
    sound = np.random.default_rng(1).bytes(sum(pieces) * 2)
    position = 0
    for piece in [*pieces, *pieces]:
        audio_buffer.append("a", sound[position : position + piece])
        position += piece

    assert audio_buffer.read(sum(pieces)) == sound


def test_half_a_sample_is_of_its_own_item_alone() -> None:
    audio_buffer = AudioBuffer()
    for item_id, piece in (("a", b"\1\0\2"), ("b", b"\3\0"), ("a", b"\0"), ("c", b"\4"), ("c", b"")):
        audio_buffer.append(item_id, piece)
    audio_buffer.end("c")

    assert audio_buffer.read(3) == b"\1\0\3\0\2\0"
    assert audio_buffer.take_finished() == (Playback("c", 0, 0),), "its end would be waited for"


@pytest.mark.parametrize("nothing", [b"", b"\1"])
def test_a_delta_that_holds_no_sound_does_not_start_its_clock(nothing: bytes) -> None:
    """Else all sound of an answer that takes its time to begin comes late, and is held back for long."""
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", nothing)
    audio_buffer.read(1000 * MS)
    audio_buffer.append("a", _sound(100)[len(nothing) :])
    audio_buffer.read(110 * MS)
    audio_buffer.append("a", _sound(100))

    assert audio_buffer.depth_ms == 40


def test_a_delta_that_holds_no_sound_does_not_take_the_rise_after_a_pause() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(10))
    audio_buffer.read(10 * MS)
    audio_buffer.append("a", b"")
    audio_buffer.append("a", _sound(50))
    audio_buffer.pause()
    audio_buffer.resume()
    rising = np.frombuffer(audio_buffer.read(20 * MS), np.int16)[FADE_SAMPLES:]

    assert rising[0] == 0
    assert np.all(np.diff(rising) >= 0)


@pytest.mark.parametrize("silence", ["clear_audio_buffer", "pause"])
@pytest.mark.parametrize("before", ["new", "held back", "resumed", "cleared"])
def test_what_never_sounded_does_not_fade_out(before: str, silence: str) -> None:
    audio_buffer = AudioBuffer()
    if before == "held back":
        audio_buffer.append("late", _sound(10))
        audio_buffer.read(50 * MS)
        audio_buffer.append("late", _sound(10))
        audio_buffer.clear_audio_buffer()
    audio_buffer.append("a", _sound(100, value=7))
    if before == "held back":
        audio_buffer.read(10 * MS)
    if before in ("resumed", "cleared"):
        audio_buffer.pause()
        audio_buffer.read(10 * MS)
        audio_buffer.resume()
    if before == "cleared":
        audio_buffer.clear_audio_buffer()
        audio_buffer.append("b", _sound(100))
    getattr(audio_buffer, silence)()

    assert not any(audio_buffer.read(10 * MS))


def test_silencing_it_twice_within_a_block_does_not_break_off() -> None:
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(100))
    audio_buffer.read(10 * MS)
    audio_buffer.clear_audio_buffer()
    audio_buffer.append("b", _sound(100, value=-1000))
    audio_buffer.clear_audio_buffer()
    block = np.frombuffer(audio_buffer.read(10 * MS), np.int16)

    assert block[0] == 1000
    assert np.all(np.diff(block[:FADE_SAMPLES]) <= 0)


def test_silencing_takes_no_longer_for_much_sound() -> None:
    """A minute in one delta is 3 MB, and the loudspeaker's callback waits for the lock while it is copied."""
    audio_buffer = AudioBuffer()
    audio_buffer.append("a", _sound(60_000))
    audio_buffer.read(10 * MS)
    tracemalloc.start()
    audio_buffer.pause()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 100_000


def test_it_plays_while_sound_waits_and_is_not_held_up() -> None:
    audio_buffer = AudioBuffer()
    assert not audio_buffer.playing
    audio_buffer.append("a", _sound(20))
    assert audio_buffer.playing
    audio_buffer.pause()
    assert not audio_buffer.playing
    audio_buffer.resume()
    audio_buffer.read(20 * MS)
    assert not audio_buffer.playing


def test_reading_writing_and_clearing_at_once_lose_nothing() -> None:
    audio_buffer = AudioBuffer()
    done = threading.Event()
    blocks: list[bytes] = []

    def play() -> None:
        while not done.is_set():
            blocks.append(audio_buffer.read(240))

    player = threading.Thread(target=play)
    player.start()
    for number in range(1, 2001):
        audio_buffer.append("a", np.full(100, number, dtype=np.int16).tobytes())
    deadline = time.monotonic() + 20
    while audio_buffer.waiting_ms and time.monotonic() < deadline:
        pass
    done.set()
    player.join()

    played = np.frombuffer(b"".join(blocks), dtype=np.int16)
    assert np.array_equal(played[played != 0], np.repeat(np.arange(1, 2001), 100))


def test_sound_that_is_cut_within_a_sample_is_delivered_whole() -> None:
    delivered: list[bytes] = []
    delivery = Delivery(delivered.append)
    sound = _sound(20)
    for start in range(0, len(sound), 333):
        delivery.append("a", sound[start : start + 333])

    assert b"".join(delivered) == sound
    assert not any(len(piece) % 2 for piece in delivered)


def test_what_is_delivered_as_it_comes_knows_no_pause() -> None:
    delivered: list[bytes] = []
    delivery = Delivery(delivered.append)
    delivery.pause()
    delivery.append("a", _sound(20))

    assert delivered == [_sound(20)]
    assert delivery.clear_audio_buffer() == (Playback("a", 20, 20),)
