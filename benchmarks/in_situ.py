"""Open loudspeakers in earnest: the program on the virtual sound card, whose microphone hears its loudspeaker.

    python -m benchmarks.in_situ [--delay 40] [--monologue MINUTES] [SITUATION ...]

Nothing is simulated but the air: a loudspeaker that saturates, a room that answers, a person who talks. What the
microphone heard is compared with what arrives at the service. As in `benchmarks.echo` the assistant talks for 25 s
alone, then for 20 s together with the user; `removed`, `leak`, `false`, `kept` and `heard` are explained there.

echo   how much louder than the user the loudspeaker was in the microphone, in dB
slips  how often the pairing of heard and played blocks was mended
delay  from the loudspeaker's callback to the microphone's, as the canceller tells it at the end, in ms
lost   sound that the microphone's stream lost on the way, in ms
cpu    of the program while both talk, in % of a core

`--monologue` lets the assistant talk to itself instead, before a service that hears with Silero and interrupts as the
real one does, and counts how often it does.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import echo
from benchmarks.client import cpu_seconds
from benchmarks.witness import BLOCK
from offline.vad import SpeechStarted, SpeechStopped, VoiceDetector
from tests.program import TOP, Program
from tests.pulse import Samples
from tests.rooms import FULL_SCALE, USER_DBFS
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, match, samples

ASSISTANT_DBFS = -20.0
"""What the service's voices have, more or less."""
ROOM_DB = 2.8
"""What the loudspeaker's and the room's own sound add to the coupling's gain (measured with the assistant's voice)."""
ALONE = echo.ALONE * RATE
EARLY = 10 * RATE
"""The user's question is before this, all else that the user says after it."""
FOUND = 0.5
"""Likeness of what was said and what arrived, from which it is taken for the same."""
SITUATIONS = {
    "cancel, echo -6": ("cancel", -6),
    "cancel, echo +0": ("cancel", 0),
    "cancel, echo +5": ("cancel", 5),
    "cancel, echo +10": ("cancel", 10),
    "mute, echo +5": ("mute", 5),
    "off, echo +5": ("off", 5),
}


@dataclass(frozen=True, slots=True)
class Take:
    """What there was to hear in one situation, and what became of it."""

    microphone: Samples
    sent: Samples
    blocks: NDArray[np.void]
    """What the canceller was given; empty where there is none."""
    cpu: float


@contextmanager
def running(card: SoundCard, service: Service, folder: Path, mode: str) -> Iterator[Program]:
    """The program under observation while the block lasts."""
    env = card.environment | {"PYTHONPATH": str(TOP), "PYTHONWARNINGS": "default"}
    options = [str(folder / "blocks"), "--ws-url", service.url, "--echo", mode]
    program = Program("benchmarks/witness.py", options, env, folder)
    try:
        service.wait_for("input_audio_buffer.append", timeout=30)
        yield program
        program.interrupt()
        assert program.wait() == 0, program.output
    finally:
        program.close()


def perform(mode: str, echo_db: float, delay_ms: float, far: Samples, user: Samples) -> Take:
    """Let the assistant talk, and the user from `ALONE` on; `user` is silent until then."""
    gain = USER_DBFS + echo_db - ASSISTANT_DBFS - ROOM_DB
    with (
        tempfile.TemporaryDirectory() as name,
        SoundCard() as card,
        card.couple_in_room(delay_ms, gain),
        Service() as service,
        running(card, service, folder := Path(name), mode) as program,
        card.record("microphone") as air,
    ):
        card.say(_question(user, echo.voices()[2]).tobytes()).wait()
        air.wait_seconds(0.5)
        service.say(far.tobytes(), "blah")
        air.wait_seconds(echo.ALONE - 1)
        before = cpu_seconds(program)
        speech = card.say(user[ALONE - RATE :].tobytes())
        air.wait_seconds(echo.TOGETHER)
        used = (cpu_seconds(program) - before) / echo.TOGETHER * 100
        speech.wait()
        air.wait_seconds(0.5)
        program.interrupt()
        program.wait()
        blocks = folder / "blocks"
        given = np.fromfile(blocks, BLOCK) if mode == "cancel" else np.zeros(0, BLOCK)
        return Take(air.samples, samples(service.microphone()[0]), given, used)


def place(sound: Samples, words: Samples) -> tuple[int, float]:
    """At which sample these words begin in a sound, and how alike they are there."""
    at, likeness = match(sound, words)
    return round(at * RATE / 1000), likeness


def _places(take: Take, user: Samples, utterances: tuple[slice, ...]) -> tuple[list[int], list[int], int]:
    """Where the utterances are in the microphone, where in what was sent, and how much later that is by itself."""
    question = _question(user, utterances)
    shift = place(take.sent[:EARLY], question)[0] - place(take.microphone[:EARLY], question)[0]
    heard, sent = [], []
    for words in utterances:
        heard.append(EARLY + place(take.microphone[EARLY:], user[words])[0])
        at, likeness = place(take.sent[EARLY:], user[words])
        sent.append(EARLY + at if likeness > FOUND else heard[-1] + shift)
    return heard, sent, shift


def _question(user: Samples, utterances: tuple[slice, ...]) -> Samples:
    """What the user says before the assistant talks, by which both recordings are laid upon each other."""
    return user[utterances[-1]]


def judge(take: Take, user: Samples, utterances: tuple[slice, ...]) -> str:
    """One line of the table."""
    heard_at, sent_at, shift = _places(take, user, utterances)
    start = heard_at[0] - utterances[0].start  # where the assistant's 25 s begin in the microphone, nearly
    near = take.microphone[start : start + ALONE]
    out = take.sent[start + shift : start + shift + ALONE]
    near_db, out_db = echo.levels(near), echo.levels(out)
    settled = (near_db > echo.SILENT_DBFS) & (np.arange(len(near_db)) >= echo.SETTLED * 50 + 25)
    speech = echo.speech(out)
    flagged = np.zeros(len(out_db) * 20, np.bool_)
    flagged[: len(speech) * 32] = np.repeat(speech, 32)[: len(flagged)]
    kept, heard = _kept(take, user, utterances, sent_at)
    delay = take.blocks["delay"][-1] if len(take.blocks) else float("nan")
    echo_db = echo.mean_level(near_db[settled]) - USER_DBFS
    removed = echo.mean_level(near_db[settled]) - echo.mean_level(out_db[settled])
    leak = np.count_nonzero(flagged.reshape(-1, 20).any(axis=1) | (out_db > echo.AUDIBLE_DBFS)) / 50
    lost = max(abs(sent - there - shift) for sent, there in zip(sent_at, heard_at, strict=True)) * 1000 / RATE
    return (
        f"{echo_db:+5.1f} {removed:8.1f} {leak:6.2f} {echo.runs(speech):5d} {kept:6.1%} {heard:6.0%}"
        f" {take.blocks['slipped'].sum():5d} {delay:7.1f} {lost:6.1f} {take.cpu:5.1f} {os.getloadavg()[0]:5.1f}"
    )


def _kept(take: Take, user: Samples, utterances: tuple[slice, ...], sent_at: list[int]) -> tuple[float, float]:
    """The shares of voiced frames within 10 dB, and of utterances in which speech is found."""
    loud = echo.levels(user)
    floor = echo.mean_level(loud[loud > echo.SILENT_DBFS]) - echo.VOICED_DB
    near: list[bool] = []
    found = []
    for words, at in zip(utterances, sent_at, strict=True):
        before = echo.levels(user[words])
        after = echo.levels(take.sent[at : at + words.stop - words.start])
        near += list(np.abs(after - before)[before > floor] <= 10)
        found.append(echo.runs(echo.speech(take.sent[at : at + words.stop - words.start + RATE * 3 // 10])) > 0)
    return float(np.mean(near)), float(np.mean(found))


def monologue(minutes: float, delay_ms: float, far: Samples) -> str:
    """Talk for so long before a service with ears; how often it interrupts."""
    gain = USER_DBFS + 5 - ASSISTANT_DBFS - ROOM_DB
    with (
        tempfile.TemporaryDirectory() as name,
        SoundCard() as card,
        card.couple_in_room(delay_ms, gain),
        Service() as service,
        running(card, service, folder := Path(name), "cancel") as program,
    ):
        detector = VoiceDetector()
        began, before = time.monotonic(), cpu_seconds(program)
        fed = starts = answers = 0
        item = ""
        while time.monotonic() - began < minutes * 60:
            if sum(line.startswith("assistant:") for line in program.stdout) == answers:
                service.say(far.tobytes(), "blah")
                answers += 1
            service.wait_for_sound(RATE // 5)
            sound = service.microphone()[0]
            for event in detector.feed(sound[fed:]):
                match event:
                    case SpeechStarted(start_ms):
                        starts += 1
                        print(f"  speech_started at {start_ms / 1000:.1f} s", flush=True)
                        item = service.speech_started(audio_start_ms=start_ms)
                    case SpeechStopped(end_ms):
                        service.speech_stopped(item, end_ms)
                        service.committed(item)
            fed = len(sound)
        seconds = time.monotonic() - began
        used = (cpu_seconds(program) - before) / seconds * 100
        cut = len(service.events("conversation.item.truncate"))
        program.interrupt()
        program.wait()
        blocks = np.fromfile(folder / "blocks", BLOCK)
        return (
            f"{seconds / 60:.1f} minutes: speech_started {starts}, answers cut {cut}, slips {blocks['slipped'].sum()},"
            f" delay {blocks['delay'][-1]:.1f} ms, cpu {used:.1f} %, load {os.getloadavg()[0]:.1f}"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=40, metavar="MS", help="of the air")
    parser.add_argument("--monologue", type=float, metavar="MINUTES")
    parser.add_argument("situations", nargs="*", metavar="SITUATION", help="only those with this in their name")
    arguments = parser.parse_args()
    talk, person, utterances = echo.voices()
    far = at_level(talk, ASSISTANT_DBFS)
    user = at_level(person, USER_DBFS)
    if arguments.monologue:
        print(monologue(arguments.monologue, arguments.delay, far))
        return
    print(f"{'':18} echo  removed   leak false   kept  heard slips   delay   lost   cpu  load")
    for name, (mode, echo_db) in SITUATIONS.items():
        if not arguments.situations or any(part in name for part in arguments.situations):
            take = perform(mode, echo_db, arguments.delay, far, user)
            print(f"{name:18}{judge(take, user, utterances)}", flush=True)


def at_level(sound: Samples, dbfs: float) -> Samples:
    """Scale so that the frames in which something is to be heard have this mean level."""
    levels = echo.levels(sound)
    gain = 10 ** ((dbfs - echo.mean_level(levels[levels > echo.SILENT_DBFS])) / 20)
    return np.clip(np.round(sound * gain), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


if __name__ == "__main__":
    main()
