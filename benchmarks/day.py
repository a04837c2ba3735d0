"""What an hour and a day of talking cost in traffic, processor time, disk and dollars.

    python -m benchmarks.day [--seconds 10]

What the program needs in a second is measured with the real one on a virtual sound card (`benchmarks.upkeep`), what it
writes by writing it; the dollars are worked out turn by turn and priced by the program's own meter
(`benchmarks.costs`). All that is assumed is printed below the tables, with where it comes from.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import costs, upkeep
from benchmarks.costs import CHARACTERS, CHARACTERS_PER_TOKEN, Exchange, Service, conversation
from benchmarks.upkeep import Need, Upkeep
from tools import create_tools
from voice.config import IDLE_SECONDS, Config
from voice.history import History
from voice.log import MAX_BYTES
from voice.recorder import BLOCKS_PER_SECOND, Recorder
from voice.shown import Turn
from voice.sound import SILENCE
from voice.toolbox import Toolbox
from voice.usage import Spent, prices_date

USER_SECONDS = 6.0
"""An utterance: 15 words at 150 a minute."""
ASSISTANT_SECONDS = 9.0
"""Its answer: the program asks for short ones."""
PAUSE_SECONDS = 1.0
"""After an exchange, and until the answer begins: 0.5 s of silence end a turn, the rest is the model."""
HOURS = 8
"""The program is open, in a working day."""
EXCHANGES = 60
"""In a working day."""
BOUTS = 12
"""In which they come, five each, 40 minutes apart; in between it falls asleep, and the service forgets its cache."""
CONTEXT = 96_000
"""Tokens that gpt-realtime-2.1 and -mini read: 128,000 without the 32,000 of the longest answer."""
SMALL_CONTEXT = 28_224
"""Tokens that gpt-realtime-1.5 reads (the service's guide)."""

EXCHANGE = Exchange(USER_SECONDS, ASSISTANT_SECONDS)
EXCHANGE_SECONDS = USER_SECONDS + ASSISTANT_SECONDS + PAUSE_SECONDS


@dataclass(frozen=True, slots=True)
class Scenario:
    """A stretch of use."""

    name: str
    exchanges: int
    bouts: int
    awake: float
    """s that it listens or speaks; asleep the rest."""
    asleep: float = 0

    def total(self, needs: Upkeep) -> Need:
        """What it needs as a whole: messages, bytes, seconds of the processor."""
        speaking = self.exchanges * ASSISTANT_SECONDS
        parts = (
            (needs.listening, self.awake - speaking),
            (needs.speaking, speaking),
            (needs.asleep, self.asleep),
        )
        return Need(
            messages=sum(need.messages * seconds for need, seconds in parts),
            up=sum(need.up * seconds for need, seconds in parts),
            down=sum(need.down * seconds for need, seconds in parts),
            processor=sum(need.processor * seconds for need, seconds in parts),
        )


def scenarios() -> tuple[Scenario, ...]:
    """An hour without a pause, the working day, and the same day when it never sleeps."""
    hour, day = 3600, HOURS * 3600
    awake = EXCHANGES * EXCHANGE_SECONDS + BOUTS * IDLE_SECONDS
    return (
        Scenario("an hour of talking without a pause", round(hour / EXCHANGE_SECONDS), 1, hour),
        Scenario(f"a day, {EXCHANGES} exchanges, asleep else", EXCHANGES, BOUTS, awake, day - awake),
        Scenario("the same, never asleep (--idle-minutes 0)", EXCHANGES, BOUTS, day),
    )


# What is written --------------------------------------------------------------------------------------------------


def history_bytes() -> int:
    """Of one exchange in both files of the history, written by `History`."""
    one, two = _written(1), _written(2)
    return two - one


def _written(exchanges: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        history = History(Path(name), tell=print, model="gpt-realtime-2.1")
        history.start()
        for _ in range(exchanges):
            history.show(Turn("you", _speech(USER_SECONDS)))
            history.show(Turn("assistant", _speech(ASSISTANT_SECONDS)))
        history.stop()
        return sum(path.stat().st_size for path in Path(name).iterdir())


def _speech(seconds: float) -> str:
    letters = round(seconds * CHARACTERS)
    return ("speech " * letters)[:letters]


def recording_bytes() -> int:
    """Of a minute of both voices, from ten seconds written by `Recorder`."""
    with tempfile.TemporaryDirectory() as name:
        recorder = Recorder(Path(name), tell=lambda _: None)
        recorder.start()
        for _ in range(10 * BLOCKS_PER_SECOND):
            recorder.write(SILENCE, SILENCE)
        recorder.stop()
        return sum(path.stat().st_size for path in Path(name).iterdir()) * 6


# Dollars --------------------------------------------------------------------------------------------------------------


def services() -> dict[str, Service]:
    """The models, by what is said of them; instructions and tools are the program's own."""
    config = Config()
    tools = json.dumps(Toolbox(create_tools(config)).definitions)
    first = (len(config.instructions) + len(tools)) // CHARACTERS_PER_TOKEN
    kept = config.retention_ratio
    return {
        "gpt-realtime-2.1": Service("gpt-realtime-2.1", CONTEXT, first, kept),
        "gpt-realtime-2.1-mini": Service("gpt-realtime-2.1-mini", CONTEXT, first, kept),
        "gpt-realtime-1.5": Service("gpt-realtime-1.5", SMALL_CONTEXT, first, kept),
        "gpt-realtime-1.5 --retention-ratio 1": Service("gpt-realtime-1.5", SMALL_CONTEXT, first, 1),
        "gpt-realtime-2.1, were nothing cached": Service("gpt-realtime-2.1", CONTEXT, first, kept, caches=False),
    }


def dollars(spent: Spent) -> float:
    """What was spent, at known prices."""
    assert spent.dollars is not None
    return spent.dollars


# The page ------------------------------------------------------------------------------------------------------------


def assumptions() -> Iterator[str]:
    """Every constant that figures are made of, with what its docstring says of it."""
    for module in (sys.modules[__name__], upkeep, costs):
        lines = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body
        for constant, said in pairwise(lines):
            if isinstance(constant, ast.Assign) and isinstance(said, ast.Expr):
                yield f"{ast.unparse(constant)}: {ast.literal_eval(said.value)}"


def print_needs(needs: Upkeep) -> None:
    """What a second needs."""
    print(f"{'in a second':44} {'messages':>9} {'kB up':>7} {'kB down':>8} {'processor':>10}")
    for name, need in (("listening", needs.listening), ("speaking", needs.speaking), ("asleep", needs.asleep)):
        sent = f"{need.messages:9.1f} {need.up / 1000:7.1f} {need.down / 1000:8.1f}"
        print(f"  {name:42} {sent} {need.processor * 100:8.1f} %")
    print(f"  memory {needs.memory_mb:.0f} MB")


def print_scenarios(needs: Upkeep) -> None:
    """What each of them comes to; recordings are made only with --save-recordings."""
    history, recording = history_bytes(), recording_bytes()
    print(f"\n{'':44} {'MB up':>7} {'MB down':>8} {'processor':>10} {'history':>9} {'recording':>10}")
    for scenario in scenarios():
        total = scenario.total(needs)
        kept = f"{scenario.exchanges * history / 1000:6.0f} kB {scenario.awake / 60 * recording / 1e6:7.0f} MB"
        print(
            f"  {scenario.name:42} {total.up / 1e6:7.0f} {total.down / 1e6:8.0f} {total.processor / 60:6.1f} min {kept}"
        )
    print(
        f"  {history} bytes of history an exchange, {recording / 1e6:.2f} MB of recording a minute; no log unless one"
    )
    print(f"  is asked for, and at most {2 * MAX_BYTES / 1e6:.0f} MB of it")


def print_dollars() -> None:
    """What each model costs, and how that grows."""
    hour, day, _ = scenarios()
    tenth = hour.exchanges // 6
    print(
        f"\n{f'dollars, prices of {prices_date()}':44} {'minutes 1-10':>13} {'51-60':>8} {'the hour':>9} {'the day':>9}"
    )
    for name, service in services().items():
        whole = dollars(conversation(service, EXCHANGE, hour.exchanges))
        first = dollars(conversation(service, EXCHANGE, tenth))
        last = whole - dollars(conversation(service, EXCHANGE, hour.exchanges - tenth))
        working = dollars(conversation(service, EXCHANGE, day.exchanges, bouts=day.bouts))
        print(f"  {name:42} {first:13.2f} {last:8.2f} {whole:9.2f} {working:9.2f}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="to measure each state of the program")
    needs = upkeep.measure(parser.parse_args().seconds)
    print_needs(needs)
    print_scenarios(needs)
    print_dollars()
    print("\nassumed")
    for line in assumptions():
        print(f"  {line}")


if __name__ == "__main__":
    main()
