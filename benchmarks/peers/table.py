"""The lines of the comparison: what they are called, who is compared with whom, who is first; pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.programs import CONTESTANTS, Contestant

Figures = Mapping[str, Mapping[str, Sequence[float]]]
"""Of each program by name, of each line by name, all that was measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is measured."""

    name: str
    unit: str
    digits: int = 0
    target: float | None = None
    """Ours, at most so many times the best peer's."""
    more: bool = False
    """Whether more is better."""
    cancels: bool | None = None
    """Only programs with an echo canceller that is on, or only those without one."""

    def takes(self, contestant: Contestant) -> bool:
        """Whether a program is measured here."""
        return self.cancels is None or contestant.cancels == self.cancels


START = Line("start to first sound on the wire", "ms", target=0.4)
MICROPHONE = Line("microphone to wire", "ms", 1, target=1.0)
SPEAKER = Line("wire to loudspeaker", "ms", 1, target=1.0)
STOP_FINISHED = Line("interruption to silence, answer complete", "ms", 1, target=0.35)
STOP_GENERATING = Line("interruption to silence, answer being made", "ms", 1)
CUT_FINISHED = Line("truncation error, answer complete", "ms", 1)
CUT_GENERATING = Line("truncation error, answer being made", "ms", 1)
HEARD = Line("heard of 12 s that come within 0.6 s", "s", 1, more=True)
BREAKS = Line("breaks after the first, gaps to 300 ms", "", 0)
BROKEN = Line("... together", "ms")
IDLE_AEC = Line("processor listening, echo cancelled", "%", 1, target=0.4, cancels=True)
TALKING_AEC = Line("processor talking, echo cancelled", "%", 1, target=0.4, cancels=True)
IDLE = Line("processor listening, no echo canceller", "%", 1, cancels=False)
TALKING = Line("processor talking, no echo canceller", "%", 1, cancels=False)
MEMORY = Line("memory", "MB", target=0.5)
REMOVED = Line("echo removed", "dB", 1, more=True, cancels=True)
KEPT = Line("user kept while both talk", "%", more=True, cancels=True)
SURVIVED = Line("own answer heard in spite of its echo", "%", more=True)

LINES = (
    START,
    MICROPHONE,
    SPEAKER,
    STOP_FINISHED,
    STOP_GENERATING,
    CUT_FINISHED,
    CUT_GENERATING,
    HEARD,
    BREAKS,
    BROKEN,
    IDLE_AEC,
    TALKING_AEC,
    IDLE,
    TALKING,
    MEMORY,
    REMOVED,
    KEPT,
    SURVIVED,
)

HEADINGS = ("us / best peer", "target", "first")


def middle(values: Sequence[float]) -> float:
    """The median; of errors, of their sizes. NaN where there is nothing."""
    known = [abs(value) for value in values if not math.isnan(value)]
    return statistics.median(known) if known and len(known) * 2 > len(values) else math.nan


def worst(line: Line, values: Sequence[float]) -> float:
    """The worst; NaN where there is nothing."""
    known = [abs(value) for value in values if not math.isnan(value)]
    return (min(known) if line.more else max(known)) if known else math.nan


def duel(line: Line, figures: Figures) -> tuple[float, float]:
    """Our median and that of the best peer; NaN where there is none.

    Ours is the program as it comes, or without its echo canceller where the line is about those.
    """
    known = [contestant for contestant in CONTESTANTS if contestant.name in figures and line.takes(contestant)]
    ours = [middle(figures[each.name].get(line.name, ())) for each in known if not each.peer][:1]
    peers = [middle(figures[each.name].get(line.name, ())) for each in known if each.peer]
    peers = [value for value in peers if not math.isnan(value)]
    best = (max(peers) if line.more else min(peers)) if peers else math.nan
    return (ours[0] if ours else math.nan), best


def verdict(line: Line, figures: Figures) -> tuple[str, str, str]:
    """The ratio, the target and whether ours is first (or shares the first place), for the table."""
    ours, best = duel(line, figures)
    target = "" if line.target is None else f"<= {line.target:g}"
    if math.isnan(ours):
        return "", target, ""
    if math.isnan(best) or math.isinf(best):
        return "none else", target, "yes" if not math.isinf(ours) else "no"
    if math.isinf(ours):
        return "never", target, "no"
    ratio = f"{ours / best:.2f}" if best else ("=" if not ours else "worse")
    shown, rival = round(ours, line.digits), round(best, line.digits)
    return ratio, target, "yes" if (shown >= rival if line.more else shown <= rival) else "no"


def cell(line: Line, contestant: Contestant, figures: Figures) -> str:
    """Median and worst."""
    values = figures[contestant.name].get(line.name, ())
    if not line.takes(contestant) or not values:
        return "-"
    if all(map(math.isnan, values)):
        return "none"
    return f"{_number(middle(values), line.digits)} ({_number(worst(line, values), line.digits)})"


def rows(figures: Figures) -> list[list[str]]:
    """The whole table, headings first."""
    present = [contestant for contestant in CONTESTANTS if contestant.name in figures]
    head = ["", *(contestant.name for contestant in present), *HEADINGS]
    body = [[title(line), *(cell(line, each, figures) for each in present), *verdict(line, figures)] for line in LINES]
    return [head, *body]


def title(line: Line) -> str:
    """A line's name with its unit."""
    return f"{line.name}, {line.unit}" if line.unit else line.name


def text(figures: Figures) -> str:
    """The table for a terminal."""
    table = rows(figures)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(_aligned(row, widths) for row in table)


def markdown(figures: Figures) -> str:
    """The table for a page."""
    head, *body = rows(figures)
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ruler, *body))


def _aligned(row: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = row
    cells = [first.ljust(widths[0]), *(part.rjust(width) for part, width in zip(others, widths[1:], strict=True))]
    return "  ".join(cells).rstrip()


def _number(value: float, digits: int) -> str:
    if math.isnan(value):
        return "none"
    return "never" if math.isinf(value) else f"{value:.{digits}f}"
