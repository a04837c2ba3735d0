"""The core: turn taking, barge-in, function calls. No I/O, no clock, no thread.

Events of the service and facts from here (what was heard, what a tool gave, what was typed) go in; effects come
out. The session serialises the calls and carries the effects out; a decision is never made anywhere else.

Three rules hold everywhere:

* At most one response is wanted at a time. `_requested` is a ``response.create`` of ours that is under way, `_active`
  a response that runs; a further wish waits in `_wanted` until neither is.
* A response that the user interrupted is *cut*: nothing of it that comes later is played or shown.
* An answer counts as said only as far as it was heard.

What the service takes for speech during an answer may be a cough. Then the speech's item is *doubted* and the answer
paused. Either somebody is heard to speak, and the answer is interrupted; or not, and it plays on, the *noise*'s item
is deleted, and the response that the service makes of it, *unasked*, is cancelled.
"""

from __future__ import annotations

import re
from collections import deque

from voice.buffer import Playback
from voice.calls import Calls
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Notice,
    Partial,
    PauseAudio,
    Play,
    Ready,
    ResumeAudio,
    RunTool,
    Send,
    State,
    StateChanged,
    Undoubted,
)
from voice.errors import ServiceRefusedError, SettingError
from voice.events import (
    AudioDelta,
    AudioDone,
    ErrorReported,
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
from voice.transcript import Entry, Transcript, heard_text

_CONFIGURE = "configure"
"""event_id of our first ``session.update``: an error that names it is about our settings."""

_REMEDIES = {
    "invalid_api_key": "the service does not know this key: check OPENAI_API_KEY",
    "insufficient_quota": "the account has no credit left: add some at the service's billing page",
    "billing_hard_limit_reached": "the account's spending limit is reached: raise it at the service's billing page",
    "account_deactivated": "the service has closed this account: ask its support",
    "model_not_found": "the service has no such model for this account: choose another with --model",
    "invalid_model": "the service has no such model for conversations: choose another with --model",
    "missing_model": "the service wants a model: name one with --model",
    "beta_api_shape_disabled": "the service no longer speaks the beta dialect: leave out --dialect",
}
"""Errors after which trying again does not help."""

_BENIGN = frozenset(
    {
        "response_cancel_not_active",  # it had just ended by itself
        "input_audio_buffer_commit_empty",  # the service's own detector was faster
        "item_truncate_invalid_item_id",  # races between our cut and the service's own
        "item_delete_invalid_item_id",
        "unsupported_content_type",
    }
)

_FAREWELL = re.compile(r"\W*(ok(ay)?\W+)?((good\W*)?bye\W*)+", re.IGNORECASE)


class Conversation:
    """Decides; not thread-safe, the session holds its lock around every call."""

    def __init__(
        self, *, speaks: bool = True, listens: bool = True, transcribes: bool = True, confirms: bool = False
    ) -> None:
        """Know how things are set.

        Answers are sound that must be heard (`speaks`), or text. There is a microphone (`listens`), or only a keyboard.
        The user's words are written down, or not. What the service takes for speech interrupts at once, or (`confirms`)
        only pauses the answer until it is sure that somebody speaks; the service must then not interrupt by itself.
        """
        self.transcript = Transcript()
        self._confirms = confirms
        self._speaks = speaks
        self._transcribes = transcribes
        self._rest: State = "listening" if listens else "ready"
        self._effects: list[Effect] = []
        self._state: State = "connecting"
        self._ready = False
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

    # Facts ----------------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no speech, no answer, no call."""
        under_way = (self._active, self._requested, self._wanted, self._speaking, self._awaiting, self._calls.running)
        return (
            self._ready
            and not any(under_way)
            and not any(e.role != "you" and not e.settled for e in self.transcript.open)
        )

    def configure(self, settings: Json) -> list[Effect]:
        """Tell the service our settings: the answer to ``session.created``."""
        self._do(Send(SessionUpdate(settings, event_id=_CONFIGURE)))
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
                entry.settled = True
        return self._take()

    def tool_finished(self, call_id: str, output: str) -> list[Effect]:
        """Take the output of a function."""
        self._calls.finish(call_id, output)
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
            self._ready = True
            self._do(Ready())

    def _error(self, event: ErrorReported) -> None:
        error = event.error
        if error.code in _REMEDIES:
            self._do(End(ServiceRefusedError(_REMEDIES[error.code])))
        elif not self._ready and (error.event_id == _CONFIGURE or (error.param or "").startswith("session")):
            self._do(End(SettingError(f"the service rejected {error.param or 'the settings'}: {error.message}")))
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
        answering = self._active or self._requested or self.transcript.sounding
        if self._confirms and answering:
            self._doubted = event.item_id or ""
            self._do(PauseAudio())
        else:
            # The service cancels its answer by itself (interrupt_response) where nothing is to be confirmed.
            self._interrupt(cancel=self._confirms)

    def _speech_stopped(self, _: SpeechStopped) -> None:
        self._speaking = False
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
            self._do(Send(ItemDelete(event.item_id)))
            return
        settled = not self._transcribes
        self.transcript.place(Entry(event.item_id, "you", settled=settled), event.previous_item_id)
        self.transcript.give_up_unwritten()

    def _transcription_delta(self, event: TranscriptionDelta) -> None:
        if entry := self.transcript.get(event.item_id):
            entry.text += event.delta
            self._do(Partial(entry.item_id, "you", entry.text))

    def _transcription_completed(self, event: TranscriptionCompleted) -> None:
        entry = self.transcript.get(event.item_id)
        if entry is not None and not entry.settled:
            entry.text, entry.settled = event.transcript, True
            self._take_leave(event.transcript)

    def _transcription_failed(self, event: TranscriptionFailed) -> None:
        if entry := self.transcript.get(event.item_id):
            entry.text, entry.settled = "(could not be written down)", True

    def _say(self, text: str) -> None:
        self._interrupt(cancel=True)
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
        if self._active or self._requested or self._speaking or self._awaiting:
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
        if response.status == "failed":
            error = details.error if details and details.error else Problem()
            if error.code in _REMEDIES:
                self._do(End(ServiceRefusedError(_REMEDIES[error.code])))
            else:
                self._do(Notice(f"the service could not answer: {error.message or error.code or 'it gives no reason'}"))
        elif response.status == "incomplete":
            self._do(Notice(f"the service cut the answer short: {details.reason if details else 'it gives no reason'}"))

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
                self._want_response()

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
            return "connecting"
        if self._speaking:
            return "hearing you"
        if self.transcript.sounding:
            return "speaking"
        return self._rest if self.idle else "thinking"


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
