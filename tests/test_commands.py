"""Slash commands, typed into the program's standard input."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import silence
from tests.test_statusline import NOW
from voice import reports
from voice.assistant import Assistant
from voice.commands import Commands
from voice.config import Config
from voice.terminal import Lines
from voice.usage import prices_date

Run = Callable[..., Program]

pytestmark = pytest.mark.patient

NAMES = [
    "/help",
    "/quit",
    "/restart",
    "/pause",
    "/resume",
    "/interrupt",
    "/mute",
    "/status",
    "/timestamps",
    "/compact",
    "/history",
    "/save",
    "/notes",
    "/tools",
    "/voice",
    "/devices",
    "/cost",
    "/record",
    "/talk",
    "/mode",
]


@pytest.fixture
def program(run: Run, service: Service) -> Program:
    started = run("--ws-url", service.url, env={"SOUND": "no"})
    service.wait_for("session.update", timeout=20)
    return started


def ask(program: Program, service: Service, text: str, answer: str) -> None:
    program.type(text)
    service.wait_for("response.create", timeout=20)
    service.say(silence(0.1), answer)
    program.expect(f"assistant: {answer}")


def completing(folder: Path) -> Commands:
    """Commands that were never told anything."""
    return Commands(Assistant(Config(data_dir=folder)), Lines())


def test_help_knows_every_command(program: Program) -> None:
    program.type("/help")
    program.expect("anything else is said to the assistant")

    assert [line.split()[0] for line in program.stderr if line.startswith("/")] == NAMES


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/hlep", "there is no /hlep; is it /help?"),
        ("/dance", "there is no /dance; /help tells all"),
        ("/mute now", "/mute takes nothing more"),
        ("/voice nobody", "the voice is nobody from now on"),  # a server of one's own may have any
        ("/voice", "the voice is marin; /voice NAME takes another: alloy, "),
        ("/mode", "the mode is hands-free; /mode NAME takes another: hands-free, push-to-talk"),
        ("/mode loud", "there is no mode loud; there are hands-free, push-to-talk"),
        ("/talk", "/talk is for push to talk: /mode push-to-talk switches to it"),
        ("/history 1999", "there is no conversation to resume"),
        ("/history", "nothing has been said yet"),
        ("/notes", "there are no notes in "),
        ("/notes shopping", "there is no note shopping"),
        ("/save /dev/null/nowhere.md", "'/dev/null/nowhere.md' cannot be written: "),
        ("/save ~nobody-here/a.md", "'~nobody-here/a.md' cannot be a file: "),
        ("/tools", "append_note "),
        ("/devices", "no sound device is used"),
        ("/cost", "0 tokens"),
        ("/pause", "not listening; /resume listens again"),
        ("/resume", "listening"),
        ("/mute", "not listening; /resume listens again"),
        ("/HELP", "/help "),
    ],
)
def test_answers(program: Program, line: str, answer: str) -> None:
    program.type(line)
    program.expect(f"^{re.escape(answer)}")


def test_status(program: Program, service: Service) -> None:
    ask(program, service, "hello", "Good day.")
    program.type("/status")
    program.expect(r"^(ready|thinking)  0:\d\d\b")
    program.expect("^delay .* connections lost$")


def test_quit(program: Program) -> None:
    program.type("/quit")

    assert program.wait() == 0


def test_interrupt(program: Program, service: Service) -> None:
    program.type("hello")
    service.wait_for("response.create")
    service.say(silence(0.1), "A long story.", done=False)
    program.type("/interrupt")
    service.wait_for("response.cancel")


def test_restart_forgets(program: Program, service: Service) -> None:
    ask(program, service, "hello", "Good day.")
    program.type("/restart")
    program.expect("a new conversation begins")
    service.wait_for("session.update", timeout=20)
    ask(program, service, "who am I", "I do not know.")
    program.type("/history")
    program.expect("^you: who am I")

    # The older conversation is known by its first words alone.
    program.expect(r"-\d{4} +hello$")
    assert "you: hello" not in program.stderr


def test_voice_goes_on_in_a_new_session(program: Program, service: Service) -> None:
    ask(program, service, "hello", "Good day.")
    program.type("/voice cedar")
    told = service.wait_for("session.update", timeout=20)

    assert told["session"]["audio"]["output"]["voice"] == "cedar"


def test_history_and_older_conversations(run: Run, service: Service) -> None:
    first = run("--ws-url", service.url, env={"SOUND": "no"})
    ask(first, service, "who was Ada", "A mathematician.")
    first.type("/quit")
    assert first.wait() == 0
    second = run("--ws-url", service.url, env={"SOUND": "no"})
    second.type("/history")
    identity = second.expect(r"^(2\S+-\d{4}) +who was Ada$")[1]
    second.type(f"/history {identity}")
    second.expect("^you: who was Ada$")
    second.expect(r"^assistant: A mathematician\.$")


def test_save(program: Program, service: Service, tmp_path: Path) -> None:
    ask(program, service, "hello", "Good day.")
    path = tmp_path / "said.md"
    program.type(f"/save {path}")
    program.expect(f"^saved in {path}$")
    assert "Good day." in path.read_text(encoding="utf-8")

    program.type(f"/save {path}")
    program.expect("is there already: choose another name")


def test_notes(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "notes"
    folder.mkdir(parents=True)
    (folder / "shopping-list.md").write_text("# Shopping list\n\nmilk\n\x1b[2Jbread\n", encoding="utf-8")
    program.type("/notes")
    program.expect("^Shopping list$")
    program.type("/notes shopping")
    program.expect("^milk$")
    program.expect(r"^ \[2Jbread$")


def test_timestamps(program: Program, service: Service) -> None:
    program.type("/timestamps")
    program.expect("the time is shown from now on")
    program.type("hello")
    program.expect(r"^\d\d:\d\d:\d\d you: hello$")


def test_compact_hides_tools(program: Program, service: Service) -> None:
    program.type("/compact")
    program.expect("calls of tools are hidden from now on")
    program.type("what time is it")
    service.wait_for("response.create")
    service.call_function("get_time", "{}")
    service.wait_for("response.create")
    service.say(silence(0.1), "Late.")
    program.expect("assistant: Late.")

    assert not any(line.startswith("tool:") for line in program.stdout)


def test_cost_of_the_assistant_on_this_computer(run: Run) -> None:
    program = run("--offline", env={"SOUND": "no"})
    program.type("hello")
    program.expect("^assistant:", 20)
    program.type("/cost")
    program.expect("^[1-9][0-9,]* tokens")
    program.expect("^the assistant on this computer costs nothing$")


def test_cost_of_a_service_without_known_prices(program: Program) -> None:
    program.type("/cost")
    program.expect("^what this service takes for gpt-realtime-2.1 is not known here$")


def test_cost_in_dollars() -> None:
    dollars, source = reports.cost(NOW, Config(openai_api_key="sk-none"))

    assert dollars == "$0.0123, 1,234 tokens"
    assert prices_date() in source


def test_record(run: Run, service: Service, card: SoundCard, tmp_path: Path) -> None:
    program = run("--ws-url", service.url, env=card.environment)
    service.wait_for("session.update", timeout=20)
    program.type("/record")
    program.expect("recording")
    card.wait_for_listener()
    service.wait_for_sound(48_000)
    program.type("/record")
    program.expect("no longer recording")

    (recording,) = (tmp_path / "data" / "recordings").iterdir()
    assert recording.stat().st_size > 10_000


def test_devices(run: Run, service: Service, card: SoundCard) -> None:
    program = run("--ws-url", service.url, env=card.environment)
    service.wait_for("session.update", timeout=20)
    program.type("/devices")
    program.expect(r"^ *\d+ .* Hz")


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "inf", "99999"])
def test_talk_for_no_time_at_all(run: Run, service: Service, card: SoundCard, seconds: str) -> None:
    program = run("--ws-url", service.url, "--mode", "push-to-talk", env=card.environment)
    service.wait_for("session.update", timeout=20)
    program.type(f"/talk {seconds}")
    program.expect("/talk takes a number of seconds up to 600, as in /talk 5")


def test_completion(tmp_path: Path) -> None:
    commands = completing(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "shopping-list.md").write_text("# Shopping list\n", encoding="utf-8")

    assert [name.strip() for name, _ in commands.complete("/")] == NAMES
    assert [name for name, _ in commands.complete("/re")] == ["/restart", "/resume", "/record"]
    assert [name for name, _ in commands.complete("/vo")] == ["/voice "], "what takes something is ready for it"
    assert commands.complete("/voice c") == [("cedar", ""), ("coral", "")]
    assert commands.complete("/mode ") == [("hands-free", ""), ("push-to-talk", "")]
    assert commands.complete("/notes sh") == [("Shopping list", "")]
    assert commands.complete("/dance ") == []
    assert commands.complete("hello") == []
