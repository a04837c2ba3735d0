"""At most one response at a time: what is wished for, asked for, running, cut, to be tried again; pure.

* A wish waits until nothing runs; then it is *requested* (a ``response.create`` of ours is under way), then *active*.
* A response also answers what was still wished for, if the service had all of that before it began. What the service
  has not acknowledged yet is *unseen*.
* A response that the user interrupted is *cut*: nothing of it that comes later is played or shown. One that was
  requested and not yet active is *stale*: it is cut as soon as it begins.
* The service may run a response that we do not know of; then it is *occupied* until that has ended.
* A response that failed is asked for again, once.
"""

from __future__ import annotations

from collections import deque

MAX_CUT = 16
"""Cut responses whose end is still to come; two or three at most, unless the service never ends them."""


class Responses:
    """Of one conversation, over all its connections."""

    def __init__(self) -> None:
        self.active: str | None = None
        """The response that runs."""
        self._whole = False  # all of its items so far have come to their end
        self._cut: deque[str] = deque(maxlen=MAX_CUT)
        self._wished = False
        self.requested = False
        """Whether ours is under way."""
        self._stale = False
        self._occupied = False
        self._unseen: set[str] = set()
        self._failed = False  # the last one did, and was asked for again
        self._retrying = False  # it will be, in a moment

    @property
    def idle(self) -> bool:
        """Whether none runs and none is to come."""
        return not (self.running or self._wished or self._retrying)

    @property
    def running(self) -> bool:
        """Whether one runs or has been asked for."""
        return self.active is not None or self.requested

    def is_cut(self, response_id: str | None) -> bool:
        """Whether nothing of this one is to be played or shown any more."""
        return response_id in self._cut

    # To ask for one -------------------------------------------------------------------------------------------------

    def wish(self) -> None:
        """Let there be a response to all that was said so far."""
        self._wished, self._retrying, self._failed = True, False, False

    def request(self) -> bool:
        """Whether one is to be asked for now; the caller knows that nobody speaks."""
        if not self._wished or self.running or self._occupied:
            return False
        self._wished, self.requested = False, True
        self._unseen.clear()  # they go before it
        return True

    def sent(self, item_id: str) -> None:
        """Note an item that the service has to see before it answers."""
        self._unseen.add(item_id)

    def seen(self, item_id: str) -> None:
        """Note that the service has an item."""
        self._unseen.discard(item_id)

    def refused(self) -> None:
        """Note that the service will not make the one that was asked for."""
        self.requested = self._stale = False

    def collided(self, *, again: bool) -> None:
        """Note that another one runs; `again` wishes for ours once that has ended."""
        self._wished = self._wished or again
        self.requested = self._stale = False
        self._occupied = True

    # Its course -----------------------------------------------------------------------------------------------------

    def begin(self, response_id: str, *, unasked: bool) -> bool:
        """Note that one runs; False when it must be cancelled: it is stale, or nobody asked for it (`unasked`)."""
        welcome = not self._stale and (self.requested or not unasked)
        self._failed = self._failed and self.requested  # else it is another one than that which failed
        if welcome:
            self._wished = self._wished and bool(self._unseen)
            self._retrying = False
        self.active, self._whole = response_id, False
        self.requested = self._stale = self._occupied = False
        return welcome

    def note_item(self, response_id: str | None, *, whole: bool) -> None:
        """Note that an item has begun, or has come to its end (`whole`)."""
        if response_id == self.active:
            self._whole = whole

    def cut(self) -> str | None:
        """Let nothing more be heard of what runs or was asked for; gives the one that runs."""
        self._stale = self.requested
        self._retrying = False
        if self.active is not None and self.active not in self._cut:
            self._cut.append(self.active)
        return self.active

    def end(self, response_id: str) -> bool:
        """Note that one has ended; whether it had been cut."""
        if response_id == self.active:
            self.active = None
        self._occupied = False
        if response_id not in self._cut:
            return False
        self._cut.remove(response_id)
        return True

    @property
    def lost(self) -> str | None:
        """Which one has ended without our having been told, given that what we cancelled last does not run."""
        return self.active if self.active in self._cut else None

    # When it fails --------------------------------------------------------------------------------------------------

    def fail(self) -> bool:
        """Note that one failed; whether it is to be tried again."""
        self._failed = self._retrying = not self._failed
        return self._failed

    def retry(self) -> None:
        """Wish again for the one that failed, unless that is settled meanwhile."""
        if self._retrying:
            self._wished, self._retrying = True, False

    def disconnect(self) -> None:
        """Note that the service has forgotten all; what was not finished is wished for again."""
        running = self.active is not None and self.active not in self._cut and not self._whole
        requested = self.requested and not self._stale
        self._wished = running or requested or self._wished or self._retrying
        self.active = None
        self.requested = self._stale = self._occupied = self._retrying = False
        self._cut.clear()
        self._unseen.clear()

    def abandon(self) -> None:
        """Wish for none any more."""
        self._wished = self._retrying = False
