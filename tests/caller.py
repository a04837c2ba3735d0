"""A session with a sound card that the test turns by hand, for tests of it against a service on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue

import numpy as np
from typing_extensions import Self

from tests.service import Service
from tests.wire import Refusal
from voice.buffer import AudioBuffer
from voice.config import Config
from voice.connection import Connection
from voice.conversation import Conversation
from voice.echo import Off, Suppressor
from voice.endpoint import endpoint
from voice.events import Json
from voice.nearend import NearEnd
from voice.session import Session
from voice.settings import session_settings
from voice.shown import Notice, StateChanged, ToolUse, Turn
from voice.sound import BLOCK_SAMPLES, Block
from voice.uplink import MicQueue

DOWN = Refusal(status=HTTPStatus.SERVICE_UNAVAILABLE)
"""A service that is there and does not work."""


class Tools:
    """One function for all names."""

    def __init__(self, run: Callable[[str, str], str]) -> None:
        self.call = run
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


class Client:
    """A session with a sound card that the test turns by hand: `tick` is 10 ms."""

    def __init__(
        self,
        service: Service,
        run_tool: Callable[[str, str], str] = lambda _name, _arguments: "done",
        config: Config | None = None,
        retry_seconds: float = 60,
    ) -> None:
        self.config = config or Config(ws_url=service.url)
        self.service = service
        self.audio_buffer = AudioBuffer()
        self.mic_queue: MicQueue = SimpleQueue()
        self.shown: list[object] = []
        self.changed = threading.Condition()
        target = endpoint(self.config, self.config.ws_url, {})
        self.session = Session(self.audio_buffer, self.mic_queue, self._show, retry_seconds=retry_seconds)
        self._connect = partial(Connection, target)
        self._tools = Tools(run_tool)
        self.played = bytearray()
        self.ticks = 0

    def connect(self) -> None:
        self.session.start(self._connect, self._tools)

    def start(self, conversation: Conversation | None = None) -> None:
        self.connect()
        self.begin(conversation)

    def begin(self, conversation: Conversation | None = None, suppressor: Suppressor | None = None) -> None:
        self.session.uplink.near_end = NearEnd(suppressor or Off())
        self.session.begin(self.settings, conversation or Conversation())

    @property
    def settings(self) -> Json:
        return session_settings(self.config, (), speaks=True)

    def _show(self, shown: object) -> None:
        with self.changed:
            self.shown.append(shown)
            self.changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.stop()

    def tick(self, count: int = 1) -> None:
        """Let 10 ms pass for the devices; block n of the microphone holds the number n."""
        for _ in range(count):
            self.ticks += 1
            played = self.audio_buffer.read(BLOCK_SAMPLES)
            self.played += played
            heard = np.full(BLOCK_SAMPLES, self.ticks, dtype=np.int16).tobytes()
            self.mic_queue.put(Block(heard, played))

    def wait_for(self, wanted: Callable[[object], bool], timeout: float = 5) -> object:
        with self.changed:
            found = self.changed.wait_for(lambda: next((s for s in self.shown if wanted(s)), None), timeout)
            assert found is not None, str(self.shown)[-3000:]
            return found

    def wait_for_buffer(self, ms: int) -> None:
        """Wait until so much sound has arrived: the service's last event is in the client's hands then."""
        wait_until(lambda: self.audio_buffer.waiting_ms >= ms)

    def wait_for_state(self, state: str, timeout: float = 5) -> None:
        """Wait until it is the state now."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.state == state, timeout), self.shown

    @property
    def state(self) -> str:
        return next((s.state for s in reversed(self.shown) if isinstance(s, StateChanged)), "connecting")

    @property
    def notices(self) -> list[str]:
        return [shown.text for shown in self.shown if isinstance(shown, Notice)]

    @property
    def turns(self) -> list[Turn | ToolUse]:
        return [shown for shown in self.shown if isinstance(shown, Turn | ToolUse)]


def numbers(sound: bytes) -> list[int]:
    """Which blocks of the microphone's a service heard."""
    return [int(number) for number in np.frombuffer(sound, dtype=np.int16)[::BLOCK_SAMPLES]]


def wait_until(happened: Callable[[], bool], timeout: float = 5) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline, "it never happens"
        threading.Event().wait(0.002)
