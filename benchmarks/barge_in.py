"""Coughs and words into a long answer, on a virtual sound card: a cough must not end it, a word must.

    python -m benchmarks.barge_in [--rounds 20] [--echo off]

It needs what the tests need (see `script/test`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.program import Program
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import say
from tests.test_barge_in import Room, cough, share_heard

ANSWER = "This is a long answer that goes on and on, with many words that are all worth hearing to the very end."
WORDS = ("stop", "wait", "no", "hold on", "enough")
VOICES = ("slt", "rms", "awb", "kal16")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--echo", default="off")
    options = parser.parse_args()
    with SoundCard() as card, Service() as service, tempfile.TemporaryDirectory() as folder, card.record() as air:
        arguments = ["--ws-url", service.url, "--echo", options.echo]
        program = Program("realtime.py", arguments, card.environment, Path(folder))
        try:
            service.wait_for("input_audio_buffer.append", timeout=20)
            air.wait_seconds(2)
            room = Room(card, service, program, air)
            survived = sum(coughed(room, number) for number in range(options.rounds))
            ended = sum(told(room, number) for number in range(options.rounds))
        finally:
            program.interrupt()
            program.wait()
    print(f"answers heard whole in spite of a cough  {survived} of {options.rounds}")
    print(f"answers ended by a word                  {ended} of {options.rounds}")


def coughed(room: Room, number: int) -> bool:
    """Whether the answer was heard whole, pause apart."""
    sound = say(ANSWER)
    position = room.begin_answer(sound, f"Answer {number}.")
    room.disturb(cough(number), f"cough_{number}")
    whole = room.program.expect(r"^assistant: (.*)", 30).group(1) == f"Answer {number}."
    room.air.wait_seconds(0.3)
    return whole and share_heard(room.air.samples[position:], sound) > 0.8


def told(room: Room, number: int) -> bool:
    """Whether a word ended the answer."""
    room.begin_answer(say(ANSWER), "a long answer " * 4)
    room.disturb(say(WORDS[number % len(WORDS)], VOICES[number % len(VOICES)]), f"word_{number}")
    line = room.program.expect(r"^assistant: (.*)", 30).group(1)
    room.service.user_transcript(f"word_{number}", "word")
    room.program.expect("^you: word$")
    return line.endswith("[interrupted]")


if __name__ == "__main__":
    main()
