"""The client on a virtual sound card, against a scripted service on loopback.

    python -m benchmarks.client [--runs 5]

It needs what the tests need (see `script/test`): PulseAudio and the development requirements. Times are in ms.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.program import TOP, Program
from tests.pulse import Recording, Samples
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, samples, tone

CLOCK_TICKS = 100
"""Hz of /proc/PID/stat on Linux."""
LOUD = 1000
"""Of 32768: well above the card's silence, well below the sounds used here."""


def first_loud(sound: Samples, start: int = 0) -> int | None:
    """Index of the first loud sample."""
    loud = np.flatnonzero(np.abs(sound[start:].astype(int)) > LOUD)
    return start + int(loud[0]) if len(loud) else None


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
    fields = Path(f"/proc/{program.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def microphone_to_wire(card: SoundCard, service: Service) -> float:
    """From a burst in the air to the arrival of the message that holds its first sample."""
    with card.record("microphone") as air:
        before = len(service.microphone()[0])
        card.say(bytes(2400) + tone(1000, 0.2)).wait()
        service.wait_for_sound(RATE // 2)
        onset = first_loud(air.samples)
        assert onset is not None
        spoken = air.started + onset / RATE
    received, arrivals = service.microphone()
    at = first_loud(samples(received), before // 2)
    assert at is not None
    total = 0
    for when, size in arrivals:
        total += size
        if total > at * 2:
            return (when - spoken) * 1000
    raise AssertionError("the burst did not arrive")


def wire_to_speaker(recording: Recording, service: Service) -> float:
    """From the sending of an answer's first sound to its first sample in the air."""
    position = len(recording.samples)
    service.hear("Beep")
    sent = time.monotonic()
    service.say(tone(880, 0.3), "beep")
    heard = recording.wait(lambda sound: first_loud(sound, position) is not None)
    onset = first_loud(heard, position)
    assert onset is not None
    recording.wait_seconds(0.6)
    return (recording.started + onset / RATE - sent) * 1000


def stop(recording: Recording, service: Service, *, generating: bool) -> tuple[float, float]:
    """From speech_started to silence, and how far the truncation is off what was really heard."""
    position = len(recording.samples)
    service.hear("Sing")
    reply = service.say(tone(660, 8), "la " * 20, done=not generating)
    recording.wait(lambda sound: first_loud(sound, position) is not None)
    recording.wait_seconds(1.3)
    sent = time.monotonic()
    service.speech_started()
    truncated = service.wait_for("conversation.item.truncate")["audio_end_ms"]
    recording.wait_seconds(0.8)
    service.finish(reply)
    loud = position + np.flatnonzero(np.abs(recording.samples[position:].astype(int)) > LOUD // 4)
    heard_ms = (loud[-1] - loud[0]) / RATE * 1000
    return (recording.started + loud[-1] / RATE - sent) * 1000, truncated - heard_ms


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
    row("microphone to wire", repeat(lambda: microphone_to_wire(card, service), count))
    row("wire to loudspeaker", repeat(lambda: wire_to_speaker(recording, service), count))
    for generating, name in ((False, "finished"), (True, "still generated")):
        stops = [stop(recording, service, generating=generating) for _ in range(count)]
        row(f"speech_started to silence, {name}", [silence for silence, _ in stops])
        row(f"truncation error, {name}", [error for _, error in stops])


def repeat(once: Callable[[], float], count: int) -> list[float]:
    """Measure several times."""
    return [once() for _ in range(count)]


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
