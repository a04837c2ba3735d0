"""What the conversation wants done: frozen values that the session carries out; none of them may block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from voice.errors import AssistantError
from voice.events import AudioDelta, ClientEvent
from voice.shown import Shown


@dataclass(frozen=True, slots=True)
class Send:
    """Send this event to the service, in the order of the effects."""

    event: ClientEvent


@dataclass(frozen=True, slots=True)
class Ready:
    """The service took our settings: microphone sound may flow."""


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is gone: keep the microphone's sound until the next `Ready`."""

    again_from_ms: int | None
    """From here on, in ms since the connection began, sound that was sent is to be sent again, for it was lost; None
    when nothing was."""


@dataclass(frozen=True, slots=True)
class Microphone:
    """What becomes of the microphone's sound: sent, sent as silence (`muted`), or not sent (`closed`)."""

    state: Literal["open", "muted", "closed"]


@dataclass(frozen=True, slots=True)
class Recall:
    """Send this before what the microphone hears from now on: it was heard while nothing was sent."""

    heard: Callable[[], bytes]
    """Gives it to the send thread: PCM16 mono at 24 kHz, whole blocks of 10 ms, up to the last before now."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Tell the conversation to `retry` after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Play:
    """Queue this sound for the loudspeaker."""

    sound: AudioDelta


@dataclass(frozen=True, slots=True)
class EndOfSound:
    """No more sound will come for this item; tell the conversation when it has been heard."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """Silence the loudspeaker and tell the conversation what was heard of each item."""


@dataclass(frozen=True, slots=True)
class PauseAudio:
    """Silence the loudspeaker and keep what is to be played; judge whether someone really speaks, and tell."""


@dataclass(frozen=True, slots=True)
class ResumeAudio:
    """Nobody speaks: play on from where it paused. The judging goes on until `Undoubted`."""


@dataclass(frozen=True, slots=True)
class Undoubted:
    """Stop judging."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run this function and tell the conversation its output."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class End:
    """End the program: asked for by the user, or for a reason that trying again does not mend."""

    error: AssistantError | None = None


Effect = (
    Send
    | Ready
    | Offline
    | Microphone
    | Recall
    | TryAgain
    | Play
    | EndOfSound
    | ClearAudio
    | PauseAudio
    | ResumeAudio
    | Undoubted
    | RunTool
    | End
    | Shown
)
