"""When nobody has said anything for a while, nothing is sent or paid until the user is back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from voice.config import Config
from voice.effects import Notice, State, StateChanged
from voice.feed import Feed
from voice.session import Session

if TYPE_CHECKING:
    from voice.wake import Waker

LOOK_SECONDS = 1.0
"""Between two looks."""
RESTING: frozenset[State] = frozenset({"ready", "listening", "muted"})
"""What it is doing when nobody says anything."""


class Sleep:
    """Of one conversation, from `start` to `stop`; any thread, except where it says otherwise.

    *sleep* may block in its wait between two looks, which `stop` ends, and for a second in closing the connection.
    """

    def __init__(self, config: Config, session: Session, feed: Feed) -> None:
        """Nothing happens before `start`."""
        self._seconds = config.idle_seconds
        self._wake_word = config.wake_word
        self._session = session
        self._feed = feed
        self._state: State = "connecting"
        self._stirred = time.monotonic()
        self._waker: Waker | None = None
        self._listens = False  # whether the waker has begun to, for this sleep
        self._hears = True  # until it is known
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sleep", daemon=True)
        feed.subscribe(StateChanged, self._note_state)

    def prepare(self) -> None:
        """Make sure that the wake word can be heard, if there is one. Raises SettingError."""
        if self._wake_word:
            self._waker = self._make_waker()

    def start(self, *, hears: bool) -> None:
        """Begin to watch; `hears` is whether there is a microphone to be woken through."""
        self._hears = hears
        if self._seconds:
            self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        waker, self._waker = self._waker, None  # its model must not live on into Python's exit
        if waker is not None:
            waker.close()

    def stir(self, sound: bytes = b"") -> None:
        """Note that the user is there, and go on if need be, with `sound` that was heard of them meanwhile."""
        self._stirred = time.monotonic()
        self._session.wake(sound)

    def hear(self, clean: bytes) -> None:
        """Take 10 ms of the microphone's sound without the echo; the send thread."""
        waker = self._waker
        if waker is None or self._state != "asleep":
            self._listens = False
            return
        if not self._listens:
            waker.begin()
            self._listens = True
        if waker.hear(clean):
            self.stir(waker.recent)

    def _run(self) -> None:
        while not self._stopping.wait(min(LOOK_SECONDS, self._seconds / 4)):
            if self._state not in RESTING:
                self._stirred = time.monotonic()
            elif time.monotonic() - self._stirred >= self._seconds:
                if self._waker is None and self._hears:
                    self._waker = self._make_waker()
                self._session.sleep()

    def _make_waker(self) -> Waker:
        from voice.wake import Waker  # noqa: PLC0415 - few conversations need it

        return Waker(self._wake_word)

    def _note_state(self, changed: StateChanged) -> None:
        self._state = changed.state
        if changed.state == "asleep":
            speak = f'say "{self._wake_word}"' if self._wake_word else "speak"
            how = f"{speak} or type" if self._hears else "type"
            self._feed.show(Notice(f"asleep, and nothing is sent: {how} to go on"))
