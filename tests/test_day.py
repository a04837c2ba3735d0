"""The arithmetic of what a day costs: figures worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.costs import Exchange, Service, conversation, restored_tokens

EXCHANGE = Exchange(user=10, assistant=10)
"""100 audio tokens, then 200 with 56 of text; 300 characters written down."""
SERVICE = Service("gpt-realtime-2.1", context=96_000, instructions=1000)


def test_one_exchange_is_read_and_written_once() -> None:
    spent = conversation(SERVICE, EXCHANGE, 1)

    # 1000*4 + 100*32 + 56*24 + 200*64 = 4000 + 3200 + 1344 + 12800 millionths, and 10 s at 0.0045 a minute
    assert (spent.input_tokens, spent.cached_tokens, spent.output_tokens) == (1100, 0, 256)
    assert spent.dollars == pytest.approx(0.021344 + 0.00075)


def test_the_next_reads_everything_again_and_pays_little_for_what_was_read_before() -> None:
    spent = conversation(SERVICE, EXCHANGE, 2)

    # 1000 text and 88 audio, a multiple of 64, are cached: (56*4 + (12+200+100)*32 + 1088*0.40) + 1344 + 12800
    assert (spent.input_tokens, spent.cached_tokens, spent.output_tokens) == (1100 + 1456, 1088, 512)
    assert spent.dollars == pytest.approx(0.021344 + 0.0247872 + 2 * 0.00075)


def test_a_conversation_twice_as_long_costs_more_than_twice_as_much() -> None:
    hour, two = (conversation(SERVICE, EXCHANGE, count).dollars for count in (100, 200))
    without_cache = conversation(Service("gpt-realtime-2.1", 96_000, 1000, caches=False), EXCHANGE, 100).dollars

    assert hour is not None
    assert two is not None
    assert without_cache is not None
    assert two > 2.2 * hour
    assert without_cache > 5 * hour


def test_a_full_context_that_is_cut_often_is_dearer_than_one_that_is_cut_at_once() -> None:
    often, seldom = (
        conversation(Service("gpt-realtime-1.5", 28_224, 1000, ratio), EXCHANGE, 200).dollars for ratio in (1.0, 0.8)
    )

    assert often is not None
    assert seldom is not None
    assert often > 3 * seldom


def test_a_new_session_is_told_what_was_said_as_text_within_limits() -> None:
    assert restored_tokens([]) == 0
    assert restored_tokens([EXCHANGE] * 4) == 4 * 300 // 4
    assert restored_tokens([EXCHANGE] * 60) == 100 * 150 // 4  # 100 turns
    assert restored_tokens([Exchange(60, 60)] * 60) == 10_000  # 40,000 characters
    # The second bout reads 2 exchanges as 150 tokens of text, instead of 712 of sound and text.
    whole, in_bouts = (conversation(SERVICE, EXCHANGE, 4, bouts=bouts).input_tokens for bouts in (1, 2))
    assert (whole, in_bouts) == (4 * 1100 + 356 * 6, 2 * (1100 + 1456) + 2 * 150)
