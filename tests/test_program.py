"""The program as it is started: pipes, exit statuses, what it loads, what it never shows."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import TOP, Program
from tests.service import Service
from tests.speech import silence
from tests.wire import BAD_KEY
from voice.terminal import MAX_LINE
from voice.turns.agenda import MAX_LINES

Run = Callable[..., Program]

PLENTY = 4 * MAX_LINES * MAX_LINE
"""Bytes; far more than may wait for their turn."""
NO_CARD = {"PULSE_SERVER": "none", "SOUND": "no"}


def test_a_piped_question_is_answered_by_the_assistant_on_this_computer(run: Run) -> None:
    program = run("--offline", env=NO_CARD)
    program.type("what time is it")
    program.type("write a note called shopping saying milk and bread")
    program.type("read the note shopping")
    program.end_of_file()

    assert program.wait(30) == 0
    kinds = [line.partition(":")[0] for line in program.stdout]
    assert kinds == ["you", "tool", "assistant"] * 3
    assert "milk and bread" in program.stdout[-1]
    assert program.stderr == []


def test_without_a_key_it_says_who_answers(run: Run) -> None:
    program = run(env=NO_CARD)
    program.expect("^there is no OPENAI_API_KEY: the assistant on this computer answers")
    program.type("goodbye")
    program.expect("^assistant: Goodbye")

    assert program.wait(20) == 0


def test_the_assistant_on_this_computer_is_told_no_key_and_reached_through_no_proxy(run: Run) -> None:
    program = run("--offline", "--proxy-url", "http://127.0.0.1:9", env=NO_CARD | {"OPENAI_API_KEY": "sk-secret"})
    program.type("hello")
    program.expect("^assistant: ", 20)


def test_a_refused_key_is_status_3_with_a_remedy(service: Service, run: Run) -> None:
    service.refuse_next.append(BAD_KEY)
    program = run("--ws-url", service.url, env=NO_CARD | {"OPENAI_API_KEY": "sk-wrong"})

    assert program.wait(20) == 3
    assert program.stderr == ["realtime: the service does not know this key: check OPENAI_API_KEY"]


def test_a_bad_setting_is_status_2(run: Run) -> None:
    program = run("--ws-url", "example.com", env={"VAD_THRESHOLD": "9"})

    assert program.wait() == 2
    (line,) = program.stderr
    assert "--ws-url" in line
    assert "VAD_THRESHOLD" in line


def test_nobody_there_is_status_1(run: Run) -> None:
    program = run("--ws-url", "ws://127.0.0.1:9/", env=NO_CARD)

    assert program.wait(20) == 1
    assert "cannot be reached" in program.stderr[-1]


def test_the_key_is_in_the_header_and_nowhere_else(service: Service, run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    env = NO_CARD | {"OPENAI_API_KEY": "sk-secret-1234"}
    program = run("--ws-url", service.url, "--debug", "--log-file", str(log), env=env)
    program.type("hello")
    service.wait_for("response.create", timeout=20)
    service.say(silence(0.1), "Good day.")
    program.expect("^assistant: Good day.$")
    program.type("/quit")

    assert program.wait() == 0
    assert service.requests[0].headers["Authorization"] == "Bearer sk-secret-1234"
    assert "model=gpt-realtime-2.1" in service.requests[0].path
    assert "sk-secret" not in program.output + log.read_text(encoding="utf-8") + service.requests[0].path
    assert "SessionUpdate" in log.read_text(encoding="utf-8")


def test_text_of_the_service_cannot_control_the_terminal(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, env=NO_CARD)
    service.wait_for("session.update", timeout=20)
    service.close(1011, "\x1b]0;owned\x07\x1b[2J")

    program.expect("1011.*owned")
    assert "\x1b" not in program.output
    assert "\x07" not in program.output


@pytest.mark.parametrize(
    "arguments",
    [["--list-devices"], ["--completion", "bash"], ["--offline", "--ask", "hello"], ["--check", "--offline"]],
)
def test_whatever_is_printed_may_be_cut_off(arguments: list[str]) -> None:
    command = [sys.executable, "realtime.py", *arguments, "--no-sound", "--no-history"]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""

    assert process.returncode == 0


def test_an_answer_that_cannot_be_written_is_an_error() -> None:
    with open("/dev/full", "w", encoding="ascii") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "realtime.py", "--offline", "--no-history", "--ask", "hello"],
            cwd=TOP,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "realtime: the output cannot be written: No space left on device\n"


def _shell(command: str) -> subprocess.CompletedProcess[str]:
    """The program in a line of a shell's, as PROGRAM, with nothing on its standard input."""
    line = command.replace("PROGRAM", f"{sys.executable} realtime.py --no-sound --no-history")
    return subprocess.run(
        ["sh", "-c", line], cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_remarks_that_cannot_be_written_cost_no_answer(where: str) -> None:
    """Without a key there is a remark."""
    talk = _shell(f"echo hello | PROGRAM {where}")
    question = _shell(f"PROGRAM --ask hello {where}")

    assert [line.partition(":")[0] for line in talk.stdout.splitlines()] == ["you", "assistant"]
    assert (len(question.stdout.splitlines()), talk.returncode, question.returncode) == (1, 0, 0)


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_an_error_that_cannot_be_told_keeps_its_status(where: str) -> None:
    done = _shell(f"PROGRAM --speed 9 {where}")

    assert (done.stdout, done.returncode) == ("", 2)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_it_runs_without_standard_streams(closed: str) -> None:
    done = _shell(f"PROGRAM --offline {closed}")

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_in_a_file_a_command_is_about_what_the_lines_before_it_came_to(run: Run) -> None:
    program = run("--offline", env=NO_CARD)
    program.type("write a note called list saying milk")
    program.type("/notes")
    program.type("what time is it")
    program.type("/quit")

    assert program.wait(30) == 0
    assert [line.partition(":")[0] for line in program.stdout].count("assistant") == 2
    assert "list" in program.stderr


def test_more_lines_than_may_wait_are_answered_in_order(run: Run) -> None:
    program = run("--offline", "--no-history", env=NO_CARD)
    questions = [f"what is {number} plus 1" for number in range(MAX_LINES + 50)]
    for question in questions:
        program.type(question)
    program.end_of_file()

    assert program.wait(60) == 0
    assert [line for line in program.stdout if line.startswith("you: ")] == [f"you: {text}" for text in questions]
    assert sum(line.startswith("assistant: ") for line in program.stdout) == len(questions)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe cannot be asked whether it is full")
@pytest.mark.parametrize("text", [b"y\n", b"y"], ids=["lines", "one line"])
def test_lines_without_end_are_read_as_they_have_their_turn(service: Service, text: bytes) -> None:
    with subprocess.Popen(
        [sys.executable, "realtime.py", "--ws-url", service.url, "--no-sound"], cwd=TOP, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin
        pipe = process.stdin.fileno()
        os.write(pipe, b"hello\n")
        service.wait_for("response.create", timeout=20)
        os.set_blocking(pipe, False)
        written = 0
        while written < PLENTY and select.select([], [pipe], [], 2)[1]:
            written += os.write(pipe, text * (4096 // len(text)))
        process.kill()

    assert written < PLENTY


def test_a_reader_that_goes_away_ends_it_quietly(run: Run) -> None:
    command = (
        f"printf 'hello\\nhelp\\nwhat time is it\\n' | {sys.executable} realtime.py --offline --no-sound | head -n 1"
    )
    done = subprocess.run(["sh", "-c", command], cwd=TOP, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "you: hello\n"
    assert done.stderr == ""


@pytest.mark.parametrize("package", ["offline", "requests", "prompt_toolkit", "websockets", "openai"])
def test_a_conversation_with_the_service_does_not_pay_for(package: str) -> None:
    code = f"import sys, realtime; sys.exit(any(name.partition('.')[0] == {package!r} for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], cwd=TOP, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("package", ["pydantic", "pyaudio"])
def test_a_package_that_is_missing_is_one_line(run: Run, tmp_path: Path, package: str) -> None:
    stand_in = f"raise ModuleNotFoundError({package!r}, name={package!r})"
    (tmp_path / f"{package}.py").write_text(stand_in, encoding="utf-8")
    program = run("--offline", env={"PYTHONPATH": str(tmp_path)})

    assert program.wait(20) == 1
    remedy = "start with script/run, which installs what it needs"
    assert program.output == f"stderr: realtime: the package {package} is not installed: {remedy}"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be stopped here")
def test_a_laptop_that_slept_goes_on(service: Service, run: Run) -> None:
    """Nothing of the program runs meanwhile, and when it wakes up its connection is long gone."""
    program = run("--ws-url", service.url, "--no-sound", env=NO_CARD)
    service.wait_for("session.update", timeout=20)
    os.kill(program.pid, signal.SIGSTOP)
    service.vanish()
    os.kill(program.pid, signal.SIGCONT)
    program.expect("connected again")
    program.type("Are you there?")
    service.wait_for("response.create")
    service.say(bytes(480), "Yes.")

    program.expect("^assistant: Yes.$")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk is full here")
@pytest.mark.parametrize("arguments", [[], ["--ask", "hello"]])
def test_a_full_disk_is_one_line_and_status_1(arguments: list[str]) -> None:
    command = [sys.executable, "realtime.py", "--offline", "--no-sound", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=TOP, input="hello\n", stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )

    assert done.stderr == "realtime: the output cannot be written: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("arguments", [[], ["--ask", "read the note café"]])
def test_other_encodings_than_utf_8(tmp_path: Path, arguments: list[str]) -> None:
    notes = tmp_path / "data" / "notes"
    notes.mkdir(parents=True)
    (notes / "café.md").write_text("# café\n\ngrüße 日本\n", encoding="utf-8")
    command = [sys.executable, "realtime.py", "--offline", "--no-sound", *arguments]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "DATA_DIR": str(tmp_path / "data")}
    typed = "\ufeffread the note café\n".encode() + "read the note café\n".encode("latin-1")
    done = subprocess.run(command, cwd=TOP, input=typed, env=environment, capture_output=True, timeout=60, check=False)

    answers = [line for line in done.stdout.decode("latin-1").splitlines() if not line.startswith(("you", "tool"))]
    assert len(answers) == (1 if arguments else 2)
    assert all("grüße ??" in answer for answer in answers)
    assert (done.stderr, done.returncode) == (b"", 0)


def test_a_package_that_lacks_a_library_of_the_system_s_is_one_line(run: Run, tmp_path: Path) -> None:
    why = "libportaudio.so.2: cannot open shared object file: No such file or directory"
    stand_in = f"raise ImportError({why!r}, name='pyaudio._portaudio')"
    (tmp_path / "pyaudio.py").write_text(stand_in, encoding="utf-8")
    program = run("--offline", env={"PYTHONPATH": str(tmp_path)})

    assert program.wait(20) == 1
    told = f"realtime: pyaudio._portaudio cannot be loaded ({why}): --check says what to do"
    assert program.output == f"stderr: {told}"
