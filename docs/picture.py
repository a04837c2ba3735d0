"""Makes ``docs/terminal.svg``: what is to be seen in a terminal while the program runs, from a real run.

``python -m docs.picture`` types into the program on a terminal of its own, with the assistant on this computer and a
sound card without hardware (see `tests.soundcard`), and draws what that terminal shows while the last answer is spoken.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

from pyte.screens import Char, Screen

from tests.soundcard import SoundCard
from tests.tty import Tty

PICTURE = Path(__file__).with_name("terminal.svg")
COLUMNS, ROWS = 92, 16
QUESTIONS = {
    "write a note called shopping saying milk and bread": "Saved the note",
    "what time is it": "assistant: It is",
    "read the note shopping": "assistant: The note",
}
"""And how each answer begins."""
TYPED = "add eggs to it"
"""Stands in the input line while the last answer is spoken."""

WIDTH, HEIGHT, MARGIN, TITLE = 8.4, 19.0, 14.0, 30.0
"""Of a character, of a row, around everything, and of the title bar, in px; the font's size is 14."""
BACKGROUND, BAR, TEXT = "#1b1d23", "#2a2d36", "#d8dbe2"
COLORS = {
    "green": "#8bc77d",
    "cyan": "#6cc5cf",
    "brown": "#d9b76a",  # the terminal's yellow
    "magenta": "#c08ad1",
    "red": "#e0707a",
    "brightblack": "#7d8494",
}


def main() -> None:
    """Run, and draw."""
    with SoundCard() as card, tempfile.TemporaryDirectory() as folder:
        env = card.environment | {"DATA_DIR": f"{folder}/data", "HOME": f"{folder}/home"}
        tty = Tty(["--offline"], env, Path(folder), kitty=False, size=(COLUMNS, ROWS))
        try:
            converse(tty)
            PICTURE.write_text(svg(tty.screen), encoding="utf-8")
        finally:
            tty.close()


def converse(tty: Tty) -> None:
    """Ask everything, and stop in the middle of the last answer."""
    tty.wait(" listening")
    for number, (question, answer) in enumerate(QUESTIONS.items(), 1):
        tty.press(f"{question}\r")
        tty.wait(answer)
        tty.wait(" listening" if number < len(QUESTIONS) else " speaking")
    tty.press(TYPED)
    tty.wait(f"> {TYPED}")


def svg(screen: Screen) -> str:
    """Draw what is on the screen."""
    rows = [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]
    while rows and not any(cell.data.strip() for cell in rows[-1]):
        rows.pop()
    width, height = screen.columns * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + TITLE + 2 * MARGIN
    x, y = MARGIN + screen.cursor.x * WIDTH, TITLE + MARGIN + screen.cursor.y * HEIGHT
    parts = [
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<path d="M0 {TITLE}V8a8 8 0 0 1 8-8H{width - 8:.1f}a8 8 0 0 1 8 8V{TITLE}z" fill="{BAR}"/>',
        *(f'<circle cx="{20 + 18 * i}" cy="15" r="5.5" fill="#4a4e5a"/>' for i in range(3)),
        f'<text x="{width / 2:.1f}" y="20" fill="#9aa0ad" text-anchor="middle">python realtime.py --offline</text>',
        *(text for number, row in enumerate(rows) for text in runs(row, TITLE + MARGIN + number * HEIGHT + 14)),
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{WIDTH}" height="{HEIGHT - 2}" fill="{TEXT}" opacity="0.7"/>',
    ]
    lines = "\n".join(parts)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="{width:.0f}" font-size="14"
  font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" role="img" aria-label="A conversation">
{lines}
</svg>
"""


def runs(row: list[Char], y: float) -> Iterator[str]:
    """Give the texts of a row, one for each stretch in one style."""
    x = 0
    for (color, bold), cells in groupby(row, key=lambda cell: (COLORS.get(cell.fg, TEXT), cell.bold)):
        text = "".join(cell.data for cell in cells)
        if text.strip():
            weight = ' font-weight="bold"' if bold else ""
            length = f'textLength="{len(text.rstrip()) * WIDTH:.1f}"'
            where = f'x="{MARGIN + x * WIDTH:.1f}" y="{y:.1f}" {length}'
            yield f'<text {where} fill="{color}"{weight} xml:space="preserve">{escape(text.rstrip())}</text>'
        x += len(text)


if __name__ == "__main__":
    main()
