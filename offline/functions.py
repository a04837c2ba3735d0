"""Which of the functions that a client declared serves a request, and with which arguments.

Functions are known by the words of their names, arguments by the words of theirs: `save_note(title, content)` and
`write_note(name, text)` do the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from offline.brain import FunctionCall
from offline.commands import Command
from offline.intents import ARGUMENTS, intent_of

Tool = Mapping[str, Any]

_UNITS: Mapping[str, frozenset[str]] = {
    "celsius": frozenset({"celsius", "metric", "c", "centigrade", "si"}),
    "fahrenheit": frozenset({"fahrenheit", "imperial", "f", "us"}),
}


class MisfitError(Exception):
    """A function wants something that a request does not tell; the message names it."""


def function_for(kind: str, tools: Sequence[Tool]) -> Tool | None:
    """Return the declared function that serves requests of this kind, None when there is none."""
    taken = function_for("write", tools) if kind == "append" else None
    for nouns, verbs in intent_of(kind).families:
        for tool in tools:
            words = _words(str(tool.get("name", "")))
            if words & nouns and (not verbs or words & verbs) and tool is not taken:
                return tool
    return None


def call(tool: Tool, command: Command) -> FunctionCall:
    """Return the call that carries out a request; raises MisfitError."""
    schema = tool.get("parameters") or {}
    arguments: dict[str, Any] = {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    slots = list(intent_of(command.kind).slots)  # each fills one argument
    for name, wanted in properties.items():
        slot = next((slot for slot in slots if _words(name) & ARGUMENTS[slot]), "")
        if slot:
            slots.remove(slot)
        value = _fitting(slot, command.slots.get(slot, ""), wanted)
        if value is not None:
            arguments[name] = value
        elif name in (schema.get("required") or ()):
            arguments[name] = _default(name, wanted)
    return FunctionCall(str(tool["name"]), json.dumps(arguments, ensure_ascii=False))


def _words(name: str) -> set[str]:
    """Return the words of `snake_case`, `kebab-case` or `camelCase`."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", " ", name).lower().split())


def _fitting(slot: str, value: str, wanted: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Return a slot's value as the schema wants it, None when there is nothing to give."""
    choices = _choices(wanted)
    if not value or not _is_text(wanted):
        return None
    if not choices:
        return value
    same = _UNITS.get(value, frozenset({value.lower()})) if slot == "units" else frozenset({value.lower()})
    return next((choice for choice in choices if str(choice).lower() in same), None)


def _default(name: str, wanted: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a required argument may be when nothing was said about it; raises MisfitError."""
    if "default" in wanted:
        return wanted["default"]
    if choices := _choices(wanted):
        return choices[0]
    if "null" in _types(wanted):
        return None
    raise MisfitError(name)


def _alternatives(wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [wanted, *wanted.get("anyOf", ()), *wanted.get("oneOf", ())]


def _choices(wanted: Mapping[str, Any]) -> list[Any]:
    return next((list(one["enum"]) for one in _alternatives(wanted) if one.get("enum")), [])


def _types(wanted: Mapping[str, Any]) -> set[str]:
    kinds = (one.get("type", ()) for one in _alternatives(wanted))
    return {kind for found in kinds for kind in ([found] if isinstance(found, str) else found)}


def _is_text(wanted: Mapping[str, Any]) -> bool:
    types = _types(wanted)
    return not types or "string" in types
