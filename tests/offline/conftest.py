"""The offline assistant, served to a client that checks every event."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from offline.organs import Organs
from offline.server import Server
from tests.offline.client import Client, Dial, Ears, Echo, Loudness, Tone
from tests.offline.llmserver import LlmServer


@pytest.fixture
def brain() -> Echo:
    return Echo()


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def organs(brain: Echo, ears: Ears) -> Organs:
    return Organs(brain=brain, recognizer=ears, synthesizer=Tone(), detector=Loudness)


@pytest.fixture
def server(organs: Organs) -> Iterator[Server]:
    with Server(organs) as server:
        yield server


@pytest.fixture
def dial(server: Server) -> Iterator[Dial]:
    with contextlib.ExitStack() as sockets:
        yield lambda **options: Client(
            sockets.enter_context(
                connect(f"{server.url}?model=any", compression=None, max_size=None, max_queue=None, **options)
            )
        )


@pytest.fixture
def client(dial: Dial) -> Client:
    return dial()


@pytest.fixture
def manual(client: Client) -> Client:
    """A client that commits its turns itself."""
    client.update(audio={"input": {"turn_detection": None}})
    client.events.clear()
    return client


@pytest.fixture
def llm() -> Iterator[LlmServer]:
    with LlmServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01], name="llm server")
        thread.start()
        yield server
        server.shutdown()
        thread.join()
