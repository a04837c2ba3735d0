"""Pictures of the comparison: a panel of bars for each line, one bar for each program; SVG, and pure but for `draw`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

from benchmarks.peers import table
from benchmarks.peers.programs import CONTESTANTS, Contestant
from benchmarks.peers.table import Figures, Line

WIDTH, NAMES, VALUES = 760.0, 190.0, 110.0
"""Of the picture, of the programs' names on the left, of the figures on the right, in px."""
BAR, GAP, TITLE, MARGIN = 15.0, 5.0, 30.0, 16.0
"""Height of a bar, space between two, height of a panel's title, and space around everything, in px."""
OURS, THEIRS, FAINT = "#2f7d6b", "#a9b4bf", "#e3e7eb"
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #23282e } .title { font-weight: 600 }
@media (prefers-color-scheme: dark) { text { fill: #e4e7eb } .whisker { stroke: #e4e7eb } }"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One file."""

    file: str
    title: str
    lines: tuple[Line, ...]


PICTURES = (
    Picture(
        "benchmarks-latency.svg",
        "How long each program takes",
        (table.START, table.MICROPHONE, table.SPEAKER, table.STOP_FINISHED, table.STOP_GENERATING),
    ),
    Picture(
        "benchmarks-weight.svg",
        "What each program needs",
        (table.IDLE_AEC, table.TALKING_AEC, table.IDLE, table.TALKING, table.MEMORY),
    ),
)


def draw(figures: Figures, folder: Path) -> None:
    """Write all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        (folder / picture.file).write_text(svg(picture, figures), encoding="utf-8")


def svg(picture: Picture, figures: Figures) -> str:
    """One picture: medians as bars, the worst as a whisker; shorter is better."""
    parts: list[str] = []
    top = MARGIN
    for line in picture.lines:
        top = _panel(parts, line, figures, top)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {top + MARGIN:g}" role="img">'
    return "\n".join([head, f"<title>{escape(picture.title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>\n"])


def _panel(parts: list[str], line: Line, figures: Figures, top: float) -> float:
    """Add the bars of one line below `top`; gives where they end."""
    shown = [each for each in CONTESTANTS if each.name in figures and figures[each.name].get(line.name)]
    shown = [each for each in shown if line.takes(each)]
    if not shown:
        return top
    values = [figures[each.name][line.name] for each in shown]
    largest = max(filter(math.isfinite, (table.worst(line, own) for own in values)), default=1.0)
    parts.append(_text(MARGIN, top + 14, table.title(line), 'class="title"'))
    top += TITLE
    for contestant in shown:
        parts += _bar(line, contestant, figures, top, largest)
        top += BAR + GAP
    return top + GAP * 2


def _bar(line: Line, contestant: Contestant, figures: Figures, top: float, largest: float) -> list[str]:
    values = figures[contestant.name][line.name]
    room = WIDTH - NAMES - VALUES - 2 * MARGIN
    left, middle, worst = MARGIN + NAMES, table.middle(values), table.worst(line, values)
    color = FAINT if math.isinf(middle) else (THEIRS if contestant.peer else OURS)
    length = room if math.isinf(middle) else room * middle / (largest or 1.0)
    base = top + BAR - 3
    drawn = [
        _text(left - 8, base, contestant.name, 'text-anchor="end"'),
        f'<rect x="{left:g}" y="{top:g}" width="{length:.1f}" height="{BAR:g}" fill="{color}"/>',
        _text(left + room + 8, base, table.cell(line, contestant, figures), ""),
    ]
    if math.isfinite(worst):
        at, half = left + room * worst / (largest or 1.0), top + BAR / 2
        path = f"M{left + length:.1f} {half:g}H{at:.1f}M{at:.1f} {half - 3:g}v6"
        drawn.append(f'<path class="whisker" d="{path}" stroke="#23282e" fill="none"/>')
    return drawn


def _text(x: float, y: float, content: str, attributes: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {attributes}>{escape(content)}</text>'
