"""Text that can be shown: on one line, with nothing in it that controls a terminal; pure."""

from __future__ import annotations

import re

from voice.shown import ToolUse, Turn

JOINERS = "\u200c\u200d"
"""Tell whether letters, or the parts of one emoji, are joined: Persian words and families fall apart without."""
_PARTS = re.compile(r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f|.", re.DOTALL)
"""The flag of a part of a country, as England's, whose name is in characters that are not to be seen; or any other."""


def printable(text: str) -> str:
    """One line of `text` in which nothing can control the terminal."""
    return row(" ".join(text.split()))


def row(text: str) -> str:
    """`printable` for a row of a table: its spaces stay as they are.

    Of what cannot be seen, `JOINERS` and whole flags are let through: they do not change the order of what can.
    """
    return text if text.isprintable() else _PARTS.sub(_shown, text)


def line(shown: Turn | ToolUse) -> str:
    """One finished turn as one line."""
    if isinstance(shown, ToolUse):
        return f"tool: {printable(shown.name)}({printable(shown.arguments)}) -> {printable(shown.result)}"
    return f"{shown.role}: {printable(shown.text)}{' [interrupted]' if shown.interrupted else ''}"


def _shown(part: re.Match[str]) -> str:
    text = part[0]
    return text if len(text) > 1 or text.isprintable() or text in JOINERS else " "
