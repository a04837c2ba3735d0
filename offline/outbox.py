"""Server events on their way out: in the order in which they were decided, whoever decided them."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable

from websockets.exceptions import ConnectionClosed

from offline.wire import Event

_log = logging.getLogger(__name__)


class Outbox:
    """Events of one connection.

    `put` never blocks, so it may be called with the connection's lock held, and is where the order is settled.
    `flush` may block on a client that reads slowly and is called without: each thread that puts then flushes, which
    bounds what waits here to a few events per thread.
    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._events: deque[Event] = deque()
        self._sending = threading.Lock()  # one sender at a time, so that order survives

    def put(self, *events: Event) -> None:
        """Add events behind all others. Any thread."""
        self._events.extend(events)

    def flush(self) -> None:
        """Send all that waits. Any thread; a connection that is gone drops it, its reader will notice."""
        with self._sending:
            while self._events:
                event = self._events.popleft()
                try:
                    self._send(json.dumps(event))
                except ConnectionClosed:
                    _log.debug("not sent, the connection is gone: %s", event["type"])
