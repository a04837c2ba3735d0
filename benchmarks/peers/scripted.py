"""The tests' scripted service, for programs that others wrote."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tests.service import Service


class Scripted(Service):
    """`Service` that says more than whole answers."""

    def deliver(self, pieces: Iterable[tuple[float, bytes]], transcript: str) -> None:
        """Answer aloud, each piece of sound so many seconds after the first."""
        connection = self.connection()
        reply = self._open(connection)
        with connection.lock:
            connection.send(reply.message(self._new("item"), connection.rules.last_item()))
            connection.send(reply.transcript(transcript))
        began = time.monotonic()
        for after, pcm in pieces:
            self._until(lambda: False, began + after)
            with connection.lock:
                connection.send(reply.audio(pcm))
        self.finish(reply)
