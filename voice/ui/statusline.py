"""The status line: how things stand, in as many words as fit; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from voice.status import Status

Fragment = tuple[str, str]
"""A style of prompt_toolkit's, and text."""

QUIETEST, LOUDEST = -60.0, -12.0
"""dB of full scale at the ends of the level meter: a quiet room, and speech near a laptop's microphone."""
CELLS = 6
"""Of the meter: 8 dB each."""
GAP = "  "
LEAST_ERLE = 3.0
"""dB. With less removed there is no echo to speak of."""
STYLES = {
    "status": "ansibrightblack",
    "status.listening": "ansigreen",
    "status.ready": "ansigreen",
    "status.hearing-you": "bold ansicyan",
    "status.thinking": "ansiyellow",
    "status.speaking": "bold ansigreen",
    "status.muted": "bold ansired",
    "status.reconnecting": "bold ansired",
    "status.asleep": "ansibrightblack",
    "status.rec": "bold ansired",
}
"""Of its parts, in prompt_toolkit's words; the terminal's own colours."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something to tell; when there is no room, what has the highest rank goes first."""

    rank: int
    text: str
    style: str = ""


def status_line(status: Status, columns: int, *, unicode: bool) -> list[Fragment]:
    """Say how things stand in less than `columns` cells, so that no terminal wraps it.

    Without `unicode` there are only ASCII characters.
    """
    parts = _parts(status, unicode=unicode)
    room = columns - 2
    while len(parts) > 1 and sum(len(part.text) + len(GAP) for part in parts) - len(GAP) > room:
        parts.remove(max(parts, key=lambda part: part.rank))
    fragments: list[Fragment] = [("class:status", " ")]
    for part in parts:
        if len(fragments) > 1:
            fragments.append(("class:status", GAP))
        fragments.append((f"class:status {part.style}", part.text[: max(room, 0)]))
    return fragments


def detail_line(status: Status, columns: int) -> list[Fragment]:
    """Say in less than `columns` cells what a healthy conversation need not tell."""
    text = ""
    for part in details(status):
        if len(f"{text}{GAP}{part}") < columns:
            text += GAP + part
    return [("class:status", text[1:])]


def details(status: Status) -> list[str]:
    """Sound and connection in figures, the most telling first."""
    health = status.health
    delay = "?" if status.delay is None else f"{status.delay:.0f}"
    return [
        f"delay {delay} ms",
        f"{health.xruns} over- and underruns",
        f"{health.slips} slips",
        f"{health.dropped} blocks dropped",
        f"{health.restarts} restarts of devices",
        f"{status.waiting_ms / 1000:.1f} s to be played",
        f"held back by {status.depth_ms} ms",
        f"{status.losses} connections lost",
    ]


def summary(status: Status) -> str:
    """How things stand, on one line of any length."""
    return GAP.join(part.text for part in _parts(status, unicode=False))


def clock(seconds: float) -> str:
    """As in 3:07 or 1:03:07."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _parts(status: Status, *, unicode: bool) -> list[Part]:
    state = "ready" if status.by_hand and status.state == "listening" else str(status.state)
    parts = [Part(0, state, f"class:status.{state.replace(' ', '-')}")]
    if status.recording:
        parts.insert(0, Part(1, "REC", "class:status.rec"))
    if status.muted and state != "muted":
        parts.append(Part(2, "muted", "class:status.muted"))
    if status.level is not None and not status.muted and not (status.by_hand and state == "ready"):
        parts.append(Part(4, meter(status.level, unicode=unicode)))
    if status.erle is not None and status.erle >= LEAST_ERLE:
        parts.append(Part(7, f"echo -{status.erle:.0f} dB"))
    if status.first_audio is not None:
        parts.append(Part(6, f"answered in {status.first_audio:.2f} s"))
    parts.append(Part(8, clock(status.seconds)))
    spent = status.spent
    if spent.dollars is not None:
        parts.append(Part(5, f"${spent.dollars:.{2 if spent.dollars >= 1 else 4}f}"))
    if tokens := spent.input_tokens + spent.output_tokens:
        parts.append(Part(9, f"{tokens:,} tokens"))
    return parts


def meter(level: float, *, unicode: bool) -> str:
    """The level in dB of full scale as a bar."""
    full, empty = "█░" if unicode else "#."
    share = (level - QUIETEST) / (LOUDEST - QUIETEST)
    filled = math.ceil(min(max(share, 0.0), 1.0) * CELLS)
    return full * filled + empty * (CELLS - filled)
