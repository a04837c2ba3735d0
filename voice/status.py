"""How things stand, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from voice.health import Health
from voice.shown import State
from voice.usage import Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the status line shows."""

    state: State
    model: str
    voice: str
    by_hand: bool
    """Whether the user begins and ends each turn (push to talk)."""
    muted: bool
    recording: bool
    level: float | None
    """Of the microphone's sound without the echo, in dB of full scale; None without a microphone."""
    erle: float | None
    """Echo removed in dB; None until known, or where none is cancelled."""
    delay: float | None
    """From the loudspeaker's callback to the microphone's in ms, likewise."""
    waiting_ms: int
    """Sound of the answer that is still to be played."""
    depth_ms: int
    """How long sound is held back before it plays, because some came late."""
    first_audio: float | None
    """s from the end of the last turn to the first sound of its answer."""
    seconds: float
    """Since the conversation began."""
    spent: Spent
    health: Health
    losses: int
    """How often the connection was lost."""
