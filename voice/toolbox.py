"""The model's calls of tools: found, checked, agreed to by the user where that is asked for, run within limits.

A call never fails: whatever goes wrong becomes a sentence that the model can read, since a call without an output
leaves it waiting for ever.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, SimpleQueue
from traceback import TracebackException
from typing import Any

from voice.consent import Consent
from voice.errors import SettingError
from voice.tool import Arguments, Cancel, Function, Tool, ToolError, function_tool

log = logging.getLogger(__name__)

MAX_OUTPUT = 32_000
"""Characters of an output: some 8,000 tokens, a quarter of the smallest context (32k) of the Realtime models."""
MAX_CALLS = 8
"""Calls at work at a time, those past their time limit included: more than a model asks for in one answer."""
MAX_QUESTION = 500
"""Characters of a question: half a minute of speech. What does not fit cannot be agreed to."""
MAX_ARGUMENTS = 64_000
"""Characters of a call's arguments: four times the longest answer (4096 tokens of some four characters), for escapes.
Wrong ones cost up to a kilobyte for each mistake in them."""


class Toolbox:
    """The tools that the model may call; any thread may call any of them, several at once."""

    def __init__(self, tools: Iterable[Function | Tool], ask: Callable[[str], None] | None = None) -> None:
        """Take typed functions with docstrings, and tools that are ready-made.

        `ask` is given a line to show when a tool waits for the user's consent. It is called on the thread of the call
        and may not block.

        Raises:
            SettingError: a function cannot be a tool, or two have the same name.

        """
        self._ask = ask
        self._consent = Consent()
        self._lock = threading.Lock()  # guards the running calls
        self._running: dict[Cancel, str] = {}
        self._tools: dict[str, Tool] = {}
        for each in tools:
            tool = each if isinstance(each, Tool) else function_tool(each)
            if tool.name in self._tools:
                raise SettingError(f"there are two tools named {tool.name}: rename one")
            self._tools[tool.name] = tool

    @property
    def definitions(self) -> tuple[Mapping[str, Any], ...]:
        """The tools as the service wants them declared."""
        return tuple(tool.definition for tool in self._tools.values())

    def call(self, name: str, arguments: str) -> str:
        """Run a tool with the model's arguments (JSON); blocks until its time limit at most, never raises.

        A tool that is past its limit goes on in its thread, named ``tool NAME``, and nobody hears of it.
        """
        try:
            tool = self._find(name)
            values = tool.check(_parsed(arguments))
            self._demand_consent(tool, values)
            return _shortened(self._run(tool, values))
        except ToolError as error:
            return _shortened(str(error))
        except Exception as error:
            log.exception("tool %s", name)
            return _shortened(_failure(name, error))

    def heard_user(self) -> None:
        """Take note of a turn of the user: what waits for their consent may run when the model calls it again.

        To be called when they have finished speaking or typing, not when the text of it arrives, which may be after
        the call that it led to.
        """
        self._consent.heard_user()

    def cancel(self) -> None:
        """Call off all running calls that allow it; never blocks."""
        with self._lock:
            running = list(self._running)
        for cancel in running:
            cancel.set()

    def _find(self, name: str) -> Tool:
        if name not in self._tools:
            raise ToolError(f"There is no function {name!r}. There are: {', '.join(self._tools) or 'none'}.")
        return self._tools[name]

    def _demand_consent(self, tool: Tool, arguments: Arguments) -> None:
        if tool.question is None:
            return
        question = " ".join(tool.question(arguments).split())
        if len(question) > MAX_QUESTION:
            if self._ask is not None:
                self._ask(f"{tool.name} was refused: it is too long to be asked about")
            raise ToolError(
                f"This needs the consent of the user, and is too long to be asked about: {len(question)} characters, "
                f"{MAX_QUESTION} at most. Nothing has been done. Call {tool.name} with shorter arguments."
            )
        answer = self._consent.to((tool.name, json.dumps(arguments, sort_keys=True, default=str)))
        if answer == "given":
            return
        if answer == "new" and self._ask is not None:
            self._ask(f"{tool.name} waits for your yes: {question}")
        said = "nothing has been done yet" if answer == "new" else "the user has not answered yet"
        raise ToolError(
            f'This needs the consent of the user, and {said}. Ask them: "{question}" If they agree, call {tool.name} '
            "again with the same arguments. If they do not, do not call it."
        )

    def _run(self, tool: Tool, arguments: Arguments) -> str:
        cancel = self._begin(tool)
        outcome: SimpleQueue[str] = SimpleQueue()

        def work() -> None:
            try:
                text = _outcome(tool, arguments, cancel)
            finally:
                self._finish(cancel)
            outcome.put(text)

        try:
            threading.Thread(target=work, name=f"tool {tool.name}", daemon=True).start()
        except RuntimeError as error:  # the system has no thread to spare
            self._finish(cancel)
            log.exception("tool %s", tool.name)
            raise ToolError(f"{tool.name} could not be started.") from error
        try:
            return outcome.get(timeout=tool.time_limit)
        except Empty:
            cancel.set()
            log.warning("tool %s did not finish within %g s", tool.name, tool.time_limit)
            return f"{tool.name} did not finish within {tool.time_limit:g} seconds; it may still be at work."

    def _begin(self, tool: Tool) -> Cancel:
        cancel = Cancel()
        with self._lock:
            busy = sorted(set(self._running.values()))
            if len(self._running) >= MAX_CALLS:
                raise ToolError(f"{MAX_CALLS} calls are at work ({', '.join(busy)}). Wait until one of them has ended.")
            self._running[cancel] = tool.name
        return cancel

    def _finish(self, cancel: Cancel) -> None:
        with self._lock:
            del self._running[cancel]


def _parsed(arguments: str) -> Arguments:
    if len(arguments) > MAX_ARGUMENTS:
        raise ToolError(f"The arguments are too long: {len(arguments)} characters, {MAX_ARGUMENTS} at most.")
    try:
        values = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise ToolError(f"The arguments are not valid JSON: {error}.") from error
    if not isinstance(values, dict):
        raise ToolError("The arguments must be a JSON object.")
    return values


def _outcome(tool: Tool, arguments: Arguments, cancel: Cancel) -> str:
    """What a tool gives, or what went wrong, as text for the model."""
    try:
        return _text(tool.run(arguments, cancel))
    except ToolError as error:
        return str(error)
    except BaseException as error:  # even sys.exit() in a tool must not leave the model without an output
        log.exception("tool %s", tool.name)
        return _failure(tool.name, error)


def _failure(name: str, error: BaseException) -> str:
    reason = str(TracebackException.from_exception(error))  # even of one that cannot say what it is
    return f"{name} failed: {reason or type(error).__name__}."


def _text(result: object) -> str:
    if isinstance(result, str):
        return result
    return "Done." if result is None else json.dumps(result, default=str, ensure_ascii=False)


def _shortened(text: str) -> str:
    """Valid Unicode, as the service demands, of a bounded length."""
    text = text.encode(errors="replace").decode()
    return text if len(text) <= MAX_OUTPUT else f"{text[:MAX_OUTPUT]} … (cut: {len(text)} characters in all)"
