"""Paced: when a canceller that is too slow is given up."""

from __future__ import annotations

import numpy as np

from voice.echo import Mute, Off, Samples
from voice.pace import Paced

BLOCK = np.full(240, 1000, np.int16)


class Slow(Off):
    """Takes as long as it is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seconds = 0.0

    def process(self, near: Samples, far: Samples) -> Samples:
        self.now += self.seconds
        return super().process(near, far)


def _run(slow: Slow, paced: Paced, seconds: float, blocks: int) -> None:
    slow.seconds = seconds
    for _ in range(blocks):
        paced.process(BLOCK, BLOCK)


def test_one_that_keeps_up_is_kept_through_a_moment_of_trouble() -> None:
    told: list[str] = []
    slow = Slow()
    paced = Paced(slow, Mute, told.append, lambda: slow.now)
    _run(slow, paced, 0.003, 1000)
    _run(slow, paced, 0.3, 1)
    _run(slow, paced, 0.003, 1000)

    assert told == []
    assert (paced.process(BLOCK, BLOCK) == BLOCK).all()


def test_a_program_that_was_stopped_in_the_middle_of_a_block_is_not_slow() -> None:
    told: list[str] = []
    slow = Slow()
    paced = Paced(slow, Mute, told.append, lambda: slow.now)
    _run(slow, paced, 0.003, 1000)
    _run(slow, paced, 3600, 3)

    assert told == []


def test_one_that_is_too_slow_gives_way_to_a_mute_and_it_is_said_once() -> None:
    told: list[str] = []
    slow = Slow()
    paced = Paced(slow, Mute, told.append, lambda: slow.now)
    _run(slow, paced, 0.012, 1000)

    assert len(told) == 1
    assert "too slow" in told[0]
    assert not paced.process(BLOCK, BLOCK).any()
    assert paced.erle is None
