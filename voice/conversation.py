"""The core: turn taking, barge-in, function calls. No I/O, no clock, no thread.

Events of the service and facts from here (what was heard, what a tool gave, what was typed) go in; effects come
out. The session serialises the calls and carries the effects out; a decision is never made anywhere else.

Three rules hold everywhere:

* At most one response is wanted at a time. `_requested` is a ``response.create`` of ours that is under way, `_active`
  a response that runs; a further wish waits in `_wanted` until neither is.
* A response that the user interrupted is *cut*: nothing of it that comes later is played or shown.
* An answer counts as said only as far as it was heard.

A connection may be lost at any time. `disconnected` keeps what was said and what is still to be answered; `configure`
tells the next session all of it.

What the service takes for speech during an answer may be a cough. Then the speech's item is *doubted* and the answer
paused. Either somebody is heard to speak, and the answer is interrupted; or not, and it plays on, the *noise*'s item
is deleted, and the response that the service makes of it, *unasked*, is cancelled.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from voice.buffer import Playback
from voice.calls import Calls
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Microphone,
    Notice,
    Offline,
    Partial,
    PauseAudio,
    Play,
    Ready,
    ResumeAudio,
    RunTool,
    Send,
    State,
    StateChanged,
    ToolUse,
    TryAgain,
    Turn,
    Undoubted,
    Used,
    UserSpoke,
)
from voice.errors import ServiceRefusedError, SettingError
from voice.events import (
    AudioDelta,
    AudioDone,
    ErrorReported,
    InputClear,
    InputCommit,
    InputCommitted,
    Item,
    ItemAdded,
    ItemCreate,
    ItemDelete,
    ItemTruncate,
    Json,
    OutputItemAdded,
    OutputItemDone,
    Problem,
    Response,
    ResponseCancel,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    SessionUpdate,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    TranscriptDelta,
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionFailed,
)
from voice.refusals import REMEDIES
from voice.restore import restored, told
from voice.transcript import Entry, Transcript, heard_text

_CONFIGURE = "configure"
"""event_id of our first ``session.update``: an error that names it is about our settings."""

_BENIGN = frozenset(
    {
        "response_cancel_not_active",  # it had just ended by itself
        "item_truncate_invalid_item_id",  # races between our cut and the service's own
        "item_delete_invalid_item_id",
        "unsupported_content_type",
        "session_expired",  # a close follows, and then a new session
    }
)
MAX_ROUNDS = 10
"""Responses in a row that do nothing but call functions; then the user is asked to say something."""
RETRY_SECONDS = 1.0
"""Until a failed answer is asked for again, unless the service names a time."""
MAX_RETRY_SECONDS = 60.0
_TRY_AGAIN = re.compile(r"try again in (\d+(?:\.\d+)?) ?(ms|s)\b", re.IGNORECASE)
_GO_ON = "The connection was lost while you were answering. Go on from where you were cut off."

_FAREWELL = re.compile(r"\W*(ok(ay)?\W+)?((good\W*)?bye\W*)+", re.IGNORECASE)


class Conversation:
    """Decides; not thread-safe, the session holds its lock around every call."""

    def __init__(
        self,
        *,
        speaks: bool = True,
        listens: bool = True,
        transcribes: bool = True,
        confirms: bool = False,
        by_hand: bool = False,
        past: Iterable[Turn | ToolUse] = (),
    ) -> None:
        """Know how things are set.

        Answers are sound that must be heard (`speaks`), or text. There is a microphone (`listens`), or only a keyboard.
        The user's words are written down, or not. What the service takes for speech interrupts at once, or (`confirms`)
        only pauses the answer until it is sure that somebody speaks; the service must then not interrupt by itself.
        The user begins and ends each turn (`by_hand`), or the service hears when one does. `past` was said before.
        """
        self.transcript = Transcript(past)
        self._by_hand = by_hand
        self._muted = False
        self._confirms = confirms
        self._speaks = speaks
        self._transcribes = transcribes
        self._rest: State = "listening" if listens else "ready"
        self._effects: list[Effect] = []
        self._state: State = "connecting"
        self._ready = False
        self._was_ready = False
        self._active: str | None = None
        self._cut: set[str] = set()  # responses; emptied as they end
        self._requested = False
        self._stale = False  # the requested response was interrupted before it began
        self._wanted = False
        self._speaking = False  # the user is
        self._awaiting = False  # the service will answer what the user said by itself
        self._doubted: str | None = None  # item of the speech that may be a noise
        self._noise: str | None = None  # item of the speech that was a noise
        self._unasked = False  # the service is going to answer a noise
        self._calls = Calls()
        self._typed = 0
        self._outputs = 0
        self._unseen: set[str] = set()  # items of ours that the service has not acknowledged
        self._waiting: deque[str] = deque()
        self._ending = False
        self._unwritten: dict[str, int] = {}  # where the user's items without a text began, in ms of this connection
        self._heard_ms = 0  # up to here the service had listened when the user last fell silent
        self._uncommitted = False  # the user ended a turn by hand that the service could not be told
        self._broken = False  # an answer was cut by the loss of the connection
        self._rounds = 0
        self._failed = False  # the last answer did, and was asked for again
        self._retrying = False  # it will be, in a moment

    # Facts ----------------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no speech, no answer, no call."""
        under_way = (
            self._active,
            self._requested,
            self._wanted,
            self._retrying,
            self._speaking,
            self._awaiting,
            self._uncommitted,
            self._calls.running,
        )
        return (
            self._ready
            and not any(under_way)
            and not any(e.role != "you" and not e.settled for e in self.transcript.open)
        )

    def configure(self, settings: Json) -> list[Effect]:
        """Tell the service our settings and what has been said: the answer to ``session.created``."""
        self._do(Send(SessionUpdate(settings, event_id=_CONFIGURE)))
        for item in restored(self.transcript.said):
            self._do(Send(ItemCreate(item)))
        if self._broken:
            self._do(Send(ItemCreate(told(_GO_ON))))
            self._broken = False
        return self._take()

    def disconnected(self, *, planned: bool = False) -> list[Effect]:
        """Take it that the connection is gone, or (`planned`) that all of it has been heard; `configure` goes on."""
        self._dismiss()
        lost = self._drop_unwritten()
        if self._by_hand:
            self._uncommitted = bool(lost) or self._awaiting or self._uncommitted
        pending = (self._active, self._requested, self._wanted, self._awaiting and not lost, self._retrying)
        self._wanted = any(pending) and not self._unasked
        for entry in self.transcript.open:
            if entry.role == "assistant" and not entry.complete and not entry.settled:
                self._break(entry)
        self._calls.disconnect()
        self._active = self._noise = None
        self._ready = self._requested = self._awaiting = self._stale = self._unasked = False
        self._speaking = self._speaking and self._by_hand
        self._retrying = False
        self._cut.clear()
        self._unseen.clear()
        if planned or (self._by_hand and not (self._uncommitted or self._speaking)):
            self._do(Offline(None))
        else:
            self._do(Offline(min([*lost, 0 if self._by_hand else self._heard_ms])))
        self._do(Undoubted())
        self._heard_ms = 0
        return self._take()

    def forget(self) -> list[Effect]:
        """Begin a new conversation, on a new connection."""
        self.close()
        self.transcript.forget()
        self._waiting.clear()
        effects = self.disconnected(planned=True)
        self._wanted = self._broken = False
        return effects

    def retry(self) -> list[Effect]:
        """Ask again for the answer that failed."""
        if self._retrying:
            self._want_response()
        return self._take()

    def receive(self, event: ServerEvent) -> list[Effect]:
        """Take one event of the service."""
        handle = getattr(self, _HANDLERS.get(type(event), ""), None)
        if handle is not None:
            handle(event)
        return self._take()

    def say(self, text: str, *, in_turn: bool = False) -> list[Effect]:
        """Take a typed message: it interrupts, or with `in_turn` waits until the answer before it was heard."""
        if not self._ready or (in_turn and not (self.idle and not self._waiting)):
            self._waiting.append(text)
        else:
            self._say(text)
        return self._take()

    def voice_heard(self) -> list[Effect]:
        """Take it that somebody really speaks."""
        if self._confirms and self._speaking:
            self._noise = None
            self._interrupt(cancel=True)
        return self._take()

    def voice_not_heard(self) -> list[Effect]:
        """Take it that what the service took for speech is none so far."""
        self._dismiss()
        return self._take()

    def interrupt(self) -> list[Effect]:
        """Stop the answer, as the user commands."""
        self._interrupt(cancel=True)
        return self._take()

    def mute(self, *, muted: bool) -> list[Effect]:
        """Send silence instead of what the microphone hears, or stop doing so."""
        self._muted = muted
        self._do(self.microphone)
        return self._take()

    def talk(self) -> list[Effect]:
        """Begin the user's turn by hand."""
        if self._by_hand and not self._speaking:
            self._interrupt(cancel=True)
            self._speaking = True
            if self._ready:
                self._do(Send(InputClear()))
            self._do(self.microphone)
        return self._take()

    def end_talk(self) -> list[Effect]:
        """End the user's turn by hand."""
        if self._by_hand and self._speaking:
            self._speaking = False
            self._do(self.microphone)
            self._commit()
        return self._take()

    def take_turns(self, *, by_hand: bool, turn_detection: Json | None) -> list[Effect]:
        """Let the user begin and end each turn from now on, or let the service hear when one does."""
        if by_hand != self._by_hand:
            self.end_talk()
            self._by_hand, self._speaking = by_hand, False
            self._do(Send(SessionUpdate({"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}})))
            self._do(self.microphone)
        return self._take()

    def _commit(self) -> None:
        self._uncommitted = not self._ready
        if self._ready:
            self._awaiting = True
            self._do(Send(InputCommit()))

    @property
    def microphone(self) -> Microphone:
        """What becomes of the microphone's sound now."""
        if self._by_hand and not self._speaking:
            return Microphone("closed")
        return Microphone("muted" if self._muted else "open")

    def end_when_idle(self) -> list[Effect]:
        """End once everything that was asked has been answered."""
        self._ending = True
        return self._take()

    def playback_cut(self, cut: tuple[Playback, ...]) -> list[Effect]:
        """Take what was heard of each item when the loudspeaker was silenced."""
        for playback in cut:
            if entry := self.transcript.get(playback.item_id):
                self._cut_entry(entry, playback)
        return self._take()

    def playback_finished(self, finished: tuple[Playback, ...]) -> list[Effect]:
        """Take which items have been heard to their end."""
        for playback in finished:
            if entry := self.transcript.get(playback.item_id):
                if entry.broken:
                    entry.text = heard_text(entry, playback.heard_ms, playback.received_ms)
                entry.settled, entry.interrupted = True, entry.broken
        return self._take()

    def tool_finished(self, call_id: str, output: str) -> list[Effect]:
        """Take the output of a function."""
        forgotten = self._calls.finish(call_id, output)
        if forgotten is not None:
            if self._ready:  # else it is among what the next session is told
                text = f"{forgotten.name}({forgotten.arguments}), called before the connection was lost, gave: {output}"
                self._create({"id": f"late_{self._outputs}", **told(text)})
                self._outputs += 1
            self._want_response()
        self._answer_calls()
        return self._take()

    def close(self) -> list[Effect]:
        """Finish every turn as it stands: the program ends."""
        for entry in self.transcript.open:
            if entry.settled:
                continue
            if entry.role == "tool" or (entry.role == "assistant" and self._speaks):
                self.transcript.drop(entry.item_id)  # not finished; what was heard of an answer has been settled
            else:
                entry.settled, entry.interrupted = True, entry.role == "assistant"
        self._ending = False
        return self._take()

    # Session --------------------------------------------------------------------------------------------------------

    def _session_updated(self, _: SessionUpdated) -> None:
        if not self._ready:
            self._ready = self._was_ready = True
            self._do(Ready())
            if self._uncommitted:
                self._commit()
            if self._wanted and not self._waiting:
                self._want_response()

    def _error(self, event: ErrorReported) -> None:
        error = event.error
        if remedy := REMEDIES.get(error.code or ""):
            self._do(End(ServiceRefusedError(remedy)))
        elif not self._ready and (error.event_id == _CONFIGURE or (error.param or "").startswith("session")):
            self._do(End(SettingError(f"the service rejected {error.param or 'the settings'}: {error.message}")))
        elif error.code == "input_audio_buffer_commit_empty":
            self._awaiting = False  # too short to be a turn; or the service's own detector was faster
        elif error.code == "conversation_already_has_active_response":
            # What was asked for, by us or by speaking, is asked for again when the other has ended; a noise is not.
            self._wanted = self._wanted or error.event_id is not None or not self._unasked
            self._requested = self._awaiting = self._unasked = False
        elif error.code not in _BENIGN:
            if error.event_id == ResponseCreate().event_id:
                self._requested = self._stale = False
            elif error.event_id is None:
                self._awaiting = False  # perhaps it is why what was said is not answered; a collision is mended
            if self._wanted and not self._active:
                self._want_response()
            self._do(Notice(f"the service reports: {error.message or error.code or error.type}"))

    # The user -------------------------------------------------------------------------------------------------------

    def _speech_started(self, event: SpeechStarted) -> None:
        self._speaking, self._noise, self._unasked = True, None, False
        self._unwritten[event.item_id or ""] = event.audio_start_ms
        answering = self._active or self._requested or self.transcript.sounding
        if self._confirms and answering:
            self._doubted = event.item_id or ""
            self._do(PauseAudio())
        else:
            # The service cancels its answer by itself (interrupt_response) where nothing is to be confirmed.
            self._interrupt(cancel=self._confirms)

    def _speech_stopped(self, event: SpeechStopped) -> None:
        self._speaking = False
        self._heard_ms = event.audio_end_ms
        self._dismiss()
        self._do(Undoubted())
        if self._noise is None:
            self._awaiting = True
        else:
            self._unasked = True

    def _dismiss(self) -> None:
        """It was a noise: play on."""
        if self._doubted is not None:
            self._noise, self._doubted = self._doubted, None
            self._do(ResumeAudio())

    def _committed(self, event: InputCommitted) -> None:
        if event.item_id == self._noise:
            self._noise = None
            self._unwritten.pop(event.item_id, None)
            self._do(Send(ItemDelete(event.item_id)))
            return
        settled = not self._transcribes
        self.transcript.place(Entry(event.item_id, "you", settled=settled), event.previous_item_id)
        self.transcript.give_up_unwritten()
        self._do(UserSpoke())
        self._rounds = 0
        if self._by_hand:
            if self._transcribes:
                self._unwritten[event.item_id] = 0
            self._awaiting = False
            self._want_response()

    def _transcription_delta(self, event: TranscriptionDelta) -> None:
        if entry := self.transcript.get(event.item_id):
            entry.text += event.delta
            self._do(Partial(entry.item_id, "you", entry.text))

    def _transcription_completed(self, event: TranscriptionCompleted) -> None:
        self._unwritten.pop(event.item_id, None)
        if event.usage:
            self._do(Used("transcription", event.usage))
        entry = self.transcript.get(event.item_id)
        if entry is not None and not entry.settled:
            entry.text, entry.settled = event.transcript, True
            self._take_leave(event.transcript)

    def _transcription_failed(self, event: TranscriptionFailed) -> None:
        self._unwritten.pop(event.item_id, None)
        if entry := self.transcript.get(event.item_id):
            entry.text, entry.settled = "(could not be written down)", True

    def _say(self, text: str) -> None:
        self._interrupt(cancel=True)
        self._do(UserSpoke())
        self._rounds = 0
        self._typed += 1
        item_id = f"typed_{self._typed}"
        self.transcript.place(Entry(item_id, "you", text, settled=True))
        self._take_leave(text)
        content = [{"type": "input_text", "text": text}]
        self._create({"id": item_id, "type": "message", "role": "user", "content": content})
        self._want_response()

    def _take_leave(self, text: str) -> None:
        if _FAREWELL.fullmatch(text):
            self._ending = True
            self._waiting.clear()  # nobody talks on after a goodbye

    def _create(self, item: Json) -> None:
        self._unseen.add(item["id"])
        self._do(Send(ItemCreate(item)))

    # The answer -----------------------------------------------------------------------------------------------------

    def _want_response(self) -> None:
        self._retrying = False
        if not self._ready or self._active or self._requested or self._speaking or self._awaiting:
            self._wanted = True
        else:
            self._wanted, self._requested = False, True
            self._unseen.clear()  # they go before it
            self._do(Send(ResponseCreate()))

    def _response_created(self, event: ResponseCreated) -> None:
        self._active = event.response.id
        unasked = self._unasked and not self._requested
        if self._stale or unasked:
            self._cancel(event.response.id)
        else:
            # It also answers what was still wanted, if the service had all of that before it began.
            self._wanted = self._wanted and bool(self._unseen)
        self._requested = self._awaiting = self._stale = self._unasked = False

    def _output_item_added(self, event: OutputItemAdded) -> None:
        self._place_answer(event.item, event.response_id, None)

    def _item_added(self, event: ItemAdded) -> None:
        self._unseen.discard(event.item.id or "")
        if self._active and self._active not in self._cut:
            self._place_answer(event.item, self._active, event.previous_item_id)

    def _place_answer(self, item: Item, response_id: str | None, previous: str | None) -> None:
        if item.id and item.type == "message" and item.role == "assistant":
            self.transcript.place(Entry(item.id, "assistant", response_id=response_id), previous)

    def _transcript_delta(self, event: TranscriptDelta) -> None:
        entry = self.transcript.get(event.item_id)
        if entry is not None and not entry.settled and event.response_id not in self._cut:
            entry.text += event.delta
            self._do(Partial(entry.item_id, "assistant", entry.text))

    def _audio_delta(self, event: AudioDelta) -> None:
        entry = self.transcript.get(event.item_id)
        if self._speaks and entry is not None and not entry.settled and event.response_id not in self._cut:
            entry.has_sound = True
            self._do(Play(event))

    def _audio_done(self, event: AudioDone) -> None:
        entry = self.transcript.get(event.item_id)
        if entry is not None and entry.has_sound and not entry.settled:
            self._do(EndOfSound(event.item_id))

    def _output_item_done(self, event: OutputItemDone) -> None:
        item = event.item
        if item.type == "function_call":
            self._call(event)
            return
        entry = self.transcript.get(item.id or "")
        if entry is not None and event.response_id not in self._cut:
            entry.complete = True
            if entry.has_sound:
                self._do(EndOfSound(entry.item_id))
            else:
                entry.settled = True

    def _response_done(self, event: ResponseDone) -> None:
        response = event.response
        if self._active == response.id:
            self._active = None
        was_cut = response.id in self._cut
        self._cut.discard(response.id)
        for entry in self.transcript.open:
            if entry.response_id == response.id and entry.role == "assistant" and not entry.settled:
                self._end_entry(entry, cut=was_cut)
        if response.usage:
            self._do(Used("response", response.usage))
        if response.status == "completed" and not self._transcribes:
            self._unwritten.clear()
        self._report(response)
        self._calls.end_response(response.id, goes_on=response.status == "completed")
        self._answer_calls()
        if self._wanted:
            self._want_response()

    def _end_entry(self, entry: Entry, *, cut: bool) -> None:
        """Finish an item whose response has ended; what still sounds is finished when it has been heard."""
        entry.complete = True
        if cut and not entry.text:
            self.transcript.drop(entry.item_id)
            self._do(Send(ItemDelete(entry.item_id)))
        elif cut or not entry.has_sound:
            entry.settled, entry.interrupted = True, cut
        else:
            self._do(EndOfSound(entry.item_id))

    def _report(self, response: Response) -> None:
        details = response.status_details
        if response.status == "completed":
            self._failed = False
        elif response.status == "failed":
            self._report_failure(details.error if details and details.error else Problem())
        elif response.status == "incomplete":
            self._do(Notice(f"the service cut the answer short: {details.reason if details else 'it gives no reason'}"))

    def _report_failure(self, error: Problem) -> None:
        reason = error.message or error.code or "it gives no reason"
        if remedy := REMEDIES.get(error.code or ""):
            self._do(End(ServiceRefusedError(remedy)))
        elif self._failed:
            self._failed = False
            self._do(Notice(f"the service could not answer: {reason}"))
        else:
            self._failed = self._retrying = True
            seconds = _seconds_to_wait(error.message)
            self._do(Notice(f"the service could not answer ({reason}); trying once more in {seconds:g} s"))
            self._do(TryAgain(seconds))

    # The connection -------------------------------------------------------------------------------------------------

    def _drop_unwritten(self) -> list[int]:
        """Forget what the user said and nobody wrote down: it will be said again; where each of it began, in ms."""
        began = list(self._unwritten.values())
        for item_id in self._unwritten:
            self.transcript.drop(item_id)
        self._unwritten.clear()
        return began

    def _break(self, entry: Entry) -> None:
        """End an answer of which no more will come."""
        if entry.has_sound:
            entry.broken = self._broken = True
            self._do(EndOfSound(entry.item_id))
        elif entry.text and not self._speaks:
            entry.settled = entry.interrupted = self._broken = True
        else:
            self.transcript.drop(entry.item_id)

    # Interruption ---------------------------------------------------------------------------------------------------

    def _interrupt(self, *, cancel: bool) -> None:
        self._stale = self._requested
        self._doubted = None
        if self._active and cancel:
            self._cancel(self._active)
        elif self._active:
            self._cut.add(self._active)
        for entry in self.transcript.open:
            if entry.role == "assistant" and not entry.has_sound and not entry.settled:
                if self._speaks:
                    entry.text = ""  # written ahead of its sound, so nobody knows it
                elif entry.text:
                    entry.settled = entry.interrupted = True
        self._do(ClearAudio())

    def _cancel(self, response_id: str) -> None:
        self._cut.add(response_id)
        self._do(Send(ResponseCancel(response_id)))

    def _cut_entry(self, entry: Entry, playback: Playback) -> None:
        if entry.complete and playback.finished:
            entry.settled = True
            return
        if playback.heard_ms > 0:
            entry.text = heard_text(entry, playback.heard_ms, playback.received_ms)
            entry.settled = entry.interrupted = True
            if not entry.broken:
                self._do(Send(ItemTruncate(entry.item_id, playback.heard_ms)))
        elif entry.response_id in self._cut:
            entry.text = ""  # its response ends in a moment; the item is deleted then
        else:
            self.transcript.drop(entry.item_id)
            self._do(Send(ItemDelete(entry.item_id)))

    # Function calls -------------------------------------------------------------------------------------------------

    def _call(self, event: OutputItemDone) -> None:
        if event.response_id in self._cut:
            self._do(Send(ItemDelete(event.item.id or "")))
        elif (entry := self._calls.begin(event.item, event.response_id)) is not None and entry.tool is not None:
            self.transcript.place(entry)
            self._do(RunTool(event.item.call_id or "", entry.tool.name, entry.tool.arguments))

    def _answer_calls(self) -> None:
        for outputs, goes_on in self._calls.take_complete():
            for call_id, output in outputs.items():
                self._outputs += 1
                item_id = f"output_{self._outputs}"
                self._create({"id": item_id, "type": "function_call_output", "call_id": call_id, "output": output})
            if goes_on:
                self._next_round()

    def _next_round(self) -> None:
        self._rounds += 1
        if self._rounds < MAX_ROUNDS:
            self._want_response()
        else:
            self._do(Notice(f"{MAX_ROUNDS} calls of functions in a row without an answer: say what you want instead"))

    # Effects --------------------------------------------------------------------------------------------------------

    def _do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _take(self) -> list[Effect]:
        """Effects of the fact just taken, with what follows from any of them."""
        self._release()
        if self._waiting and self.idle:
            self._say(self._waiting.popleft())
            self._release()
        if (state := self._current_state()) != self._state:
            self._state = state
            self._do(StateChanged(state))
        if self._ending and self.idle and not self._waiting:
            self._do(End())
        effects, self._effects = self._effects, []
        return effects

    def _release(self) -> None:
        for turn in self.transcript.release():
            self._do(turn)

    def _current_state(self) -> State:
        if not self._ready:
            return "reconnecting" if self._was_ready else "connecting"
        if self._speaking:
            return "hearing you"
        if self.transcript.sounding:
            return "speaking"
        if not self.idle:
            return "thinking"
        return "muted" if self._muted and self._rest == "listening" else self._rest


def _seconds_to_wait(message: str) -> float:
    """How long the service wants us to wait, as its text says."""
    if found := _TRY_AGAIN.search(message):
        seconds = float(found[1]) / (1000 if found[2].lower() == "ms" else 1)
        return min(max(seconds, RETRY_SECONDS), MAX_RETRY_SECONDS)
    return RETRY_SECONDS


_HANDLERS = {
    SessionUpdated: "_session_updated",
    ErrorReported: "_error",
    SpeechStarted: "_speech_started",
    SpeechStopped: "_speech_stopped",
    InputCommitted: "_committed",
    TranscriptionDelta: "_transcription_delta",
    TranscriptionCompleted: "_transcription_completed",
    TranscriptionFailed: "_transcription_failed",
    ResponseCreated: "_response_created",
    OutputItemAdded: "_output_item_added",
    ItemAdded: "_item_added",
    TranscriptDelta: "_transcript_delta",
    AudioDelta: "_audio_delta",
    AudioDone: "_audio_done",
    OutputItemDone: "_output_item_done",
    ResponseDone: "_response_done",
}
