"""Sound that comes late: torn once at most, and held back no longer than it takes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.buffer import AudioBuffer

MS = 24
"""Samples."""
BLOCK_MS = 10
DELTA_MS = 100
SHORT_MS = 50
"""A break that is hardly heard."""

Arrivals = list[int]
"""When each of an answer's deltas of 100 ms comes, in ms."""


class _Listener:
    """A loudspeaker, and who listens to it."""

    def __init__(self) -> None:
        self.audio_buffer = AudioBuffer()
        self._answers = 0

    def hear(self, arrivals: Arrivals, *, ends: bool = True) -> tuple[int, list[int]]:
        """Hear one answer: ms until its first sound, and how long each break in it is."""
        self._answers += 1
        name = str(self._answers)
        delta = np.ones(DELTA_MS * MS, dtype=np.int16).tobytes()
        heard = b""
        coming = list(arrivals)
        now = 0
        while coming or self.audio_buffer.waiting_ms:
            while coming and coming[0] <= now:
                del coming[0]
                self.audio_buffer.append(name, delta)
                if not coming and ends:
                    self.audio_buffer.end(name)
            heard += self.audio_buffer.read(BLOCK_MS * MS)
            now += BLOCK_MS
        self.audio_buffer.take_finished()
        return _breaks(np.frombuffer(heard, np.int16), arrivals[0])


def _breaks(heard: np.ndarray[tuple[int], np.dtype[np.int16]], first: int) -> tuple[int, list[int]]:
    loud = np.flatnonzero(heard)
    gaps = np.diff(loud)
    return int(loud[0]) // MS - first, [int(gap) // MS for gap in gaps[gaps > 1]]


def _stalling(stalls: list[tuple[int, int]]) -> Arrivals:
    """Sound in real time over a network that stands still: for so many ms, after so many deltas each time."""
    arrivals: Arrivals = []
    until = 0
    for after, stall in stalls:
        arrivals += [max((len(arrivals) + i) * DELTA_MS, until) for i in range(after)]
        until = len(arrivals) * DELTA_MS + stall
    return arrivals + [max((len(arrivals) + i) * DELTA_MS, until) for i in range(10)]


def test_sound_that_comes_in_time_is_not_held_back() -> None:
    listener = _Listener()

    assert listener.hear([0] * 30) == (0, [])
    assert listener.hear([DELTA_MS * number for number in range(30)]) == (0, [])
    assert listener.audio_buffer.depth_ms == 0


def test_bursts_tear_an_answer_once() -> None:
    arrivals = [300 * burst + 10 * (burst % 3) for burst in range(20) for _ in range(3)]

    first, breaks = _Listener().hear(arrivals)

    assert first == 0
    assert len(breaks) == 1


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(60, 300)), min_size=1, max_size=6))
def test_a_network_that_stalls_is_heard_once(stalls: list[tuple[int, int]]) -> None:
    listener = _Listener()

    _, breaks = listener.hear(_stalling(stalls))

    assert sum(length > SHORT_MS for length in breaks) <= 1
    assert listener.hear(_stalling(stalls))[1] == []


def test_after_good_answers_nothing_is_held_back_any_more() -> None:
    listener = _Listener()
    listener.hear(_stalling([(3, 300)]))
    depths = []
    for _ in range(3):
        depths.append(listener.audio_buffer.depth_ms)
        listener.hear([DELTA_MS * number for number in range(30)])

    assert depths == [350, 40, 0]
    assert listener.hear([DELTA_MS * number for number in range(30)])[0] == 0


def test_an_end_that_is_told_again_is_no_other_answer() -> None:
    listener = _Listener()
    listener.hear(_stalling([(3, 300)]))
    delta = np.ones(DELTA_MS * MS, dtype=np.int16).tobytes()
    listener.audio_buffer.append("well", delta)
    for _ in range(3):
        listener.audio_buffer.end("well")

    assert listener.audio_buffer.depth_ms == 40


def test_a_short_answer_is_not_held_back_once_it_is_whole() -> None:
    listener = _Listener()
    listener.hear(_stalling([(3, 300)]))

    assert listener.audio_buffer.depth_ms == 350
    assert listener.hear([0, 0]) == (0, [])


def test_sound_that_comes_faster_than_it_plays_is_not_held_back_for_long() -> None:
    listener = _Listener()
    listener.hear(_stalling([(3, 300)]))

    first, breaks = listener.hear([10 * number for number in range(8)], ends=False)

    assert first <= 70
    assert breaks == []


def test_what_comes_late_while_the_loudspeaker_pauses_tears_nothing() -> None:
    audio_buffer = AudioBuffer()
    delta = np.ones(DELTA_MS * MS, dtype=np.int16).tobytes()
    audio_buffer.append("a", delta)
    audio_buffer.read(DELTA_MS * MS)
    audio_buffer.pause()
    audio_buffer.read(500 * MS)
    audio_buffer.append("a", delta)
    audio_buffer.resume()

    assert audio_buffer.depth_ms == 0
    assert any(audio_buffer.read(BLOCK_MS * MS))
