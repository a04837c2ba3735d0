"""A turn that is begun and ended by hand."""

from __future__ import annotations

import threading
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


class Busy(Talker):
    """Takes its time to begin."""

    def __init__(self) -> None:
        super().__init__()
        self.begins = threading.Event()
        self.go_on = threading.Event()

    def talk(self) -> None:
        self.begins.set()
        self.go_on.wait(5)
        super().talk()


def test_the_end_of_a_turn_does_not_overtake_its_beginning() -> None:
    """Else the microphone would be open for good."""
    talker = Busy()
    talk = Talk(talker)
    beginning = threading.Thread(target=talk.begin)
    beginning.start()
    assert talker.begins.wait(5)
    talk.end()  # from another thread; it does not wait
    talker.go_on.set()
    beginning.join(5)

    assert (talker.next(), talker.next(), talker.told.empty()) == ("talk", "end", True)
    assert not talk.on
