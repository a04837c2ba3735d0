"""Toolbox: declarations, checks, limits."""

from __future__ import annotations

import json
import sys
import threading
import types
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from tests.strict import parse_client
from voice.errors import SettingError
from voice.toolbox import MAX_OUTPUT, Toolbox, ToolError, time_limit


def add(first: int, second: Annotated[int, Field(description="what is added")] = 1) -> str:
    """Add two numbers."""
    return str(first + second)


def save(title: str, units: Literal["metric", "imperial"] = "metric") -> str:
    """Save under a title."""
    return f"{title} {units}"


def test_a_function_declares_itself() -> None:
    (definition,) = Toolbox([add]).definitions

    assert definition == {
        "type": "function",
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {
                "first": {"type": "integer"},
                "second": {"type": "integer", "default": 1, "description": "what is added"},
            },
            "required": ["first"],
            "additionalProperties": False,
        },
    }


def test_declarations_are_what_the_service_takes() -> None:
    tools = list(Toolbox([add, save]).definitions)

    parse_client({"type": "session.update", "session": {"type": "realtime", "tools": tools}})
    assert set(tools[1]["parameters"]["properties"]) == {"title", "units"}


def test_methods_are_tools_too() -> None:
    class Counter:
        def count(self, to: int) -> str:
            """Count."""
            return " ".join(map(str, range(1, to + 1)))

    toolbox = Toolbox([Counter().count])

    assert list(toolbox.definitions[0]["parameters"]["properties"]) == ["to"]
    assert toolbox.call("count", '{"to": 3}') == "1 2 3"


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("add", '{"first": 1, "second": 2}', "3"),
        ("add", '{"first": "1"}', "2"),
        ("add", "{", "The arguments are not valid JSON"),
        ("add", "[" * 100_000, "The arguments are not valid JSON"),
        ("add", "[1]", "The arguments must be a JSON object."),
        ("add", "", "first: Missing required argument"),
        ("add", '{"first": "one"}', "first: Input should be a valid integer"),
        ("add", '{"first": 1, "third": 3}', "third: Unexpected keyword argument"),
        ("add", '{"self": 1}', "first: Missing required argument"),
        ("save", '{"title": "x", "units": "stone"}', "units: Input should be 'metric' or 'imperial'"),
        ("nothing", "{}", "There is no function 'nothing'. There are: add, save."),
    ],
)
def test_every_call_has_an_output(name: str, arguments: str, output: str) -> None:
    assert output in Toolbox([add, save]).call(name, arguments)


@given(st.text() | st.dictionaries(st.text(), st.none() | st.integers() | st.text()).map(json.dumps))
def test_any_arguments_have_an_output(arguments: str) -> None:
    assert isinstance(Toolbox([add]).call("add", arguments), str)


@pytest.mark.parametrize(
    ("result", "text"), [(None, "Done."), ({"a": [1]}, '{"a": [1]}'), ("é", "é"), (3, "3"), (b"x", "\"b'x'\"")]
)
def test_results_become_text(result: Any, text: str) -> None:
    def give() -> Any:
        """Give it."""
        return result

    assert Toolbox([give]).call("give", "{}") == text


def test_an_exception_is_told_without_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> str:
        """Fail."""
        raise OSError("no such planet")

    assert Toolbox([fail]).call("fail", "{}") == "fail failed: no such planet."
    assert "Traceback" in caplog.text


def test_a_long_result_is_cut_and_says_so() -> None:
    def shout() -> str:
        """Shout."""
        return "a" * (MAX_OUTPUT + 1)

    output = Toolbox([shout]).call("shout", "{}")

    assert output.startswith("a" * MAX_OUTPUT)
    assert f"{MAX_OUTPUT + 1} characters in all" in output


def test_a_tool_past_its_time_limit_is_told_to_the_model() -> None:
    finish = threading.Event()

    @time_limit(0.05)
    def hang() -> str:
        """Hang."""
        finish.wait(10)
        return "done"

    output = Toolbox([hang]).call("hang", "{}")
    finish.set()

    assert output == "hang did not finish within 0.05 seconds; it may still be at work."


def test_the_usual_limit_is_twenty_seconds() -> None:
    assert Toolbox([add])._tools["add"].time_limit == 20


def test_types_are_looked_up_where_the_function_is() -> None:
    module = types.ModuleType("somewhere")
    source = """from __future__ import annotations
from datetime import date as Day
def weekday(day: Day) -> str:
    'Say which.'
    return f'{day:%A}'
class Calendar:
    def year(self, day: Day) -> int:
        'Say which.'
        return day.year
"""
    exec(source, module.__dict__)  # noqa: S102 - a module of its own, as a user's would be
    toolbox = Toolbox([module.weekday, module.Calendar().year])

    assert toolbox.call("weekday", '{"day": "2026-05-04"}') == "Monday"
    assert toolbox.call("year", '{"day": "2026-05-04"}') == "2026"
    assert toolbox.definitions[0]["parameters"]["properties"]["day"] == {"type": "string", "format": "date"}


def test_a_tool_error_is_the_output_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> str:
        """Refuse."""
        raise ToolError("There is no such note.")

    assert Toolbox([refuse]).call("refuse", "{}") == "There is no such note."
    assert not caplog.records


def test_bad_data_inside_a_tool_is_not_blamed_on_its_arguments() -> None:
    def parse(number: int) -> int:
        """Parse."""
        return TypeAdapter(int).validate_python(f"{number} eggs")

    assert Toolbox([parse]).call("parse", '{"number": 3}').startswith("parse failed: ")


def test_a_tool_that_exits_has_an_output_at_once() -> None:
    def leave() -> None:
        """Leave."""
        sys.exit(3)

    assert Toolbox([leave]).call("leave", "{}") == "leave failed: 3."


def test_an_output_is_valid_unicode() -> None:
    def echo() -> str:
        """Echo."""
        return "a\ud800b"

    assert Toolbox([echo]).call("echo", "{}") == "a?b"
    assert Toolbox([echo]).call("\ud800", "{}").encode()


def test_calls_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=5)

    def meet() -> str:
        """Meet."""
        both.wait()
        return "met"

    toolbox, outputs = Toolbox([meet]), []
    threads = [threading.Thread(target=lambda: outputs.append(toolbox.call("meet", "{}"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert outputs == ["met", "met"]


def _nameless(*values: int) -> str:
    """Take values."""
    return str(values)


def _no_docstring(value: int) -> str:
    return str(value)


def _odd_type(value: threading.Thread) -> str:
    """Take a thread."""
    return str(value)


def _any_names(**values: int) -> str:
    """Take values."""
    return str(values)


def _untyped(value):  # type: ignore[no-untyped-def]
    """Take anything."""
    return str(value)


async def _async(value: int) -> str:
    """Take a while."""
    return str(value)


@pytest.mark.parametrize(
    "functions",
    [[_nameless], [_any_names], [_no_docstring], [_odd_type], [_untyped], [_async], [add, add], [lambda: "x"]],
)
def test_what_cannot_be_a_tool_is_said_in_one_line(functions: list[Any]) -> None:
    with pytest.raises(SettingError) as caught:
        Toolbox(functions)

    assert "\n" not in str(caught.value)
