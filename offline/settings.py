"""What a client may set of the session.

A session is a frozen value; `Settings.updated` merges a client's partial update into it and checks the whole, so that
what ``session.updated`` reports is what is in force. What has no effect on this computer (tracing, reasoning, noise
reduction …) is accepted and reported like the service does, since clients that talk to both send it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from offline.wire import RequestError, Strict, checked

SAMPLE_RATE = 24_000
"""Hz: the only rate of ``audio/pcm`` in the protocol."""

Modalities: TypeAlias = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=1)]
MaxTokens: TypeAlias = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]


class Pcm(Strict):
    """PCM16 little-endian, mono, 24 kHz: the one format spoken here."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000


class Transcription(Strict):
    """Whether the client wants to read what was heard; one recogniser serves every model named."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class NoiseReduction(Strict):
    """Accepted and reported; the detector copes with noise by itself."""

    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = None


class ServerVad(Strict):
    """A turn ends after silence. The defaults are those documented for the service."""

    type: Literal["server_vad"] = "server_vad"
    threshold: float = Field(default=0.5, ge=0, le=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=10_000)
    silence_duration_ms: int = Field(default=500, ge=0, le=10_000)
    idle_timeout_ms: int | None = Field(default=None, ge=5000, le=30_000)
    create_response: bool = True
    interrupt_response: bool = True


_EAGERNESS_MS = {"low": 1500, "medium": 800, "auto": 800, "high": 400}
"""Silence that ends a turn, ms: a choice of ours, well below the longest waits of 8, 4, 4 and 2 s documented."""


class SemanticVad(Strict):
    """Here the same detector: eagerness is how short a silence ends the turn."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True

    @property
    def as_server_vad(self) -> ServerVad:
        """The silence detection that stands in for it."""
        return ServerVad(
            silence_duration_ms=_EAGERNESS_MS[self.eagerness],
            create_response=self.create_response,
            interrupt_response=self.interrupt_response,
        )


TurnDetection: TypeAlias = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class VoiceId(Strict):
    """A custom voice."""

    id: str


class Input(Strict):
    """``session.audio.input``."""

    format: Pcm = Pcm()
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad()


class Output(Strict):
    """``session.audio.output``."""

    format: Pcm = Pcm()
    voice: str | VoiceId = "alloy"
    speed: float = Field(default=1.0, ge=0.25, le=1.5)


class Audio(Strict):
    """``session.audio``."""

    input: Input = Input()
    output: Output = Output()


class Tool(Strict):
    """A function, flat: its keys stand beside ``type``."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class NamedFunction(Strict):
    """A ``tool_choice`` that demands one function."""

    type: Literal["function"]
    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedFunction


class Reasoning(Strict):
    """Accepted and reported, without effect."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class Prompt(Strict):
    """A prompt stored at the service: accepted and reported, without effect."""

    id: str
    version: str | None = None
    variables: dict[str, Any] | None = None


class Tracing(Strict):
    """Accepted and reported, without effect."""

    workflow_name: str | None = None
    group_id: str | None = None
    metadata: dict[str, Any] | None = None


class TokenLimits(Strict):
    """Part of `RetentionRatio`."""

    post_instructions: int | None = Field(default=None, ge=0)


class RetentionRatio(Strict):
    """Accepted and reported; the conversation here is bounded by its number of items."""

    type: Literal["retention_ratio"]
    retention_ratio: float = Field(ge=0, le=1)
    token_limits: TokenLimits | None = None


class Settings(Strict):
    """All that is in force in a conversation."""

    type: Literal["realtime"]
    object: Literal["realtime.session"] = "realtime.session"
    id: str
    model: str
    expires_at: int
    """Unix time in s."""
    output_modalities: Modalities = Field(default=["audio"])
    instructions: str = ""
    audio: Audio = Audio()
    tools: list[Tool] = Field(default_factory=list)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens = "inf"
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | RetentionRatio = "auto"
    tracing: Literal["auto"] | Tracing | None = None
    prompt: Prompt | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None

    @property
    def turn_detection(self) -> ServerVad | None:
        """The silence detection in force, or None: the client commits."""
        found = self.audio.input.turn_detection
        return found.as_server_vad if isinstance(found, SemanticVad) else found

    def updated(self, update: dict[str, Any], *, has_spoken: bool) -> Settings:
        """Return this session with a partial update merged in.

        ``has_spoken`` freezes the voice. Raises `RequestError` and leaves all as it was when any part is wrong.
        """
        if "type" not in update:
            raise RequestError(
                "missing_required_parameter", "Missing required parameter: 'session.type'.", "session.type"
            )
        for name in ("id", "object", "expires_at"):
            if name in update:
                raise RequestError("unknown_parameter", f"Unknown parameter: 'session.{name}'.", f"session.{name}")
        new = checked(Settings, _merged(self.model_dump(), update), "session")
        if new.model != self.model:
            raise RequestError("invalid_value", "The model of a session cannot be changed.", "session.model")
        if has_spoken and new.audio.output.voice != self.audio.output.voice:
            text = "Cannot update a conversation's voice if assistant audio is present."
            raise RequestError("cannot_update_voice", text, "session.audio.output.voice")
        return new

    def event_fields(self) -> dict[str, Any]:
        """Return the session as clients are told, without the fields that only some models have."""
        fields = self.model_dump(mode="json")
        for name in ("parallel_tool_calls", "reasoning"):
            if fields[name] is None:
                del fields[name]
        fields["tools"] = [tool.model_dump(exclude_none=True) for tool in self.tools]
        return fields


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return ``old`` with ``new`` on top, objects within objects; one of another ``type`` replaces the old outright."""
    return old | {key: _merged(old[key], value) if _same(old.get(key), value) else value for key, value in new.items()}


def _same(old: object, new: object) -> bool:
    """Whether both are objects of one type; an update may leave the type out."""
    return isinstance(old, dict) and isinstance(new, dict) and new.get("type", old.get("type")) == old.get("type")
