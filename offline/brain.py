"""What an assistant's thinking looks like from outside: a turn goes in; words and calls of functions come out.

`matcher.py` and `llm.py` think, each in its way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


class GivenUp:
    """Whether an answer is not wanted any more; false until `set`. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the two below, and that `end` is not called after its block
        self._is_set = False
        self._end: Callable[[], object] | None = None

    def __bool__(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """Give the answer up, and end what it waits for; never blocks."""
        with self._lock:
            self._is_set = True
            if self._end:
                self._end()

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """Let `set` call `end`, which must not block, while the block runs; at once when it has been set."""
        with self._lock:
            self._end = end
            if self._is_set:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._end = None


@dataclass(frozen=True, slots=True)
class Turn:
    """All that an answer may depend on."""

    items: tuple[Mapping[str, Any], ...]
    """The conversation so far, as the protocol's items: messages, function calls and their outputs."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """The functions that the client declared: ``name``, ``description``, ``parameters`` (JSON schema)."""
    instructions: str = ""
    tool_choice: str | Mapping[str, Any] = "auto"
    """``auto``, ``none``, ``required``, or one function: ``{"type": "function", "name": ...}``."""
    given_up: GivenUp = field(default_factory=GivenUp, compare=False, repr=False)
    """For a brain that waits: it is set when the answer is over, whoever ended it."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of what is to be said."""

    text: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function that the client should run."""

    name: str
    arguments: str
    """A JSON object."""


class Brain(Protocol):
    """Thinks; shared by all connections, called from the thread of each response."""

    def reply(self, turn: Turn) -> Iterator[TextDelta | FunctionCall]:
        """Yield the answer as it comes to mind; closing the iterator gives it up."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A brain that knows one answer to everything."""

    text: str
    """"" for no answer at all."""

    def reply(self, _turn: Turn) -> Iterator[TextDelta | FunctionCall]:
        """Yield it."""
        if self.text:
            yield TextDelta(self.text)


def said(item: Mapping[str, Any]) -> str:
    """Return the words of a message item, typed or spoken; "" for what has none."""
    parts = item.get("content") or ()
    return " ".join(filter(None, (part.get("text") or part.get("transcript") for part in parts))).strip()
