"""A conversation as items that a new session can be given, so that it goes on where the old one ended; pure.

The service takes texts only: what was said by whom, and functions' calls with their outputs, always in pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from voice.effects import ToolUse, Turn
from voice.events import Json

MAX_TURNS = 100
MAX_CHARACTERS = 40_000
"""Some 10,000 tokens, a third of the smallest context (32k)."""

CUT = " …"
"""After what was heard of an answer that was cut, so that the model knows."""


def restored(said: Iterable[Turn | ToolUse]) -> list[Json]:
    """Items for ``conversation.item.create``, in order; the newest turns, as far as the limits allow."""
    newest: list[Turn | ToolUse] = []
    size = 0
    for turn in reversed(tuple(said)):
        size += len(turn.text) if isinstance(turn, Turn) else len(turn.arguments) + len(turn.result)
        if size > MAX_CHARACTERS or len(newest) == MAX_TURNS:
            break
        newest.append(turn)
    numbers = count(1)
    return [item for turn in reversed(newest) for item in _items(turn, f"past_{next(numbers)}")]


def told(text: str) -> Json:
    """A message of the program's own to the model."""
    return {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}


def _items(turn: Turn | ToolUse, call_id: str) -> Iterator[Json]:
    if isinstance(turn, ToolUse):
        yield {"type": "function_call", "name": turn.name, "arguments": turn.arguments, "call_id": call_id}
        yield {"type": "function_call_output", "call_id": call_id, "output": turn.result}
    elif turn.text and turn.role == "you":
        yield {"type": "message", "role": "user", "content": [{"type": "input_text", "text": turn.text}]}
    elif turn.text:
        text = turn.text + CUT if turn.interrupted else turn.text
        yield {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
