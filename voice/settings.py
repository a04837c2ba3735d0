"""What the service is told at the start of a session: the ``session`` of ``session.update``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from voice.config import Config
from voice.events import Json
from voice.sound import SAMPLE_RATE

_NOISE_REDUCTION = {"off": None, "near": {"type": "near_field"}, "far": {"type": "far_field"}}


def session_settings(config: Config, tools: Iterable[Json], *, speaks: bool) -> Json:
    """Build it for spoken answers (`speaks`) or written ones.

    Every value is explicit, since the service's defaults differ from what its manual says.
    """
    return _beta(config, tools, speaks=speaks) if config.dialect == "beta" else _ga(config, tools, speaks=speaks)


def _ga(config: Config, tools: Iterable[Json], *, speaks: bool) -> Json:
    sound = {"type": "audio/pcm", "rate": SAMPLE_RATE}
    return {
        "type": "realtime",
        "instructions": config.instructions,
        "output_modalities": ["audio" if speaks else "text"],
        "audio": {
            "input": {
                "format": sound,
                "transcription": _transcription(config),
                "noise_reduction": _NOISE_REDUCTION[config.noise_reduction],
                "turn_detection": turn_detection(config),
            },
            "output": {"format": sound, "voice": config.voice, "speed": config.speed},
        },
        "tools": list(tools),
        "tool_choice": "auto",
        "max_output_tokens": config.max_output_tokens,
        **_model_settings(config),
    }


def _beta(config: Config, tools: Iterable[Json], *, speaks: bool) -> Json:
    return {
        "modalities": ["audio", "text"] if speaks else ["text"],
        "instructions": config.instructions,
        "voice": config.voice,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": _transcription(config),
        "turn_detection": turn_detection(config),
        "tools": list(tools),
        "tool_choice": "auto",
        "max_response_output_tokens": config.max_output_tokens,
        **({} if config.temperature is None else {"temperature": config.temperature}),
    }


def _transcription(config: Config) -> Json | None:
    if not config.transcribes:
        return None
    language: dict[str, Any] = {"language": config.transcription_language} if config.transcription_language else {}
    return {"model": config.transcription_model, **language}


def _model_settings(config: Config) -> Json:
    """What only some models or servers know, and is left out unless it was asked for."""
    settings: dict[str, Any] = {}
    if config.reasoning_effort:
        settings["reasoning"] = {"effort": config.reasoning_effort}
    if config.retention_ratio < 1:
        settings["truncation"] = {"type": "retention_ratio", "retention_ratio": config.retention_ratio}
    return settings


def turn_detection(config: Config) -> Json | None:
    """How the service tells when the user's turn begins and ends; None when the user does."""
    if config.by_hand:
        return None
    common = {"create_response": True, "interrupt_response": config.barge_in == "instant"}
    if config.vad == "semantic":
        return {"type": "semantic_vad", "eagerness": config.vad_eagerness, **common}
    return {
        "type": "server_vad",
        "threshold": config.vad_threshold,
        "prefix_padding_ms": config.vad_prefix_padding_ms,
        "silence_duration_ms": config.vad_silence_duration_ms,
        **common,
    }
