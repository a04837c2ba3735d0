"""Our program and others that do the same, side by side on a virtual sound card: `script/bench`.

    script/bench [--runs 3] [--json FILE] [--plots FOLDER] [--write FOLDER] [PROGRAM ...]
    script/bench --from FILE [--plots FOLDER] [--write FOLDER]

All go through the same conversation in turns, so that a bad moment of the machine hits all of them. A run of one
program takes some two minutes; nothing else should keep the machine busy meanwhile. Each cell is the median and, in
brackets, the worst.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measures
from benchmarks.peers import bars, page, table
from benchmarks.peers.overheard import listen
from benchmarks.peers.programs import CONTESTANTS, Contestant, on_stage
from benchmarks.peers.table import Line
from tests.soundcard import missing

Noted = Callable[[Line, float], None]

SETTLING = 2.0
"""Seconds from the first sound on the wire until anything is measured."""
REPEATS = 6
"""Of the two latencies in one run."""
STOPS = 2
"""Of each kind in one run."""
RUN_MINUTES = 2.1
"""Of one program."""


def converse(contestant: Contestant, environments: Path, seed: int, note: Noted) -> None:
    """One run of one program, without an echo."""
    chance = np.random.default_rng(seed)
    with on_stage(contestant, environments) as stage:
        card, service, speaker = stage.card, stage.service, stage.speaker
        note(table.START, stage.start_ms)
        speaker.wait_seconds(SETTLING)
        note(table.IDLE_AEC if contestant.cancels else table.IDLE, measures.cpu_percent(stage, measures.IDLE))
        for _ in range(REPEATS):
            note(table.MICROPHONE, measures.microphone_to_wire(card, service, chance))
            note(table.SPEAKER, measures.wire_to_speaker(speaker, service))
        heard, processor = measures.long_answer(stage)
        note(table.HEARD, heard)
        note(table.TALKING_AEC if contestant.cancels else table.TALKING, processor)
        for _ in range(STOPS):
            for generating, stopped, cut in (
                (False, table.STOP_FINISHED, table.CUT_FINISHED),
                (True, table.STOP_GENERATING, table.CUT_GENERATING),
            ):
                silence, error = measures.stop(card, speaker, service, generating=generating)
                note(stopped, silence)
                note(cut, error)
        broken = measures.jittery_answer(stage, seed)
        note(table.BREAKS, len(broken))
        note(table.BROKEN, sum(broken))
        note(table.MEMORY, stage.process.memory_mb)


def overhear(contestant: Contestant, environments: Path, _seed: int, note: Noted) -> None:
    """One run of one program on an open loudspeaker."""
    heard = listen(contestant, environments)
    note(table.START, heard.start_ms)
    if contestant.cancels:
        note(table.REMOVED, heard.removed_db)
        note(table.KEPT, heard.kept * 100)
    note(table.SURVIVED, heard.survived * 100)


def measure(contestants: list[Contestant], environments: Path, runs: int) -> dict[str, Any]:
    """Everything, in turns: `figures`, and in `failures` what went wrong."""
    figures: dict[str, dict[str, list[float]]] = {each.name: defaultdict(list) for each in contestants}
    failures: list[str] = []
    say(f"{len(contestants)} programs, {runs} runs: some {len(contestants) * runs * RUN_MINUTES:.0f} minutes")
    for contestant in contestants:  # what is read from the disk for the first time counts for nobody
        say(f"warming up: {contestant.name}")
        with on_stage(contestant, environments) as stage:
            stage.speaker.wait_seconds(1)
    for run in range(runs):
        for contestant in contestants:
            say(f"run {run + 1}: {contestant.name}")
            own = figures[contestant.name]

            def note(line: Line, value: float, own: dict[str, list[float]] = own) -> None:
                own[line.name].append(value)

            for perform in (converse, overhear):
                try:
                    perform(contestant, environments, run, note)
                except (AssertionError, TimeoutError) as error:  # one program's bad moment spoils nothing else
                    failures.append(f"{contestant.name}, run {run + 1}: {type(error).__name__}: {error}")
                    say(failures[-1])
    return {"figures": figures, "failures": failures}


def write(report: dict[str, Any], path: Path) -> None:
    """Keep everything; what JSON has no number for (never, none) as a word."""
    figures = {
        name: {
            line: [value if math.isfinite(value) else str(value) for value in values] for line, values in own.items()
        }
        for name, own in report["figures"].items()
    }
    path.write_text(json.dumps(report | {"figures": figures}, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Read what `write` wrote."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    figures = {
        name: {line: [float(value) for value in values] for line, values in own.items()}
        for name, own in report["figures"].items()
    }
    return report | {"figures": figures}


def say(text: str) -> None:
    """Tell how it goes on; the table alone is for stdout."""
    print(text, file=sys.stderr, flush=True)


def chosen(names: list[str]) -> list[Contestant]:
    """The programs with one of these in their names, or all."""
    return [each for each in CONTESTANTS if not names or any(name in each.name for name in names)]


def options() -> argparse.Namespace:
    """What the command line says."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__, formatter_class=shape)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures, and where they come from")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="source", help="measure nothing, read such a file")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw pictures")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the page benchmarks.md with its pictures")
    parser.add_argument("--environments", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="only those with this in their name")
    return parser.parse_args()


def main() -> None:
    """Run from the command line."""
    given = options()
    if given.source:
        report = read(given.source)
    else:
        if reason := missing():
            sys.exit(reason)
        report = page.about(given.runs) | measure(chosen(given.programs), given.environments, given.runs)
    if given.json:
        write(report, given.json)
    print(table.text(report["figures"]), *report["failures"], sep="\n")
    for folder in filter(None, (given.plots, given.write)):
        bars.draw(report["figures"], folder)
    if given.write:
        (given.write / "benchmarks.md").write_text(page.page(report), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
