"""What happens, as the user is shown it: frozen values for whoever subscribes to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from voice.events import Json

State = Literal[
    "connecting", "reconnecting", "ready", "listening", "muted", "hearing you", "thinking", "speaking", "asleep"
]


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished turn: what the user said, or what was heard of an answer."""

    role: Literal["you", "assistant"]
    text: str
    interrupted: bool = False
    item_id: str = field(default="", compare=False, repr=False)
    """Of which `Partial` it is the end; empty when it has none."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One finished call of a function."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool was called, on a thread of its own."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A call has its result; its `ToolUse` follows in the order of the conversation."""

    name: str
    arguments: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Partial:
    """A turn that goes on: all of its text so far."""

    item_id: str
    role: Literal["you", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One line about the program or the service, not part of what was said."""

    text: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """What the assistant is doing now."""

    state: State


@dataclass(frozen=True, slots=True)
class Used:
    """What the service charges for: a response's usage, or a transcription's, in its own words."""

    what: Literal["response", "transcription"]
    usage: Json


@dataclass(frozen=True, slots=True)
class UserSpoke:
    """The user's turn has ended, spoken or typed; what was said may be written down later."""


Shown = Turn | ToolUse | ToolStarted | ToolEnded | Partial | Notice | StateChanged | Used | UserSpoke
