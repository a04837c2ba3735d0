"""What a client may set of one response, over what is set of the session."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from offline.items import NewItem, Reference
from offline.settings import MaxTokens, Modalities, Pcm, Prompt, Reasoning, Tool, ToolChoice, VoiceId
from offline.wire import Strict


class ResponseOutput(Strict):
    """``response.audio.output``."""

    format: Pcm = Pcm()
    voice: str | VoiceId | None = None


class ResponseAudio(Strict):
    """``response.audio``."""

    output: ResponseOutput = ResponseOutput()


_Key: TypeAlias = Annotated[str, Field(max_length=64)]
_Value: TypeAlias = Annotated[str, Field(max_length=512)]


class ResponseOptions(Strict):
    """What ``response.create`` overrides, for one response alone; None is the session's."""

    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: ResponseAudio = ResponseAudio()
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens | None = None
    reasoning: Reasoning | None = None
    prompt: Prompt | None = None
    metadata: dict[_Key, _Value] | None = Field(default=None, max_length=16)
    conversation: Literal["auto", "none"] = "auto"
    input: list[Annotated[NewItem | Reference, Field(discriminator="type")]] | None = None
