"""Tools from the user's files, and every mistake that can be in one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from voice.errors import SettingError
from voice.toolbox import Toolbox
from voice.toolfiles import load_tools


@pytest.fixture(autouse=True)
def path_restored() -> Iterator[None]:
    path, modules = [*sys.path], {*sys.modules}
    yield
    sys.path[:] = path
    for name in {*sys.modules} - modules:
        if name.startswith("--tools"):
            del sys.modules[name]


def write(folder: Path, source: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return path


def toolbox(path: Path) -> Toolbox:
    return Toolbox(load_tools(path))


def names(path: Path) -> list[str]:
    return [tool.name for tool in load_tools(path)]


def test_public_typed_functions_with_a_docstring_are_tools(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
from __future__ import annotations
from datetime import date as Day
from json import dumps
from shutil import copyfile

def weekday(day: Day) -> str:
    "Say which."
    return f"{day:%A}"

def helper(anything):
    "Help."

def other(text: str) -> str:
    return text

def _private(text: str) -> str:
    "Keep out."
    return text

class Thing:
    "Not a function."

def first() -> str:
    "Come last, as it is written last."
    return "x"
""",
    )

    assert names(path) == ["weekday", "first"]
    assert toolbox(path).call("weekday", '{"day": "2026-05-04"}') == "Monday"


def test_a_list_says_which_are_tools_and_state_is_kept(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
from voice.tool import ToolError, confirm, time_limit

calls = []

class Counter:
    def __init__(self) -> None:
        self.value = 0

    def count(self, by: int = 1) -> str:
        "Count."
        self.value += by
        calls.append(by)
        return f"{self.value} after {len(calls)}"

def unlisted() -> str:
    "Not to be called."
    return ""

def _hidden() -> str:
    "May be called."
    return "seen"

TOOLS = [Counter().count, _hidden]
""",
    )
    tools = toolbox(path)

    assert [definition["name"] for definition in tools.definitions] == ["count", "_hidden"]
    assert tools.call("count", "{}") == "1 after 1"
    assert tools.call("count", '{"by": 2}') == "3 after 2"


def test_its_folder_is_importable_but_does_not_stand_in_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    write(tmp_path, "GREETING = 'hello'", "greetings_of_mine.py")
    write(tmp_path, "raise SystemExit", "colorsys.py")
    path = write(
        tmp_path,
        """
import colorsys
from greetings_of_mine import GREETING

def greet(name: str) -> str:
    "Greet."
    return f"{GREETING} {name} {colorsys.ONE_THIRD:.1f}"
""",
    )

    assert toolbox(path).call("greet", '{"name": "Ann"}') == "hello Ann 0.3"


def test_a_file_may_be_called_as_one_of_ours(tmp_path: Path) -> None:
    path = write(tmp_path, "def mine() -> str:\n    'Be mine.'\n    return __file__\n", "tools.py")

    assert toolbox(path).call("mine", "{}") == str(path)
    assert getattr(sys.modules.get("tools"), "__file__", None) != str(path)


def test_dataclasses_and_models_can_be_in_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
from __future__ import annotations
from dataclasses import dataclass
from pydantic import BaseModel

@dataclass
class Point:
    x: int

class Line(BaseModel):
    start: Point
    end: Point

def length(line: Line) -> int:
    "Measure."
    return line.end.x - line.start.x
""",
    )

    assert toolbox(path).call("length", '{"line": {"start": {"x": 1}, "end": {"x": 4}}}') == "3"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("x = 1\ndef f(:\n", 2, "SyntaxError: "),
        ("x = 1\n\x00", 1, "Error: "),
        ("\n\nraise ValueError('no\\nluck')", 3, "ValueError: no luck"),
        ("import sys\nsys.exit(3)", 2, "SystemExit: 3"),
        ("import sys\nsys.exit()", 2, "SystemExit"),
        ("def f():\n    return 1 / 0\n\nf()\n", 2, "ZeroDivisionError: division by zero"),
        ("\nimport no_such_module", 2, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("\nimport broken_module_of_mine", 2, "SyntaxError: "),
        ("x = 1", 1, "there is no tool: there is no public function"),
        ("\ndef f(x):\n    'Do.'\n\ndef g(): pass", 2, "f has no type for x; g has no docstring"),
        ("\n\ndef f(*x: int) -> str:\n    'Do.'", 3, "f cannot be a tool: *x: int needs a name and a type"),
        ("\nasync def f() -> str:\n    'Do.'", 2, "f cannot be a tool: it is async"),
        ("import threading\ndef f(x: threading.Thread):\n    'Do.'", 2, "f cannot be a tool: "),
        ("def f(x: 'Nothing'):\n    'Do.'", 1, "f cannot be a tool: name 'Nothing' is not defined"),
        ("from voice.tool import confirm\n@confirm\ndef f(): pass", 2, "f cannot be a tool: it has no docstring"),
        ("\nTOOLS = []", 2, "TOOLS is empty"),
        ("\nTOOLS = 3", 2, "TOOLS must be a list of functions"),
        ("\n\nTOOLS = [3]", 3, "3 in TOOLS is no function"),
        ("\nTOOLS = [lambda: 1]", 2, "cannot be a tool: its name must be"),
        ("import functools\nTOOLS = [functools.partial(int)]", 2, "cannot be a tool: its name must be"),
    ],
)
def test_a_mistake_is_said_in_one_line(tmp_path: Path, source: str, line: int, reason: str) -> None:
    write(tmp_path, "def", "broken_module_of_mine.py")
    path = write(tmp_path, source)

    with pytest.raises(SettingError) as caught:
        load_tools(path)

    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.py cannot be read: No such file"):
        load_tools(tmp_path / "none.py")
    with pytest.raises(SettingError, match="cannot be read: "):
        load_tools(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that someone is in")
def test_a_folder_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(SettingError, match="the tools file x.py cannot be read: No such file or directory"):
        load_tools(Path("x.py"))


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingError, match=r"mine\.py, line 1: "):
        load_tools(path)


def test_nothing_is_left_behind_by_a_mistake(tmp_path: Path) -> None:
    before = {*sys.modules}
    with pytest.raises(SettingError):
        load_tools(write(tmp_path, "1 / 0"))

    assert not {name for name in {*sys.modules} - before if name.startswith("--tools")}
    assert not (tmp_path / "__pycache__").exists()
