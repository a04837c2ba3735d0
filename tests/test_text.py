"""Text that can be shown: readable in every language, and nothing in it controls or deceives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.text import JOINERS, printable, row

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # noqa: RUF001 - it is no Latin
        "क्\u200dष",
        "👩\u200d👩\u200d👧",
        f"Up the {ENGLAND}!",
        "❤\ufe0f",
        "e\u0301",
        "שלום",
        "\U0001f3f4 ahoy",
    ],
)
def test_what_belongs_to_a_language_stays(text: str) -> None:
    assert printable(text) == text
    assert row(text) == text


@pytest.mark.parametrize(
    "evil",
    [
        "\x1b",
        "\x9b",
        "\x07",
        "\r",
        "\x00",
        "\u202e",
        "\u2066",
        "\u200f",
        "\u2028",
        "\ufeff",
        "\ud800",
        "\U000e0067",  # of a flag, without one
        "\U000e007f",
        ENGLAND[:-1],  # without an end
    ],
)
def test_what_controls_or_deceives_does_not(evil: str) -> None:
    assert row(f"a{evil}b").replace("\U0001f3f4", " ").split() == ["a", "b"]


@given(st.text() | st.text("\x1b\u200c\u200d\u202e \n" + ENGLAND))
def test_all_that_is_let_through_can_be_seen_or_joins(text: str) -> None:
    shown = printable(text).replace(ENGLAND, "")

    assert all(unicodedata.category(char)[0] not in "CZ" or char in JOINERS or char == " " for char in shown)
