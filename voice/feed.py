"""One stream of frozen values, from the conversation to everybody who follows it: terminal, history, prices, yours."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Value = TypeVar("Value")


class Feed:
    """Subscribers by the type of what they want; any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # over the list, which is replaced and never changed
        self._subscribers: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ()

    def subscribe(self, kind: type[Value], callback: Callable[[Value], None]) -> Callable[[], None]:
        """Call back with every value of this type, `object` for all of them; returns what ends that.

        It is called on the thread that has something to tell, in the order of the conversation, which waits for it
        meanwhile: it must not block. What it raises is logged.
        """
        subscriber = (kind, callback)
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(other for other in self._subscribers if other is not subscriber)

        return unsubscribe

    def show(self, value: object) -> None:
        """Tell everybody who wants it, in the order in which they subscribed."""
        for kind, callback in self._subscribers:
            if isinstance(value, kind):
                try:
                    callback(value)
                except Exception:
                    log.exception("%s", kind.__name__)
