"""Everything that ends the program from outside, in every state it may be in: out in time, tidily, nothing left."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("no signals", allow_module_level=True)

import fcntl
import pty
import termios

import pyte

from tests.caller import wait_until
from tests.program import TOP, Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import level, silence, tone
from tests.tty import COLUMNS, ROWS, Tty
from tests.wire import Connection, Received
from voice.archive import load
from voice.text import line

Run = Callable[..., Program]

pytestmark = pytest.mark.patient

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
    sound: bool = True
    """Whether there is a sound card."""
    told: list[str] = field(default_factory=list)
    """What stderr is to hold, as parts of its lines."""
    program: Program | None = None
    service: Service | None = None

    def start(self, *arguments: str) -> Program:
        """Start the program."""
        # A file is left open where a signal interrupts an import.
        own = {"STAGE": str(self.folder), "PYTHONWARNINGS": "error,ignore::ResourceWarning"}
        env = (self.card.environment if self.sound else {"SOUND": "no"}) | own
        self.program = self.run(*arguments, env=env)
        return self.program

    def talk(self, *arguments: str) -> tuple[Program, Service]:
        """Start it with a service, and have one exchange."""
        self.service = service = self.stack.enter_context(Service())
        program = self.start("--ws-url", service.url, *arguments)
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
    print(f"{time.monotonic() - began:.2f} s")  # noqa: T201 - how much of it was needed
    assert time.monotonic() - began < IN_TIME
    assert len(program.stderr) == len(stage.told), program.output
    assert all(part in told for part, told in zip(stage.told, program.stderr, strict=True)), program.output
    history = stage.folder / "data" / "history"
    written = [line(turn) for turn in load(history, "last").turns] if history.exists() else []
    assert written == program.stdout
    assert_no_process_is_left(stage.folder)


def assert_no_process_is_left(folder: Path) -> None:
    """Every process that the program starts inherits the name of its folder."""
    mark = f"STAGE={folder}".encode()

    def gone() -> bool:
        return not any(mark in environment(process) for process in Path("/proc").glob("[0-9]*"))

    wait_until(gone)


def environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""


@pytest.mark.parametrize(
    ("state", "ending"),
    [
        *((state, "SIGINT") for state in STATES),
        # One handler takes all three, so the others need not be tried everywhere.
        *((state, ending) for state in (connecting, speaking, asleep) for ending in ("SIGTERM", "SIGHUP")),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_signal_in_every_state(stage: Stage, state: Callable[[Stage], None], ending: str) -> None:
    state(stage)
    assert stage.program
    began = time.monotonic()
    stage.program.signal(SIGNALS[ending])
    ends_tidily(stage, began)


@pytest.mark.parametrize("ending", SIGNALS)
def test_a_signal_while_one_question_is_asked(stage: Stage, service: Service, ending: str) -> None:
    program = stage.start("--ws-url", service.url, "--ask", "hello")
    service.wait_for("response.create", timeout=20)
    program.signal(SIGNALS[ending])

    assert program.wait(IN_TIME) == 0
    assert program.output == ""
    assert_no_process_is_left(stage.folder)


@pytest.mark.parametrize("ending", SIGNALS)
@pytest.mark.parametrize("task", ["--list-devices", "--no-history"])
def test_a_signal_while_a_sound_server_hangs(stage: Stage, ending: str, task: str) -> None:
    stage.card.freeze()
    service = stage.stack.enter_context(Service())
    program = stage.start("--ws-url", service.url, task)
    wait_until(lambda: "libpulse" in Path(f"/proc/{program.pid}/maps").read_text(), 20)  # and now it asks the server
    program.signal(SIGNALS[ending])

    assert program.wait(IN_TIME) == 0
    assert program.output == ""
    assert_no_process_is_left(stage.folder)


def test_mcp_servers_are_ended_in_half_of_the_time(stage: Stage) -> None:
    stage.sound = False
    stage.service = service = stage.stack.enter_context(Service())
    servers = [f'"{sys.executable}" "{TOP}/tests/mcpserver.py" {kind}' for kind in ("good", "stubborn")]
    program = stage.start("--ws-url", service.url, "--mcp", servers[0], "--mcp", servers[1])
    names = {tool["name"] for tool in service.wait_for("session.update", timeout=30)["session"]["tools"]}
    assert names > {"mcpserver_add", "mcpserver-2_add"}
    began = time.monotonic()
    program.interrupt()
    ends_tidily(stage, began)

    assert time.monotonic() - began < IN_TIME / 2


@pytest.mark.parametrize("again", SIGNALS)
def test_more_signals_while_it_ends(stage: Stage, again: str) -> None:
    speaking(stage)
    assert stage.program
    began = time.monotonic()
    for _ in range(5):
        stage.program.signal(signal.SIGINT)
        stage.program.signal(SIGNALS[again])
    ends_tidily(stage, began)


# Ignored signals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "ignored"), [("exec nohup", "SIGHUP"), ("trap '' INT; exec", "SIGINT")], ids=["nohup", "background"]
)
def test_a_signal_that_is_ignored_at_the_start_stays_ignored(service: Service, before: str, ignored: str) -> None:
    arguments = [sys.executable, "realtime.py", "--ws-url", service.url, "--no-sound"]
    command = ["sh", "-c", f'{before} "$@"', "sh", *arguments]
    with piped(command) as program:
        assert program.stdin
        service.wait_for("session.update", timeout=20)
        program.send_signal(SIGNALS[ignored])
        program.stdin.write("hello\n")
        program.stdin.flush()
        service.wait_for("response.create")
        service.say(silence(0.1), "Good day.")
        assert service.connection().ws.ping().wait(10)
        program.send_signal(signal.SIGTERM)
        stdout, stderr = program.communicate(timeout=IN_TIME)

    assert program.returncode == 0
    assert stdout.splitlines() == ["you: hello", "assistant: Good day."]
    assert stderr == ""


@contextmanager
def piped(command: list[str], env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a command with more in its environment; killed if it still runs at the end."""
    pipe = subprocess.PIPE
    environment = os.environ | (env or {})
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


# Standard input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [connecting, not_yet_ready], ids=lambda state: state.__name__)
def test_the_end_of_input_when_nothing_was_asked(stage: Stage, state: Callable[[Stage], None]) -> None:
    stage.sound = False
    state(stage)
    assert stage.program
    began = time.monotonic()
    stage.program.end_of_file()
    ends_tidily(stage, began)


def test_the_end_of_input_while_it_sleeps(stage: Stage) -> None:
    stage.sound = False
    asleep(stage)
    assert stage.program
    began = time.monotonic()
    stage.program.end_of_file()
    ends_tidily(stage, began)


def test_what_was_asked_is_answered_after_the_end_of_input(stage: Stage) -> None:
    stage.sound = False
    program, service = stage.talk()
    program.type("what time is it")
    program.end_of_file()
    service.wait_for("response.create")
    service.call_function("get_time", "{}")
    service.wait_for("response.create")
    reply = service.say(silence(0.1), "Late.", done=False)
    stage.sync()
    began = time.monotonic()
    service.finish(reply)
    ends_tidily(stage, began)

    assert program.stdout[-1] == "assistant: Late."


def test_what_was_asked_is_answered_after_the_end_of_input_and_a_loss(stage: Stage) -> None:
    stage.sound = False
    program, service = stage.talk()
    program.type("what time is it")
    program.end_of_file()
    service.wait_for("response.create")
    service.reset()
    service.wait_for("response.create", timeout=20)
    began = time.monotonic()
    service.say(silence(0.1), "Late.")
    stage.told += [": connecting again", "connected again"]
    ends_tidily(stage, began)

    assert program.stdout[-1] == "assistant: Late."


def test_input_that_was_never_open(service: Service) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "realtime.py", "--ws-url", service.url, "--no-sound"]
    with piped(command) as program:
        output = program.communicate(timeout=20)

    assert program.returncode == 0
    assert output == ("", "")


@pytest.mark.parametrize("state", [listening, thinking, speaking, talking], ids=lambda state: state.__name__)
def test_the_end_of_input_where_there_is_a_microphone(stage: Stage, state: Callable[[Stage], None]) -> None:
    state(stage)
    assert stage.program
    assert stage.service
    stage.program.end_of_file()
    stage.service.wait_for_sound(48_000)  # of the second that follows
    began = time.monotonic()
    stage.program.signal(signal.SIGTERM)
    ends_tidily(stage, began)


# A person's terminal --------------------------------------------------------------------------------------------------


@pytest.fixture
def open_tty(stage: Stage) -> Callable[..., Tty]:
    def start(*arguments: str) -> Tty:
        mark = {"STAGE": str(stage.folder)}
        tty = Tty(arguments, stage.card.environment | mark, stage.folder, kitty=False)
        stage.stack.callback(tty.close)
        return tty

    return start


def connecting_on_screen(stage: Stage, open_tty: Callable[..., Tty]) -> Tty:
    listener = stage.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    tty = open_tty("--ws-url", f"ws://127.0.0.1:{listener.getsockname()[1]}/")
    tty.wait("connecting")
    return tty


def not_yet_ready_on_screen(stage: Stage, open_tty: Callable[..., Tty]) -> Tty:
    service = stage.stack.enter_context(Mute())
    tty = open_tty("--ws-url", service.url)
    service.wait_for("session.update", timeout=20)
    tty.wait("connecting")
    return tty


def speaking_on_screen(stage: Stage, open_tty: Callable[..., Tty]) -> Tty:
    service = stage.stack.enter_context(Service())
    tty = open_tty("--ws-url", service.url)
    tty.wait(" listening")
    service.hear("Sing")
    service.say(tone(440, 5), "la " * 50, done=False)
    tty.wait(" speaking")
    return tty


def in_a_tool_on_screen(stage: Stage, open_tty: Callable[..., Tty]) -> Tty:
    service = stage.stack.enter_context(Service())
    tty = open_tty("--ws-url", service.url, "--tools", stage.file("mine.py", HANGING_TOOL))
    tty.wait(" listening")
    service.hear("Wait")
    service.call_function("wait_for_godot", "{}")
    stage.begun()
    return tty


def asleep_on_screen(stage: Stage, open_tty: Callable[..., Tty]) -> Tty:
    service = stage.stack.enter_context(Service())
    tty = open_tty("--ws-url", service.url, "--idle-minutes", "0.01")
    tty.wait("asleep, and nothing is sent")
    return tty


def talking_on_screen(stage: Stage, open_tty: Callable[..., Tty]) -> Tty:
    service = stage.stack.enter_context(Service())
    tty = open_tty("--ws-url", service.url, "--mode", "push-to-talk")
    tty.wait("SPACE talks")
    tty.press(" ")
    tty.wait("hearing you")
    return tty


ON_SCREEN = [
    connecting_on_screen,
    not_yet_ready_on_screen,
    speaking_on_screen,
    in_a_tool_on_screen,
    asleep_on_screen,
    talking_on_screen,
]


@pytest.mark.parametrize("ending", ["Ctrl-C", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("state", ON_SCREEN, ids=lambda state: state.__name__)
def test_the_terminal_is_given_back(
    stage: Stage, open_tty: Callable[..., Tty], state: Callable[[Stage, Callable[..., Tty]], Tty], ending: str
) -> None:
    tty = state(stage, open_tty)
    began = time.monotonic()
    if ending == "Ctrl-C":
        tty.press("\x03")
    else:
        tty.signal(SIGNALS[ending])

    assert tty.status() == 0
    print(f"{time.monotonic() - began:.2f} s")  # noqa: T201 - as above
    assert time.monotonic() - began < IN_TIME
    assert tty.restored
    assert "Traceback" not in tty.text
    assert_no_process_is_left(stage.folder)


def test_a_window_that_is_closed(stage: Stage) -> None:
    service = stage.stack.enter_context(Service())
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    arguments = [sys.executable, "realtime.py", "--ws-url", service.url]
    environment = stage.card.environment | {"TERM": "xterm-256color", "STAGE": str(stage.folder)}
    # The first terminal that a session's leader opens becomes its own: the end of that is told with SIGHUP.
    command = ["setsid", "sh", "-c", f'exec "$@" <>{os.ttyname(slave)} >&0', "sh", *arguments]
    with piped(command, environment) as program:
        screen = pyte.Screen(COLUMNS, ROWS)
        stream = pyte.ByteStream(screen)
        while not any(" listening" in row for row in screen.display):
            assert select.select([master], [], [], 20)[0], screen.display
            stream.feed(os.read(master, 65536))
        os.close(slave)
        os.close(master)
        output = program.communicate(timeout=IN_TIME)

    assert program.returncode == 0
    assert output == ("", "")
    assert_no_process_is_left(stage.folder)


DROPPED = """
import signal, weakref
from voice.signals import until_signalled

class Thing:
    pass

thing = Thing()
with until_signalled():
    gone = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))  # nothing can be raised through this
    del thing
    print("went on")
"""


def test_a_signal_that_python_drops_is_not_told_of() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DROPPED], cwd=TOP, capture_output=True, text=True, check=True, timeout=20
    )

    assert (ran.stdout, ran.stderr) == ("went on\n", "")
