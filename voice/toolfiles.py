"""Files of the user's that hold tools: ``--tools FILE.py``.

The tools of a file are what its list ``TOOLS`` names; without one, all its own public functions that have types and
a docstring. A file is run as it would be with ``python FILE.py``, except that ``__name__`` is not ``__main__``.
"""

from __future__ import annotations

import inspect
import linecache
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType

from voice.errors import SettingError
from voice.tool import Tool, function_tool, is_marked

log = logging.getLogger(__name__)

LIST = "TOOLS"


def load_tools(path: Path) -> list[Tool]:
    """Run a file and give its tools in its order; on the main thread, before the conversation.

    Its folder stays importable, after everything else, so that a file in it cannot stand in for one of ours.

    Raises:
        SettingError: the file cannot be read or run, has no tools, or a function that cannot be one.

    """
    try:
        path = path.absolute()
    except OSError as error:  # the folder that the program was started in is gone
        raise SettingError(f"the tools file {path} cannot be read: {error.strerror}") from error
    module = _run(path)
    if hasattr(module, LIST):
        return list(_listed(path, module))
    return list(_found(path, module))


def _run(path: Path) -> ModuleType:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise SettingError(f"the tools file {path} cannot be read: {error.strerror}") from error
    if (folder := str(path.parent)) not in sys.path:
        sys.path.append(folder)
    # No name that the file could have as a module: it must not stand in for one.
    module = ModuleType(f"--tools {path}".replace(".", "_"))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where types are looked up by their names
    try:
        exec(_compiled(path, source), module.__dict__)  # noqa: S102 - the user's own file
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise SettingError(f"{path}, line {_line_of(error, path)}: {_reason(error)}") from error
    return module


def _compiled(path: Path, source: bytes) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _listed(path: Path, module: ModuleType) -> Iterator[Tool]:
    listed = getattr(module, LIST)
    if not isinstance(listed, list | tuple):
        raise SettingError(f"{path}, line {_line_of_list(path)}: {LIST} must be a list of functions")
    if not listed:
        raise SettingError(f"{path}, line {_line_of_list(path)}: {LIST} is empty")
    for function in listed:
        if isinstance(function, Tool):
            yield function
        elif not callable(function):
            raise SettingError(f"{path}, line {_line_of_list(path)}: {function!r:.100} in {LIST} is no function")
        else:
            yield _tool(path, function)


def _found(path: Path, module: ModuleType) -> Iterator[Tool]:
    own = [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]
    tools = [function for function in own if is_marked(function) or not _lacks(function)]
    if not tools:
        missing = "; ".join(f"{function.__name__} has no {_lacks(function)}" for function in own)
        line = own[0].__code__.co_firstlineno if own else 1
        raise SettingError(f"{path}, line {line}: there is no tool: {missing or 'there is no public function'}")
    for function in own:
        if function in tools:
            yield _tool(path, function)
        else:
            log.info("%s: %s is no tool: it has no %s", path, function.__name__, _lacks(function))


def _lacks(function: Callable[..., object]) -> str:
    if not inspect.getdoc(function):
        return "docstring"
    parameters = inspect.signature(function).parameters.values()
    untyped = [parameter.name for parameter in parameters if parameter.annotation is parameter.empty]
    return f"type for {untyped[0]}" if untyped else ""


def _tool(path: Path, function: Callable[..., object]) -> Tool:
    try:
        return function_tool(function)
    except SettingError as error:
        code = getattr(inspect.unwrap(function), "__code__", None)
        line = code.co_firstlineno if code else _line_of_list(path)
        raise SettingError(f"{path}, line {line}: {error}") from error


def _line_of(error: BaseException, path: Path) -> int:
    """Where in the file it happened; an error in what the file imports happened where it is imported."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    frames = traceback.walk_tb(error.__traceback__)
    return next((line for frame, line in reversed([*frames]) if frame.f_code.co_filename == str(path)), 1)


def _line_of_list(path: Path) -> int:
    lines = enumerate(linecache.getlines(str(path)), 1)
    return next((number for number, line in lines if line.startswith(LIST)), 1)


def _reason(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}" if text else type(error).__name__
