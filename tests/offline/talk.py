"""Conversations with the brain that knows requests by their wording."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from offline.brain import FunctionCall, TextDelta, Turn
from offline.matcher import Matcher

Item: TypeAlias = Mapping[str, Any]
TEXT = {"type": "string"}


def tool(name: str, required: Sequence[str] = (), /, **properties: Item) -> Item:
    """A function as a client declares it."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "name": name, "description": "", "parameters": schema}


OURS = (
    tool(
        "get_weather",
        ["city"],
        city=TEXT,
        units={"type": "string", "enum": ["metric", "imperial"], "default": "metric"},
    ),
    tool("get_time", [], timezone={"anyOf": [TEXT, {"type": "null"}]}),
    tool("write_note", ["name", "text"], name=TEXT, text=TEXT),
    tool("append_note", ["name", "text"], name=TEXT, text=TEXT),
    tool("read_note", ["name"], name=TEXT),
    tool("list_notes"),
    tool("search_notes", ["query"], query=TEXT),
    tool("delete_note", ["name"], name=TEXT),
)


def user(text: str, spoken: bool = False) -> Item:
    """A message of the user's."""
    part = {"type": "input_audio", "transcript": text} if spoken else {"type": "input_text", "text": text}
    return {"type": "message", "role": "user", "content": [part]}


def assistant(text: str) -> Item:
    """A message of the assistant's."""
    return {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": text}]}


class Talk:
    """A conversation that goes on as a client and its server keep it."""

    def __init__(self, tools: Sequence[Item] = OURS, tool_choice: str | Item = "auto") -> None:
        self.items: list[Item] = []
        self.tools, self.tool_choice = tuple(tools), tool_choice
        self.brain = Matcher(lambda zone: datetime(2026, 3, 5, 15, 7, tzinfo=zone))

    def answer(self) -> str | tuple[str, Any]:
        """What is said, or the function that is called with its arguments."""
        (part,) = self.brain.reply(Turn(tuple(self.items), self.tools, tool_choice=self.tool_choice))
        if isinstance(part, FunctionCall):
            self.items.append({"type": "function_call", "name": part.name, "arguments": part.arguments, "call_id": "1"})
            return part.name, json.loads(part.arguments)
        assert isinstance(part, TextDelta)
        self.items.append(assistant(part.text))
        return part.text

    def say(self, text: str, spoken: bool = False) -> str | tuple[str, Any]:
        """The answer to what the user types or says."""
        self.items.append(user(text, spoken))
        return self.answer()

    def result(self, output: str) -> str | tuple[str, Any]:
        """The answer to what a function returned."""
        self.items.append({"type": "function_call_output", "call_id": "1", "output": output})
        return self.answer()
