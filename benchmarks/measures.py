"""What is measured of a program in a conversation; times in ms."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.hearing import audible, breaks, first_loud, last_loud, seconds
from benchmarks.peers.programs import Stage
from tests.pulse import Recording
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, samples, say, silence, tone

NEVER = math.inf
NONE = math.nan

IDLE = TALKING = 8
"""Seconds for which the processor is watched."""
LONG = 12
"""Seconds of the long answer."""
BURST = 0.6
"""Seconds within which all of it arrives."""
JITTERY = 10
"""Seconds of the answer on a bad network."""
GAPS = (0.05, 0.3)
"""Seconds between two deliveries there, at random."""
PATIENCE = 1.5
"""Seconds until what still plays is said never to stop, and what is not told never to be told."""
DELTA = RATE // 10 * 2
"""Bytes of 100 ms."""
LEAD = (0.05, 0.15)
"""Seconds of silence before a burst, at random: programs differ in how long they gather sound for a message."""
INTERRUPTION = "Stop, I wanted to know something else."


def microphone_to_wire(card: SoundCard, service: Service, chance: np.random.Generator) -> float:
    """From a burst in the air, at a moment by chance, to the arrival of the message that holds its first sample."""
    with card.record("microphone") as air:
        before = len(service.microphone()[0])
        card.say(silence(chance.uniform(*LEAD)) + tone(1000, 0.2)).wait()
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
    service.say(tone(880, 0.5), "beep")
    heard = recording.wait(lambda sound: first_loud(sound, position) is not None)
    onset = first_loud(heard, position)
    assert onset is not None
    recording.wait_seconds(0.8)
    return (recording.started + onset / RATE - sent) * 1000


def stop(card: SoundCard, recording: Recording, service: Service, *, generating: bool) -> tuple[float, float]:
    """From speech_started to silence, and how far the truncation is off what was really heard.

    The user really speaks, and the service hears it at once. `NEVER` where the answer goes on, `NONE` where the
    service is not told what was heard.
    """
    position = len(recording.samples)
    service.hear("Sing")
    song = f"song_{position}"
    reply = service.say(tone(660, 8), "la " * 20, item_id=song, done=not generating)
    recording.wait(lambda sound: first_loud(sound, position) is not None)
    recording.wait_seconds(1.3)
    with card.record("microphone") as air:
        speech = card.say(say(INTERRUPTION))
        air.wait(lambda sound: first_loud(sound) is not None)
        sent = time.monotonic()
        item = service.speech_started()
    try:
        told = service.wait_for("conversation.item.truncate", PATIENCE, lambda event: event["item_id"] == song)
        truncated = float(told["audio_end_ms"])
    except AssertionError:
        truncated = NONE
    recording.wait_seconds(max(0.5, sent + PATIENCE - time.monotonic()))
    began, ended = first_loud(recording.samples, position), last_loud(recording.samples, position)
    assert began is not None
    assert ended is not None
    stopped = recording.started + ended / RATE - sent
    speech.wait()
    service.finish(reply)
    service.speech_stopped(item)
    service.committed(item)
    service.user_transcript(item, INTERRUPTION)
    wait_for_silence(recording)
    heard_ms = (ended - began) / RATE * 1000 - sum(breaks(recording.samples[began:ended]))
    return stopped * 1000 if stopped < PATIENCE else NEVER, truncated - heard_ms


def wait_for_silence(recording: Recording) -> None:
    """Return once there has been nothing to hear for half a second."""
    recording.wait(lambda sound: not audible(sound[-RATE // 2 :]).any(), timeout=30)


def long_answer(stage: Stage) -> tuple[float, float]:
    """How many seconds of an answer that comes within a moment are heard, and the processor meanwhile."""
    position = len(stage.speaker.samples)
    stage.service.hear("Tell me everything")
    stage.service.deliver(in_a_burst(tone(440, LONG)), "everything")
    stage.speaker.wait(lambda sound: first_loud(sound, position) is not None)
    processor = cpu_percent(stage, TALKING)
    stage.speaker.wait_seconds(LONG - TALKING)
    wait_for_silence(stage.speaker)
    heard = seconds(stage.speaker.samples[position:])
    return min(heard, LONG), processor  # what a stumble repeats does not count


def jittery_answer(stage: Stage, seed: int) -> list[float]:
    """Breaks of an answer that comes at the pace of speech over a bad network, the first one apart."""
    position = len(stage.speaker.samples)
    stage.service.hear("Tell me slowly")
    stage.service.deliver(with_gaps(tone(440, JITTERY), seed), "slowly")
    wait_for_silence(stage.speaker)
    return breaks(stage.speaker.samples[position:])[1:]


def in_a_burst(sound: bytes) -> Iterator[tuple[float, bytes]]:
    """Deltas of 100 ms, evenly over the time of the burst."""
    count = len(sound) // DELTA
    for number in range(count):
        yield BURST * number / count, sound[number * DELTA : (number + 1) * DELTA]


def with_gaps(sound: bytes, seed: int) -> Iterator[tuple[float, bytes]]:
    """100 ms at first; then, after gaps at random, what was said since the last delivery."""
    chance = np.random.default_rng(seed)
    yield 0.0, sound[:DELTA]
    taken, now = DELTA, 0.0
    while taken < len(sound):
        now += chance.uniform(*GAPS)
        end = min(len(sound), DELTA + int(now * RATE) * 2)
        yield now, sound[taken:end]
        taken = end


def cpu_percent(stage: Stage, duration: float) -> float:
    """Processor that a program needs for so many seconds from now, in % of a core."""
    began, before = time.monotonic(), stage.process.cpu_seconds
    stage.speaker.wait_seconds(duration)
    return (stage.process.cpu_seconds - before) / (time.monotonic() - began) * 100


def repeat(once: Callable[[], float], count: int) -> list[float]:
    """Measure several times."""
    return [once() for _ in range(count)]
