"""When nobody has said anything for a while, nothing is sent or paid until the user is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from voice.config import Config
from voice.feed import Feed
from voice.session import Session
from voice.shown import Notice, State, StateChanged

if TYPE_CHECKING:
    from voice.wake import Waker

log = logging.getLogger(__name__)

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
        self._waking = False  # whether what was heard is still to be recalled
        self._hears = True  # until it is known
        self._deaf = False  # nothing that is said wakes us any more, and the user knows
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sleep", daemon=True)
        feed.subscribe(StateChanged, self._note_state)

    def prepare(self) -> None:
        """Make sure that the wake word can be heard, if there is one. Raises SettingError."""
        if self._wake_word:
            self._waker = self._make_waker()

    def start(self, *, hears: bool) -> None:
        """Begin to watch; `hears` is whether there is a microphone to be woken through. Sound may come all the same."""
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

    def stir(self, heard: Callable[[], bytes] = bytes) -> None:
        """Note that the user is there, and go on if need be, with what was `heard` of them meanwhile."""
        self._stirred = time.monotonic()
        self._session.wake(heard)

    def hear(self, clean: bytes) -> None:
        """Take 10 ms of the microphone's sound without the echo; the send thread."""
        self._hears = True
        waker = self._waker
        if waker is None or not (self._waking or self._state == "asleep"):
            self._listens = False
            return
        if not self._listens:
            waker.begin()
            self._listens = True
        if waker.broken:
            self._go_deaf("the wake word is not listened for any more, its search has ended")
        elif waker.hear(clean):
            self._waking = True
            self.stir(partial(self._recall, waker))

    def _recall(self, waker: Waker) -> bytes:
        """Give what was heard, with the blocks that had been on their way when that woke us; the send thread."""
        self._waking = False
        return waker.recent

    def _run(self) -> None:
        while not self._stopping.wait(min(LOOK_SECONDS, self._seconds / 4)):
            if self._state not in RESTING:
                self._stirred = time.monotonic()
            tired = time.monotonic() - self._stirred >= self._seconds
            if self._waker is None and self._hears and not self._deaf and (tired or self._state == "asleep"):
                self._listen()
            if tired:
                self._session.sleep()

    def _listen(self) -> None:
        try:
            self._waker = self._make_waker()
        except Exception as error:  # a package that is missing, or does not fit this computer
            log.exception("sleep")
            self._go_deaf(f"what is said while asleep cannot be heard ({error})")

    def _go_deaf(self, reason: str) -> None:
        if not self._deaf:
            self._deaf = True
            self._feed.show(Notice(f"{reason}: type to go on"))

    def _make_waker(self) -> Waker:
        from voice.wake import Waker  # noqa: PLC0415 - few conversations need it

        return Waker(self._wake_word)

    def _note_state(self, changed: StateChanged) -> None:
        self._state = changed.state
        if changed.state == "asleep":
            self._listens = self._waking = False
            speak = f'say "{self._wake_word}"' if self._wake_word else "speak"
            deaf = self._deaf or not self._hears or (self._waker is not None and self._waker.broken)
            how = "type" if deaf else f"{speak} or type"
            self._feed.show(Notice(f"asleep, and nothing is sent: {how} to go on"))
