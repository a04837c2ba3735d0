"""The whole, aloud: spoken into the microphone, answered by the offline assistant, heard from the loudspeaker."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import speech
from tests.openmeteo import OpenMeteo
from tests.program import Program
from tests.pulse import Recording, Samples
from tests.soundcard import SoundCard
from tests.speech import RATE, level, say

Run = Callable[..., Program]

pytestmark = pytest.mark.skipif(not speech.can_speak(), reason="no flite to speak with")


class Talk:
    """The program on a card, and what is heard of it."""

    def __init__(self, card: SoundCard, program: Program, air: Recording) -> None:
        self.card = card
        self.program = program
        self.air = air
        self._asked = 0

    def ask(self, text: str) -> None:
        """Say it, to its end."""
        self._asked = len(self.air.samples)
        self.card.say(say(text)).wait()

    def answer(self, pattern: str) -> None:
        """Wait for this answer, and for its sound: it is written once it has been heard."""
        text = self.program.expect(rf"^assistant: (.*{pattern}.*)$", 30).group(1)
        assert spoken_seconds(self.air.samples[self._asked :]) > len(text) / 30, "nobody talks that fast"


def spoken_seconds(sound: Samples) -> float:
    """How long it is not silent."""
    blocks = [sound[start : start + RATE // 50] for start in range(0, len(sound), RATE // 50)]
    return sum(level(block) > -50 for block in blocks) / 50


@pytest.fixture
def talk(card: SoundCard, run: Run) -> Iterator[Talk]:
    with OpenMeteo() as weather, card.record() as air:
        env = {"GEOCODING_URL": weather.geocoding_url, "FORECAST_URL": weather.forecast_url}
        program = run("--offline", "--echo", "off", env=card.environment | env)
        card.wait_for_listener()
        yield Talk(card, program, air)
        program.interrupt()
        assert program.wait() == 0
        assert program.stderr == []


def test_the_weather(talk: Talk) -> None:
    talk.ask("what is the weather in paris")

    talk.program.expect("^you: what.* weather in paris$", 30)
    talk.program.expect(r'^tool: get_weather\({"city": "Paris".*}\) -> .*17')
    talk.answer("Paris.*17")


def test_the_time(talk: Talk) -> None:
    talk.ask("what time is it")

    talk.program.expect("^you: what time is it$", 30)
    talk.program.expect(r"^tool: get_time\({}\) -> It is \d\d:\d\d")
    talk.answer(r"It is \d\d:\d\d")


def test_a_note_is_written_and_read_back(talk: Talk, tmp_path: Path) -> None:
    talk.ask("write a note called shopping saying milk and bread")
    talk.answer("shopping")
    talk.ask("read the note shopping")
    talk.answer("milk and bread")

    assert "milk and bread" in (tmp_path / "data" / "notes" / "shopping.md").read_text(encoding="utf-8")


def test_the_answer_is_interrupted_by_voice(talk: Talk) -> None:
    talk.ask("help")
    position = len(talk.air.samples)
    talk.air.wait(lambda heard: spoken_seconds(heard[position:]) > 1.5, timeout=20)
    talk.ask("stop")
    cut = talk.program.expect(r"^assistant: (.*) \[interrupted\]$", 30).group(1)
    talk.program.expect("^you: stop$", 30)

    assert 5 < len(cut) < 150
    assert not re.search(r"[.!?]\s*$", cut) or len(cut) > 20


def test_goodbye_ends_after_a_farewell(talk: Talk) -> None:
    talk.ask("goodbye")
    talk.answer("")

    assert talk.program.wait(20) == 0
