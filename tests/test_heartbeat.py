"""Connection: a service that says nothing is pinged, and given up when it does not answer even that."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.service import Service
from voice import connection
from voice.connection import Connection
from voice.endpoint import Endpoint
from voice.errors import ConnectionLostError

PING_SECONDS = 0.5
"""s: a busy computer takes less long than that to answer a ping."""


class Reader:
    """Reads a connection to its end."""

    def __init__(self, service: Service) -> None:
        self.messages: list[str] = []
        self.ended = ""
        self.changed = threading.Event()
        """Something was read, or it has ended."""
        self.connection = Connection(Endpoint(f"{service.url}?model=m", {"Authorization": "Bearer k"}))
        self.connection.connect()
        self.connection.be_patient()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        try:
            for message in self.connection.messages():
                self.messages.append(str(message))
                self.changed.set()
        except ConnectionLostError as error:
            self.ended = str(error)
        self.changed.set()

    def stop(self) -> None:
        self.connection.stop()
        self.thread.join(2)
        assert not self.thread.is_alive()


@pytest.fixture
def reader(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setattr(connection, "PING_SECONDS", PING_SECONDS)
    running = Reader(service)
    assert running.changed.wait(5)  # the session has been created
    running.changed.clear()
    yield running
    running.stop()


def test_a_service_that_answers_pings_is_waited_for(service: Service, reader: Reader) -> None:
    assert not reader.changed.wait(4 * PING_SECONDS)
    service.speech_started()
    assert reader.changed.wait(5)
    assert "speech_started" in reader.messages[-1]
    assert not reader.ended


def test_a_service_that_does_not_is_given_up(service: Service, reader: Reader) -> None:
    with service.stall():
        assert reader.changed.wait(5)
    assert reader.ended == "the service does not answer"
