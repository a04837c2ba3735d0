"""Fixtures that many tests share; nothing of the machine's own settings reaches a test."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import hypothesis
import pytest

from tests import soundcard, stumbles
from tests.program import Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.stumbles import StumbledError
from voice.config import Config

# Started in the background, a shell has us ignore Ctrl-C, and every program that a test starts inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

SETTINGS = tuple(setting.name.upper() for setting in fields(Config))
"""The program's own settings, the key among them."""

PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, no proxy, no setting and no home of the user's."""
    for name in SETTINGS:
        monkeypatch.setenv(name, "")  # which beats a .env of the developer's
    for name in (*PROXIES, *(name.lower() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


RERUNS = 4
"""Of a test with a sound card during which the computer stood still, after 2, 4, 8 and 16 s; then it is skipped."""


@pytest.fixture(scope="session")
def watch() -> Iterator[stumbles.Watch]:
    """What tells whether the computer stands still."""
    with stumbles.watching() as running:
        yield running


@pytest.fixture
def card(watch: stumbles.Watch) -> Iterator[SoundCard]:
    """A sound card of the test's own; the test is skipped where none can be made."""
    if why := soundcard.missing():
        pytest.skip(why)
    with SoundCard() as running:
        yield running


def pytest_xdist_auto_num_workers() -> int:
    """Three for two cores: the tests that run side by side wait half of the time, for sockets and time limits."""
    return max((os.cpu_count() or 1) * 3 // 2, 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the processor for itself: sound that must flow in time."""
    for item in items:
        if "card" in getattr(item, "fixturenames", ()) and item.get_closest_marker("patient") is None:
            item.add_marker("alone")
            again = pytest.mark.flaky(RERUNS, 2, 2, only_rerun=[StumbledError.__name__])
            item.add_marker(again)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Tell a failure of the program from one of the computer."""
    if pyfuncitem.get_closest_marker("alone") is None:
        return (yield)
    began = time.monotonic()
    try:
        return (yield)
    except Exception as error:
        watch = pyfuncitem.funcargs["watch"]
        assert isinstance(watch, stumbles.Watch)
        if not (late := watch.worst(began)):
            raise
        why = f"this computer stood still for {late * 1000:.0f} ms meanwhile"
        if getattr(pyfuncitem, "execution_count", 1) > RERUNS:
            pytest.skip(f"{why}, and at each try before")
        raise StumbledError(why) from error


@pytest.fixture
def service() -> Iterator[Service]:
    """A service on loopback that fails the test when the client broke the protocol."""
    with Service() as running:
        yield running


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start `python realtime.py ARGUMENTS`, as in `run("--offline", env=card.environment)`; ended with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, env: dict[str, str] | None = None, script: str | Path = "realtime.py") -> Program:
            program = Program(script, arguments, env or {}, tmp_path)
            stack.callback(program.close)
            return program

        yield start
