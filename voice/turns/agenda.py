"""What is still to be said before the conversation ends: typed lines that wait for their turn, and a goodbye; pure."""

from __future__ import annotations

import re
from collections import deque

MAX_LINES = 100
"""There are more in a file, where they can wait as well."""
_GOODBYE = re.compile(r"\W*(ok(ay)?\W+)?(((good\W*)?bye|good\W*night)\W*)+", re.IGNORECASE)


def is_goodbye(text: str) -> bool:
    """Whether these words are nothing but a goodbye."""
    return _GOODBYE.fullmatch(text) is not None


class Agenda:
    """Of one conversation."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._ending = False
        self.leaving = False
        """Whether nothing more is said by the user."""

    @property
    def is_empty(self) -> bool:
        """Whether no line waits."""
        return not self._lines

    @property
    def has_room(self) -> bool:
        """Whether one more line may wait."""
        return len(self._lines) < MAX_LINES

    @property
    def is_over(self) -> bool:
        """Whether the conversation ends with what is under way."""
        return self._ending and not self._lines

    def add(self, line: str) -> None:
        """Let a line wait for its turn; nobody talks on after a goodbye."""
        if not self.leaving:
            self._lines.append(line)

    def take(self) -> str:
        """Give the line whose turn it is; there must be one."""
        return self._lines.popleft()

    def clear(self) -> None:
        """Forget the lines."""
        self._lines.clear()

    def end(self) -> None:
        """End once there is nothing more to say."""
        self._ending = True

    def leave(self) -> None:
        """End now: what waits is not said any more."""
        self._ending = self.leaving = True
        self._lines.clear()

    def has_ended(self) -> None:
        """Note that the end has come, so that it is not told of again."""
        self._ending = False
