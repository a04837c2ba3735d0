"""What a conversation may cost at most, in dollars and in minutes; then it ends, politely."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks: more exact than anybody's patience or purse."""
GRACE_SECONDS = 300.0
"""For the last answer: one of 4096 tokens is 205 s of sound. What is not over then has come to a halt."""


class Limits:
    """Watches over one conversation, from `start` to `stop`.

    *limits* may block in its wait between two looks, which `stop` ends.
    """

    def __init__(
        self,
        *,
        max_cost: float | None,
        max_minutes: float | None,
        cost: Callable[[], float | None],
        finish: Callable[[str], None],
        end: Callable[[], None],
    ) -> None:
        """`cost` gives what was spent in dollars, None where that is not known.

        `finish` gets the reason, once, and lets the conversation end after the answer; `end` ends it if that does not
        happen within `GRACE_SECONDS`.
        """
        self._max_cost = max_cost
        self._max_seconds = None if max_minutes is None else max_minutes * 60
        self._cost = cost
        self._finish = finish
        self._end = end
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="limits", daemon=True)

    def start(self) -> None:
        """Begin to watch, if there is anything to watch."""
        if self._max_cost is not None or self._max_seconds is not None:
            self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            reason = self._watch()
        except Exception:
            log.exception("limits")
            reason = "--max-cost and --max-minutes cannot be kept, by a bug in the program"
        if reason:
            self._finish(reason)
            if not self._stopping.wait(GRACE_SECONDS):
                self._end()

    def _watch(self) -> str:
        """Wait for a reason to end; "" when nobody wants to know any more."""
        began, reason = time.monotonic(), ""
        while not reason and not self._stopping.wait(LOOK_SECONDS):
            reason = self._reached(time.monotonic() - began, self._cost())
        return reason

    def _reached(self, seconds: float, spent: float | None) -> str:
        if self._max_seconds is not None and seconds >= self._max_seconds:
            return f"the {self._max_seconds / 60:g} minutes of --max-minutes are over"
        if self._max_cost is not None and spent is not None and spent >= self._max_cost:
            return f"the ${self._max_cost:g} of --max-cost are spent"
        return ""
