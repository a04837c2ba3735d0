"""What the service is told at the start; each shape as the official SDK knows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.strict import parse_client
from voice.config import Config
from voice.settings import session_settings, turn_detection


def _told(**settings: Any) -> dict[str, Any]:
    session = dict(session_settings(Config(**settings), (), speaks=True))
    parse_client({"type": "session.update", "session": session})
    return session


def test_a_turn_ends_after_silence_or_when_it_sounds_finished() -> None:
    server = _told(vad_silence_duration_ms=700)["audio"]["input"]["turn_detection"]
    semantic = _told(vad="semantic", vad_eagerness="high", barge_in="instant")["audio"]["input"]["turn_detection"]

    assert (server["type"], server["silence_duration_ms"], server["interrupt_response"]) == ("server_vad", 700, False)
    assert semantic == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }


def test_how_surely_and_from_when_speech_is_noticed_can_be_set() -> None:
    told = _told(vad_threshold=0.7, vad_prefix_padding_ms=200, vad_silence_duration_ms=900)["audio"]["input"]

    assert told["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "prefix_padding_ms": 200,
        "silence_duration_ms": 900,
        "create_response": True,
        "interrupt_response": False,
    }


def test_nobody_listens_for_turns_when_the_user_makes_them() -> None:
    assert _told(mode="push-to-talk")["audio"]["input"]["turn_detection"] is None
    assert turn_detection(Config(mode="push-to-talk")) is None


@pytest.mark.parametrize(("wanted", "told"), [("off", None), ("near", "near_field"), ("far", "far_field")])
def test_noise_is_reduced_for_a_near_or_a_far_microphone(wanted: Any, told: str | None) -> None:
    assert _told(noise_reduction=wanted)["audio"]["input"]["noise_reduction"] == (told and {"type": told})


def test_what_only_some_models_know_is_told_only_when_asked_for() -> None:
    plain = _told(retention_ratio=1)
    session = _told(reasoning_effort="low", max_output_tokens=500, speed=1.2)

    assert not plain.keys() & {"reasoning", "truncation"}
    assert plain["max_output_tokens"] == "inf"
    assert session["reasoning"] == {"effort": "low"}
    assert (session["max_output_tokens"], session["audio"]["output"]["speed"]) == (500, 1.2)


@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-1.5", "gpt-realtime"])
def test_a_full_context_is_cut_by_a_fifth_whatever_the_model(model: str) -> None:
    assert _told(model=model)["truncation"] == {"type": "retention_ratio", "retention_ratio": 0.8}
    assert _told(model=model, retention_ratio=0.5)["truncation"]["retention_ratio"] == 0.5


def test_the_beta_has_its_own_shape() -> None:
    session = session_settings(Config(dialect="beta", temperature=0.8, max_output_tokens=100), (), speaks=True)

    assert (session["temperature"], session["max_response_output_tokens"]) == (0.8, 100)
    assert "type" not in session
