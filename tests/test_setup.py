"""script/setup in a folder of its own: what it did not make it completes, and never removes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import TOP

pytestmark = pytest.mark.skipif(os.name != "posix", reason="script/setup is for POSIX")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without requirements, and package managers that must not be called."""
    top = tmp_path / "a project"
    (top / "script").mkdir(parents=True)
    shutil.copy(TOP / "script" / "setup", top / "script")
    (top / "requirements.txt").touch()
    (tmp_path / "bin").mkdir()
    for name in ("sudo", "apt-get", "dnf", "pacman", "brew"):
        program(tmp_path / "bin" / name, "exit 1")
    return top


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)


def setup(project: Path) -> tuple[int, list[str]]:
    path = f"{project.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = [str(project / "script" / "setup"), "run"]
    done = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False, timeout=100
    )
    return done.returncode, done.stdout.splitlines()


def by_hand(project: Path, python: str) -> Path:
    """A .venv with that as its Python, and a file that would be missed."""
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "lib").mkdir()
    program(project / ".venv" / "bin" / "python", python)
    mine = project / ".venv" / "mine"
    mine.touch()
    return mine


def test_a_folder_is_made_and_made_anew_after_an_interruption(project: Path) -> None:
    assert setup(project)[0] == 0
    assert setup(project) == (0, [])
    left = project / ".venv" / "left over"
    left.touch()
    (project / ".venv" / "lib" / "ready").write_text("")

    status, said = setup(project)

    assert status == 0
    assert "making .venv" in said[0]
    assert not left.exists()
    assert setup(project) == (0, [])


def test_one_made_by_hand_without_pip_is_completed(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
    mine = project / ".venv" / "mine"
    mine.touch()

    assert setup(project) == (0, ["setup: installing the Python packages of requirements.txt"])
    subprocess.run([project / ".venv" / "bin" / "python", "-m", "pip", "--version"], check=True)
    assert mine.exists()
    assert setup(project) == (0, [])


@pytest.mark.parametrize(
    ("python", "what"),
    [
        ("exit 1", "has no Python of version 3.10 or newer"),
        (f'case "$*" in *"import pip"*|*"-m ensurepip"*) exit 1;; esac; exec {sys.executable} "$@"', "has no pip"),
    ],
)
def test_one_made_by_hand_that_cannot_be_completed_stays(project: Path, python: str, what: str) -> None:
    mine = by_hand(project, python)

    status, said = setup(project)

    assert status == 1
    assert said[-1].startswith(f"setup: .venv {what}")
    assert said[-1].endswith("it was not made by script/setup: move it away, then start again")
    assert mine.exists()


def test_where_there_are_no_locks_it_goes_on(project: Path) -> None:
    (project / "build").touch()

    assert setup(project)[0] == 0
