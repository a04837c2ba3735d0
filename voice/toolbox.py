"""Functions as tools: schema from the signature, checks of the model's arguments, time limits.

A call never fails: whatever goes wrong becomes a sentence that the model can read, since a call without an output
leaves it waiting for ever.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError, validate_call

from voice.errors import SettingError

log = logging.getLogger(__name__)

Function = Callable[..., object]
_Function = TypeVar("_Function", bound=Function)

DEFAULT_TIME_LIMIT = 20.0
"""s. Long for an HTTP request or two, and as long as anybody waits for a spoken answer."""
MAX_OUTPUT = 32_000
"""Characters of an output: some 8,000 tokens, a quarter of the smallest context (32k) of the Realtime models."""
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What the service takes as the name of a function."""


def time_limit(seconds: float) -> Callable[[_Function], _Function]:
    """Let a function take longer, or less long, than `DEFAULT_TIME_LIMIT`."""

    def mark(function: _Function) -> _Function:
        function.time_limit = seconds  # type: ignore[attr-defined]
        return function

    return mark


class Toolbox:
    """The functions that the model may call; any thread may call any of them, several at once."""

    def __init__(self, functions: Iterable[Function]) -> None:
        """Take typed functions with docstrings.

        Raises:
            SettingError: a function cannot be a tool, or two have the same name.

        """
        self._tools: dict[str, _Tool] = {}
        for function in functions:
            tool = _Tool(function)
            if tool.name in self._tools:
                raise SettingError(f"there are two tools named {tool.name}: rename one")
            self._tools[tool.name] = tool

    @property
    def definitions(self) -> tuple[Mapping[str, Any], ...]:
        """The tools as the service wants them declared."""
        return tuple(tool.definition for tool in self._tools.values())

    def call(self, name: str, arguments: str) -> str:
        """Run a function with the model's arguments (JSON); blocks until its time limit at most, never raises.

        A function that is past its limit goes on in its thread, named ``tool NAME``, and nobody hears of it.
        """
        tool = self._tools.get(name)
        if tool is None:
            return f"There is no function {name!r}. There are: {', '.join(self._tools) or 'none'}."
        try:
            values = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as error:
            return f"The arguments are not valid JSON: {error}."
        if not isinstance(values, dict):
            return "The arguments must be a JSON object."
        result: SimpleQueue[str] = SimpleQueue()
        thread = threading.Thread(target=lambda: result.put(tool.run(values)), name=f"tool {name}", daemon=True)
        thread.start()
        try:
            return _shortened(result.get(timeout=tool.time_limit))
        except Empty:
            return f"{name} did not finish within {tool.time_limit:g} seconds; it may still be at work."


class _Tool:
    """One function, its declaration and its limit."""

    def __init__(self, function: Function) -> None:
        self.name = getattr(function, "__name__", "")
        self.time_limit: float = getattr(function, "time_limit", DEFAULT_TIME_LIMIT)
        description = inspect.getdoc(function)
        if not _NAME.fullmatch(self.name):
            raise SettingError(f"{self.name or function!r} cannot be a tool: its name must be letters, digits, _ and -")
        if not description:
            raise SettingError(f"{self.name} cannot be a tool: it has no docstring that tells the model what it does")
        try:
            self._checked: Function = validate_call(function)
            schema = TypeAdapter(cast("Any", function)).json_schema()
        except Exception as error:  # pydantic has many, for every kind of annotation that it does not know
            raise SettingError(f"{self.name} cannot be a tool: {error}".partition("\n")[0]) from error
        if schema.get("type") != "object":
            raise SettingError(f"{self.name} cannot be a tool: all its parameters need names")
        self.definition = {
            "type": "function",
            "name": self.name,
            "description": description,
            "parameters": _without_titles(schema),
        }

    def run(self, values: dict[str, Any]) -> str:
        """Call the function; its result, or what went wrong, as text for the model."""
        try:
            return _text(self._checked(**values))
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors(include_url=False)
            ]
            return f"{self.name} does not take these arguments: {'; '.join(problems)}."
        except Exception as error:
            log.exception("tool %s", self.name)
            return f"{self.name} failed: {error or type(error).__name__}."


def _text(result: object) -> str:
    if isinstance(result, str):
        return result
    return "Done." if result is None else json.dumps(result, default=str, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_OUTPUT else f"{text[:MAX_OUTPUT]} … (cut: {len(text)} characters in all)"


def _without_titles(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out pydantic's titles, which only repeat the names."""
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(part) for name, part in value.items()}
        if key in {"properties", "$defs"}
        else _without_titles(value)
        for key, value in schema.items()
        if key != "title"
    }
