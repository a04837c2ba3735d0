"""What a conversation costs: figures worked out by hand, and nothing that the service can say breaks the count."""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import voice.usage
from voice.usage import MAX_TOKENS, Meter, Spent, prices_date

ANSWER = {
    "total_tokens": 320,
    "input_tokens": 132,
    "output_tokens": 188,
    "input_token_details": {
        "text_tokens": 59,
        "audio_tokens": 73,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 64, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 41, "audio_tokens": 147},
}
"""As the service counts a short answer."""
WITH_AN_IMAGE = {
    "input_tokens": 5000,
    "output_tokens": 1200,
    "input_token_details": {
        "text_tokens": 1500,
        "audio_tokens": 2500,
        "image_tokens": 1000,
        "cached_tokens": 3000,
        "cached_tokens_details": {"text_tokens": 1024, "audio_tokens": 1376, "image_tokens": 600},
    },
    "output_token_details": {"text_tokens": 200, "audio_tokens": 1000},
}


def dollars(model: str, usage: object) -> float | None:
    meter = Meter(model, "off")
    meter.add_response(usage)
    return meter.spent.dollars


# Figures worked out by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "usage", "expected"),
    [
        # 59*4 + 9*32 + 64*0.40 + 41*24 + 147*64 = 236 + 288 + 25.6 + 984 + 9408 millionths
        ("gpt-realtime-2.1", ANSWER, 0.0109416),
        # 59*0.60 + 9*10 + 64*0.30 + 41*2.40 + 147*20 = 35.4 + 90 + 19.2 + 98.4 + 2940
        ("gpt-realtime-2.1-mini", ANSWER, 0.003183),
        # 59*4 + 9*32 + 64*0.40 + 41*16 + 147*64 = 236 + 288 + 25.6 + 656 + 9408
        ("gpt-realtime-1.5", ANSWER, 0.0106136),
        # 476*4 + 1024*0.40 + 1124*32 + 1376*0.40 + 400*5 + 600*0.50 + 200*24 + 1000*64
        # = 1904 + 409.6 + 35968 + 550.4 + 2000 + 300 + 4800 + 64000
        ("gpt-realtime-2", WITH_AN_IMAGE, 0.109932),
        # 476*0.60 + 1024*0.06 + 1124*10 + 1376*0.30 + 400*0.80 + 600*0.08 + 200*2.40 + 1000*20
        # = 285.6 + 61.44 + 11240 + 412.8 + 320 + 48 + 480 + 20000
        ("gpt-realtime-mini", WITH_AN_IMAGE, 0.03284784),
    ],
)
def test_each_kind_of_token_has_its_price(model: str, usage: object, expected: float) -> None:
    assert dollars(model, usage) == pytest.approx(expected, rel=1e-12)


def test_tokens_and_dollars_add_up_over_the_answers() -> None:
    meter = Meter("gpt-realtime-2.1", "off")
    for usage in (ANSWER, None, WITH_AN_IMAGE):  # null is what a cancelled answer has
        meter.add_response(usage)

    spent = meter.spent
    assert (spent.input_tokens, spent.cached_tokens, spent.output_tokens) == (5132, 3064, 1388)
    assert spent.dollars == pytest.approx(0.0109416 + 0.109932)


@pytest.mark.parametrize(
    ("model", "usage", "expected"),
    [
        ("gpt-transcribe", {"type": "duration", "seconds": 90}, 0.00675),  # 1.5 * 0.0045
        ("whisper-1", {"type": "duration", "seconds": 7.5}, 0.00075),  # 0.125 * 0.006
        # 14*2.50 + 45*10 = 35 + 450 millionths
        ("gpt-4o-transcribe", {"type": "tokens", "input_tokens": 14, "output_tokens": 45}, 0.000485),
        ("gpt-4o-mini-transcribe-2025-12-15", {"type": "tokens", "input_tokens": 14, "output_tokens": 45}, 0.0002425),
    ],
)
def test_transcription_is_added(model: str, usage: object, expected: float) -> None:
    meter = Meter("gpt-realtime-2.1", model)
    meter.add_response(ANSWER)
    meter.add_transcription(usage)

    assert meter.spent.dollars == pytest.approx(0.0109416 + expected, rel=1e-12)
    assert meter.spent.transcription_priced


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("another", {"type": "duration", "seconds": 5}),
        ("gpt-transcribe", {"type": "tokens", "input_tokens": 14, "output_tokens": 45}),
        ("gpt-4o-transcribe", {"type": "duration", "seconds": 5}),
        ("gpt-transcribe", {"type": "duration", "seconds": "5"}),
        ("gpt-transcribe", {"type": "duration", "seconds": math.nan}),
        ("gpt-transcribe", None),
    ],
)
def test_transcription_at_an_unknown_price_is_said(model: str, usage: object) -> None:
    meter = Meter("gpt-realtime-2.1", model)
    meter.add_response(ANSWER)
    meter.add_transcription(usage)

    assert meter.spent.dollars == pytest.approx(0.0109416)
    assert not meter.spent.transcription_priced
    assert str(meter.spent) == "$0.0109 without transcription, 320 tokens (64 cached)"


# Names of models ----------------------------------------------------------------------------------------------------


def test_a_dated_snapshot_costs_what_its_model_does() -> None:
    assert dollars("gpt-realtime-2025-08-28", ANSWER) == dollars("gpt-realtime", ANSWER) is not None
    assert dollars("gpt-realtime-mini-2025-12-15", ANSWER) == pytest.approx(0.003183)


@pytest.mark.parametrize(
    "model",
    [
        "",
        "my-deployment",
        "gpt-realtime-",
        "gpt-realtime-2.10",
        "gpt-realtime-2.1-foo",
        "gpt-realtime-2025-08",
        "gpt-realtime-2025-08-28-x",
        "gpt-realtime-2025-08-28\n",
        "gpt-4o-realtime-preview-2025-06-03",
        "-2025-08-28",
    ],
)
def test_an_unknown_model_has_tokens_and_no_price(model: str) -> None:
    meter = Meter(model, "gpt-transcribe")
    meter.add_response(ANSWER)
    meter.add_transcription({"type": "duration", "seconds": 5})

    assert meter.spent == Spent(132, 64, 188, None)
    assert str(meter.spent) == "320 tokens (64 cached)"


def test_the_table_has_a_date_a_source_and_every_price() -> None:
    table = json.loads(Path(voice.usage.__file__).with_name("prices.json").read_text())

    assert re.fullmatch(r"20\d\d-\d\d-\d\d", prices_date())
    assert table["source"].startswith("https://")
    for price in table["models"].values():
        assert {kind: set(rates) for kind, rates in price.items()} == {
            "text": {"input", "cached", "output"},
            "audio": {"input", "cached", "output"},
            "image": {"input", "cached"},
        }
        assert all(0 < rates["cached"] < rates["input"] for rates in price.values())
    assert all(set(price) in ({"minute"}, {"input", "output"}) for price in table["transcription"].values())


# For people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent", "line"),
    [
        (Spent(1000, 800, 234, 0.01234), "$0.0123, 1,234 tokens (800 cached)"),
        (Spent(0, 0, 0, 0.0), "$0.0000, 0 tokens"),
        (Spent(2_000_000, 0, 1, 1234.5), "$1,234.50, 2,000,001 tokens"),
        (Spent(5, 0, 5, None, transcription_priced=False), "10 tokens"),
    ],
)
def test_it_is_one_line_for_people(spent: Spent, line: str) -> None:
    assert str(spent) == line


# What the service says is not trusted -------------------------------------------------------------------------------


def test_what_is_missing_is_read_as_the_dearer() -> None:
    """Tokens of no kind are audio; cached ones of no kind were cheap to begin with."""
    assert dollars("gpt-realtime-2.1", {"input_tokens": 1000, "output_tokens": 10}) == pytest.approx(0.03264)
    details = {"text_tokens": 100, "audio_tokens": 900, "cached_tokens": 150}
    # 100*0.40 + 50*0.40 + 850*32
    assert dollars("gpt-realtime-2.1", {"input_token_details": details}) == pytest.approx(0.02726)


@pytest.mark.parametrize("cached_tokens", [None, 9000])
def test_no_more_is_cached_than_was_read(cached_tokens: int | None) -> None:
    cached = {"text_tokens": 500, "audio_tokens": 900}
    details = {"text_tokens": 100, "audio_tokens": 900, "cached_tokens": cached_tokens, "cached_tokens_details": cached}
    meter = Meter("gpt-realtime-2.1", "off")
    meter.add_response({"input_tokens": 1000, "input_token_details": details})

    assert (meter.spent.input_tokens, meter.spent.cached_tokens) == (1000, 1000)
    assert meter.spent.dollars == pytest.approx(0.0004)


@pytest.mark.parametrize("odd", [None, "12", -1, 10**400, 1e300, math.nan, math.inf, True, [12], {"a": 1}, b"12"])
def test_a_count_that_makes_no_sense_counts_as_none_and_hurts_no_other(odd: object) -> None:
    meter = Meter("gpt-realtime-2.1", "gpt-transcribe")
    meter.add_response(ANSWER | {"output_tokens": odd, "output_token_details": odd, "total_tokens": odd})

    assert replace(meter.spent, dollars=None) == Spent(132, 64, 0, None)
    assert meter.spent.dollars == pytest.approx(0.0005496)  # 59*4 + 9*32 + 64*0.40


counts = st.integers() | st.floats() | st.none() | st.booleans() | st.text(max_size=3) | st.integers(0, MAX_TOKENS)
kinds = st.dictionaries(
    st.sampled_from(["text_tokens", "audio_tokens", "image_tokens", "cached_tokens", "x"]), counts, max_size=5
)
anything = st.recursive(counts, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
usages = (
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["tokens", "duration"]) | anything,
            "seconds": counts,
            "input_tokens": counts,
            "output_tokens": counts,
            "input_token_details": kinds.flatmap(
                lambda kind: (kinds | anything).map(lambda cached: kind | {"cached_tokens_details": cached})
            )
            | anything,
            "output_token_details": kinds | anything,
        },
    )
    | anything
)


@given(st.lists(usages, max_size=5))
@example([10**5000, "x" * 10, {"input_tokens": "\ud800"}])
def test_nothing_that_the_service_says_breaks_the_count(said: list[object]) -> None:
    meter = Meter("gpt-realtime-2.1", "gpt-4o-transcribe")
    before = meter.spent
    for usage in said:
        meter.add_response(usage)
        meter.add_transcription(usage)
        spent = meter.spent
        assert spent.dollars is not None
        assert before.dollars is not None
        assert before.dollars <= spent.dollars < math.inf
        assert before.input_tokens <= spent.input_tokens <= before.input_tokens + 4 * MAX_TOKENS
        assert before.output_tokens <= spent.output_tokens <= before.output_tokens + 3 * MAX_TOKENS
        assert 0 <= spent.cached_tokens <= spent.input_tokens
        assert "\n" not in str(spent)
        before = spent


def test_several_threads_may_count() -> None:
    meter = Meter("gpt-realtime-2.1", "gpt-transcribe")

    def count() -> None:
        for _ in range(200):
            meter.add_response(ANSWER)
            meter.add_transcription({"type": "duration", "seconds": 60})
            assert meter.spent.dollars

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert replace(meter.spent, dollars=None) == Spent(800 * 132, 800 * 64, 800 * 188, None)
    assert meter.spent.dollars == pytest.approx(800 * (0.0109416 + 0.0045))
