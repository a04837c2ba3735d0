"""The offline assistant, spoken to on a virtual sound card: how soon it answers, what it costs.

    python -m benchmarks.offline [--questions 8]

It needs what the tests need (see `script/test`). The end of speech is the question's last sample over -50 dBFS in the
air, the first audio the answer's first one: the 500 ms of silence that end a turn are in between.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.client import cpu_seconds, memory_mb, row
from tests.program import Program
from tests.pulse import Recording, Samples
from tests.soundcard import SoundCard
from tests.speech import RATE, say

AUDIBLE = 100
"""Of 32768, -50 dBFS."""
QUESTIONS = ("what time is it", "what day is it today", "list my notes", "what can you do")


def ask(card: SoundCard, program: Program, speaker: Recording, text: str) -> float:
    """From the end of the question to the answer's first sound, in ms."""
    before = len(speaker.samples)
    with card.record("microphone") as microphone:
        card.say(say(text)).wait()
        heard = speaker.wait(lambda sound: len(audible(sound[before:])) > 0, timeout=20)
        end = microphone.started + audible(microphone.samples)[-1] / RATE
    onset = before + audible(heard[before:])[0]
    program.expect("^assistant:", 30)
    return float(speaker.started + onset / RATE - end) * 1000


def audible(sound: Samples) -> NDArray[np.intp]:
    """Where the sound is not silent."""
    return np.flatnonzero(np.abs(sound.astype(int)) > AUDIBLE)


def family_mb(program: Program) -> float:
    """Memory of the program and the recogniser's processes, shared pages counted once (proportional set size)."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        text = status.read_text(encoding="ascii", errors="replace")
        if str(program.pid) in (status.parent.name, text.split("PPid:\t")[1].split("\n")[0]):
            total += int((status.parent / "smaps_rollup").read_text(encoding="ascii").split("Pss:")[1].split()[0])
    return total / 1024


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--questions", type=int, default=8)
    count = parser.parse_args().questions
    print(f"{'offline assistant':42} {'median':>9} {'worst':>9}")
    with SoundCard() as card, card.record() as speaker, tempfile.TemporaryDirectory() as folder:
        program = Program("realtime.py", ["--offline", "--echo", "off"], card.environment, Path(folder))
        try:
            card.wait_for_listener()
            ask(card, program, speaker, "hello")
            before = cpu_seconds(program)
            speaker.wait_seconds(10)
            row("processor while listening", [(cpu_seconds(program) - before) * 10], "% of a core")
            texts = [QUESTIONS[number % len(QUESTIONS)] for number in range(count)]
            row("end of speech to first audio", [ask(card, program, speaker, text) for text in texts])
            row("memory of the program", [memory_mb(program)], "MB")
            row("memory with the recogniser's processes", [family_mb(program)], "MB")
        finally:
            program.interrupt()
            program.wait()


if __name__ == "__main__":
    main()
