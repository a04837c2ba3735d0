"""The conversation with the service, over as many connections as it takes; and the carrying out of what it decides.

A connection has a thread *receive*, which may block while connecting (each step has a time limit), on the socket
(woken by `Connection.stop`), and between two attempts (woken by `stop`). When its connection is lost it makes the next.
Before the service's limit of 60 minutes another connection is made beside the first, with a thread of its own, and
takes over at a quiet moment. `voice.uplink` is the other direction. Tools run on threads of their own, which nobody
waits for at the end.

One lock serialises all decisions. Effects are carried out under it, so that their order is the order of the
decisions; this is allowed because none of them can block: they put into a queue, copy into the audio buffer, or
start a thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

from voice.buffer import AudioBuffer
from voice.connection import Connection
from voice.conversation import Conversation
from voice.echo import Suppressor
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Microphone,
    Notice,
    Offline,
    PauseAudio,
    Play,
    Ready,
    ResumeAudio,
    RunTool,
    Send,
    Shown,
    StateChanged,
    ToolUse,
    TryAgain,
    Turn,
    Undoubted,
    Used,
    UserSpoke,
)
from voice.errors import AssistantError, ConnectionLostError
from voice.events import AudioDelta, Json, MalformedEventError, SessionCreated, decode
from voice.uplink import MicQueue, Online, Uplink

log = logging.getLogger(__name__)

SIGNAL_INTERVAL = 0.5
"""s. On Windows a signal is only handled between two waits."""
STOP_TIMEOUT = 1.0
"""s to wait for each thread at the end; it has been woken, so this is only for a machine under load."""
LONGEST_PAUSE = 8.0
"""s between two attempts to connect: nobody wants to wait longer once the network is back."""
FIRST_PAUSE = 0.25
SESSION_SECONDS = 3600.0
"""What the service allows, where it does not say itself when a session expires."""
ROLL_OVER_SHARE = 11 / 12
"""After 55 of 60 minutes the next session is prepared; the rest is for finding a quiet moment."""
NEXT_ROLL_OVER = 20.0
"""s until a successor is tried again that could not be made, or found no quiet moment."""
QUIET_TIMEOUT = 15.0
"""s that the next connection waits for a quiet moment: less than the 20 s in which the service expects a pong."""


class Tools(Protocol):
    """The functions that the model may call; see `voice.toolbox.Toolbox`."""

    def call(self, name: str, arguments: str) -> str:
        """Run one; may block."""

    def cancel(self) -> None:
        """Tell those at work that nobody waits for them any more."""


class _NoTools:
    def call(self, name: str, arguments: str) -> str:
        return f"There is no function {name!r} to be called with {arguments!r}."

    def cancel(self) -> None:
        pass


class Session:
    """One conversation, from `start` to `stop`."""

    def __init__(
        self,
        audio_buffer: AudioBuffer,
        mic_queue: MicQueue,
        show: Callable[[Shown | Used | UserSpoke | AudioDelta], None],
        *,
        retry_seconds: float = 600,
    ) -> None:
        """Put the parts together; nothing runs before `start`.

        `show` may not block. When the connection is lost, it is tried for `retry_seconds` to make another.
        """
        self._audio_buffer = audio_buffer
        self._mic_queue = mic_queue
        self._tools: Tools = _NoTools()
        self._show = show
        self._retry_seconds = retry_seconds
        self.uplink = Uplink(mic_queue, self)
        self._lock = threading.Lock()  # serialises the conversation's decisions and their effects; over the following
        self._quiet = threading.Condition(self._lock)  # notified when the state changes
        self._conversation = Conversation()
        self._settings: Json = {}
        self._connection: Connection | None = None  # the one that counts
        self._retired: Connection | None = None  # closed once its successor is ready
        self._open: set[Connection] = set()
        self._is_ready = self._was_ready = self._was_lost = False
        self._receivers: list[threading.Thread] = []
        self._roll_over: threading.Timer | None = None
        self._asked_at: float | None = None  # when the user's turn ended, until the answer's first sound
        self._prepared = threading.Event()  # settings and conversation are set, or the end has come first
        self._stopping = threading.Event()
        self._ended: SimpleQueue[AssistantError | None] = SimpleQueue()
        self._malformed = 0
        self.first_audio: float | None = None
        """s from the end of the user's last turn to the first sound of its answer."""
        self.losses = 0
        """How often the connection was lost."""

    # Life: the main thread ------------------------------------------------------------------------------------------

    def start(self, connect: Callable[[], Connection], tools: Tools) -> None:
        """Begin to connect, while the devices are still being opened.

        `connect` makes a connection that is not yet connected.
        """
        self._connect, self._tools = connect, tools
        self._spawn_receiver(self._new_connection())

    def begin(self, settings: Json, conversation: Conversation, echo: Suppressor) -> None:
        """Begin to talk: the devices are known, so the settings are."""
        self._settings = settings
        self._conversation = conversation
        self._mic_queue.put(conversation.microphone)
        self.uplink.start(echo)
        self._prepared.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the conversation ends; False when `timeout` s have passed first.

        Raises:
            AssistantError: it ended for a reason that the user should know.

        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SIGNAL_INTERVAL if until is None else min(SIGNAL_INTERVAL, max(until - time.monotonic(), 0))
            with suppress(Empty):
                error = self._ended.get(timeout=left)
                if error is not None:
                    raise error
                return True
            if left == 0:
                return False

    def end(self, error: AssistantError | None = None) -> None:
        """Let `wait` return; any thread, and signal handlers, since putting into a SimpleQueue may interrupt itself."""
        self._ended.put(error)

    def stop(self) -> None:
        """Finish every turn as it was heard and stop the threads; no stream may feed `mic_queue` any more."""
        self._decide(self._conversation.playback_cut, self._audio_buffer.clear_audio_buffer())
        self._decide(self._conversation.close)
        self._stopping.set()
        self._prepared.set()
        self._tools.cancel()
        self._mic_queue.put(None)
        self.uplink.join(STOP_TIMEOUT / 2)
        with self._lock:
            self._quiet.notify_all()
            if self._roll_over is not None:
                self._roll_over.cancel()
            open_ones = [*self._open, *filter(None, [self._retired])]
        for connection in open_ones:
            connection.stop()
        self.uplink.join(STOP_TIMEOUT)
        for thread in self._receivers:
            thread.join(STOP_TIMEOUT)
        self.uplink.forget_judge()

    # What the user does: any thread ---------------------------------------------------------------------------------

    def say(self, text: str, *, in_turn: bool = False) -> None:
        """Send a typed message; see `Conversation.say`."""
        self._decide(partial(self._conversation.say, text, in_turn=in_turn))

    def interrupt(self) -> None:
        """Stop the answer."""
        self._decide(self._conversation.interrupt)

    def end_when_idle(self) -> None:
        """End once everything that was asked has been answered."""
        self._decide(self._conversation.end_when_idle)

    def mute(self, *, muted: bool) -> None:
        """Send silence instead of what the microphone hears, or stop doing so."""
        self._decide(partial(self._conversation.mute, muted=muted))

    def talk(self) -> None:
        """Begin the user's turn by hand."""
        self._decide(self._conversation.talk)

    def end_talk(self) -> None:
        """End the user's turn by hand."""
        self._decide(self._conversation.end_talk)

    def take_turns(self, settings: Json, *, by_hand: bool) -> None:
        """Change who tells when a turn ends: the user, or the service as `settings` say."""
        detection = settings["audio"]["input"]["turn_detection"] if "audio" in settings else None
        with self._lock:
            self._settings = settings
            self._carry_out(self._conversation.take_turns(by_hand=by_hand, turn_detection=detection))

    def renew(self, settings: Json, *, forget: bool = False) -> None:
        """Go on with a new connection and these settings; with `forget` in a new conversation. May block for a s."""
        with self._lock:
            self._carry_out(self._conversation.playback_cut(self._audio_buffer.clear_audio_buffer()))
            old, self._connection = self._connection, None
            self._settings, self._is_ready = settings, False
            if old is not None:
                self._open.discard(old)
            lost = self._conversation.forget() if forget else self._conversation.disconnected(planned=True)
            self._carry_out(lost)
        if old is not None:
            old.stop()

    @property
    def history(self) -> tuple[Turn | ToolUse, ...]:
        """The finished turns, oldest first."""
        with self._lock:
            return self._conversation.transcript.history

    # Decisions and their effects ------------------------------------------------------------------------------------

    def _decide(self, decision: Callable[..., list[Effect]], *facts: object) -> None:
        with self._lock:
            self._carry_out(decision(*facts))

    def _carry_out(self, effects: list[Effect]) -> None:
        """Requires the lock. Nothing here blocks, see the module's docstring."""
        for effect in effects:
            match effect:
                case Send(event):
                    self._mic_queue.put(event)
                case Play() | EndOfSound() | ClearAudio() | PauseAudio() | ResumeAudio():
                    self._play(effect)
                case Ready():
                    self._mic_queue.put(effect)
                    self._note_ready()
                case Undoubted() | Offline() | Microphone():
                    self._mic_queue.put(effect)
                case RunTool(call_id, name, arguments):
                    call = (call_id, name, arguments)
                    threading.Thread(target=self._handle_function_call, args=call, name="call", daemon=True).start()
                case TryAgain(seconds):
                    _timer(seconds, partial(self._decide, self._conversation.retry), "retry")
                case End(error):
                    self._ended.put(error)
                case shown:
                    if isinstance(shown, StateChanged):
                        self._note_state(shown)
                    self._show(shown)

    def _play(self, effect: Play | EndOfSound | ClearAudio | PauseAudio | ResumeAudio) -> None:
        match effect:
            case Play(sound):
                self._note_first_sound()
                self._show(sound)
                self._audio_buffer.append(sound.item_id, sound.delta)
            case EndOfSound(item_id):
                self._audio_buffer.end(item_id)
                if finished := self._audio_buffer.take_finished():  # of an item that had been heard already
                    self._carry_out(self._conversation.playback_finished(finished))
            case ClearAudio():
                self._tools.cancel()
                self._carry_out(self._conversation.playback_cut(self._audio_buffer.clear_audio_buffer()))
            case PauseAudio():
                self._audio_buffer.pause()
                self._mic_queue.put(effect)
            case ResumeAudio():
                self._audio_buffer.resume()

    def _handle_function_call(self, call_id: str, name: str, arguments: str) -> None:
        output = self._tools.call(name, arguments)
        self._decide(self._conversation.tool_finished, call_id, output)

    def _note_state(self, changed: StateChanged) -> None:
        self._quiet.notify_all()
        if changed.state == "thinking":
            self._asked_at = time.monotonic()
        elif changed.state != "speaking":
            self._asked_at = None

    def _note_first_sound(self) -> None:
        if self._asked_at is not None:
            self.first_audio = time.monotonic() - self._asked_at
            self._asked_at = None

    def _note_ready(self) -> None:
        if self._connection is not None:
            self._connection.be_patient()
        if self._was_lost:
            self._show(Notice("connected again"))
        self._was_lost = False
        self._is_ready = self._was_ready = True

    # Threads: receive -----------------------------------------------------------------------------------------------

    def _spawn_receiver(self, connection: Connection) -> None:
        thread = threading.Thread(target=self._stay_connected, args=(connection,), name="receive", daemon=True)
        self._receivers = [*filter(threading.Thread.is_alive, self._receivers), thread]
        thread.start()

    def _new_connection(self) -> Connection:
        connection = self._connect()
        with self._lock:
            self._open.add(connection)
        return connection

    def _stay_connected(self, connection: Connection) -> None:
        """Read this connection, and those that replace it when it is lost."""
        try:
            self._read(connection)
            while self._connection is None and not self._stopping.is_set():
                self._retry(lambda: self._read(self._new_connection()))
        except ConnectionLostError as error:
            if self._connection is not None:  # this was to be its successor
                self._roll_over = _timer(NEXT_ROLL_OVER, self._prepare_successor, "roll-over")
            elif not self._stopping.is_set():
                self._ended.put(error)
        except AssistantError as error:
            self._ended.put(error)
        except Exception as error:
            log.exception("receive")
            self._ended.put(AssistantError(f"this is a bug in the program: {error!r}"))

    def _retry(self, attempt: Callable[[], None]) -> None:
        """Attempt until it succeeds, the end comes or patience does."""
        import tenacity  # noqa: PLC0415 - its import takes longer than all that a conversation needs without a loss

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ConnectionLostError),
            wait=tenacity.wait_random_exponential(FIRST_PAUSE, LONGEST_PAUSE),
            stop=tenacity.stop_after_delay(self._retry_seconds) | tenacity.stop_when_event_set(self._stopping),
            sleep=tenacity.sleep_using_event(self._stopping),
            reraise=True,
        )
        retrying(attempt)

    def _read(self, connection: Connection) -> None:
        """Read a connection to its end. Raises ConnectionLostError when it has been of no use."""
        try:
            connection.connect()
            self._prepared.wait()
            for message in connection.messages():
                self._receive(connection, message)
                self._close_retired()
        except ConnectionLostError as error:
            if not self._lose(connection, error):
                raise
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.stop()

    def _receive(self, connection: Connection, message: str | bytes) -> None:
        try:
            event = decode(message)
        except MalformedEventError as error:
            log.warning("malformed event: %s", error)
            self._malformed += 1
            if self._malformed == 1:
                self._show(Notice(f"the service sent something that is no event ({error}); going on without it"))
            return
        log.debug("<- %s", event)
        if isinstance(event, SessionCreated):
            self._take_up(connection, event)
            return
        with self._lock:
            if self._connection in (connection, None):  # a refusal may come before the session
                self._carry_out(self._conversation.receive(event))

    def _take_up(self, connection: Connection, created: SessionCreated) -> None:
        """Talk on this connection from now on; beside another one not before a quiet moment."""
        with self._lock:
            if connection is self._connection:
                return  # said twice
            self._quiet.wait_for(self._may_switch, QUIET_TIMEOUT)
            if not self._may_switch():
                raise ConnectionLostError("there was no quiet moment to take over")
            self._retired, self._connection, self._is_ready = self._connection, connection, False
            if self._retired is not None:
                self._open.discard(self._retired)
                self._carry_out(self._conversation.disconnected(planned=True))
            self._mic_queue.put(Online(connection))
            self._carry_out(self._conversation.configure(self._settings))
            self._plan_roll_over(created)

    def _may_switch(self) -> bool:
        return self._connection is None or self._conversation.idle or self._stopping.is_set()

    def _lose(self, connection: Connection, error: ConnectionLostError) -> bool:
        """Take note of a connection's end; False when it has never been ready."""
        with self._lock:
            if connection not in self._open or self._stopping.is_set():
                return True  # we have done with it
            if connection is not self._connection:
                return False
            was_ready, self._is_ready, self._connection = self._is_ready, False, None
            self._carry_out(self._conversation.disconnected())
        if was_ready:
            self.losses += 1
            self._was_lost = True
            self._show(Notice(f"{error}: connecting again"))
        return was_ready

    def _close_retired(self) -> None:
        if self._retired is not None and self._is_ready:
            retired, self._retired = self._retired, None
            retired.stop()

    # Rolling over ---------------------------------------------------------------------------------------------------

    def _plan_roll_over(self, created: SessionCreated) -> None:
        expires_at = created.session.get("expires_at")
        left = expires_at - time.time() if isinstance(expires_at, int | float) else SESSION_SECONDS
        if self._roll_over is not None:
            self._roll_over.cancel()
        self._roll_over = _timer(max(left, 0) * ROLL_OVER_SHARE, self._prepare_successor, "roll-over")

    def _prepare_successor(self) -> None:
        if not self._stopping.is_set() and self._connection is not None:
            self._spawn_receiver(self._new_connection())

    # Observer of the send thread ------------------------------------------------------------------------------------

    def voice_heard(self, *, heard: bool) -> None:
        """Somebody really speaks, or nobody does so far."""
        self._decide(self._conversation.voice_heard if heard else self._conversation.voice_not_heard)

    def time_passed(self) -> None:
        """Look what has been heard to its end."""
        if finished := self._audio_buffer.take_finished():
            self._decide(self._conversation.playback_finished, finished)

    def sending_failed(self, connection: Connection) -> None:
        """Wake the reader, which sees to the rest."""
        connection.stop()

    def failed(self, error: Exception) -> None:
        """End: the send thread is gone."""
        self._ended.put(AssistantError(f"this is a bug in the program: {error!r}"))


def _timer(seconds: float, action: Callable[[], None], name: str) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.name, timer.daemon = name, True
    timer.start()
    return timer
