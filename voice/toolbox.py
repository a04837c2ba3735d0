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
from functools import wraps
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

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
_UNNAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ToolError(Exception):
    """A tool cannot do what it is asked; the text is a sentence for the model. Anything else raised is a bug."""


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
            return _shortened(f"There is no function {name!r}. There are: {', '.join(self._tools) or 'none'}.")
        try:
            values = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as error:
            return f"The arguments are not valid JSON: {error}."
        if not isinstance(values, dict):
            return "The arguments must be a JSON object."
        result: SimpleQueue[str] = SimpleQueue()
        thread = threading.Thread(target=lambda: result.put(tool.run(values)), name=f"tool {name}", daemon=True)
        try:
            thread.start()
            return _shortened(result.get(timeout=tool.time_limit))
        except Empty:
            log.warning("tool %s did not finish within %g s", name, tool.time_limit)
            return f"{name} did not finish within {tool.time_limit:g} seconds; it may still be at work."
        except RuntimeError:  # the system has no thread to spare
            log.exception("tool %s", name)
            return f"{name} could not be started."


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
        if inspect.iscoroutinefunction(function):
            raise SettingError(f"{self.name} cannot be a tool: it is async; a tool may block")
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in _UNNAMED or parameter.annotation is parameter.empty:
                raise SettingError(f"{self.name} cannot be a tool: {parameter} needs a name and a type")
        self._function = function
        try:
            self._arguments = _adapter(function)
            schema = self._arguments.json_schema()
        except Exception as error:  # pydantic has many, for every kind of annotation that it does not know
            raise SettingError(f"{self.name} cannot be a tool: {error}".partition("\n")[0]) from error
        self.definition = {
            "type": "function",
            "name": self.name,
            "description": description,
            "parameters": _without_titles(schema),
        }

    def run(self, values: dict[str, Any]) -> str:
        """Call the function; its result, or what went wrong, as text for the model."""
        try:
            return _text(self._function(**self._check(values)))
        except ToolError as error:
            return str(error)
        except BaseException as error:  # even sys.exit() in a tool must not leave the model without an output
            log.exception("tool %s", self.name)
            return f"{self.name} failed: {str(error) or type(error).__name__}."

    def _check(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._arguments.validate_python(values)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors(include_url=False)
            ]
            raise ToolError(f"{self.name} does not take these arguments: {'; '.join(problems)}.") from error


def _adapter(function: Function) -> TypeAdapter[dict[str, Any]]:
    """Checks arguments, and does not call: an error in the function must not be taken for one in its arguments."""

    @wraps(function)
    def collect(**arguments: object) -> dict[str, object]:
        return arguments

    # Names in annotations mean what they mean in the function's module, not what they mean here.
    collect.__annotations__ = get_type_hints(function, include_extras=True)
    return TypeAdapter(cast("Any", collect))


def _text(result: object) -> str:
    if isinstance(result, str):
        return result
    return "Done." if result is None else json.dumps(result, default=str, ensure_ascii=False)


def _shortened(text: str) -> str:
    """Valid Unicode, as the service demands, of a bounded length."""
    text = text.encode(errors="replace").decode()
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
