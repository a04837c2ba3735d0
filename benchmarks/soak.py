"""A long conversation with itself, to see whether anything grows, drifts, gets lost or stops.

    python -m benchmarks.soak [--minutes 60] [--faults] [--seed 1]

A synthetic user talks on a virtual sound card, over an open loudspeaker, with the program and the offline assistant,
which runs as a server of its own: questions, notes, typed messages, interruptions. With `--faults` the server is
killed and started again now and then. It prints a line a minute and a summary:

answered     exchanges in which the answer was heard or cut on purpose, of all
latency      from the end of what was said to the answer's first sound; also its change over the run
memory       of the program; also its change over the second half of the run
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.client import cpu_seconds, memory_mb
from benchmarks.offline import audible
from tests.program import TOP, Program
from tests.soundcard import SoundCard
from tests.speech import RATE, say

SPOKEN = ("what time is it", "what day is it today", "list my notes", "what can you do", "tell me the date")
TYPED = ("write a note called soak saying all is well", "read the note soak", "what time is it in Tokyo")
VOICES = ("slt", "rms", "awb")
ECHO_DB = -10.0
"""Gain from loudspeaker to microphone: about as loud as the user."""
FAULT_EVERY = 25
"""Exchanges between two faults."""
ANSWER_TIMEOUT = 30.0


@dataclass
class Log:
    """What happened."""

    exchanges: int = 0
    unanswered: list[str] = field(default_factory=list)
    interruptions: int = 0
    faults: int = 0
    latencies: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def summary(self, seconds: float, cpu: float) -> str:
        """All of it in a few lines."""
        half = len(self.latencies) // 2
        drift = statistics.median(self.latencies[half:]) - statistics.median(self.latencies[:half])
        later = self.memory[len(self.memory) // 2 :]
        slope = float(np.polyfit(range(len(later)), later, 1)[0]) * 60 if len(later) > 1 else 0.0
        first, last = self.memory[0], self.memory[-1]
        spoken, worst = statistics.median(self.latencies), max(self.latencies)
        answered = self.exchanges - len(self.unanswered)
        counts = f"{self.exchanges} exchanges, {self.interruptions} interruptions, {self.faults} faults"
        lines = [
            f"{seconds / 60:.0f} minutes, {counts}",
            f"answered  {answered} of {self.exchanges} {self.unanswered[:5] or ''}",
            f"latency   median {spoken:.0f} ms, worst {worst:.0f} ms, second half {drift:+.0f} ms",
            f"memory    {first:.1f} MB at first, {last:.1f} MB at last, {slope:+.2f} MB an hour in the second half",
            f"processor {cpu:.1f} % of a core",
        ]
        return "\n".join(lines)


class Server:
    """The offline assistant as a server that can be killed and started again at its address."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "offline", "--port", str(self.port)]
        process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout
        process.stdout.readline()  # its address: it listens now
        return process

    def crash(self) -> None:
        """Die without a word, and come back."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def stop(self) -> None:
        """End."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


@contextmanager
def running(card: SoundCard, server: Server, folder: Path) -> Iterator[Program]:
    """The program while the block lasts."""
    env = card.environment | {"PYTHONWARNINGS": "default"}
    program = Program("realtime.py", ["--ws-url", f"ws://127.0.0.1:{server.port}/v1/realtime"], env, folder)
    try:
        card.wait_for_listener()
        yield program
        program.interrupt()
        assert program.wait() == 0, program.output
    finally:
        program.close()


def answers(program: Program) -> int:
    """How many turns of the assistant have been printed."""
    return sum(line.startswith("assistant:") for line in program.stdout)


def wait_for_answer(program: Program, before: int) -> bool:
    """Whether another turn of the assistant is printed in time."""
    deadline = time.monotonic() + ANSWER_TIMEOUT
    while answers(program) == before:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def exchange(card: SoundCard, program: Program, log: Log, chance: random.Random) -> None:
    """Say or type something, and hear the answer or interrupt it."""
    log.exchanges += 1
    before = answers(program)
    if chance.random() < 0.2:
        text = chance.choice(TYPED)
        program.type(text)
    else:
        text = chance.choice(SPOKEN)
        with card.record() as speaker, card.record("microphone") as microphone:
            card.say(say(text, chance.choice(VOICES))).wait()
            end = microphone.started + audible(microphone.samples)[-1] / RATE
            try:
                heard = speaker.wait(lambda sound: len(audible(sound)) > 0, timeout=20)
            except TimeoutError:
                log.unanswered.append(text)
                return
            log.latencies.append((speaker.started + audible(heard)[0] / RATE - end) * 1000)
        if chance.random() < 0.2:
            log.interruptions += 1
            card.say(say("stop stop", chance.choice(VOICES))).wait()
    if not wait_for_answer(program, before):
        log.unanswered.append(text)


def soak(minutes: float, *, faults: bool, seed: int) -> str:
    """Talk for so long; gives the summary."""
    chance = random.Random(seed)  # noqa: S311 - a script, not a secret
    log = Log()
    server = Server()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            SoundCard() as card,
            card.couple(40, ECHO_DB),
            running(card, server, Path(folder)) as program,
        ):
            began, before = time.monotonic(), cpu_seconds(program)
            while (seconds := time.monotonic() - began) < minutes * 60:
                exchange(card, program, log, chance)
                if faults and log.exchanges % FAULT_EVERY == 0:
                    server.crash()
                    log.faults += 1
                if seconds > 60 * len(log.memory):
                    log.memory.append(memory_mb(program))
                    program.type("/status")
                    print(f"{seconds / 60:5.1f} min  {log.memory[-1]:6.1f} MB  {log.exchanges} exchanges", flush=True)
            log.memory.append(memory_mb(program))
            cpu = (cpu_seconds(program) - before) / (time.monotonic() - began) * 100
            said = [line for line in program.stderr if "lost" in line or "slip" in line]
        return "\n".join([log.summary(seconds, cpu), *dict.fromkeys(said)])
    finally:
        server.stop()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--faults", action="store_true", help="kill the server now and then")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as with Ctrl-C: what it has started ends too
    print(soak(options.minutes, faults=options.faults, seed=options.seed))


if __name__ == "__main__":
    main()
