"""SelfTalk: when interruptions are not the user's."""

from __future__ import annotations

from voice.selftalk import SelfTalk
from voice.shown import Turn

CUT = Turn("assistant", "I", interrupted=True)
WHOLE = Turn("assistant", "I see.")


class Watch:
    """A self-talk watch with a clock and a count of slips of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slips = 0
        self.found = 0
        self.watch = SelfTalk(lambda: self.slips, self._find, lambda: self.now)

    def _find(self) -> None:
        self.found += 1

    def turn(self, turn: Turn, seconds: float, slips: int) -> None:
        self.now += seconds
        self.slips += slips
        self.watch.note(turn)


def test_answers_cut_one_after_the_other_while_the_sound_stumbles_are_its_own_doing() -> None:
    watch = Watch()
    for _ in range(4):
        watch.turn(CUT, 2, 1)
        watch.turn(Turn("you", "i"), 1, 0)

    assert watch.found == 1


def test_a_user_may_interrupt_as_often_as_they_like_while_the_sound_is_sound() -> None:
    watch = Watch()
    for _ in range(20):
        watch.turn(CUT, 2, 0)

    assert watch.found == 0


def test_neither_seldom_interruptions_nor_whole_answers_count() -> None:
    watch = Watch()
    for _ in range(20):
        watch.turn(CUT, 11, 5)
        watch.turn(WHOLE, 1, 5)

    assert watch.found == 0
