"""The tables of what can be requested fit each other."""

from __future__ import annotations

from string import Formatter

import pytest

from offline.commands import Command
from offline.functions import function_for
from offline.intents import ARGUMENTS, INTENTS, intent_of
from offline.phrases import CLOCK, NOTES


@pytest.mark.parametrize("kind", INTENTS)
def test_every_slot_can_be_given_to_a_function(kind: str) -> None:
    assert set(INTENTS[kind].slots) <= set(ARGUMENTS)


@pytest.mark.parametrize("kind", INTENTS)
def test_what_is_asked_for_is_used_and_a_question_names_what_is_known_by_then(kind: str) -> None:
    intent, known = INTENTS[kind], set[str]()
    for slot, question in intent.asks.items():
        assert slot in {*intent.slots, "sure"}
        assert {name for _, name, _, _ in Formatter().parse(question) if name} <= known
        known.add(slot)


def test_every_request_can_be_put_into_words() -> None:
    assert {kind for kind, _ in (*NOTES, *CLOCK)} | {"weather", "extend"} == set(INTENTS)


@pytest.mark.parametrize("kind", INTENTS)
def test_what_a_request_becomes_is_a_request(kind: str) -> None:
    assert (INTENTS[kind].becomes or kind) in INTENTS


def test_what_is_missing_is_asked_for_in_order() -> None:
    assert Command("append").gap == "name"
    assert Command("append", {"name": "ideas"}).gap == "text"
    assert Command("append", {"name": "ideas", "text": "fly"}).gap == ""
    assert Command("thanks").gap == ""


def test_small_talk_needs_no_function() -> None:
    assert intent_of("thanks").families == ()
    assert function_for("thanks", [{"name": "thanks"}]) is None
