"""The items that a client may put into a conversation: messages, calls of functions and their results.

System messages are text only: the service takes no spoken ones either.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from offline.wire import Strict

Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=32)]
"""The service's limit for ids of items and calls."""


class _Item(Strict):
    id: Id | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class InputText(Strict):
    """Words typed."""

    type: Literal["input_text"]
    text: str


class InputAudio(Strict):
    """Sound: base64 of PCM16 mono 24 kHz; the transcript is the client's own and not shown to the brain."""

    type: Literal["input_audio"]
    audio: str
    transcript: str | None = None


class InputImage(Strict):
    """A picture, which nobody here can see; kept, since the conversation may be shown again."""

    type: Literal["input_image"]
    image_url: str
    detail: Literal["auto", "low", "high"] | None = None


class OutputText(Strict):
    """Words of the assistant."""

    type: Literal["output_text"]
    text: str


class UserMessage(_Item):
    """What the user says."""

    type: Literal["message"]
    role: Literal["user"]
    content: list[Annotated[InputText | InputAudio | InputImage, Field(discriminator="type")]]


class SystemMessage(_Item):
    """What the application says."""

    type: Literal["message"]
    role: Literal["system"]
    content: list[InputText]


class AssistantMessage(_Item):
    """What the assistant said earlier."""

    type: Literal["message"]
    role: Literal["assistant"]
    content: list[OutputText]


class Call(_Item):
    """A call of a function, put in for the history."""

    type: Literal["function_call"]
    name: str
    arguments: str
    call_id: Id | None = None


class Output(_Item):
    """What a function returned."""

    type: Literal["function_call_output"]
    call_id: Id
    output: str


class Reference(Strict):
    """An item of the conversation, in the ``input`` of a response."""

    type: Literal["item_reference"]
    id: Id


Message: TypeAlias = Annotated[UserMessage | SystemMessage | AssistantMessage, Field(discriminator="role")]
NewItem: TypeAlias = Message | Call | Output


class Created(Strict):
    """The ``item`` of ``conversation.item.create``."""

    item: Annotated[NewItem, Field(discriminator="type")]
