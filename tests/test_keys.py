"""What a terminal with the kitty keyboard protocol tells, as an older one would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.ui.keys import POP, PUSH, QUERY, RELEASED, Keyboard


def pushed() -> Keyboard:
    """A keyboard of a terminal that reports everything."""
    keyboard = Keyboard(lambda _: None)
    keyboard.want(wanted=True)
    keyboard.decode("\x1b[?0u\x1b[?27u")
    return keyboard


@pytest.mark.parametrize(
    ("sequence", "legacy"),
    [
        ("\x1b[97;;97u", "a"),
        ("\x1b[97;2;65u", "A"),
        ("\x1b[97:65;2;65u", "A"),
        ("\x1b[97;129;97u", "a"),  # with Num Lock
        ("\x1b[97;1:2;97u", "a"),  # held
        ("\x1b[97;1:3u", ""),  # released
        ("\x1b[0;;233u", "é"),  # composed
        ("\x1b[32;;32u", " "),
        ("\x1b[32;1:3u", RELEASED),
        ("\x1b[32;65:3u", RELEASED),  # with Caps Lock
        ("\x1b[13u", "\r"),
        ("\x1b[13;1:3u", ""),
        ("\x1b[57414u", "\r"),  # the keypad's
        ("\x1b[9u", "\t"),
        ("\x1b[9;2u", "\x1b[Z"),
        ("\x1b[127u", "\x7f"),
        ("\x1b[27u", "\x1b"),
        ("\x1b[99;5u", "\x03"),
        ("\x1b[99;133u", "\x03"),  # with Num Lock
        ("\x1b[100;3u", "\x1bd"),
        ("\x1b[A", "\x1b[A"),
        ("\x1b[1;1:2A", "\x1b[A"),
        ("\x1b[1;1:3A", ""),
        ("\x1b[1;5C", "\x1b[1;5C"),
        ("\x1b[3~", "\x1b[3~"),
        ("\x1b[3;129~", "\x1b[3~"),
        ("\x1b[57441;2u", ""),  # Shift itself
        ("\x1b[200~two\nlines\x1b[201~", "\x1b[200~two\nlines\x1b[201~"),
        ("\x1b[9999999u", ""),
    ],
)
def test_keys(sequence: str, legacy: str) -> None:
    assert pushed().decode(sequence) == legacy


def test_a_terminal_without_the_protocol_is_left_alone() -> None:
    written: list[str] = []
    keyboard = Keyboard(written.append)
    keyboard.want(wanted=True)

    assert keyboard.decode("a\x1b[A\x1b") == "a\x1b[A\x1b"
    assert not keyboard.releases
    keyboard.want(wanted=False)
    assert written == [QUERY]


def test_what_was_asked_for_is_taken_back() -> None:
    written: list[str] = []
    keyboard = Keyboard(written.append)
    keyboard.want(wanted=True)
    keyboard.decode("\x1b[?0u")
    assert not keyboard.releases
    keyboard.decode("\x1b[?27u")
    assert keyboard.releases
    with keyboard.given_back():
        assert not keyboard.releases
    keyboard.decode("\x1b[?0u\x1b[?27u")
    keyboard.want(wanted=False)

    assert written == [QUERY, PUSH + QUERY, POP, QUERY, PUSH + QUERY, POP]


def test_a_terminal_that_can_only_do_a_part_reports_no_releases() -> None:
    keyboard = Keyboard(lambda _: None)
    keyboard.want(wanted=True)
    keyboard.decode("\x1b[?0u\x1b[?1u")

    assert not keyboard.releases


@given(st.lists(st.sampled_from(["\x1b[97;;97u", "\x1b[32;1:3u", "\x1b[1;1:2A", "é", "\x1b[?27u"])), st.data())
def test_it_does_not_matter_where_the_data_is_cut(sequences: list[str], data: st.DataObject) -> None:
    whole = "".join(sequences)
    cut = data.draw(st.integers(0, len(whole)))
    keyboard = pushed()

    assert keyboard.decode(whole[:cut]) + keyboard.decode(whole[cut:]) == pushed().decode(whole)


@given(st.text(alphabet="\x1b[?;:0123456789uA~ a"))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    pushed().decode(text)
    Keyboard(lambda _: None).decode(text)
