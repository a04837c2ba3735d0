"""What README.md and the other pages say: what they name is there, what they show works."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import offline
import voice
from tests.program import TOP
from tests.service import Service
from tests.speech import silence
from voice.commands import Commands
from voice.config import Config
from voice.options import _parser, gather, help_text
from voice.shown import Turn
from voice.terminal import Lines
from voice.toolbox import Toolbox
from voice.toolfiles import load_tools

PAGES = tuple(sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")]))
OTHERS_OPTIONS = {"--port", "--runs", "--write"}
"""Of ``python -m offline`` and of ``script/bench``."""
OTHERS_NAMES = {"ALL_PROXY", "HTTPS_PROXY", "OPENAI_ASSISTANT_ID"}
"""By a convention of many programs; and what is refused."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))


def text(page: Path) -> str:
    """The text of a page, or of any other file."""
    return page.read_text(encoding="utf-8")


def spans(page: Path) -> list[str]:
    """Everything that a page shows as code within a sentence or a table."""
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", prose)


def block(heading: str) -> str:
    """The first Python program below a heading of README.md."""
    below = text(TOP / "README.md").partition(f"\n## {heading}\n")[2]
    found = re.search(r"^```python\n(.*?)^```", below, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@cache
def names(file: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse(text(TOP / "tests" / file))
    return frozenset(part.name for part in tree.body if isinstance(part, ast.FunctionDef))


@cache
def options() -> frozenset[str]:
    """All that the command line knows."""
    return frozenset(flag for action in _parser()._actions for flag in action.option_strings)


@pytest.fixture
def commands() -> set[str]:
    return {name.strip() for name, _ in Commands(voice.Assistant(sound=False), Lines()).complete("/")}


# What is named ------------------------------------------------------------------------------------------------------


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", text(page))
    missing = [t for t in targets if "://" not in t and not (page.parent / t.partition("#")[0]).exists()]
    assert not missing


REPOSITORY = ("benchmarks/", "docs/", "examples/", "offline/", "script/", "tests/", "voice/")


@each_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [span for span in spans(page) if re.fullmatch(r"[\w.-]+/[\w./-]*", span)]
    missing = [name for name in named if name.startswith(REPOSITORY) and not (TOP / name).exists()]
    assert not missing


@each_page
def test_every_option_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text(page)))
    assert named - OTHERS_OPTIONS <= options()


@each_page
def test_every_slash_command_that_is_named_exists(page: Path, commands: set[str]) -> None:
    named = {found for span in spans(page) for found in re.findall(r"^/[a-z]+\b", span)}
    assert named <= commands


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = {found for span in spans(page) for found in re.findall(r"^([A-Z]+_[A-Z_]+)(?:=|$)", span)}
    assert named - OTHERS_NAMES <= {setting.name.upper() for setting in fields(Config)}


def proofs() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        yield from re.findall(r"((?:offline/)?test_\w+\.py)::(\w+)", text(page))


def test_every_proof_is_a_test() -> None:
    named = list(proofs())
    missing = [f"{file}::{name}" for file, name in named if name not in names(file)]
    assert named
    assert not missing


def test_every_feature_has_a_proof() -> None:
    rows = [row for row in text(TOP / "docs" / "features.md").splitlines() if row.startswith("| ")]
    features = [row for row in rows if not row.startswith("| what ")]
    without = [row for row in features if not re.search(r"test_\w+\.py::test_", row)]
    assert len(features) > 50
    assert not without


def test_readme_tells_of_every_command(commands: set[str]) -> None:
    assert commands <= {found for span in spans(TOP / "README.md") for found in re.findall(r"^/[a-z]+\b", span)}


# Where pages overlap ------------------------------------------------------------------------------------------------


def shown() -> list[str]:
    """The options with their values as README.md shows them: in sentences, and in what is to be typed."""
    typed = re.findall(r"^script/run (--[^#\n]*)", text(TOP / "README.md"), re.MULTILINE)
    return [each for each in (*spans(TOP / "README.md"), *typed) if re.match(r"--[a-z-]+ ", each)]


@pytest.mark.parametrize("arguments", [each for each in shown() if not each.startswith(("--check ", "--completion "))])
def test_options_can_be_given_as_they_are_shown(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pirate.txt").write_text("You are a pirate.")
    monkeypatch.chdir(tmp_path)
    given = vars(_parser().parse_args(shlex.split(arguments)))
    task = given.pop("task")

    assert task == "talk"
    assert gather(given, {}, tmp_path / "none") != Config()


def test_the_example_of_a_settings_file_says_what_the_help_says() -> None:
    lines = text(TOP / ".env.example").splitlines()
    comments = {line.rstrip("="): above for above, line in pairwise(lines) if line.endswith("=")}
    for setting in fields(Config):
        told = help_text(setting.name).replace("may be repeated", "several with ; between them")
        assert comments[setting.name.upper()] == f"# {told[0].upper()}{told[1:]}"


def test_a_default_that_readme_tells_is_the_default() -> None:
    readme = text(TOP / "README.md")
    kept = Config().data_dir
    assert kept.parts[-2:] == ("Documents", "Realtime")
    for folder in ("history", "notes", "recordings"):
        assert f"`Documents/Realtime/{folder}`" in readme
    assert Config().history
    assert not Config().save_recordings


# What is shown ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_the_library_in_ten_lines(service: Service, tmp_path: Path) -> None:
    program = block("Use as a library")
    (command,) = (span for span in spans(TOP / "README.md") if span.startswith("PYTHONPATH="))
    (tmp_path / "stock.py").write_text(program, encoding="utf-8")
    (tmp_path / "realtime").mkdir()
    (tmp_path / "realtime" / "voice").symlink_to(TOP / "voice")
    (tmp_path / "realtime" / ".venv").symlink_to(sys.prefix)
    started = subprocess.Popen(
        ["sh", "-c", command],
        cwd=tmp_path,
        env=os.environ | {"WS_URL": service.url, "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with started:
        service.wait_for("response.create")
        service.call_function("get_stock", '{"item": "apples"}')
        output = service.wait_for("conversation.item.create", where=lambda e: e["item"]["type"] != "message")["item"]
        service.wait_for("response.create")
        service.say(silence(0.1), "Twelve.")
        printed, _ = started.communicate(timeout=10)

    assert len([line for line in program.splitlines() if line]) <= 12
    assert output["output"] == "There are 12 apples left."
    assert printed.splitlines() == ["you: How many apples are left?", "assistant: Twelve."]
    assert started.returncode == 0


def test_the_library_from_asyncio(service: Service) -> None:
    async def converse() -> list[Turn]:
        turns: asyncio.Queue[Turn] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        assistant = voice.Assistant(ws_url=service.url, sound=False, history=False)

        def take(turn: Turn) -> None:
            loop.call_soon_threadsafe(turns.put_nowait, turn)

        assistant.subscribe(Turn, take)
        await asyncio.to_thread(assistant.start)
        assistant.send_text("Hello")
        await asyncio.to_thread(service.wait_for, "response.create")
        await asyncio.to_thread(service.say, silence(0.1), "Good day.")
        told = [await turns.get(), await turns.get()]
        await asyncio.to_thread(assistant.stop)
        return told

    told = asyncio.run(asyncio.wait_for(converse(), 10))

    assert told == [Turn("you", "Hello"), Turn("assistant", "Good day.")]


def test_tools_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "party.py").write_text(block("Your own tools"), encoding="utf-8")
    asked: list[str] = []
    tools = Toolbox(load_tools(tmp_path / "party.py"), ask=asked.append)

    assert tools.call("list_guests", "{}") == "Ann and Bob."
    tools.call("cancel_party", "{}")
    tools.heard_user()
    assert tools.call("cancel_party", "{}") == "Everybody has been told."
    assert len(asked) == 1
    assert "Shall I really tell everybody that it is off?" in asked[0]


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_the_pages_about_the_library_are_written(tmp_path: Path) -> None:
    (tmp_path / "script").mkdir()
    shutil.copy(TOP / "script" / "docs", tmp_path / "script" / "docs")
    setup = tmp_path / "script" / "setup"
    setup.write_text("#!/bin/sh\n")  # tests run where it has done its work
    setup.chmod(0o755)
    for needed in ("docs", "voice"):
        (tmp_path / needed).symlink_to(TOP / needed)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    done = subprocess.run(["sh", "script/docs"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == tmp_path / "build" / "docs" / "index.html"
    pages = tmp_path / "build" / "docs" / "voice"
    assert "Say something: it interrupts the answer" in text(pages / "assistant.html")
    assert "how long to try again after the connection is lost" in text(pages / "config.html")
    assert "BeforeValidator" not in text(pages / "config.html")
    assert "::\n" not in "".join(text(page) for page in pages.iterdir())


# Each house on one page --------------------------------------------------------------------------------------------

each_house = pytest.mark.parametrize("house", [voice, offline], ids=lambda house: house.__name__)


@each_house
def test_the_table_of_modules_is_complete(house: ModuleType) -> None:
    told = re.findall(r"^``([\w.]+)``", house.__doc__ or "", re.MULTILINE)
    files = {path.relative_to(TOP / house.__name__).with_suffix("") for path in (TOP / house.__name__).rglob("*.py")}
    assert sorted(told) == sorted(".".join(path.parts) for path in files if path.stem != "__init__")


@each_house
def test_the_threads_are_all_told_of(house: ModuleType) -> None:
    told = set(re.findall(r"\*([\w-][\w -]*)\*", house.__doc__ or ""))
    named = {
        found.strip()
        for path in (TOP / house.__name__).rglob("*.py")
        for found in re.findall(r'(?:Thread\([^\n]*name=|(?<!self)\.name = )f?"([a-z -]+)', text(path))
    }
    assert named
    assert named <= told
