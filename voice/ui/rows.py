"""Lines as the rows that a window has room for; pure.

wcwidth's `wrap` knows how wide text is and where it may break, but it goes through a word once for each row of it: a
line of Chinese, which is one word, would take seconds. Here it is given a piece at a time.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wcwidth import propagate_sgr, wrap

PIECE = 125
"""Characters. 60,000 of Chinese, Thai, base64 or emoji take 4 to 260 ms; with pieces of 1,000 up to 6 s."""
MAX_ROW = 2000
"""Characters that one row may take, so that marks stacked on one letter without end become rows as well."""
KEPT = 1024
"""Pieces that are not wrapped again: more than the lines that go on have."""

_PIECE = re.compile(rf"(?:\x1b\[[\d;]*m|[^\x1b]){{1,{PIECE}}}(?<!\s)")


def rows(line: str, columns: int) -> list[str]:
    """Wrap a line, which may hold SGR sequences and no others, in time that is linear in its length."""
    done: list[str] = []
    last = ""
    for piece in _PIECE.finditer(line):
        *full, last = _wrap(last + piece[0], columns)
        done += full
        if len(last) > MAX_ROW:
            done.append(last)
            last = ""
    return propagate_sgr([*done, last] if last or not done else done)


@lru_cache(KEPT)
def _wrap(text: str, columns: int) -> tuple[str, ...]:
    return tuple(wrap(text, columns, break_on_hyphens=False, propagate_sgr=False))
