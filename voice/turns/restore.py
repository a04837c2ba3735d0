"""A conversation as items that a new session can be given, so that it goes on where the old one ended; pure.

The service takes texts only: what was said by whom, and functions' calls with their outputs, always in pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from voice.events import Json
from voice.shown import ToolUse, Turn

MAX_TURNS = 100
MAX_CHARACTERS = 40_000
"""Some 10,000 tokens, a third of the smallest context (32k)."""

MAX_TEXT = 8_000
"""Characters of one text: more of an old function's output than a model looks at again."""
CUT = " …"
"""Where a text was cut: after what was heard of an answer, so that the model knows, and where it was too long."""


def restored(said: Iterable[tuple[Turn | ToolUse, str]]) -> list[Json]:
    """Items for ``conversation.item.create``, in order; the newest turns, as far as the limits allow.

    Each turn comes with the id that its item is to have, if it matters.
    """
    newest: list[tuple[Turn | ToolUse, str]] = []
    size = 0
    for turn, item_id in reversed(tuple(said)):
        lengths = [len(turn.text)] if isinstance(turn, Turn) else [len(turn.arguments), len(turn.result)]
        size += sum(min(length, MAX_TEXT) for length in lengths)
        if size > MAX_CHARACTERS or len(newest) == MAX_TURNS:
            break
        newest.append((turn, item_id))
    numbers = count(1)
    return [
        {"id": item_id, **item} if item_id else item
        for turn, item_id in reversed(newest)
        for item in _items(turn, f"past_{next(numbers)}")
    ]


def told(text: str) -> Json:
    """A message of the program's own to the model."""
    return {"type": "message", "role": "system", "content": [{"type": "input_text", "text": _shortened(text)}]}


def answered(text: str, *, interrupted: bool) -> Json:
    """An answer, as far as it was heard."""
    text = _shortened(text) + (CUT if interrupted else "")
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def _items(turn: Turn | ToolUse, call_id: str) -> Iterator[Json]:
    if isinstance(turn, ToolUse):
        # Arguments that are too long are left out: cut JSON would be none.
        arguments = turn.arguments if 0 < len(turn.arguments) <= MAX_TEXT else "{}"
        yield {"type": "function_call", "name": turn.name, "arguments": arguments, "call_id": call_id}
        yield {"type": "function_call_output", "call_id": call_id, "output": _shortened(turn.result)}
    elif turn.text and turn.role == "you":
        content = {"type": "input_text", "text": _shortened(turn.text)}
        yield {"type": "message", "role": "user", "content": [content]}
    elif turn.text:
        yield answered(turn.text, interrupted=turn.interrupted)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + CUT
