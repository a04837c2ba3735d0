"""Everything that ends the program from outside, in every state it may be in: out in time, tidily, nothing left."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("no signals", allow_module_level=True)

from tests.caller import wait_until
from tests.loopback import Loopback
from tests.program import TOP, Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import level, silence, tone
from tests.tty import Tty
from tests.wire import Connection, Received
from voice.archive import load
from voice.terminal import line

Run = Callable[..., Program]

IN_TIME = 2.0
"""s from the signal to the end of the process, whatever the state."""
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
HANGING_TOOL = '''
import threading
from pathlib import Path

def wait_for_godot() -> str:
    """Wait for ever."""
    (Path(__file__).parent / "begun").touch()
    threading.Event().wait()
    return "He came."
'''
HANGING_FILE = """
import threading
from pathlib import Path

(Path(__file__).parent / "begun").touch()
threading.Event().wait()
"""
SILENT_SERVER = 'read anything; touch "$0/begun"; sleep 1000 & wait'
"""An MCP server, as a shell script, that takes what it is told and never answers."""


class Mute(Service):
    """A service that opens the session and then says nothing."""

    def _receive(self, connection: Connection, message: str | bytes) -> None:
        with self._changed:
            self.received.append(Received(json.loads(message), time.monotonic(), connection.number))
            self._changed.notify_all()


@dataclass
class Stage:
    """Where a run is brought into its state."""

    run: Run
    card: SoundCard
    folder: Path
    stack: ExitStack
    told: list[str] = field(default_factory=list)
    """What stderr is to hold, as parts of its lines."""
    program: Program | None = None
    service: Service | None = None

    def start(self, *arguments: str, sound: bool = True) -> Program:
        """Start the program."""
        env = self.card.environment if sound else {"SOUND": "no"}
        self.program = self.run(*arguments, env=env)
        return self.program

    def talk(self, *arguments: str, sound: bool = True) -> tuple[Program, Service]:
        """Start it with a service, and have one exchange."""
        self.service = service = self.stack.enter_context(Service())
        program = self.start("--ws-url", service.url, *arguments, sound=sound)
        program.type("hello")
        service.wait_for("response.create", timeout=20)
        service.say(tone(440, 0.1), "Good day.")
        program.expect("^assistant: Good day.$")
        return program, service

    def file(self, name: str, text: str) -> str:
        """Write a file that makes another named ``begun``, in the same folder; gives its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def begun(self) -> None:
        """Wait until it has."""
        wait_until((self.folder / "begun").exists, 20)

    def sync(self) -> None:
        """Wait until the program has taken all that the service has sent."""
        assert self.service
        assert self.service.connection().ws.ping().wait(10)


def loading_a_file(stage: Stage) -> None:
    stage.start("--offline", "--tools", stage.file("mine.py", HANGING_FILE))
    stage.begun()


def waiting_for_an_mcp_server(stage: Stage) -> None:
    stage.start("--offline", "--mcp", f"sh -c '{SILENT_SERVER}' {stage.folder}")
    stage.begun()


def asking_once(stage: Stage) -> None:
    service = stage.stack.enter_context(Service())
    stage.start("--ws-url", service.url, "--ask", "hello")
    service.wait_for("response.create", timeout=20)


def connecting(stage: Stage) -> None:
    listener = stage.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.settimeout(20)
    stage.start("--ws-url", f"ws://127.0.0.1:{listener.getsockname()[1]}/")
    taken, _ = listener.accept()
    stage.stack.enter_context(taken)
    assert taken.recv(4).startswith(b"GET ")  # and no answer


def not_yet_ready(stage: Stage) -> None:
    service = stage.stack.enter_context(Mute())
    stage.start("--ws-url", service.url)
    service.wait_for("session.update", timeout=20)


def listening(stage: Stage) -> None:
    _, service = stage.talk()
    service.wait_for_sound(4800)


def listening_to_the_assistant_on_this_computer(stage: Stage) -> None:
    program = stage.start("--offline")
    program.type("hello")
    program.expect("^assistant: ", 20)


def hearing_the_user(stage: Stage) -> None:
    _, service = stage.talk()
    service.speech_started()
    stage.sync()


def thinking(stage: Stage) -> None:
    program, service = stage.talk()
    service.hear("How are you?")
    program.expect("^you: How are you")
    stage.sync()


def speaking(stage: Stage) -> None:
    _, service = stage.talk()
    service.hear("Sing")
    with stage.card.record() as recording:
        service.say(tone(440, 5), "la " * 50, done=False)
        recording.wait(lambda samples: level(samples.tobytes()) > -60, timeout=10)


def in_a_tool_that_hangs(stage: Stage) -> None:
    program, service = stage.talk("--tools", stage.file("mine.py", HANGING_TOOL))
    program.type("wait")
    service.wait_for("response.create")
    service.call_function("wait_for_godot", "{}")
    stage.begun()


def reconnecting(stage: Stage) -> None:
    program, _ = stage.talk()
    stage.stack.close()  # the service goes away
    stage.told.append(": connecting again")
    program.expect("connecting again")


def asleep(stage: Stage) -> None:
    program, _ = stage.talk("--idle-minutes", "0.01")
    stage.told.append("asleep, and nothing is sent")
    program.expect("^asleep")


def talking(stage: Stage) -> None:
    program, service = stage.talk("--mode", "push-to-talk")
    program.type("/talk")
    service.wait_for("input_audio_buffer.clear")
    service.wait_for_sound(4800)


STATES = [
    loading_a_file,
    waiting_for_an_mcp_server,
    asking_once,
    connecting,
    not_yet_ready,
    listening,
    listening_to_the_assistant_on_this_computer,
    hearing_the_user,
    thinking,
    speaking,
    in_a_tool_that_hangs,
    reconnecting,
    asleep,
    talking,
]


@pytest.fixture
def stage(run: Run, card: SoundCard, tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(run, card, tmp_path, stack)


def ends_tidily(stage: Stage, began: float) -> None:
    """See that the program does so, and has written what it should have."""
    program = stage.program
    assert program
    assert program.wait() == 0
    assert time.monotonic() - began < IN_TIME
    assert len(program.stderr) == len(stage.told), program.output
    assert all(part in told for part, told in zip(stage.told, program.stderr, strict=True)), program.output
    history = stage.folder / "data" / "history"
    written = [line(turn) for turn in load(history, "last").turns] if history.exists() else []
    assert [*written] == program.stdout
    assert_no_process_is_left(stage.folder)


def assert_no_process_is_left(folder: Path) -> None:
    """Every process that the program starts inherits the name of its folder."""
    mark = f"DATA_DIR={folder}".encode()

    def gone() -> bool:
        return not any(mark in environment(process) for process in Path("/proc").glob("[0-9]*"))

    wait_until(gone)


def environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""


@pytest.mark.parametrize("ending", SIGNALS)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_signal_in_every_state(stage: Stage, state: Callable[[Stage], None], ending: str) -> None:
    state(stage)
    assert stage.program
    began = time.monotonic()
    stage.program.signal(SIGNALS[ending])
    ends_tidily(stage, began)
