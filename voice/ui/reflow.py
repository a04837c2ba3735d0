"""What a window that is pulled narrower makes of what was drawn in it: rows that are too long now take several.

Most terminals do that, with what has scrolled away as well. The cursor is then further from the first row than it was,
and what is drawn must be taken away from there on, or a part of it stays for ever.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from prompt_toolkit import Application
from prompt_toolkit.layout.screen import Char, Screen


def erase(app: Application[Any], columns: int) -> None:
    """Take away what was drawn before the window had so many columns."""
    screen = app.renderer.last_rendered_screen
    if screen is not None and reflows(os.environ):
        cursor = screen.get_cursor_position(app.layout.current_window)
        app.output.cursor_up(rows_gained(screen, (cursor.x, cursor.y), columns))
    app.renderer.erase()


def reflows(environ: Mapping[str, str]) -> bool:
    """Whether this terminal does that; xterm, screen and the consoles of Linux cut rows off instead."""
    cuts = environ.get("XTERM_VERSION") or environ.get("STY") or environ.get("TERM", "").startswith(("linux", "rxvt"))
    return not cuts


def rows_gained(screen: Screen, cursor: tuple[int, int], columns: int) -> int:
    """How many rows the cursor has gone down, of which (x, y) was the place on that screen, in so many `columns`."""
    x, y = cursor
    widths = (_width(screen.data_buffer[above]) for above in range(y))
    return sum(max(width - 1, 0) // columns for width in widths) + x // columns


def _width(cells: Mapping[int, Char]) -> int:
    return max((x + 1 for x, cell in cells.items() if cell.char.strip()), default=0)
