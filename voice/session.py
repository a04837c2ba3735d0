"""The conversation with the service: the carrying out of what it decides, and what the user does.

`voice.line` is the connections and their threads *receive*, `voice.uplink` the other direction, the thread *send*.
Tools run on threads of their own, which nobody waits for at the end.

One lock serialises all decisions. Effects are carried out under it, so that their order is the order of the
decisions; this is allowed because none of them can block: they put into a queue, copy into the audio buffer, or
start a thread. Whoever is told something may decide something else there and then, which is carried out next.
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
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Microphone,
    Offline,
    PauseAudio,
    Play,
    Ready,
    Recall,
    ResumeAudio,
    RunTool,
    Send,
    TryAgain,
    Undoubted,
)
from voice.errors import AssistantError, ConnectionLostError
from voice.events import AudioDelta, Json, MalformedEventError, ServerEvent
from voice.line import Line
from voice.shown import Notice, Shown, ToolUse, Turn
from voice.signals import SIGNAL_INTERVAL
from voice.uplink import MicQueue, Online, Uplink

log = logging.getLogger(__name__)

STOP_SECONDS = 1.8
"""For the end in every state; all threads have been woken, so most of it is for a machine under load."""
LAST_WORDS = 0.3
"""s that the thread *send* has for what is still in the queue."""


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
        show: Callable[[Shown | AudioDelta], None],
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
        self.uplink = Uplink(mic_queue, self)
        self._lock = threading.RLock()  # serialises the decisions and their effects; over the following
        self._line = Line(self._lock, self, retry_seconds=retry_seconds)
        self._conversation = Conversation()
        self._settings: Json = {}
        self._was_lost = False
        self._retry: threading.Timer | None = None
        self._ended: SimpleQueue[AssistantError | None] = SimpleQueue()
        self._malformed = 0
        self._asleep = False  # at first
        self._telling = False
        self._next: list[Effect] = []  # of what was decided by those who were being told something
        self.losses = 0
        """How often the connection was lost."""

    # Life: the main thread ------------------------------------------------------------------------------------------

    def start(self, connect: Callable[[], Connection], tools: Tools, *, asleep: bool = False) -> None:
        """Begin to connect, while the devices are still being opened; or (`asleep`) wait for `wake`.

        `connect` makes a connection that is not yet connected.
        """
        self._tools = tools
        self._asleep = asleep
        if asleep:
            with self._lock:
                self._line.doze()
        self._line.start(connect)

    def begin(self, settings: Json, conversation: Conversation) -> None:
        """Begin to talk: the devices are known, so the settings are. Sound waits for `Uplink.near_end`."""
        self._settings = settings
        self._conversation = conversation
        self._mic_queue.put(conversation.microphone)
        if self._asleep:
            self._decide(conversation.sleep)
        self.uplink.start()
        self._line.open()

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
        """Finish every turn as it was heard and stop the threads; no stream may feed `mic_queue` any more.

        Returns within 2 s.
        """
        until = time.monotonic() + STOP_SECONDS
        self._decide(self._conversation.playback_cut, self._audio_buffer.clear_audio_buffer())
        self._decide(self._conversation.close)
        self._tools.cancel()
        self._mic_queue.put(None)
        self.uplink.join(LAST_WORDS)
        self._line.stop(until)
        if self._retry is not None:  # nobody is left to plan another
            self._retry.cancel()
            self._retry.join(max(until - time.monotonic(), 0))
        self.uplink.join(max(until - time.monotonic(), 0))
        self.uplink.judge = None  # whoever still knows this session must not keep its model alive into Python's exit

    # What the user does: any thread ---------------------------------------------------------------------------------

    def say(self, text: str, *, in_turn: bool = False) -> None:
        """Send a typed message, awake; see `Conversation.say`. With `in_turn` this may block until there is room."""
        with self._lock:
            self.wake()
            if in_turn:
                self._line.wait_for(lambda: self._conversation.has_room)
            if not in_turn or self._conversation.has_room:  # else the end has come
                self._carry_out(self._conversation.say(text, in_turn=in_turn))

    def interrupt(self) -> None:
        """Stop the answer."""
        self._decide(self._conversation.interrupt)

    def end_when_idle(self) -> None:
        """End once everything that was asked has been answered."""
        self._decide(self._conversation.end_when_idle)

    def take_leave(self) -> None:
        """End once what is being answered has been; what waits for its turn is not said any more."""
        self._decide(self._conversation.take_leave)

    def wait_until_idle(self, timeout: float) -> None:
        """Wait until all that was asked has been answered and heard, `timeout` s at most."""
        with self._lock:
            self._line.wait_for(lambda: self._conversation.quiet, timeout)

    def mute(self, *, muted: bool) -> None:
        """Send silence instead of what the microphone hears, or stop doing so."""
        self._decide(partial(self._conversation.mute, muted=muted))

    def talk(self) -> None:
        """Begin the user's turn by hand, awake."""
        with self._lock:
            self.wake()
            self._carry_out(self._conversation.talk())

    def end_talk(self) -> None:
        """End the user's turn by hand."""
        self._decide(self._conversation.end_talk)

    def take_turns(self, settings: Json, *, by_hand: bool) -> None:
        """Change who tells when a turn ends: the user, or the service as `settings` say."""
        with self._lock:
            self._settings = settings
            self._carry_out(self._conversation.take_turns(by_hand=by_hand, change=_turn_detection(settings)))

    def renew(self, settings: Json, *, forget: bool = False) -> None:
        """Go on with a new connection and these settings; with `forget` in a new conversation. May block for a s."""
        with self._lock:
            self._carry_out(self._conversation.playback_cut(self._audio_buffer.clear_audio_buffer()))
            self._settings = settings
            given_up = self._line.hang_up()
            self._carry_out(self._conversation.forget() if forget else self._conversation.disconnected(planned=True))
        if given_up is not None:
            given_up.stop()

    def sleep(self) -> None:
        """Give up the connection until `wake`, unless something is under way. May block for a s."""
        with self._lock:
            given_up = None
            if self._conversation.may_sleep:
                given_up = self._line.doze()
                self._carry_out(self._conversation.sleep())
        if given_up is not None:
            given_up.stop()

    def wake(self, heard: Callable[[], bytes] = bytes) -> None:
        """Go on after `sleep`, if we sleep; `heard` gives what was heard of the user meanwhile."""
        with self._lock:
            self._carry_out(self._conversation.wake(heard))
            self._line.wake()

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
        self._next += effects
        while self._next and not self._telling:
            effects, self._next = self._next, []
            self._perform(effects)
        self._line.changed()

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(event):
                    self._mic_queue.put(event)
                case Play() | EndOfSound() | ClearAudio() | PauseAudio() | ResumeAudio():
                    self._play(effect)
                case Ready():
                    self._mic_queue.put(effect)
                    self._note_ready()
                case Undoubted() | Offline() | Microphone() | Recall():
                    self._mic_queue.put(effect)
                case RunTool():
                    self._run_tool(effect)
                case TryAgain(seconds):
                    self._plan_retry(seconds)
                case End(error):
                    self._ended.put(error)
                case shown:
                    self._tell(shown)

    def _tell(self, shown: Shown | AudioDelta) -> None:
        self._telling = True
        try:
            self._show(shown)
        finally:  # Ctrl-C may come in the middle
            self._telling = False

    def _play(self, effect: Play | EndOfSound | ClearAudio | PauseAudio | ResumeAudio) -> None:
        match effect:
            case Play(sound):
                self._tell(sound)
                self._audio_buffer.append(sound.item_id, sound.delta)
            case EndOfSound(item_id):
                self._audio_buffer.end(item_id)
                if finished := self._audio_buffer.take_finished():  # of an item that had been heard already
                    self._perform(self._conversation.playback_finished(finished))
            case ClearAudio():
                self._tools.cancel()
                self._perform(self._conversation.playback_cut(self._audio_buffer.clear_audio_buffer()))
            case PauseAudio():
                self._audio_buffer.pause()
                self._mic_queue.put(effect)
            case ResumeAudio():
                self._audio_buffer.resume()

    def _run_tool(self, tool: RunTool) -> None:
        call = (tool.call_id, tool.name, tool.arguments)
        try:
            threading.Thread(target=self._handle_function_call, args=call, name="call", daemon=True).start()
        except RuntimeError:  # no thread to spare
            self._perform(self._conversation.tool_finished(tool.call_id, "The computer is too busy to do that now."))

    def _handle_function_call(self, call_id: str, name: str, arguments: str) -> None:
        output = self._tools.call(name, arguments)
        self._decide(self._conversation.tool_finished, call_id, output)

    def _note_ready(self) -> None:
        self._line.ready()
        if self._was_lost:
            self._was_lost = False
            self._tell(Notice("connected again"))

    def _plan_retry(self, seconds: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = threading.Timer(seconds, partial(self._decide, self._conversation.retry))
        self._retry.name, self._retry.daemon = "retry", True
        self._retry.start()

    # Hearer of the line: the threads *receive*, with the lock held ---------------------------------------------------

    def is_quiet(self) -> bool:
        """Whether another connection can take over."""
        return self._conversation.quiet

    def taken_up(self, connection: Connection, *, rolls_over: bool) -> None:
        """Talk on this connection from now on."""
        self._mic_queue.put(Online(connection))
        configure = self._conversation.roll_over if rolls_over else self._conversation.configure
        self._carry_out(configure(self._settings))

    def lost(self, error: ConnectionLostError, *, was_ready: bool) -> None:
        """Keep everything for the next connection."""
        self._carry_out(self._conversation.disconnected())
        if was_ready:
            self.losses += 1
            self._was_lost = True
            self._carry_out([Notice(f"{error}: connecting again")])

    def hear(self, event: ServerEvent) -> None:
        """Take one event of the service."""
        self._carry_out(self._conversation.receive(event))

    def malformed(self, error: MalformedEventError) -> None:
        """Go on without it; the user is told of the first."""
        self._malformed += 1
        if self._malformed == 1:
            log.warning("malformed event: %s", error)
            self._carry_out([Notice(f"the service sent something that is no event ({error}); going on without it")])

    # Observer of the send thread ------------------------------------------------------------------------------------

    def voice_heard(self, *, heard: bool) -> None:
        """Somebody really speaks, or nobody does so far."""
        self._decide(self._conversation.voice_heard if heard else self._conversation.voice_not_heard)

    def time_passed(self) -> None:
        """Look what has been heard to its end."""
        if finished := self._audio_buffer.take_finished():
            self._decide(self._conversation.playback_finished, finished)

    def sound_kept(self, ms: int) -> None:
        """Know how much of the sound is older than the connection."""
        self._decide(self._conversation.sound_kept, ms)

    def sending_failed(self, connection: Connection) -> None:
        """Wake the reader, which sees to the rest."""
        connection.stop()

    def failed(self, error: Exception) -> None:
        """End: the send thread is gone."""
        self._ended.put(AssistantError(f"this is a bug in the program: {error!r}"))


def _turn_detection(settings: Json) -> Json:
    """The part of the settings that says who tells when a turn ends, in either dialect."""
    if "audio" not in settings:
        return {"turn_detection": settings["turn_detection"]}
    detection = settings["audio"]["input"]["turn_detection"]
    return {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
