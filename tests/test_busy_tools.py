"""Sound while tools misbehave: what they do costs the conversation nothing but their answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.program import Program
from tests.pulse import Samples
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, tone

Run = Callable[..., Program]

TOOLS = '''
import threading

from voice.tool import time_limit


@time_limit(1)
def hang() -> str:
    """Never come back."""
    threading.Event().wait()
    return ""


def flood() -> str:
    """Tell far too much."""
    return "x" * 5_000_000


def fall() -> str:
    """Fail."""
    raise RuntimeError("ouch")


def loop() -> int:
    """Think hard for a while."""
    return sum(range(20_000_000))
'''


def _loud(sound: Samples) -> NDArray[np.intp]:
    """Where the sound is not silent."""
    return np.flatnonzero(np.abs(sound.astype(int)) > 1000)


def test_an_answer_plays_without_a_gap_while_tools_hang_flood_fail_and_think(
    service: Service, run: Run, card: SoundCard, tmp_path: Path
) -> None:
    file = tmp_path / "busy.py"
    file.write_text(TOOLS, encoding="utf-8")
    program = run("--ws-url", service.url, "--tools", str(file), "--echo", "off", env=card.environment)
    service.wait_for("input_audio_buffer.append", timeout=20)
    with card.record() as air:
        service.call_functions([(name, "{}", f"call_{name}") for name in ("hang", "flood", "fall", "loop")])
        service.say(tone(440, 5), "La.")
        heard = air.wait(lambda sound: len(_loud(sound)) > 4 * RATE, timeout=20)
    outputs = {
        event["item"]["call_id"]: event["item"]["output"]
        for event in (
            service.wait_for(
                "conversation.item.create", 10, lambda event: event["item"]["type"] == "function_call_output"
            )
            for _ in range(4)
        )
    }
    program.interrupt()

    assert np.diff(_loud(heard)).max() < RATE // 50, "no gap of 20 ms or more"
    assert "did not finish within 1 second" in outputs["call_hang"]
    assert len(outputs["call_flood"]) < 40_000
    assert "ouch" in outputs["call_fall"]
    assert outputs["call_loop"] == str(sum(range(20_000_000)))
