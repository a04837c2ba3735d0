"""What an assistant's thinking looks like from outside: a turn goes in; words and calls of functions come out.

`matcher.py` and `llm.py` think, each in its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


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


def said(item: Mapping[str, Any]) -> str:
    """Return the words of a message item, typed or spoken; "" for what has none."""
    parts = item.get("content") or ()
    return " ".join(filter(None, (part.get("text") or part.get("transcript") for part in parts))).strip()
