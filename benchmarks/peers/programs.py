"""The programs that are compared, and how each is started."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers.scripted import Scripted
from benchmarks.process import Process
from tests.program import TOP
from tests.pulse import Recording
from tests.soundcard import SoundCard

PEERS = Path(__file__).with_name("scripts")
DELAY_MS = 40.0
"""From the loudspeaker to the microphone, where the microphone hears it."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that is compared."""

    name: str
    script: Path
    options: tuple[str, ...] = ()
    peer: bool = True
    cancels: bool = False
    """Whether it has an echo canceller, switched on."""

    @property
    def version(self) -> str:
        """What it is made of, as its requirements pin it; empty for ours."""
        return self.script.with_suffix(".txt").read_text(encoding="utf-8").splitlines()[0] if self.peer else ""

    def command(self, environments: Path, url: str) -> list[str | Path]:
        """What to run; the peers' virtual environments are in this folder, by the names of their scripts."""
        if not self.peer:
            return [sys.executable, self.script, "--ws-url", url, *self.options]
        return [environments / self.script.stem / "bin" / "python", self.script, url, *self.options]


CONTESTANTS = (
    Contestant("realtime.py", TOP / "realtime.py", peer=False, cancels=True),
    Contestant("realtime.py --echo off", TOP / "realtime.py", ("--echo", "off"), peer=False),
    Contestant("strands, echo canceller", PEERS / "strands_agent.py", ("aec",), cancels=True),
    Contestant("strands", PEERS / "strands_agent.py"),
    Contestant("openai-agents", PEERS / "openai_agent.py"),
    Contestant("callback script", PEERS / "callbacks.py"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A program in the middle of a conversation."""

    card: SoundCard
    service: Scripted
    process: Process
    speaker: Recording
    start_ms: float
    """From its start to the first of the microphone's sound on the wire."""


@contextmanager
def on_stage(contestant: Contestant, environments: Path, echo_db: float | None = None) -> Iterator[Stage]:
    """Run a program on a sound card and before a service of its own while the block lasts.

    With `echo_db` the microphone hears the loudspeaker in a room, so much louder or weaker than it is.
    """
    with (
        TemporaryDirectory() as name,
        SoundCard() as card,
        nullcontext() if echo_db is None else card.couple_in_room(DELAY_MS, echo_db),
        Scripted() as service,
        card.record() as speaker,
    ):
        folder = Path(name)
        began = time.monotonic()
        command = contestant.command(environments, service.url)
        with Process.running(command, _environment(card, folder), folder / "log") as process:
            try:
                service.wait_for("input_audio_buffer.append", timeout=30)
                start_ms = (service.microphone()[1][0][0] - began) * 1000
                yield Stage(card, service, process, speaker, start_ms)
            except Exception:
                print(f"{contestant.name} said:\n{process.last_words()}", file=sys.stderr)
                raise


def _environment(card: SoundCard, folder: Path) -> dict[str, str]:
    """A home of its own; modules are compiled once, as everywhere."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OPENAI_"))}
    return usual | card.environment | {"HOME": str(folder), "DATA_DIR": str(folder / "data")}
