"""What a model only thinks, between ``<think>`` and ``</think>``, is not to be said."""

from __future__ import annotations

import re

_MARK = re.compile(r"<(/?)think>")
_MARKS = ("<think>", "</think>")


class Thoughts:
    """Drops what a model only thinks, wherever its marks are cut in two.

    The prompt of some models holds the opening mark already, so that only the closing one comes. Of a model that is
    known for it (`unmarked`), nothing is said before that mark, or the end.
    """

    def __init__(self, *, unmarked: bool = False) -> None:
        self.unmarked = False
        """Whether thoughts ended that had not begun."""
        self.inside = unmarked
        """Whether what comes now is a thought."""
        self.spoken = False
        """Whether there was anything to say."""
        self._is_guess = unmarked  # that it is inside
        self._has_mark = False
        self._pending = ""

    def feed(self, text: str) -> str:
        """Return what may be said by now."""
        self._pending += text
        ready = ""
        while mark := _MARK.search(self._pending):
            before, self._pending = self._pending[: mark.start()], self._pending[mark.end() :]
            closes = bool(mark[1])
            if closes and not self._has_mark:
                self.unmarked, ready = True, ""
            elif not self.inside:
                ready += before
            self.inside, self._has_mark, self._is_guess = not closes, True, False
        if self._is_guess:
            return ""
        kept = max(n for mark in _MARKS for n in range(len(mark)) if self._pending.endswith(mark[:n]))
        more, self._pending = self._pending[: len(self._pending) - kept], self._pending[len(self._pending) - kept :]
        return self._trimmed(ready + ("" if self.inside else more))

    def rest(self) -> str:
        """Return what is left at the end: the beginning of a mark that was none, or all that was no thought."""
        return "" if self.inside and not self._is_guess else self._trimmed(self._pending)

    def _trimmed(self, text: str) -> str:
        """Drop the blank lines between thoughts and words."""
        text = text if self.spoken else text.lstrip()
        self.spoken = self.spoken or bool(text)
        return text
