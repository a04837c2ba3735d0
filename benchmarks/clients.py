"""The offline assistant as a server for several clients at once: how soon it answers, what it costs.

    python -m benchmarks.clients [N ...] [--questions 8]

Each client is the program's own connection and codec, and sends 20 ms of sound every 20 ms: silence, and in each round
a question that all of them begin in the same moment, the worst there is. They share this process; the server has its
own, with the recogniser's. The end of speech is the question's last sample over -50 dBFS, the first audio the first
event that brings any: the 500 ms of silence that end a turn are in between, sound devices are not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from typing_extensions import Self
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from benchmarks.offline import audible
from benchmarks.process import Process
from tests.speech import RATE, samples, say
from voice.config import Config
from voice.connection import Connection
from voice.endpoint import endpoint
from voice.errors import ConnectionLostError
from voice.events import (
    AudioAppend,
    AudioDelta,
    ResponseDone,
    ServerEvent,
    SessionUpdate,
    TranscriptionCompleted,
    decode,
    encode,
)
from voice.settings import session_settings
from voice.sound import BLOCK_MS
from voice.uplink import BLOCKS_PER_MESSAGE

QUESTIONS = ("what time is it", "what day is it today", "what can you do", "tell me the date")
"""Answered without a function, so that nothing but the server is measured."""
MESSAGE_SECONDS = BLOCK_MS * BLOCKS_PER_MESSAGE / 1000
MESSAGE_BYTES = round(MESSAGE_SECONDS * RATE) * 2
PATIENCE = 20.0
"""s for an answer, from the end of the question: the server gives a recogniser up after 10."""
LISTENING_SECONDS = 10.0
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question."""

    latency: float | None
    """ms from the end of speech to the first audio; None when none came in time."""
    understood: bool
    """Whether the server wrote down just what was said."""


class Client:
    """One client in real time, as a context manager: a thread that sends, and one that reads."""

    def __init__(self, url: str) -> None:
        config = Config(ws_url=url)
        self._connection = Connection(endpoint(config, url, {}))
        self._settings = SessionUpdate(session_settings(config, (), speaks=True))
        self._changed = threading.Condition()  # over the three below
        self._speech = b""
        self._spoken_at = 0.0
        self._heard: list[tuple[float, ServerEvent]] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._send, self._read)]

    def __enter__(self) -> Self:
        self._connection.connect()
        self._connection.be_patient()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._connection.stop()
        for thread in self._threads:
            thread.join()

    def ask(self, text: str) -> Answer:
        """Say something, and wait for the end of the answer."""
        speech = say(text)
        speech = speech[: 2 * int(audible(samples(speech))[-1] + 1)]
        with self._changed:
            self._speech, self._heard = speech, []
            self._changed.wait_for(self._is_answered, len(speech) / 2 / RATE + PATIENCE)
            sounds = [when for when, event in self._heard if isinstance(event, AudioDelta)]
            words = [event.transcript for _, event in self._heard if isinstance(event, TranscriptionCompleted)]
            return Answer((sounds[0] - self._spoken_at) * 1000 if sounds else None, words == [text])

    def _is_answered(self) -> bool:
        return any(isinstance(event, ResponseDone) for _, event in self._heard)

    def _send(self) -> None:
        with suppress(ConnectionLostError):  # its questions count as unanswered then
            self._connection.send(encode(self._settings))
            began = time.monotonic()
            for number in count(1):
                due = began + number * MESSAGE_SECONDS
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                self._connection.send(encode(AudioAppend(self._said_until(due))))

    def _said_until(self, due: float) -> bytes:
        with self._changed:
            sound, self._speech = self._speech[:MESSAGE_BYTES], self._speech[MESSAGE_BYTES:]
            if sound and not self._speech:
                self._spoken_at = due - (MESSAGE_BYTES - len(sound)) / 2 / RATE
        return sound.ljust(MESSAGE_BYTES, b"\0")

    def _read(self) -> None:
        with suppress(ConnectionLostError):
            for message in self._connection.messages():
                with self._changed:
                    self._heard.append((time.monotonic(), decode(message)))
                    self._changed.notify()


@contextmanager
def serving() -> Iterator[tuple[Process, str]]:
    """A server of its own, and its address."""
    command = [sys.executable, "-m", "offline", "--port", "0"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Process.running(command, os.environ, Path(folder, "server.log")) as server,
    ):
        deadline = time.monotonic() + START_SECONDS
        while not (said := server.log.read_text(encoding="utf-8")).endswith("\n"):
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)
        yield server, said.strip()


def processor(server: Process, work: Callable[[], object]) -> float:
    """Which part of a core the server needs while `work` is done, in %."""
    before, began = server.cpu_seconds, time.monotonic()
    work()
    return (server.cpu_seconds - before) / (time.monotonic() - began) * 100


def measure(clients: int, questions: int) -> None:
    """Print what it is like with so many clients, each of which asks so many questions."""
    answers: list[Answer] = []
    with serving() as (server, url), ExitStack() as stack, ThreadPoolExecutor(clients) as together:
        talkers = [stack.enter_context(Client(url)) for _ in range(clients)]

        def ask(*texts: str) -> list[Answer]:
            return list(together.map(Client.ask, talkers, texts))

        ask(*["hello"] * clients)  # answered when the models are loaded
        listening = processor(server, lambda: time.sleep(LISTENING_SECONDS))

        def talk() -> None:
            for number in range(questions):
                answers.extend(ask(*[QUESTIONS[(number + own) % len(QUESTIONS)] for own in range(clients)]))

        talking = processor(server, talk)
        memory = server.memory_mb
    print(f"\n{clients} clients at once" if clients > 1 else "\n1 client")
    latencies = [answer.latency for answer in answers if answer.latency is not None]
    if latencies:
        print(
            f"  end of speech to first audio  median {statistics.median(latencies):.0f}, worst {max(latencies):.0f} ms"
        )
    print(f"  answered, and understood      {len(latencies)}, {sum(a.understood for a in answers)} of {len(answers)}")
    print(
        f"  processor                     {listening:.0f} % of a core listening, {talking:.0f} % question by question"
    )
    print(f"  memory of all its processes   {memory:.0f} MB")


def one_too_many() -> str:
    """What the first client is told that the server has no room for."""
    with serving() as (_, url), ExitStack() as stack:
        for number in count(1):
            try:
                stack.enter_context(connect(f"{url}?model=any"))
            except InvalidStatus as refused:
                response = refused.response
                return f"client {number}: HTTP {response.status_code}, {response.body.decode().strip()}"
    raise AssertionError("unreachable")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clients", nargs="*", type=int, default=[1, 2, 4], metavar="N", help="how many at once")
    parser.add_argument("--questions", type=int, default=8, help="of each client")
    options = parser.parse_args()
    for clients in options.clients:
        measure(clients, options.questions)
    print(f"\nbeyond the limit  {one_too_many()}")


if __name__ == "__main__":
    main()
