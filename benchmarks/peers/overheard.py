"""What a program makes of an open loudspeaker, as in `benchmarks.in_situ`, seen from the wire alone.

The assistant talks for 25 s alone, then for 20 s together with the user, and is as loud at the microphone as the user.
The service hears no speech in anything, so that only the program itself may stop its answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import echo
from benchmarks.hearing import Samples, audible, first_loud, timeline
from benchmarks.in_situ import ASSISTANT_DBFS, FOUND, ROOM_DB, at_level
from benchmarks.peers.programs import Contestant, on_stage
from tests.rooms import USER_DBFS
from tests.speech import RATE, match

WITHIN_DB = 10.0
"""A voiced frame whose level is changed by no more has been kept; amplified as when the user talks alone, too."""
REACH = 0.3
"""Seconds by which sound may be later on the wire than it was at the microphone."""
EARLY = 0.05
"""Seconds by which it may seem to be earlier: both clocks start with what comes first."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One program's figures; NaN where it silenced itself, so that there was no echo."""

    start_ms: float
    removed_db: float
    """From 3 s on, while the assistant talks alone; against the user's voice, which some programs amplify."""
    kept: float
    """Share of the user's voiced 20 ms frames that are kept while both talk."""
    survived: float
    """Share of the assistant's 25 s that were heard: no program should interrupt itself."""


@dataclass(frozen=True, slots=True)
class Track:
    """A sound, and when its first sample was (monotonic)."""

    sound: Samples
    began: float

    def cut(self, start: float, seconds: float) -> Samples:
        """A part of it; silence where there is none."""
        begin, count = round((start - self.began) * RATE), round(seconds * RATE)
        part = self.sound[max(begin, 0) : max(begin + count, 0)]
        before = min(max(-begin, 0), count)
        return np.pad(part, (before, count - before - len(part)))

    def find(self, words: Samples, start: float, seconds: float) -> tuple[float, float]:
        """When these words begin within a part of it, and how alike they are there."""
        at, likeness = match(self.cut(start, seconds), words)
        return start + at / 1000, likeness


@dataclass(frozen=True, slots=True)
class Alone:
    """What a program does to the user's voice when nobody else talks."""

    later: float
    """Seconds."""
    louder: float
    """dB: it may have a gain control."""


def listen(contestant: Contestant, environments: Path) -> Heard:
    """Let the assistant talk, and the user interrupt."""
    talk, person, utterances = echo.voices()
    far, user = at_level(talk, ASSISTANT_DBFS), at_level(person, USER_DBFS)
    question = user[utterances[-1]]
    with (
        on_stage(contestant, environments, USER_DBFS - ASSISTANT_DBFS - ROOM_DB) as stage,
        stage.card.record("microphone") as air,
    ):
        stage.speaker.wait_seconds(1)
        stage.card.say(question.tobytes()).wait()
        asked = len(air.wait_seconds(0.5))
        position = len(stage.speaker.samples)
        stage.service.say(far.tobytes(), "blah")
        played = stage.speaker.wait(lambda sound: first_loud(sound, position) is not None)
        onset = first_loud(played, position)
        assert onset is not None
        stage.speaker.wait_seconds(echo.ALONE - 1)
        stage.card.say(user[(echo.ALONE - 1) * RATE :].tobytes()).wait()
        stage.speaker.wait_seconds(1)
        near = Track(air.samples, air.started)
        sent = Track(*timeline(*stage.service.microphone()))
        speaker = Track(stage.speaker.samples, stage.speaker.started)
    answered = speaker.began + onset / RATE
    first, _ = near.find(question, near.began, asked / RATE)
    alone = Alone(
        sent.find(question, first - EARLY, len(question) / RATE + REACH)[0] - first,
        _gain(near, sent, first, len(question) / RATE),
    )
    together = answered + echo.ALONE - 1
    kept = [frame for words in utterances for frame in _kept(near, sent, user[words], together, alone)]
    heard = audible(speaker.cut(answered, echo.ALONE - 2)).sum() / audible(far[: (echo.ALONE - 2) * RATE]).sum()
    if heard < FOUND:  # the program has silenced itself: nothing to remove, and nobody to be kept from
        return Heard(stage.start_ms, math.nan, math.nan, float(heard))
    removed = _removed(near, sent, answered) + alone.louder
    return Heard(stage.start_ms, removed, float(np.mean(kept)), min(1.0, float(heard)))


def _gain(near: Track, sent: Track, start: float, seconds: float) -> float:
    before, after = (echo.mean_level(echo.levels(track.cut(start, seconds + REACH))) for track in (near, sent))
    return max(0.0, after - before)


def _removed(near: Track, sent: Track, answered: float) -> float:
    start, seconds = answered + echo.SETTLED, echo.ALONE - 2 - echo.SETTLED
    before, after = echo.levels(near.cut(start, seconds)), echo.levels(sent.cut(start, seconds))
    loud = before > echo.SILENT_DBFS
    return echo.mean_level(before[loud]) - echo.mean_level(after[loud])


def _kept(near: Track, sent: Track, words: Samples, start: float, alone: Alone) -> list[bool]:
    """Whether each voiced frame of what the user said while both talked arrived."""
    said, _ = near.find(words, start, echo.TOGETHER + 4)
    at, likeness = sent.find(words, said - EARLY, len(words) / RATE + REACH)
    arrived = at if likeness > FOUND else said + alone.later
    before, after = echo.levels(words), echo.levels(sent.cut(arrived, len(words) / RATE))
    voiced = before > echo.mean_level(before[before > echo.SILENT_DBFS]) - echo.VOICED_DB
    change = (after - before)[voiced]
    return [bool(frame) for frame in (change >= -WITHIN_DB) & (change <= alone.louder + WITHIN_DB)]
