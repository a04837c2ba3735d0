"""A turn that is begun and ended by hand."""

from __future__ import annotations

from queue import SimpleQueue

from voice.talk import Talk


class Talker:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: SimpleQueue[str] = SimpleQueue()

    def talk(self) -> None:
        self.told.put("talk")

    def end_talk(self) -> None:
        self.told.put("end")

    def next(self) -> str:
        return self.told.get(timeout=5)


def test_a_key_that_repeats_itself_begins_one_turn() -> None:
    talker = Talker()
    talk = Talk(talker)
    talk.begin()
    talk.begin()
    assert talk.on
    talk.end()
    talk.end()

    assert not talk.on
    assert (talker.next(), talker.next(), talker.told.empty()) == ("talk", "end", True)


def test_toggling() -> None:
    talker = Talker()
    talk = Talk(talker)
    talk.toggle()
    talk.toggle()
    talk.toggle()

    assert [talker.next() for _ in range(3)] == ["talk", "end", "talk"]


def test_a_turn_of_fixed_length_ends_by_itself() -> None:
    talker = Talker()
    talk = Talk(talker)
    talk.begin(0.01)

    assert (talker.next(), talker.next()) == ("talk", "end")
    assert not talk.on


def test_a_turn_that_ended_early_does_not_end_the_next() -> None:
    talker = Talker()
    talk = Talk(talker)
    talk.begin(600)
    timer = talk._timer
    talk.end()
    assert timer is not None
    timer.join(5)  # it was called off, so its thread ends now
    talk.begin()

    assert talk.on
    assert [talker.next() for _ in range(3)] == ["talk", "end", "talk"]
    assert talker.told.empty()
