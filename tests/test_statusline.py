"""The status line says what matters in the room there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.health import Health
from voice.status import Status
from voice.ui.statusline import clock, detail_line, meter, status_line, summary
from voice.usage import Spent

NOW = Status(
    state="listening",
    model="gpt-realtime-2.1",
    voice="marin",
    by_hand=False,
    muted=False,
    recording=False,
    level=-36.0,
    erle=32.4,
    delay=87.2,
    waiting_ms=1500,
    depth_ms=40,
    first_audio=0.312,
    seconds=187,
    spent=Spent(1000, 0, 234, 0.0123),
    health=Health(xruns=1, slips=2, dropped=3, restarts=4),
    losses=5,
)


def text(status: Status, columns: int = 120, *, unicode: bool = True) -> str:
    return "".join(part for _, part in status_line(status, columns, unicode=unicode))


def test_everything_fits_in_a_wide_window() -> None:
    assert text(NOW) == " listening  ███░░░  echo -32 dB  answered in 0.31 s  3:07  $0.0123  1,234 tokens"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (70, " listening  ███░░░  echo -32 dB  answered in 0.31 s  3:07  $0.0123"),
        (61, " listening  ███░░░  echo -32 dB  answered in 0.31 s  $0.0123"),
        (50, " listening  ███░░░  answered in 0.31 s  $0.0123"),
        (30, " listening  ███░░░  $0.0123"),
        (20, " listening  ███░░░"),
        (10, " listenin"),
    ],
)
def test_what_matters_least_goes_first(columns: int, expected: str) -> None:
    assert text(NOW, columns) == expected


@given(st.integers(1, 200), st.booleans(), st.booleans(), st.booleans())
def test_it_always_fits(columns: int, recording: bool, muted: bool, by_hand: bool) -> None:
    status = replace(NOW, recording=recording, muted=muted, by_hand=by_hand)

    assert len(text(status, columns)) <= max(columns - 1, 1)
    assert len("".join(part for _, part in detail_line(status, columns))) <= columns


def test_recording_comes_first() -> None:
    assert text(replace(NOW, recording=True), 20).startswith(" REC  listening")


def test_muted_is_told_in_every_state_and_shows_no_level() -> None:
    assert text(replace(NOW, muted=True, state="speaking"), 40).startswith(" speaking  muted  ")
    assert text(replace(NOW, muted=True, state="muted")).count("muted") == 1
    assert "█" not in text(replace(NOW, muted=True))


def test_push_to_talk_listens_only_when_told_to() -> None:
    assert text(replace(NOW, by_hand=True), 20) == " ready  $0.0123"
    assert text(replace(NOW, by_hand=True, state="hearing you"), 24) == " hearing you  ███░░░"


def test_a_conversation_in_writing_has_no_sound_to_tell_of() -> None:
    status = replace(NOW, state="ready", level=None, erle=None, first_audio=None, spent=Spent(0, 0, 0, None))

    assert text(status) == " ready  3:07"


def test_a_model_without_a_price_has_tokens() -> None:
    assert text(replace(NOW, spent=Spent(1000, 0, 234, None))).endswith("3:07  1,234 tokens")


def test_dollars_have_cents() -> None:
    assert "  $1.50  " in text(replace(NOW, spent=Spent(1000, 0, 234, 1.5)))


def test_details() -> None:
    assert "".join(part for _, part in detail_line(NOW, 200)) == (
        " delay 87 ms  1 over- and underruns  2 slips  3 blocks dropped  4 restarts of devices  "
        "1.5 s to be played  held back by 40 ms  5 connections lost"
    )


def test_details_that_do_not_fit_are_left_out_whole() -> None:
    assert "".join(part for _, part in detail_line(NOW, 40)) == " delay 87 ms  1 over- and underruns"


def test_a_summary_is_ascii() -> None:
    assert summary(NOW).isascii()


@pytest.mark.parametrize(
    ("level", "expected"),
    [(-120, "......"), (-60, "......"), (-59, "#....."), (-36, "###..."), (-12, "######"), (0, "######")],
)
def test_meter(level: float, expected: str) -> None:
    assert meter(level, unicode=False) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, "0:00"), (59.9, "0:59"), (187, "3:07"), (3787, "1:03:07")])
def test_clock(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected
