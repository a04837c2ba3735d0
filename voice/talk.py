"""Push to talk: the turn that the user begins and ends by hand, with a key or for a number of seconds."""

from __future__ import annotations

import threading
from typing import Protocol


class Talker(Protocol):
    """Who is told; see `voice.assistant.Assistant`."""

    def talk(self) -> None:
        """Begin a turn."""

    def end_talk(self) -> None:
        """End it."""


class Talk:
    """One turn at a time, from `begin` to `end`; any thread, none of it blocks.

    Who is told may wait for others who want to begin or end a turn: so it is told without the lock, by one at a time.
    """

    def __init__(self, talker: Talker) -> None:
        """Tell `talker`, of whom nobody else asks the same."""
        self._talker = talker
        self._lock = threading.Lock()  # over all of these
        self._on = False
        self._told = False  # what the talker knows of it
        self._telling = False
        self._timer: threading.Timer | None = None

    @property
    def on(self) -> bool:
        """Whether the user talks now."""
        return self._on

    def begin(self, seconds: float | None = None) -> None:
        """Begin a turn unless there is one; it ends by itself after `seconds`, if so wished."""
        with self._lock:
            if self._on:
                return
            self._on = True
            if seconds is not None:
                self._timer = threading.Timer(seconds, self.end)
                self._timer.name, self._timer.daemon = "talk", True
                self._timer.start()
        self._tell()

    def end(self) -> None:
        """End the turn, if there is one."""
        with self._lock:
            if not self._on:
                return
            self._on = False
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self._tell()

    def toggle(self) -> None:
        """Begin a turn, or end it."""
        if self._on:
            self.end()
        else:
            self.begin()

    def _tell(self) -> None:
        """Tell the talker until it knows; whoever is telling it already does that for us, in this order."""
        while True:
            with self._lock:
                if self._telling or self._told == self._on:
                    return
                self._telling, self._told = True, self._on
                tell = self._talker.talk if self._on else self._talker.end_talk
            try:
                tell()
            finally:
                self._telling = False
