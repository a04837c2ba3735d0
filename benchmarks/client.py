"""The client on a virtual sound card, against a scripted service on loopback.

    python -m benchmarks.client [--runs 5]

It needs what the tests need (see `script/test`): PulseAudio and the development requirements. Times are in ms.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import process
from benchmarks.measures import microphone_to_wire, repeat, stop, wire_to_speaker
from tests.program import TOP, Program
from tests.pulse import Recording
from tests.service import Service
from tests.soundcard import SoundCard


def started(card: SoundCard, service: Service, folder: Path, *options: str) -> tuple[Program, float]:
    """The program, and ms from its start to the first microphone sound on the wire."""
    env = card.environment | {"PYTHONWARNINGS": "default", "PYTHONUNBUFFERED": ""}
    began = time.monotonic()
    program = Program("realtime.py", ["--ws-url", service.url, *options], env, folder)
    service.wait_for("input_audio_buffer.append", timeout=30)
    arrived = service.microphone()[1][0][0]
    return program, (arrived - began) * 1000


def memory_mb(program: Program) -> float:
    """Resident memory."""
    status = Path(f"/proc/{program.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def cpu_seconds(program: Program) -> float:
    """Processor time used so far."""
    return process.cpu_seconds(program.pid)


def row(name: str, values: list[float], unit: str = "ms") -> None:
    """Print one line of the table."""
    worst = max(values, key=abs)
    print(f"{name:42} {statistics.median(values):9.1f} {worst:9.1f}  {unit}  (n={len(values)})")


def measure(runs: int, *options: str) -> None:
    """Print the table for one set of options."""
    print(f"{' '.join(options) or 'defaults':42} {'median':>9} {'worst':>9}")
    starts: list[float] = []
    with SoundCard() as card, tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            with Service() as service:
                program, took = started(card, service, Path(folder), *options)
                starts.append(took)
                program.interrupt()
                program.wait()
        row("start to first microphone sound on the wire", starts)
        with Service() as service, card.record() as recording:
            program, _ = started(card, service, Path(folder), *options)
            recording.wait_seconds(2)
            before = cpu_seconds(program)
            recording.wait_seconds(10)
            row("processor while listening", [(cpu_seconds(program) - before) * 10], "% of a core")
            row("memory", [memory_mb(program)], "MB")
            times(card, service, recording, runs * 4)
            row("memory after that", [memory_mb(program)], "MB")
            program.interrupt()
            program.wait()


def times(card: SoundCard, service: Service, recording: Recording, count: int) -> None:
    """Print the lines that are measured several times in one conversation."""
    chance = np.random.default_rng(0)
    row("microphone to wire", repeat(lambda: microphone_to_wire(card, service, chance), count))
    row("wire to loudspeaker", repeat(lambda: wire_to_speaker(recording, service), count))
    for generating, name in ((False, "finished"), (True, "still generated")):
        stops = [stop(card, recording, service, generating=generating) for _ in range(count)]
        row(f"speech_started to silence, {name}", [silence for silence, _ in stops])
        row(f"truncation error, {name}", [error for _, error in stops])


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="program starts; everything else four times as often")
    runs = parser.parse_args().runs
    print(f"realtime in {TOP.name}")
    for mode in ("off", "cancel"):
        measure(runs, "--echo", mode, "--barge-in", "instant")


if __name__ == "__main__":
    main()
