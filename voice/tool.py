"""One tool: what the model is told of it, and how it is run; a typed function becomes one.

A function that takes a parameter of type `Cancel` can be called off. The model is not told of that parameter.
"""

from __future__ import annotations

import inspect
import re
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast, get_type_hints, overload

from pydantic import TypeAdapter, ValidationError

from voice.errors import SettingError

Function = Callable[..., object]
Arguments = dict[str, Any]
_Function = TypeVar("_Function", bound=Function)

DEFAULT_TIME_LIMIT = 20.0
"""s. Long for an HTTP request or two, and as long as anybody waits for a spoken answer."""
MAX_FINDINGS = 5
"""Mistakes in a call's arguments that the model is told of; it makes the same one in every element of a list."""
MAX_NAME = 64
"""Characters of a name: what the service takes."""
NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME}}}")
"""What the service takes as the name of a function."""
_UNNAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ToolError(Exception):
    """A tool cannot do what it is asked; the text is a sentence for the model. Anything else raised is a bug."""


class Cancel:
    """Whether a running call has been called off: by an interruption, a time-out or the end. Any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()  # guards the callbacks
        self._callbacks: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether it has been called off: return soon, with whatever there is."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until it is called off; True when it is."""
        return self._event.wait(seconds)

    def then(self, callback: Callable[[], object]) -> None:
        """Have this called when it is called off, at once if it has been; it may not block."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def set(self) -> None:
        """Call it off."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as `voice.toolbox.Toolbox` wants it; its callables may be called from any thread, several at once."""

    definition: Mapping[str, Any]
    """As the service wants it declared: type, name, description, parameters (a JSON schema)."""
    run: Callable[[Arguments, Cancel], object]
    """Do it with checked arguments; may block. ToolError: it cannot be done."""
    check: Callable[[Arguments], Arguments] = dict
    """From the model's arguments to those for `run`. ToolError: they are wrong."""
    question: Callable[[Arguments], str] | None = None
    """What the user is to agree to before `run`, if anything."""
    time_limit: float = DEFAULT_TIME_LIMIT
    """s"""

    @property
    def name(self) -> str:
        """What the model calls it."""
        return str(self.definition["name"])


def time_limit(seconds: float) -> Callable[[_Function], _Function]:
    """Let a function take longer, or less long, than `DEFAULT_TIME_LIMIT`."""

    def mark(function: _Function) -> _Function:
        function.time_limit = seconds  # type: ignore[attr-defined]
        return function

    return mark


@overload
def confirm(question: _Function) -> _Function: ...
@overload
def confirm(question: str = "") -> Callable[[_Function], _Function]: ...
def confirm(question: Any = "") -> Any:
    """Have the user asked before a function runs, as in ``@confirm("Send the mail to {to}?")`` or plain ``@confirm``.

    The question may name the function's parameters; without one the user is asked whether to call it.
    """
    if callable(question):
        return confirm()(question)

    def mark(function: _Function) -> _Function:
        function.question = question  # type: ignore[attr-defined]
        return function

    return mark


def is_marked(function: Function) -> bool:
    """Whether a function is meant as a tool beyond doubt."""
    return hasattr(function, "time_limit") or hasattr(function, "question")


def function_tool(function: Function) -> Tool:
    """Make a tool of a typed function with a docstring.

    Raises:
        SettingError: it cannot be one.

    """
    name = getattr(function, "__name__", "")
    if not NAME.fullmatch(name):
        raise SettingError(f"{name or repr(function)} cannot be a tool: its name must be letters, digits, _ and -")
    try:
        return _function_tool(name, function)
    except _UnfitError as error:
        raise SettingError(f"{name} cannot be a tool: {error}") from error
    except Exception as error:  # pydantic has many, for every kind of annotation that it does not know
        raise SettingError(f"{name} cannot be a tool: {error}".partition("\n")[0]) from error


class _UnfitError(Exception):
    """Why a function cannot be a tool."""


def _function_tool(name: str, function: Function) -> Tool:
    description = inspect.getdoc(function)
    if not description:
        raise _UnfitError("it has no docstring that tells the model what it does")
    if inspect.iscoroutinefunction(function):
        raise _UnfitError("it is async; a tool may block")
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    told = [parameter for parameter in parameters if hints.get(parameter.name) is not Cancel]
    for parameter in told:
        if parameter.kind in _UNNAMED or parameter.annotation is parameter.empty:
            raise _UnfitError(f"{parameter} needs a name and a type")
    adapter = _adapter(function, hints, told)
    cancels = [parameter.name for parameter in parameters if parameter not in told]

    def check(arguments: Arguments) -> Arguments:
        try:
            return adapter.validate_python(arguments)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[:MAX_FINDINGS]
            found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in first]
            if more := error.error_count() - len(found):
                found.append(f"and {more} more")
            raise ToolError(f"{name} does not take these arguments: {'; '.join(found)}.") from error

    def run(arguments: Arguments, cancel: Cancel) -> object:
        return function(**arguments, **dict.fromkeys(cancels, cancel))

    schema = _without_titles(adapter.json_schema())
    definition = {"type": "function", "name": name, "description": description, "parameters": schema}
    limit = getattr(function, "time_limit", DEFAULT_TIME_LIMIT)
    return Tool(definition, run, check, _question(name, function, {each.name for each in told}), limit)


def _adapter(function: Function, hints: dict[str, Any], told: list[inspect.Parameter]) -> TypeAdapter[Arguments]:
    """Checks arguments, and does not call: an error in the function must not be taken for one in its arguments."""

    @wraps(function)
    def collect(**arguments: object) -> dict[str, object]:
        return arguments

    # Names in annotations mean what they mean in the function's module, not what they mean here.
    collect.__annotations__ = hints
    collect.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
    return TypeAdapter(cast("Any", collect))


def _question(name: str, function: Function, parameters: set[str]) -> Callable[[Arguments], str] | None:
    template: str | None = getattr(function, "question", None)
    if template is None:
        return None
    for _, field, _, _ in string.Formatter().parse(template):
        if field is not None and re.split(r"[.\[]", field)[0] not in parameters:
            raise _UnfitError(f"its question names {{{field}}}, which is none of its parameters")
    if template:
        return lambda arguments: template.format(**arguments)
    return lambda arguments: plain_question(name, arguments)


def plain_question(name: str, arguments: Arguments) -> str:
    """Ask for what no question has been written for."""
    given = ", ".join(f"{key}: {value}" for key, value in arguments.items())
    return f"Shall I {name.replace('_', ' ')}{given and f' ({given})'}?"


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
