"""Toolbox: declarations, checks, limits."""

from __future__ import annotations

import json
import threading
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from tests.strict import parse_client
from voice.errors import SettingError
from voice.toolbox import MAX_OUTPUT, Toolbox, time_limit


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
    ("result", "text"), [(None, "Done."), ({"a": [1]}, '{"a": [1]}'), ("é", "é"), (3, "3"), (b"x", '"b\'x\'"')]
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


def _nameless(*values: int) -> str:
    """Take values."""
    return str(values)


def _no_docstring(value: int) -> str:
    return str(value)


def _odd_type(value: threading.Thread) -> str:
    """Take a thread."""
    return str(value)


@pytest.mark.parametrize("functions", [[_nameless], [_no_docstring], [_odd_type], [add, add], [lambda: "x"]])
def test_what_cannot_be_a_tool_is_said_in_one_line(functions: list[Any]) -> None:
    with pytest.raises(SettingError) as caught:
        Toolbox(functions)

    assert "\n" not in str(caught.value)
