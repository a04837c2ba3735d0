"""The examples, called as the model calls them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import TOP
from tests.strict import parse_client
from voice.toolbox import Toolbox
from voice.toolfiles import load_tools

EXAMPLES = sorted((TOP / "examples").glob("[!_]*.py"))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def example(name: str) -> Toolbox:
    return Toolbox(load_tools(TOP / "examples" / f"{name}.py"))


def test_there_are_three() -> None:
    assert [path.stem for path in EXAMPLES] == ["computer", "lists", "team_tools"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_says_how_it_is_started_and_declares_what_the_service_takes(path: Path, data: Path) -> None:
    tools = list(Toolbox(load_tools(path)).definitions)

    assert f"python realtime.py --tools examples/{path.name}" in path.read_text(encoding="utf-8")
    parse_client({"type": "session.update", "session": {"type": "realtime", "tools": tools}})
    assert not data.exists()


def test_their_names_do_not_collide(data: Path) -> None:
    Toolbox([tool for path in EXAMPLES for tool in load_tools(path)])


# The team -----------------------------------------------------------------------------------------------------------


def test_the_team_is_led(data: Path) -> None:
    team = example("team_tools")

    assert team.call("team_status", "{}").startswith("The developer has nothing to do. The PM has nothing to do.")
    told = team.call("tell", '{"role": "developer", "task": "start on the login  feature"}')
    assert told == "The developer begins: start on the login feature."
    told = team.call("tell", '{"role": "developer", "task": "fix the logo"}')
    assert told == "The developer will do that after 1 other task(s), now: start on the login feature."
    assert team.call("status", '{"role": "developer"}') == (
        "The developer has been working for 0 minute(s) on: start on the login feature. After that: fix the logo."
    )
    assert team.call("status", '{"role": "pm"}') == "The PM has nothing to do."
    assert team.call("finish", '{"role": "developer"}') == (
        "Done: start on the login feature. The developer has been working for 0 minute(s) on: fix the logo."
    )
    assert team.call("finish", '{"role": "pm"}') == "The PM has nothing to finish."
    assert "Input should be 'developer', 'pm'" in team.call("status", '{"role": "boss"}')
    assert team.call("tell", '{"role": "pm", "task": " "}') == "What should the PM do? Ask the user."


def test_the_team_goes_on_after_a_restart(data: Path) -> None:
    example("team_tools").call("tell", '{"role": "tester", "task": "try the search"}')

    assert "The tester has been working for 0 minute(s) on: try the search." in example("team_tools").call(
        "team_status", "{}"
    )
    assert [path.name for path in data.iterdir()] == ["team.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"pm": [3]}', '{"pm": 3}', "\\ud800"])
def test_a_file_of_the_team_that_is_broken_is_said_and_kept(data: Path, text: str) -> None:
    data.mkdir()
    (data / "team.json").write_text(text, encoding="utf-8")

    assert "The team's file" in example("team_tools").call("tell", '{"role": "pm", "task": "plan"}')
    assert (data / "team.json").read_text(encoding="utf-8") == text


def test_a_team_has_only_so_many_tasks(data: Path) -> None:
    team = example("team_tools")
    for number in range(21):
        team.call("tell", json.dumps({"role": "pm", "task": f"plan {number}"}))

    assert team.call("tell", '{"role": "pm", "task": "more"}') == "The PM has 21 tasks already. Finish one first."


# Lists --------------------------------------------------------------------------------------------------------------


def test_a_list_is_kept(data: Path) -> None:
    lists = example("lists")

    assert lists.call("add_to_list", '{"items": ["milk", "Eggs ", "milk"]}') == "Added milk, Eggs; 2 things."
    assert lists.call("add_to_list", '{"items": ["eggs"]}') == "That is on the list already; 2 things."
    assert lists.call("add_to_list", '{"items": ["tent"], "list_name": "Camping list"}') == "Added tent; 1 thing."
    assert example("lists").call("read_list", '{"list_name": "Shopping"}') == "On the Shopping list: milk, Eggs."
    assert lists.call("name_lists", "{}") == "shopping: 2 things; camping: 1 thing"
    assert lists.call("take_off_list", '{"item": "egg"}') == "Took Eggs off; 1 thing."
    assert lists.call("take_off_list", '{"item": "cheese"}') == "There is no cheese on the shopping list: milk."
    assert lists.call("read_list", '{"list_name": "x"}') == "There is no x list. There are: shopping, camping."


def test_a_list_is_deleted_only_after_a_yes(data: Path) -> None:
    lists = example("lists")
    lists.call("add_to_list", '{"items": ["milk"]}')

    told = lists.call("delete_list", '{"list_name": "shopping"}')
    assert "Shall I really delete the shopping list with all that is on it?" in told
    assert lists.call("read_list", "{}") == "On the shopping list: milk."
    lists.heard_user()
    told = lists.call("delete_list", '{"list_name": "shopping"}')
    assert told == "Deleted the shopping list, on which there was: milk."
    assert lists.call("name_lists", "{}") == "There are no lists."


@pytest.mark.parametrize("text", ["{", "[]", '{"shopping": 3}'])
def test_a_file_of_lists_that_is_broken_is_said_and_kept(data: Path, text: str) -> None:
    data.mkdir()
    (data / "lists.json").write_text(text, encoding="utf-8")

    assert "cannot be read" in example("lists").call("add_to_list", '{"items": ["milk"]}')
    assert (data / "lists.json").read_text(encoding="utf-8") == text


# The computer -------------------------------------------------------------------------------------------------------

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a program on the PATH, alone there; gives the file where it notes its arguments."""
    if sys.platform != "linux":
        pytest.skip("the programs are those of Linux")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(name: str, script: str) -> Path:
        path, noted = folder / name, tmp_path / "noted"
        path.write_text(f'#!/bin/sh\necho "$*" >> {noted}\n{script}\n')
        path.chmod(0o755)
        return noted

    return install


def test_the_volume(data: Path, program: Program) -> None:
    noted = program("pactl", "echo 'Volume: front-left: 32768 /  50% / -18.06 dB'")
    computer = example("computer")

    assert computer.call("set_volume", '{"percent": 30}') == "The volume is 30 percent."
    assert computer.call("get_volume", "{}") == "The volume is 50 percent."
    assert "less than or equal to 100" in computer.call("set_volume", '{"percent": 300}')
    assert noted.read_text() == "set-sink-volume @DEFAULT_SINK@ 30%\nget-sink-volume @DEFAULT_SINK@\n"


def test_the_music(data: Path, program: Program) -> None:
    noted = program("playerctl", 'if [ "$1" = metadata ]; then echo "Bach: Air"; fi')
    computer = example("computer")

    assert computer.call("control_music", '{"step": "next"}') == "Done."
    assert computer.call("get_music", "{}") == "Now playing Bach: Air."
    assert noted.read_text() == "next\nmetadata --format {{artist}}: {{title}}\n"


def test_what_the_computer_cannot_do_is_said(data: Path, program: Program) -> None:
    computer = example("computer")
    assert computer.call("get_volume", "{}") == (
        "This computer has no program pactl; the user has to install it first."
    )
    program("playerctl", "echo 'No players found' >&2; exit 1")
    assert computer.call("get_music", "{}") == "playerctl could not do that: No players found."
    program("pactl", "echo hello")
    assert computer.call("get_volume", "{}") == "The computer does not say how loud it is."


def test_a_page_is_opened_after_a_yes(data: Path, program: Program) -> None:
    noted = program("xdg-open", "")
    computer = example("computer")

    assert "Open example.org in the browser?" in computer.call("open_page", '{"address": "example.org"}')
    assert not noted.exists()
    computer.heard_user()
    assert computer.call("open_page", '{"address": "example.org"}') == "Opened example.org."
    assert noted.read_text() == "https://example.org\n"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "https://", "https://a b", "-h x"])
def test_what_is_no_page_is_not_opened(data: Path, program: Program, address: str) -> None:
    noted = program("xdg-open", "")
    computer = example("computer")
    arguments = json.dumps({"address": address})

    computer.call("open_page", arguments)
    computer.heard_user()

    assert "That is not the address of a web page" in computer.call("open_page", arguments)
    assert not noted.exists()


def test_a_browser_that_fails_is_said(data: Path, program: Program) -> None:
    program("xdg-open", "exit 3")
    computer = example("computer")

    computer.call("open_page", '{"address": "https://example.org"}')
    computer.heard_user()

    assert "could not be opened" in computer.call("open_page", '{"address": "https://example.org"}')


def test_examples_write_nothing_here(data: Path) -> None:
    example("team_tools").call("tell", '{"role": "pm", "task": "plan"}')
    example("lists").call("add_to_list", '{"items": ["milk"]}')

    assert not [*(TOP / "examples").glob("*.json")]
