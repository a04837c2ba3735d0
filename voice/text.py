"""Text that can be shown: on one line, with nothing in it that controls a terminal; pure."""

from __future__ import annotations

from voice.effects import ToolUse, Turn

JOINER = "\u200d"
"""Holds the parts of one emoji together; the only invisible character that is let through."""


def printable(text: str) -> str:
    """One line of `text` in which nothing can control the terminal."""
    return row(" ".join(text.split()))


def row(text: str) -> str:
    """`printable` for a row of a table: its spaces stay as they are."""
    return "".join(c if c.isprintable() or c == JOINER else " " for c in text)


def line(shown: Turn | ToolUse) -> str:
    """One finished turn as one line."""
    if isinstance(shown, ToolUse):
        return f"tool: {printable(shown.name)}({printable(shown.arguments)}) -> {printable(shown.result)}"
    return f"{shown.role}: {printable(shown.text)}{' [interrupted]' if shown.interrupted else ''}"
