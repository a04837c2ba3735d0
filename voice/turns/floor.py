"""Who has the floor: the user's speech, as the service hears it, or as the user begins and ends it by hand; pure.

* `speaking` lasts from the beginning of a turn to its end. From there on the turn is *awaiting* an answer that the
  service gives by itself (hands-free), or *committing* until the service has made an item of it (by hand). Meanwhile no
  response may be asked for.
* What the service takes for speech during an answer may be a cough. Then the item is *doubted* and the answer pauses;
  it is confirmed, or it was a *noise*, and the response that the service makes of it is *unasked*.
* Sound that was kept while there was no connection is sent in one go. Nobody can judge afterwards whether it is
  speech, so what begins there (before `_kept_ms`) is never doubted.
* Speech is *open* until it has been written down or answered. When the connection is lost, it is sent again from where
  it began; so is everything since the user last fell silent, since the service may not have heard the rest.
"""

from __future__ import annotations

from voice.effects import Microphone

MAX_OPEN = 8
"""Turns of the user that are neither written down nor answered; the sound of older ones is not remembered anyway."""


class Floor:
    """Of one conversation; times are ms of sound since the connection began."""

    def __init__(self, *, by_hand: bool, confirms: bool) -> None:
        self.by_hand = by_hand
        self.muted = False
        self.speaking = False
        self.uncommitted = False
        """Whether a turn has been ended by hand that the service could not be told."""
        self.unasked = False
        """Whether the service is going to answer a noise."""
        self._confirms = confirms
        self._awaiting = False
        self.committing = 0
        """How many turns that were ended by hand are still to become items."""
        self._doubted: str | None = None
        self._noise: str | None = None
        self._open: dict[str, int] = {}  # where each item began
        self._made: set[str] = set()  # those of them that the service has made
        self._answering: set[str] = set()  # those of them that it knew when it began to answer
        self._heard_ms = 0  # where the user last fell silent
        self._kept_ms = 0
        self._silent = False  # nobody has spoken yet on this connection

    @property
    def free(self) -> bool:
        """Whether nobody speaks, and nobody waits for an answer that the service gives by itself."""
        return not (self.speaking or self._awaiting or self.committing)

    @property
    def interrupting(self) -> bool:
        """Whether somebody certainly speaks, so that no answer to what was said before may be heard."""
        newest = next(reversed(self._open), None)  # some services make an item of it without telling that it ended
        certain = self._doubted is None and self._noise is None and (self.by_hand or newest not in self._made)
        return self.speaking and certain

    @property
    def settled(self) -> bool:
        """Whether all that was said has been understood."""
        return self.free and not self.uncommitted and not self._open

    @property
    def microphone(self) -> Microphone:
        """What becomes of the microphone's sound now."""
        if self.by_hand and not self.speaking:
            return Microphone("closed")
        return Microphone("muted" if self.muted else "open")

    # As the service hears it ----------------------------------------------------------------------------------------

    def begin(self, item_id: str, start_ms: int, *, answering: bool) -> bool:
        """Note that somebody begins to speak; whether that is doubted."""
        self.speaking, self._noise, self.unasked = True, None, False
        self._note_open(item_id, start_ms)
        # Some services tell no times: what seems to begin before the last speech ended tells nothing of where it is.
        kept = start_ms < self._kept_ms and (self._silent or start_ms > self._heard_ms)
        self._silent = False
        if self._confirms and answering and not kept:
            self._doubted = item_id
        return self._doubted == item_id

    def end(self, end_ms: int) -> None:
        """Note that they fell silent."""
        self.speaking, self._heard_ms = False, end_ms
        if self._noise is None:
            self._awaiting = True
        else:
            self.unasked = True

    def confirm(self) -> bool:
        """Take it that somebody really speaks; whether that interrupts."""
        if not (self._confirms and self.speaking):
            return False
        self._noise = self._doubted = None
        return True

    def dismiss(self) -> bool:
        """Take it that nobody speaks; whether that had been in doubt."""
        if self._doubted is None:
            return False
        self._noise, self._doubted = self._doubted, None
        return True

    def forget_doubt(self) -> None:
        """Take it that somebody speaks, since the answer has been silenced anyway."""
        self._doubted = None

    def commit(self, item_id: str) -> bool:
        """Note that the service made an item of a turn; False when that was a noise."""
        if item_id == self._noise:
            self._noise = None
            self._open.pop(item_id, None)
            return False
        if self.committing:
            self.committing -= 1
            self._note_open(item_id, 0)
        self._made = (self._made | {item_id}) & self._open.keys()
        return True

    def commits_nothing(self) -> None:
        """Note that the service heard too little to make an item of it, or has made one by itself."""
        self._awaiting, self.committing = False, max(self.committing - 1, 0)

    def give_up(self) -> None:
        """Note that the service reports an error, perhaps of what we wait for."""
        self._awaiting, self.committing = False, 0

    def collided(self) -> None:
        """Note that the service cannot answer by itself, since another response runs."""
        self._awaiting = self.unasked = False

    def written(self, item_id: str) -> None:
        """Note that a turn has been written down, or cannot be."""
        self._open.pop(item_id, None)

    def begin_answer(self) -> None:
        """Note that a response begins: it is to all that the service has made items of."""
        self._awaiting = self.unasked = False
        self._answering = set(self._made)

    def answered(self) -> None:
        """Note that the service has nothing more to say to that."""
        for item_id in self._answering:
            self._open.pop(item_id, None)

    def kept(self, ms: int) -> None:
        """Note how much sound the new connection was sent in one go."""
        self._kept_ms, self._silent = ms, True

    def _note_open(self, item_id: str, start_ms: int) -> None:
        self._open[item_id] = start_ms
        if len(self._open) > MAX_OPEN:
            del self._open[next(iter(self._open))]

    # By hand --------------------------------------------------------------------------------------------------------

    def take_turns(self, *, by_hand: bool) -> None:
        """Let the user begin and end each turn, or the service hear when; what it is hearing now comes to nothing."""
        if self.speaking:
            self._open.pop(next(reversed(self._open), ""), None)
        self.by_hand = by_hand
        self.speaking = self.uncommitted = False  # the service will hear for itself where that turn ended

    def talk(self) -> bool:
        """Begin a turn; whether what was sent before is done with."""
        self.speaking = True
        if self._awaiting or self.committing or self.uncommitted:
            return False  # the service may never hear that turn: its sound is still needed
        self._forget_speech()
        return True

    def end_talk(self, *, ready: bool) -> None:
        """End the turn: it is committed, as soon as the service is `ready`."""
        self.speaking, self.uncommitted = False, not ready
        self.committing += ready

    # The connection -------------------------------------------------------------------------------------------------

    def disconnect(self, *, planned: bool) -> tuple[int | None, tuple[str, ...]]:
        """Note that the service has forgotten all; `planned`: it had heard everything that was sent.

        Gives from where on it must hear it again, None for nothing, and the items that it will make anew of that.
        """
        lost = tuple(item_id for item_id in self._open if item_id != self._noise)
        if self.by_hand:
            self.uncommitted = bool(lost or self._awaiting or self.committing or self.uncommitted)
            again_from = 0 if self.uncommitted or self.speaking else None
        else:
            unheard = [] if planned else [self._heard_ms]
            again_from = min([*(self._open[item_id] for item_id in lost), *unheard], default=None)
        self._doubted = self._noise = None
        self.give_up()
        self.unasked = False
        self.speaking = self.speaking and self.by_hand
        self._forget_speech()
        self._heard_ms = self._kept_ms = 0
        return again_from, lost

    def forget(self) -> None:
        """Begin a new conversation: nothing was said."""
        self.give_up()
        self.uncommitted = False
        self._forget_speech()

    def _forget_speech(self) -> None:
        self._open.clear()
        self._made.clear()
        self._answering.clear()
