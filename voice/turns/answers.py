"""What the user hears of the answers: their texts and sound on the way to being finished turns; pure.

An answer counts as said only as far as it was heard. Its text runs ahead of its sound, and its sound is generated long
before it has been heard; so an item goes on after its response has ended, and even after its connection has: what
was received of it is played. It is *broken* then, if there would have been more.
"""

from __future__ import annotations

from collections.abc import Callable

from voice.buffer import Playback
from voice.effects import ClearAudio, Effect, EndOfSound, Play, Send
from voice.events import AudioDelta, AudioDone, Item, ItemCreate, ItemDelete, ItemTruncate, TranscriptDelta
from voice.shown import Partial
from voice.turns.restore import answered
from voice.turns.transcript import Entry, Transcript, heard_text


class Answers:
    """The assistant's entries of a transcript; effects go to `do`."""

    def __init__(self, transcript: Transcript, do: Callable[[Effect], None], *, speaks: bool) -> None:
        """Answers are sound that must be heard (`speaks`), or text."""
        self._transcript = transcript
        self._do = do
        self._speaks = speaks

    # As they come ---------------------------------------------------------------------------------------------------

    def place(self, item: Item, response_id: str | None, previous: str | None = None) -> None:
        """Enter an item where it belongs, unless it is none of the assistant's messages."""
        if item.id and item.type == "message" and item.role == "assistant":
            self._transcript.place(Entry(item.id, "assistant", response_id=response_id), previous)

    def write(self, event: TranscriptDelta) -> None:
        """Go on with a text."""
        entry = self._open(event.item_id)
        if entry is not None and entry.append(event.delta):
            self._do(Partial(entry.item_id, "assistant", entry.text))

    def play(self, event: AudioDelta) -> None:
        """Go on with a sound."""
        entry = self._open(event.item_id)
        if self._speaks and entry is not None:
            entry.sound_bytes += len(event.delta)
            self._do(Play(event))

    def end_sound(self, event: AudioDone) -> None:
        """End a sound."""
        entry = self._open(event.item_id)
        if entry is not None and entry.has_sound:
            self._do(EndOfSound(entry.item_id))

    def end_item(self, item_id: str) -> None:
        """End an item: all of it has come."""
        if entry := self._open(item_id):
            entry.complete = True
            if entry.has_sound:
                self._do(EndOfSound(entry.item_id))
            else:
                entry.settled = True

    def end_response(self, response_id: str | None, *, cut: bool) -> None:
        """End the items of a response; what still sounds is finished when it has been heard."""
        for entry in self._unsettled():
            if entry.past or entry.response_id != response_id:
                continue
            entry.complete = True
            if cut and not entry.text:
                self._transcript.drop(entry.item_id)
                self._do(Send(ItemDelete(entry.item_id)))
            elif cut or not entry.has_sound:
                entry.settled, entry.interrupted = True, cut
            else:
                self._do(EndOfSound(entry.item_id))

    def begin_response(self, response_id: str, is_cut: Callable[[str | None], bool]) -> None:
        """End what the service should have ended by now, since it has one response at a time."""
        others = {entry.response_id for entry in self._unsettled() if not entry.past} - {response_id}
        for other in others:
            self.end_response(other, cut=is_cut(other))

    # As they are heard ----------------------------------------------------------------------------------------------

    def silence(self) -> None:
        """Stop all of them where they are."""
        for entry in self._unsettled():
            if entry.has_sound:
                continue
            if self._speaks:
                entry.text = ""  # written ahead of its sound, so nobody knows it
            elif entry.text:
                entry.settled = entry.interrupted = True
        self._do(ClearAudio())

    def cut(self, playback: Playback, *, was_cut: bool) -> None:
        """Take what was heard of an item when the loudspeaker was silenced; `was_cut` was its response."""
        entry = self._transcript.get(playback.item_id)
        if entry is None:
            return
        if entry.complete and playback.finished:
            entry.settled = True
        elif playback.heard_ms > 0:
            entry.text = heard_text(entry, playback.heard_ms, playback.received_ms)
            entry.settled = entry.interrupted = True
            self._cut_short(entry, playback.heard_ms)
        elif was_cut:
            entry.text, entry.sound_bytes = "", 0  # its response ends in a moment; the item is deleted then
        else:
            self._transcript.drop(entry.item_id)
            if known_as := entry.copy_id if entry.past else entry.item_id:
                self._do(Send(ItemDelete(known_as)))

    def finish(self, playback: Playback) -> None:
        """Take it that an item has been heard to its end."""
        entry = self._transcript.get(playback.item_id)
        if entry is None:
            return
        if entry.broken:
            entry.text = heard_text(entry, playback.heard_ms, playback.received_ms)
        entry.settled, entry.interrupted = True, entry.broken

    # The connection -------------------------------------------------------------------------------------------------

    def disconnect(self) -> bool:
        """Take it that no more comes of any; whether one was broken off that the user knows of."""
        broken = False
        for entry in self._unsettled():
            entry.past, entry.copy_id = True, ""
            if entry.complete:
                continue
            if entry.has_sound:
                self._do(EndOfSound(entry.item_id))
            elif entry.text and not self._speaks:
                entry.settled = entry.interrupted = True
            else:
                self._transcript.drop(entry.item_id)
                continue
            broken = True
        return broken

    def connect(self, new_id: Callable[[], str]) -> None:
        """Give each a name that another connection will know it by, for it may still be cut short."""
        for entry in self._unsettled():
            entry.copy_id = new_id()

    def close(self) -> None:
        """Finish all of them as they stand; what was heard of a sounding one has been taken before."""
        for entry in self._unsettled():
            if self._speaks:
                self._transcript.drop(entry.item_id)
            else:
                entry.settled = entry.interrupted = True

    def _open(self, item_id: str) -> Entry | None:
        entry = self._transcript.get(item_id)
        return entry if entry is not None and entry.role == "assistant" and not entry.settled else None

    def _unsettled(self) -> tuple[Entry, ...]:
        return tuple(e for e in self._transcript.open if e.role == "assistant" and not e.settled)

    def _cut_short(self, entry: Entry, heard_ms: int) -> None:
        """Let the service know no more of it than was heard."""
        if not entry.past:
            self._do(Send(ItemTruncate(entry.item_id, heard_ms)))
        elif entry.copy_id:  # a text, of which nothing can be cut off
            if entry.text:
                heard = answered(entry.text, interrupted=True)
                self._do(Send(ItemCreate(heard, previous_item_id=entry.copy_id)))
            self._do(Send(ItemDelete(entry.copy_id)))
