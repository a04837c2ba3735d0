"""Lines as rows: as wide as they may be, whole, and made in time that grows with the line and no faster."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import width, wrap

from voice.ui.rows import MAX_ROW, _wrap, rows

SENTENCE = "The weather is fine today, so let us walk to the park and drink some tea. "
WORDS = {
    "english": SENTENCE,
    "chinese": "今天天气很好，我们一起去公园散步吧。",  # noqa: RUF001 - it is no Latin
    "thai": "วันนี้อากาศดีมากเราไปเดินเล่นกันเถอะ",
    "base64": "QmFzZTY0IQ",
    "flags": "🇩🇪🇫🇷",
    "families": "👩\u200d👩\u200d👧",
    "marks": "\u0301",
    "joined": "👩\u200d",
    "blanks": " ",
}
LONG = 40_000
"""Characters; `wrap` alone takes from 2 to 40 s for as many without a space."""


@pytest.mark.parametrize("columns", [10, 79, 200])
def test_text_of_short_words_is_wrapped_as_ever(columns: int) -> None:
    text = SENTENCE.strip() + " 今天 天气 很好。 " + SENTENCE * 9

    assert rows(text, columns) == wrap(text, columns, break_on_hyphens=False)


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("columns", [10, 80])
def test_a_long_line_takes_no_longer_than_it_should(name: str, columns: int) -> None:
    line = ("a" + WORDS[name] * LONG)[:LONG]
    _wrap.cache_clear()
    began = time.process_time()
    made = rows(line, columns)
    took = time.process_time() - began

    assert took < 1
    assert "".join(made).replace(" ", "") == line.replace(" ", "")
    assert max(map(len, made)) <= MAX_ROW + 250


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" ")), st.integers(10, 100))
def test_nothing_is_lost_and_no_row_is_too_wide(text: str, columns: int) -> None:
    made = rows(text, columns)

    assert made
    assert "".join(made).replace(" ", "") == text.replace(" ", "")
    assert all(width(row) <= columns for row in made)


def test_a_colour_goes_on_in_every_row() -> None:
    made = rows("\x1b[33m" + WORDS["chinese"] * 50 + "\x1b[0m", 40)

    assert len(made) > 40
    assert all(re.fullmatch(r"\x1b\[33m[^\x1b]+\x1b\[0m", row) for row in made)


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_line_is_a_row(text: str) -> None:
    assert rows(text, 80) == [""]
