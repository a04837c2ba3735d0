"""The chat protocol of OpenAI's ``/v1/chat/completions``, without the network: conversation to JSON, stream to words.

What servers get wrong is put up with here: calls that share an index, ids that are missing, arguments whole in one
piece or not text at all, an answer that is no stream, content in parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from pydantic import BaseModel, InstanceOf

from offline.brain import FunctionCall, Turn, said

Message: TypeAlias = dict[str, Any]

_AT_WORK = "Not finished yet: the result follows."
"""In place of an output that is still to come: the protocol wants one for every call."""


class LlmError(Exception):
    """The language model did not answer; the message says why, in a sentence for the user."""


def messages(turn: Turn) -> list[Message]:
    """Return a conversation as this protocol writes it: neighbouring calls are one message, their outputs follow it.

    Calls whose output came late are told where it came, so that the output is still the last word.
    """
    outputs = {item["call_id"]: place for place, item in enumerate(turn.items) if _is_output(item)}
    placed: list[tuple[int, list[Message]]] = []
    for is_call, run in groupby(enumerate(turn.items), lambda one: one[1].get("type") == "function_call"):
        if is_call:
            calls = list(run)
            place = max(outputs.get(call["call_id"], at) for at, call in calls)
            placed.append((place, _called([call for _, call in calls], turn, outputs)))
        else:
            placed += [(at, [{"role": item["role"], "content": text}]) for at, item in run if (text := said(item))]
    found: list[Message] = [{"role": "system", "content": turn.instructions}] if turn.instructions else []
    for _, some in sorted(placed, key=lambda one: one[0]):
        found += some
    return found


def tool_fields(turn: Turn) -> dict[str, Any]:
    """Return what a request says of the functions that may be called; nothing where there are none."""
    if not turn.tools:
        return {}
    wanted = ("name", "description", "parameters")
    tools = [{key: tool[key] for key in wanted if tool.get(key) is not None} for tool in turn.tools]
    choice = turn.tool_choice
    if isinstance(choice, Mapping):
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    return {"tools": [{"type": "function", "function": tool} for tool in tools], "tool_choice": choice}


def _is_output(item: Mapping[str, Any]) -> bool:
    return item.get("type") == "function_call_output"


def _called(calls: list[Mapping[str, Any]], turn: Turn, outputs: Mapping[str, int]) -> list[Message]:
    told = [
        {
            "id": call["call_id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in calls
    ]
    results = [
        {
            "role": "tool",
            "tool_call_id": call["call_id"],
            "content": turn.items[outputs[call["call_id"]]]["output"] if call["call_id"] in outputs else _AT_WORK,
        }
        for call in calls
    ]
    return [{"role": "assistant", "content": None, "tool_calls": told}, *results]


class _Function(BaseModel):
    name: str | None = None
    arguments: Any = None


class CallPiece(BaseModel):
    """A piece of a call."""

    index: int | None = None
    id: str | int | None = None
    function: _Function | None = None


_Text: TypeAlias = InstanceOf[str]
"""Text as JSON has it: some servers cut a pair of surrogates in two, which pydantic's own text would refuse."""


class _Part(BaseModel):
    text: _Text | None = None


class Delta(BaseModel):
    """What a piece of the stream adds to the answer, or all of an answer that is no stream."""

    content: _Text | list[_Part] | None = None
    tool_calls: list[CallPiece] | None = None
    reasoning_content: Any = None
    reasoning: Any = None

    @property
    def text(self) -> str:
        """The words."""
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""


class _Choice(BaseModel):
    delta: Delta | None = None
    message: Delta | None = None


class _Event(BaseModel):
    choices: list[_Choice] | None = None
    error: Any = None


def deltas(lines: Iterable[bytes]) -> Iterator[Delta]:
    """Yield the changes of the first choice from server-sent events or from one JSON document; raises LlmError."""
    is_stream, other = False, b""
    for line in lines:
        field, _, data = line.strip().partition(b":")
        if field == b"data":
            is_stream = True
            if data.strip() == b"[DONE]":
                return
            yield from _delta(data)
        elif field not in {b"", b"event", b"id", b"retry"}:
            other += line
    if other and not is_stream:
        yield from _delta(other)


def _delta(document: bytes) -> Iterator[Delta]:
    try:
        event = _Event.model_validate(json.loads(document))
    except (ValueError, RecursionError) as error:
        raise LlmError("The language model sent no JSON of the chat protocol.") from error
    if event.error:
        raise LlmError(f"The language model failed: {fault(event.error)}")
    for choice in (event.choices or ())[:1]:
        if found := choice.delta or choice.message:
            yield found


def fault(error: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the server's own words for what is wrong."""
    return str(error.get("message", error)) if isinstance(error, Mapping) else str(error)


@dataclass(slots=True)
class _Call:
    id: str | int | None
    name: str = ""
    arguments: str = ""


class Calls:
    """Calls of functions, put together from pieces."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._open: dict[int | None, _Call] = {}  # the latest with each index

    def add(self, pieces: Iterable[CallPiece]) -> None:
        """Take more."""
        for piece in pieces:
            function = piece.function or _Function()
            call = self._open.get(piece.index)
            # Ollama gives every parallel call the index 0: a name after a name begins another, but for the same id.
            is_another = call is not None and call.name and function.name and (piece.id is None or piece.id != call.id)
            if call is None or is_another:
                call = self._open[piece.index] = _Call(piece.id)
                self._calls.append(call)
            call.name = call.name or function.name or ""
            more = function.arguments
            if more is not None:
                call.arguments += more if isinstance(more, str) else json.dumps(more, ensure_ascii=False)

    def whole(self) -> list[FunctionCall]:
        """Return them in their order."""
        return [FunctionCall(call.name, call.arguments.strip() or "{}") for call in self._calls if call.name]
