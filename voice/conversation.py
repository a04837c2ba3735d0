"""The core: turn taking, barge-in, function calls. No I/O, no clock, no thread.

Events of the service and facts from here (what was heard, what a tool gave, what was typed) go in; effects come
out. The session serialises the calls and carries the effects out; a decision is never made anywhere else.

Its parts are in `voice.turns`, and each states its rules: who has the floor (`floor`), which response runs or is wished
for (`responses`), what is heard of the answers (`answers`), functions' calls (`calls`). Here they are put together: a
response that is wished for is asked for as soon as the service is ready, nobody speaks and nothing runs.

A connection may be lost at any time. `disconnected` keeps what was said and what is still to be answered; `configure`
tells the next session all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from voice.buffer import Playback
from voice.effects import (
    Effect,
    End,
    Microphone,
    Offline,
    PauseAudio,
    Ready,
    Recall,
    ResumeAudio,
    RunTool,
    Send,
    TryAgain,
    Undoubted,
)
from voice.errors import ServiceRefusedError, SettingError
from voice.events import (
    AudioDelta,
    AudioDone,
    ErrorReported,
    InputClear,
    InputCommit,
    InputCommitted,
    ItemAdded,
    ItemCreate,
    ItemDelete,
    Json,
    OutputItemAdded,
    OutputItemDone,
    Problem,
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
from voice.shown import Notice, Partial, State, StateChanged, ToolUse, Turn, Used, UserSpoke
from voice.turns.agenda import Agenda, is_goodbye
from voice.turns.answers import Answers
from voice.turns.calls import Calls
from voice.turns.floor import Floor
from voice.turns.problems import CONFIGURE, is_about_settings, is_benign, reason, seconds_to_wait
from voice.turns.responses import Responses
from voice.turns.restore import restored, told
from voice.turns.transcript import MAX_CHARACTERS, Entry, Transcript

MAX_ROUNDS = 10
"""Responses in a row that do nothing but call functions; then the user is asked to say something."""
_GO_ON = "The connection was lost while you were answering. Go on from where you were cut off."
_UNWRITTEN = "(could not be written down)"


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
        self._effects: list[Effect] = []
        self._answers = Answers(self.transcript, self._do, speaks=speaks)
        self._responses = Responses()
        self._floor = Floor(by_hand=by_hand, confirms=confirms)
        self._calls = Calls()
        self._agenda = Agenda()
        self._confirms = confirms
        self._transcribes = transcribes
        self._rest: State = "listening" if listens else "ready"
        self._state: State = "connecting"
        self._online = False  # the service has been told our settings
        self._ready = False  # and has taken them
        self._was_ready = False
        self._state_held = False  # another connection takes over, and the user need not know
        self._asleep = False  # nothing is sent until somebody wakes us
        self._broken = False  # an answer was broken off with the connection
        self._rounds = 0
        self._made = 0  # items of ours
        self._why_unwritten = ""

    # Facts ----------------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no speech, no answer, no call."""
        return self._ready and self._nothing_asked

    @property
    def _nothing_asked(self) -> bool:
        """Whether all has been answered that we know of; without the service, nobody knows what is said aloud."""
        return (
            self._floor.free
            and not self._floor.uncommitted
            and self._responses.idle
            and not self._calls.running
            and not self.transcript.answering
        )

    @property
    def quiet(self) -> bool:
        """Whether another connection can take over: nothing is under way, and all was understood and written down."""
        return self.may_sleep and not self.transcript.unwritten

    @property
    def may_sleep(self) -> bool:
        """Whether nothing is under way, and all was understood; some services never write down what is said."""
        return self.idle and self._floor.settled and self._agenda.is_empty

    @property
    def has_room(self) -> bool:
        """Whether one more typed line may wait for its turn."""
        return self._agenda.has_room

    @property
    def microphone(self) -> Microphone:
        """What becomes of the microphone's sound now."""
        if self._asleep:
            return Microphone("closed")
        heard = self._floor.microphone
        return Microphone("muted") if self._agenda.leaving and heard.state == "open" else heard

    def receive(self, event: ServerEvent) -> list[Effect]:
        """Take one event of the service."""
        if handle := self._HANDLERS.get(type(event)):
            handle(self, event)
        return self._take()

    def say(self, text: str, *, in_turn: bool = False) -> list[Effect]:
        """Take a typed message: it interrupts, or with `in_turn` waits until the answer before it was heard.

        With `in_turn` there must be room (`has_room`).
        """
        if not in_turn or (self.idle and self._agenda.is_empty):
            self._say(text)
        else:
            self._agenda.add(text)
        return self._take()

    def voice_heard(self) -> list[Effect]:
        """Take it that somebody really speaks."""
        if self._floor.confirm():
            self._interrupt(cancel=True)
        return self._take()

    def voice_not_heard(self) -> list[Effect]:
        """Take it that what the service took for speech is none so far."""
        self._dismiss()
        return self._take()

    def interrupt(self) -> list[Effect]:
        """Stop the answer, as the user commands, and what functions at work would add to it."""
        self._interrupt(cancel=True)
        self._calls.interrupt()
        return self._take()

    def mute(self, *, muted: bool) -> list[Effect]:
        """Send silence instead of what the microphone hears, or stop doing so."""
        self._floor.muted = muted
        self._do(self.microphone)
        return self._take()

    def talk(self) -> list[Effect]:
        """Begin the user's turn by hand."""
        if self._floor.by_hand and not self._floor.speaking:
            self._interrupt(cancel=True)
            if self._floor.talk():
                self._do(Send(InputClear()))
            self._do(self.microphone)
        return self._take()

    def end_talk(self) -> list[Effect]:
        """End the user's turn by hand."""
        self._end_talk()
        return self._take()

    def take_turns(self, *, by_hand: bool, change: Json) -> list[Effect]:
        """Let the user begin and end each turn from now on, or let the service hear when one does (`change`)."""
        if by_hand != self._floor.by_hand:
            self._end_talk()
            self._hear_end()
            self._floor.take_turns(by_hand=by_hand)
            if self._online:
                self._do(Send(SessionUpdate(change)))
            self._do(self.microphone)
        return self._take()

    def end_when_idle(self) -> list[Effect]:
        """End once everything that was asked has been answered."""
        self._agenda.end()
        return self._take()

    def take_leave(self) -> list[Effect]:
        """End once what is being answered has been; what waits for its turn is not said any more."""
        self._take_leave()
        return self._take()

    def playback_cut(self, cut: tuple[Playback, ...]) -> list[Effect]:
        """Take what was heard of each item when the loudspeaker was silenced."""
        for playback in cut:
            entry = self.transcript.get(playback.item_id)
            was_cut = entry is not None and self._responses.is_cut(entry.response_id)
            self._answers.cut(playback, was_cut=was_cut)
        return self._take()

    def playback_finished(self, finished: tuple[Playback, ...]) -> list[Effect]:
        """Take which items have been heard to their end."""
        for playback in finished:
            self._answers.finish(playback)
        return self._take()

    def tool_finished(self, call_id: str, output: str) -> list[Effect]:
        """Take the output of a function."""
        forgotten = self._calls.finish(call_id, output)
        if forgotten is not None:
            if self._online:  # else it is among what the next session is told
                text = f"{forgotten.name}({forgotten.arguments}), called before the connection was lost, gave: {output}"
                self._create(self._new_id("late"), told(text))
            self._responses.wish()
        self._answer_calls()
        return self._take()

    def retry(self) -> list[Effect]:
        """Ask again for the answer that failed."""
        self._responses.retry()
        return self._take()

    def close(self) -> list[Effect]:
        """Finish every turn as it stands: the program ends."""
        self._finish()
        self._agenda.has_ended()
        return self._take()

    # The connection -------------------------------------------------------------------------------------------------

    def configure(self, settings: Json) -> list[Effect]:
        """Tell the service our settings and what has been said: the answer to ``session.created``."""
        self._online = True
        self._do(Send(SessionUpdate(settings, event_id=CONFIGURE)))
        self._answers.connect(lambda: self._new_id("heard"))
        for item in restored(self.transcript.said):
            self._do(Send(ItemCreate(item)))
        if self._broken:
            self._do(Send(ItemCreate(told(_GO_ON))))
        return self._take()

    def roll_over(self, settings: Json) -> list[Effect]:
        """Go on with another connection at a `quiet` moment; the sound goes on there as well."""
        self._let_go(planned=True)
        self._state_held = True
        return self.configure(settings)

    def disconnected(self, *, planned: bool = False) -> list[Effect]:
        """Take it that the connection is gone, or (`planned`) given up with all that was sent having been heard."""
        self._do(Offline(self._let_go(planned=planned)))
        return self._take()

    def sleep(self) -> list[Effect]:
        """Give up the connection, when it `may_sleep` or before there is one, until `wake`."""
        self._asleep = True
        self._do(Offline(self._let_go(planned=True)))
        self._do(self.microphone)
        return self._take()

    def wake(self, heard: Callable[[], bytes] = bytes) -> list[Effect]:
        """Go on, beginning with what was `heard` of the user meanwhile; see `voice.effects.Recall`."""
        if self._asleep:
            self._asleep = False
            self._do(self.microphone)
            self._do(Recall(heard))
        return self._take()

    def forget(self) -> list[Effect]:
        """Begin a new conversation, on a new connection."""
        self._finish()
        self._release()
        self.transcript.forget()
        self._floor.forget()
        self._calls.forget()
        self._agenda.clear()
        again_from = self._let_go(planned=True)
        self._responses.abandon()
        self._broken = False
        self._do(Offline(again_from))
        return self._take()

    def sound_kept(self, ms: int) -> list[Effect]:
        """Take how much sound a new connection was sent in one go, when it was ready."""
        self._floor.kept(ms)
        return self._take()

    def _finish(self) -> None:
        self._answers.close()
        for entry in self.transcript.open:
            if entry.role == "tool" and not entry.settled:
                self.transcript.drop(entry.item_id)
            entry.settled = True

    def _let_go(self, *, planned: bool) -> int | None:
        """Forget what only the connection knew; from where on sound must be heard again, in ms."""
        self._dismiss()
        self._do(Undoubted())
        again_from, lost = self._floor.disconnect(planned=planned)
        self._responses.disconnect()
        if self._calls.disconnect():
            self._responses.wish()
        self._broken = self._answers.disconnect() or self._broken
        if lost:  # it will be said again, and then be answered
            self._responses.abandon()
            self._broken = False
        for entry in self.transcript.unwritten:
            if entry.item_id in lost:
                self.transcript.drop(entry.item_id)
            else:
                entry.text, entry.settled = _UNWRITTEN, True
        self._online = self._ready = self._state_held = False
        return again_from

    def _session_updated(self, _: SessionUpdated) -> None:
        if self._ready or not self._online:
            return
        self._ready = self._was_ready = True
        self._state_held = False
        self._do(Ready())
        if self._floor.uncommitted and not self._floor.speaking:
            self._floor.end_talk(ready=True)
            self._do(Send(InputCommit()))

    def _error(self, event: ErrorReported) -> None:
        error = event.error
        if remedy := REMEDIES.get(error.code or ""):
            self._do(End(ServiceRefusedError(remedy)))
        elif not self._ready and is_about_settings(error):
            self._do(End(SettingError(f"the service rejected {error.param or 'the settings'}: {reason(error)}")))
        elif error.code == "input_audio_buffer_commit_empty":
            self._floor.commits_nothing()
        elif error.code == "response_cancel_not_active":  # mostly it had just ended by itself
            if lost := self._responses.lost:
                self._end_response(lost, goes_on=False)
        elif error.code == "conversation_already_has_active_response":
            # What was asked for, by us or by speaking, is asked for again when the other has ended; a noise is not.
            self._responses.collided(again=error.event_id is not None or not self._floor.unasked)
            self._floor.collided()
        elif not is_benign(error):
            self._give_up(error)

    def _give_up(self, error: Problem) -> None:
        """Wait no longer for what the service will not do; should it do it nevertheless, that is mended."""
        requested = self._responses.requested and error.event_id in {ResponseCreate().event_id, None}
        if requested:
            self._responses.refused()
        if error.event_id is None:  # perhaps it is why what was said is not answered
            self._floor.give_up()
        if requested and error.type == "server_error":
            self._report_failure(error)
        else:
            self._do(Notice(f"the service reports: {reason(error)}"))

    # The user -------------------------------------------------------------------------------------------------------

    def _speech_started(self, event: SpeechStarted) -> None:
        answering = self._responses.running or self._calls.running or self.transcript.sounding
        if self._floor.begin(event.item_id or "", event.audio_start_ms, answering=answering):
            self._do(PauseAudio())
        else:
            # The service cancels its answer by itself (interrupt_response) where nothing is to be confirmed.
            self._interrupt(cancel=self._confirms)

    def _speech_stopped(self, event: SpeechStopped) -> None:
        self._hear_end()
        self._floor.end(event.audio_end_ms)

    def _hear_end(self) -> None:
        """Nobody speaks any more: what nobody took for speech till now was a noise."""
        self._dismiss()
        self._do(Undoubted())

    def _dismiss(self) -> None:
        """It was a noise: play on."""
        if self._floor.dismiss():
            self._do(ResumeAudio())

    def _committed(self, event: InputCommitted) -> None:
        by_hand = self._floor.by_hand or self._floor.committing
        if not self._floor.commit(event.item_id):
            self._do(Send(ItemDelete(event.item_id)))
            return
        entry = Entry(event.item_id, "you", settled=not self._transcribes, spoken=True)
        self.transcript.place(entry, event.previous_item_id)
        self.transcript.give_up_unwritten()
        self._do(UserSpoke())
        self._rounds = 0
        if by_hand:
            self._responses.wish()

    def _transcription_delta(self, event: TranscriptionDelta) -> None:
        entry = self._unwritten(event.item_id)
        if entry is not None and entry.append(event.delta):
            self._do(Partial(entry.item_id, "you", entry.text))

    def _transcription_completed(self, event: TranscriptionCompleted) -> None:
        self._floor.written(event.item_id)
        if event.usage:
            self._do(Used("transcription", event.usage))
        if entry := self._unwritten(event.item_id):
            entry.text, entry.settled = event.transcript[:MAX_CHARACTERS], True
            if is_goodbye(entry.text):
                self._take_leave()

    def _transcription_failed(self, event: TranscriptionFailed) -> None:
        self._floor.written(event.item_id)
        if entry := self._unwritten(event.item_id):
            entry.text, entry.settled = entry.text or _UNWRITTEN, True
            if (why := reason(event.error)) != self._why_unwritten:  # else it is the same for every turn
                self._why_unwritten = why
                self._do(Notice(f"the service could not write down what you said: {why}"))

    def _unwritten(self, item_id: str) -> Entry | None:
        entry = self.transcript.get(item_id)
        return entry if entry is not None and entry.role == "you" and not entry.settled else None

    def _say(self, text: str) -> None:
        self._interrupt(cancel=True)
        self._do(UserSpoke())
        self._rounds = 0
        item_id = self._new_id("typed")
        self.transcript.place(Entry(item_id, "you", text, settled=True))
        if is_goodbye(text):
            self._take_leave()
        if self._online:  # else it is among what the next session is told
            content = [{"type": "input_text", "text": text}]
            self._create(item_id, {"type": "message", "role": "user", "content": content})
        self._responses.wish()

    def _end_talk(self) -> None:
        if self._floor.by_hand and self._floor.speaking:
            self._floor.end_talk(ready=self._ready)
            self._do(self.microphone)
            if self._ready:
                self._do(Send(InputCommit()))

    def _take_leave(self) -> None:
        self._agenda.leave()
        self._do(self.microphone)  # a room that does not fall silent must not keep it from coming

    def _interrupt(self, *, cancel: bool) -> None:
        running = self._responses.cut()
        if running is not None and cancel:
            self._do(Send(ResponseCancel(running)))
        if not self._online:
            self._responses.abandon()
            self._broken = False
        self._floor.forget_doubt()
        self._answers.silence()

    # The answer -----------------------------------------------------------------------------------------------------

    def _response_created(self, event: ResponseCreated) -> None:
        response_id = event.response.id
        self._answers.begin_response(response_id, self._responses.is_cut)
        self._calls.begin_response(response_id)
        if not self._responses.begin(response_id, unasked=self._floor.unasked) or self._floor.interrupting:
            self._responses.cut()
            self._do(Send(ResponseCancel(response_id)))
        self._floor.begin_answer()
        self._broken = False

    def _output_item_added(self, event: OutputItemAdded) -> None:
        self._responses.note_item(event.response_id, whole=False)
        self._answers.place(event.item, event.response_id)

    def _item_added(self, event: ItemAdded) -> None:
        self._responses.seen(event.item.id or "")
        active = self._responses.active
        if active and not self._responses.is_cut(active):
            self._answers.place(event.item, active, event.previous_item_id)

    def _transcript_delta(self, event: TranscriptDelta) -> None:
        if not self._responses.is_cut(event.response_id):
            self._answers.write(event)

    def _audio_delta(self, event: AudioDelta) -> None:
        if not self._responses.is_cut(event.response_id):
            self._answers.play(event)

    def _audio_done(self, event: AudioDone) -> None:
        self._answers.end_sound(event)

    def _output_item_done(self, event: OutputItemDone) -> None:
        self._responses.note_item(event.response_id, whole=True)
        if event.item.type == "function_call":
            self._call(event)
        elif not self._responses.is_cut(event.response_id):
            self._answers.end_item(event.item.id or "")

    def _response_done(self, event: ResponseDone) -> None:
        response = event.response
        if response.usage:
            self._do(Used("response", response.usage))
        was_cut = self._end_response(response.id, goes_on=response.status in {"completed", "incomplete"})
        details = response.status_details
        if response.status == "failed":
            self._report_failure(details.error if details and details.error else Problem(), unwanted=was_cut)
            return
        if response.status != "cancelled" or self._floor.free:  # else the user speaks on, which is answered as well
            self._floor.answered()
        if response.status == "incomplete" and not was_cut:
            why = details.reason if details and details.reason else "it gives no reason"
            self._do(Notice(f"the service cut the answer short: {why[:100]}"))

    def _end_response(self, response_id: str, *, goes_on: bool) -> bool:
        """End a response, which `goes_on` with the outputs of its calls; whether it had been cut."""
        was_cut = self._responses.end(response_id)
        self._answers.end_response(response_id, cut=was_cut)
        self._calls.end_response(response_id, goes_on=goes_on)
        self._answer_calls()
        return was_cut

    def _report_failure(self, error: Problem, *, unwanted: bool = False) -> None:
        if remedy := REMEDIES.get(error.code or ""):
            self._do(End(ServiceRefusedError(remedy)))
        elif unwanted:
            return
        elif self._responses.fail():
            seconds = seconds_to_wait(error)
            self._do(Notice(f"the service could not answer ({reason(error)}); trying once more in {seconds:g} s"))
            self._do(TryAgain(seconds))
        else:
            self._do(Notice(f"the service could not answer: {reason(error)}"))

    # Function calls -------------------------------------------------------------------------------------------------

    def _call(self, event: OutputItemDone) -> None:
        if self._responses.is_cut(event.response_id):
            self._do(Send(ItemDelete(event.item.id or "")))
        elif (entry := self._calls.begin(event.item, event.response_id)) is not None and entry.tool is not None:
            self.transcript.place(entry)
            self._do(RunTool(event.item.call_id or "", entry.tool.name, entry.tool.arguments))

    def _answer_calls(self) -> None:
        for outputs, goes_on in self._calls.take_complete():
            for call_id, output in outputs.items():
                item = {"type": "function_call_output", "call_id": call_id, "output": output}
                self._create(self._new_id("output"), item)
            if goes_on:
                self._next_round()

    def _next_round(self) -> None:
        self._rounds += 1
        if self._rounds < MAX_ROUNDS:
            self._responses.wish()
        else:
            self._do(Notice(f"{MAX_ROUNDS} calls of functions in a row without an answer: say what you want instead"))

    # Effects --------------------------------------------------------------------------------------------------------

    def _new_id(self, what: str) -> str:
        self._made += 1
        return f"{what}_{self._made}"

    def _create(self, item_id: str, item: Json) -> None:
        self._responses.sent(item_id)
        self._do(Send(ItemCreate({"id": item_id, **item})))

    def _do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _take(self) -> list[Effect]:
        """Effects of the fact just taken, with what follows from any of them."""
        self._release()
        if self.idle and not self._agenda.is_empty:
            self._say(self._agenda.take())
            self._release()
        if self._ready and self._floor.free and self._responses.request():
            self._do(Send(ResponseCreate()))
        if (state := self._current_state()) != self._state:
            self._state = state
            self._do(StateChanged(state))
        if self._agenda.is_over and (self.idle or (self._deaf and self._nothing_asked)):
            self._do(End())
        effects, self._effects = self._effects, []
        return effects

    @property
    def _deaf(self) -> bool:
        """Whether nothing that is said aloud will ever be heard."""
        return self._asleep or self._rest == "ready"

    def _release(self) -> None:
        for turn in self.transcript.release():
            self._do(turn)

    def _current_state(self) -> State:
        if self._asleep:
            return "asleep"
        if not self._ready:
            return self._state if self._state_held else "reconnecting" if self._was_ready else "connecting"
        if self._floor.speaking:
            return "hearing you"
        if self.transcript.sounding:
            return "speaking"
        if not self.idle:
            return "thinking"
        return "muted" if self._floor.muted and self._rest == "listening" else self._rest

    _HANDLERS: ClassVar[Mapping[type[ServerEvent], Callable[[Conversation, Any], None]]] = {
        SessionUpdated: _session_updated,
        ErrorReported: _error,
        SpeechStarted: _speech_started,
        SpeechStopped: _speech_stopped,
        InputCommitted: _committed,
        TranscriptionDelta: _transcription_delta,
        TranscriptionCompleted: _transcription_completed,
        TranscriptionFailed: _transcription_failed,
        ResponseCreated: _response_created,
        OutputItemAdded: _output_item_added,
        ItemAdded: _item_added,
        TranscriptDelta: _transcript_delta,
        AudioDelta: _audio_delta,
        AudioDone: _audio_done,
        OutputItemDone: _output_item_done,
        ResponseDone: _response_done,
    }
