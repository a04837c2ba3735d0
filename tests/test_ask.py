"""One question: the program from outside, against a service on loopback."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

from tests.program import Program
from tests.service import BAD_KEY, Service
from tests.speech import tone

Run = Callable[..., Program]


def test_the_answer_and_nothing_else_is_printed(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, "--ask", "What is the capital of France?")
    service.wait_for("response.create")
    service.say(bytes(480), "Paris.")

    assert program.wait() == 0
    assert program.stdout == ["Paris."]
    assert program.stderr == []


def test_a_spoken_question_of_any_rate_is_answered_and_the_answer_saved(
    service: Service, run: Run, tmp_path: Path
) -> None:
    question = tmp_path / "question.wav"
    with wave.open(str(question), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000 * 4 * 40))  # 40 s: more than is kept while connecting
    program = run("--ws-url", service.url, "--ask-audio", str(question), "--answer-audio", str(tmp_path / "a.wav"))
    service.wait_for("input_audio_buffer.commit", timeout=20)
    service.wait_for("response.create")
    answer = tone(440, 2.0)
    service.say(answer, "La.")

    assert program.wait() == 0
    assert program.stdout == ["La."]
    assert abs(len(service.microphone()[0]) - 40 * 48_000) <= 480
    with wave.open(str(tmp_path / "a.wav"), "rb") as file:
        assert file.readframes(file.getnframes()) == answer


def test_bad_files_and_refusals_are_one_line(service: Service, run: Run, tmp_path: Path) -> None:
    missing = run("--ws-url", service.url, "--ask-audio", str(tmp_path / "none.wav"))
    assert missing.wait() == 2
    assert len(missing.stderr) == 1

    nowhere = run("--ws-url", service.url, "--ask", "hi", "--answer-audio", str(tmp_path / "no" / "a.wav"))
    assert nowhere.wait() == 2
    assert len(nowhere.stderr) == 1

    service.refuse_next.append(BAD_KEY)
    refused = run("--ws-url", service.url, "--ask", "hi")
    assert refused.wait() == 3
    assert refused.stdout == []
