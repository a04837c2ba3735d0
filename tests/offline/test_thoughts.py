"""What a model only thinks."""

from __future__ import annotations

import pytest

from offline.thoughts import Thoughts


def said(text: str, size: int, *, unmarked: bool = False) -> list[str]:
    thoughts = Thoughts(unmarked=unmarked)
    pieces = [thoughts.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return [*pieces, thoughts.rest()]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("unmarked", [False, True])
def test_thoughts_are_not_said_wherever_their_marks_are_cut(size: int, unmarked: bool) -> None:
    text = "<think>hm <b> </thin\n</think>\n\nIt is 3 < 4.<think>again</think> Right.<"

    assert "".join(said(text, size, unmarked=unmarked)) == "It is 3 < 4. Right.<"


@pytest.mark.parametrize("unmarked", [False, True])
def test_a_thought_that_never_ends_is_not_said(unmarked: bool) -> None:
    assert "".join(said("<think>hm", 4, unmarked=unmarked)) == ""


@pytest.mark.parametrize("size", [1, 3, 100])
def test_of_a_model_known_for_it_a_thought_needs_no_beginning(size: int) -> None:
    assert "".join(said("They greet. So do I.\n</think>\n\nHello.", size, unmarked=True)) == "Hello."


def test_of_a_model_known_for_it_an_answer_without_thoughts_is_said_in_the_end() -> None:
    assert said("Good day.", 5, unmarked=True) == ["", "", "Good day."]


def test_a_thought_without_beginning_is_noticed() -> None:
    bare, whole = Thoughts(), Thoughts()
    bare.feed("They greet.</think>Hello.")
    whole.feed("<think>They greet.</think>Hello.</think>")

    assert (bare.unmarked, whole.unmarked) == (True, False)


def test_plain_words_are_said_at_once() -> None:
    assert said("\nGood day.", 5) == ["Good", " day.", ""]
