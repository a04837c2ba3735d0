"""Toolbox: declarations, checks, limits, consent, calling off."""

from __future__ import annotations

import json
import sys
import threading
import tracemalloc
import types
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from tests.strict import parse_client
from voice.consent import EXPIRY, MAX_OPEN, Consent
from voice.errors import SettingError
from voice.tool import Cancel, Tool, ToolError, confirm, time_limit
from voice.toolbox import MAX_ARGUMENTS, MAX_CALLS, MAX_OUTPUT, MAX_QUESTION, Toolbox


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
        ("add", "[" * 60_000, "The arguments are not valid JSON"),
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


# Ready-made tools ---------------------------------------------------------------------------------------------------


def test_a_ready_made_tool_is_called_as_it_is() -> None:
    definition = {"type": "function", "name": "echo", "description": "Echo.", "parameters": {"type": "object"}}
    toolbox = Toolbox([add, Tool(definition, run=lambda arguments, _: arguments)])

    assert toolbox.definitions[1] == definition
    assert toolbox.call("echo", '{"any": [1]}') == '{"any": [1]}'
    with pytest.raises(SettingError, match="two tools named echo"):
        Toolbox([Tool(definition, run=lambda *_: "a"), Tool(definition, run=lambda *_: "b")])


# Calling off --------------------------------------------------------------------------------------------------------


def test_a_call_can_be_called_off() -> None:
    started = threading.Event()

    def wait(seconds: float, cancel: Cancel) -> str:
        """Wait."""
        started.set()
        return "called off" if cancel.wait(seconds) else "waited"

    toolbox, outputs = Toolbox([wait]), []
    assert list(toolbox.definitions[0]["parameters"]["properties"]) == ["seconds"]
    thread = threading.Thread(target=lambda: outputs.append(toolbox.call("wait", '{"seconds": 10}')))
    thread.start()
    assert started.wait(5)
    toolbox.cancel()
    thread.join(5)

    assert outputs == ["called off"]
    assert toolbox.call("wait", '{"seconds": 0}') == "waited"
    assert "cancel: Unexpected keyword argument" in toolbox.call("wait", '{"seconds": 0, "cancel": 1}')


def test_a_time_out_calls_off() -> None:
    called_off = threading.Event()

    @time_limit(0.05)
    def wait(cancel: Cancel) -> None:
        """Wait."""
        if cancel.wait(10) and cancel.cancelled:
            called_off.set()

    assert "did not finish" in Toolbox([wait]).call("wait", "{}")
    assert called_off.wait(5)


def test_whoever_waits_for_it_hears_of_the_calling_off_once() -> None:
    cancel, heard = Cancel(), []

    cancel.then(lambda: heard.append("before"))
    cancel.set()
    cancel.set()
    cancel.then(lambda: heard.append("after"))

    assert heard == ["before", "after"]


def test_too_many_calls_at_a_time_are_told() -> None:
    finish, working = threading.Event(), threading.Barrier(MAX_CALLS + 1)

    def hang() -> str:
        """Hang."""
        working.wait(10)
        finish.wait(10)
        return "done"

    toolbox, outputs = Toolbox([hang, add]), []
    threads = [threading.Thread(target=lambda: outputs.append(toolbox.call("hang", "{}"))) for _ in range(MAX_CALLS)]
    for thread in threads:
        thread.start()
    working.wait(10)

    assert toolbox.call("add", '{"first": 1}') == "8 calls are at work (hang). Wait until one of them has ended."
    finish.set()
    for thread in threads:
        thread.join(10)
    assert outputs == ["done"] * MAX_CALLS
    assert toolbox.call("add", '{"first": 1}') == "2"


def pick(numbers: list[int]) -> str:
    """Pick."""
    return "picked"


def test_of_many_mistakes_the_first_are_told() -> None:
    said = Toolbox([pick]).call("pick", json.dumps({"numbers": ["x"] * 1000}))

    assert said.startswith("pick does not take these arguments: numbers.0: Input should be a valid integer")
    assert said.endswith("; and 995 more.")


@pytest.mark.parametrize("wrong", ['"x"', "[]"])
def test_wrong_arguments_take_little_memory(wrong: str) -> None:
    toolbox = Toolbox([pick])
    tracemalloc.start()
    try:
        said = toolbox.call("pick", '{"numbers": [' + ",".join([wrong] * 200_000) + "]}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert said.startswith("The arguments are too long")
    assert peak < 10_000_000


def test_arguments_as_long_as_they_may_be_are_taken() -> None:
    frame = len('{"title": ""}')

    assert Toolbox([save]).call("save", json.dumps({"title": "x" * (MAX_ARGUMENTS - frame)})).startswith("xxx")


# Consent ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def mail(sent: list[str], asked: list[str]) -> Toolbox:
    @confirm("Send the mail to {to}?")
    def send_mail(to: str, copies: int = 1) -> str:
        """Send a mail."""
        sent.append(f"{to} {copies}")
        return "Sent."

    return Toolbox([send_mail], asked.append)


def test_nothing_runs_before_the_user_has_spoken(mail: Toolbox, sent: list[str], asked: list[str]) -> None:
    first = mail.call("send_mail", '{"to": "Ann"}')
    again = mail.call("send_mail", '{"to": "Ann"}')

    assert first == (
        'This needs the consent of the user, and nothing has been done yet. Ask them: "Send the mail to Ann?" '
        "If they agree, call send_mail again with the same arguments. If they do not, do not call it."
    )
    assert "the user has not answered yet" in again
    assert sent == []
    assert asked == ["send_mail waits for your yes: Send the mail to Ann?"]


def test_one_consent_is_one_run(mail: Toolbox, sent: list[str], asked: list[str]) -> None:
    mail.call("send_mail", '{"to": "Ann"}')
    mail.heard_user()

    assert mail.call("send_mail", '{"copies": "1", "to": "Ann"}') == "Sent."  # the same, said otherwise
    assert "nothing has been done yet" in mail.call("send_mail", '{"to": "Ann"}')
    assert sent == ["Ann 1"]
    assert len(asked) == 2


def test_other_arguments_are_another_question(mail: Toolbox, sent: list[str], asked: list[str]) -> None:
    mail.call("send_mail", '{"to": "Ann"}')
    mail.heard_user()

    assert "Send the mail to Bob?" in mail.call("send_mail", '{"to": "Bob"}')
    assert sent == []
    assert len(asked) == 2


def test_speech_from_before_is_no_consent(mail: Toolbox, sent: list[str]) -> None:
    mail.heard_user()

    assert "nothing has been done yet" in mail.call("send_mail", '{"to": "Ann"}')
    assert sent == []


def test_wrong_arguments_are_not_asked_about(mail: Toolbox, asked: list[str]) -> None:
    assert "to: Missing required argument" in mail.call("send_mail", "{}")
    assert asked == []


def test_a_question_is_one_line(mail: Toolbox, asked: list[str]) -> None:
    mail.call("send_mail", json.dumps({"to": "a\nb"}))

    assert asked == ["send_mail waits for your yes: Send the mail to a b?"]


def test_what_the_user_cannot_be_shown_whole_never_runs(mail: Toolbox, sent: list[str], asked: list[str]) -> None:
    arguments = json.dumps({"to": "x" * MAX_QUESTION + "; and what nobody saw"})
    for _ in range(2):
        said = mail.call("send_mail", arguments)
        mail.heard_user()

    assert "too long to be asked about" in said
    assert sent == []
    assert asked == ["send_mail was refused: it is too long to be asked about"] * 2


def test_without_a_text_there_is_a_question_too() -> None:
    @confirm
    def delete_list(name: str) -> None:
        """Delete."""

    @confirm()
    def shut_down() -> None:
        """Shut down."""

    toolbox = Toolbox([delete_list, shut_down])

    assert '"Shall I delete list (name: x)?"' in toolbox.call("delete_list", '{"name": "x"}')
    assert '"Shall I shut down?"' in toolbox.call("shut_down", "{}")


def test_a_question_that_fails_has_an_output_and_runs_nothing() -> None:
    @confirm("{number:%Y}?")
    def give(number: int) -> str:
        """Give."""
        return "given"

    toolbox = Toolbox([give])
    for _ in range(2):
        assert toolbox.call("give", '{"number": 1}').startswith("give failed: ")
        toolbox.heard_user()


def test_a_question_about_what_is_not_there_is_refused() -> None:
    @confirm("To {whom}?")
    def send(to: str) -> None:
        """Send."""

    with pytest.raises(SettingError, match=r"its question names \{whom\}"):
        Toolbox([send])


def test_a_question_is_forgotten_in_time() -> None:
    now = [0.0]
    consent = Consent(lambda: now[0])

    assert consent.to("call") == "new"
    consent.heard_user()
    now[0] = EXPIRY
    assert consent.to("call") == "new"
    now[0] += EXPIRY - 1
    consent.heard_user()
    assert consent.to("call") == "given"


def test_open_questions_are_bounded() -> None:
    consent = Consent()

    for number in range(MAX_OPEN + 1):
        assert consent.to(number) == "new"
    consent.heard_user()

    assert consent.to(1) == "given"
    assert consent.to(0) == "new"


def test_an_error_that_cannot_say_what_it_is_fails_like_any_other() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def lookup() -> str:
        """Look up."""
        raise MuteError

    toolbox = Toolbox([lookup])
    outputs = {toolbox.call("lookup", "{}") for _ in range(MAX_CALLS + 1)}

    assert len(outputs) == 1
    assert outputs.pop().startswith("lookup failed: ")
