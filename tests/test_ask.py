"""One question: the program from outside, against a service on loopback."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Program
from tests.service import BAD_KEY, Service
from tests.speech import tone
from voice.errors import SettingError
from voice.storage import check_writable

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


@pytest.mark.parametrize("how", ["failed", "empty"])
def test_no_answer_is_said_and_costs_no_file(service: Service, run: Run, tmp_path: Path, how: str) -> None:
    kept = tmp_path / "kept.wav"
    kept.write_bytes(b"precious")
    program = run("--ws-url", service.url, "--ask", "hi", "--answer-audio", str(kept))
    for _ in range(2 if how == "failed" else 1):
        service.wait_for("response.create")
        if how == "failed":
            service.fail()
        else:
            service.finish(service._open(service.connection()))

    assert program.wait(20) == 1
    assert program.stdout == []
    assert program.stderr[-1] == "realtime: the service gave no answer: ask again"
    assert kept.read_bytes() == b"precious"


def test_an_answer_without_words_is_one(service: Service, run: Run, tmp_path: Path) -> None:
    program = run("--ws-url", service.url, "--ask", "hum", "--answer-audio", str(tmp_path / "hum.wav"))
    service.wait_for("response.create")
    service.say(tone(440, 0.5), "")

    assert program.wait() == 0
    assert (tmp_path / "hum.wav").stat().st_size == 44 + 24_000


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX")
def test_whether_a_file_can_be_written_is_seen_without_touching_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"precious")
    os.mkfifo(tmp_path / "pipe")
    for name in ("old", "new", "pipe"):
        check_writable(tmp_path / name)
    for name in ("no/a.wav", ".", "a\0b"):
        with pytest.raises(SettingError, match="cannot be written"):
            check_writable(tmp_path / name)

    assert (tmp_path / "old").read_bytes() == b"precious"
    assert {path.name for path in tmp_path.iterdir()} == {"old", "pipe"}
