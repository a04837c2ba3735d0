"""``python -m offline`` with the organs that it really has: told by typing, and asked to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from offline.fallback import APOLOGY
from tests.offline.client import Client
from tests.offline.llmserver import LlmServer

ROOT = Path(__file__).parents[2]


@contextmanager
def _started() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "offline", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    with _started() as running:
        yield running


def _url(program: subprocess.Popen[str]) -> str:
    assert program.stdout
    return program.stdout.readline().strip()


def test_it_prints_where_it_listens_and_answers_there(program: subprocess.Popen[str]) -> None:
    with connect(f"{_url(program)}?model=any", max_size=None, max_queue=None) as socket:
        client = Client(socket)
        client.say("hello")
        done = client.answer()

    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["transcript"]
    assert done["usage"]["output_token_details"]["audio_tokens"] > 0


def test_without_its_language_model_it_says_so_once_and_knows_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    with LlmServer() as gone:
        monkeypatch.setenv("LOCAL_LLM_URL", gone.url)
    said = []
    with _started() as running, connect(f"{_url(running)}?model=any", max_size=None, max_queue=None) as socket:
        client = Client(socket)
        client.update(output_modalities=["text"])
        for text in ("hello", "thank you"):
            client.say(text)
            said.append(client.answer()["output"][0]["content"][0]["text"])

    assert said == [f"{APOLOGY}Hello. What can I do for you?", "You're welcome."]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told(program: subprocess.Popen[str], ending: signal.Signals) -> None:
    assert _url(program)
    program.send_signal(ending)
    _, complaints = program.communicate(timeout=5)

    assert (program.returncode, complaints) == (0, "")


def test_a_port_that_is_taken_is_told_in_one_line(program: subprocess.Popen[str]) -> None:
    port = _url(program).partition("127.0.0.1:")[2].partition("/")[0]
    second = subprocess.run(
        [sys.executable, "-m", "offline", "--port", port], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert second.returncode == 1
    assert second.stderr.startswith(f"cannot listen on port {port}: ")
    assert second.stderr.count(os.linesep) == 1
