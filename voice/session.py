"""The two threads that drive the WebSocket, and the carrying out of what the conversation decides.

*send* may block on `mic_queue` (woken by the next block, or by None at the end) and on the socket (woken by
`Connection.stop`). *receive* may block while connecting (each step has a time limit) and on the socket (woken by
`Connection.stop`). Tools run on threads of their own, which nobody waits for at the end.

One lock serialises all decisions. Effects are carried out under it, so that their order is the order of the
decisions; this is allowed because none of them can block: they put into a queue, copy into the audio buffer, or
start a thread.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

import numpy as np

from voice.audio import MAX_QUEUED_BLOCKS, Block
from voice.buffer import AudioBuffer
from voice.connection import Connection
from voice.conversation import Conversation
from voice.echo import Suppressor
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Notice,
    PauseAudio,
    Play,
    Ready,
    ResumeAudio,
    RunTool,
    Send,
    Shown,
    ToolUse,
    Turn,
    Undoubted,
)
from voice.errors import AssistantError
from voice.events import AudioAppend, ClientEvent, Json, MalformedEventError, SessionCreated, decode, encode

log = logging.getLogger(__name__)

MicQueue = SimpleQueue[Block | ClientEvent | Ready | PauseAudio | Undoubted | None]
"""All that goes out, and what the send thread has to know, in order. None ends it."""
BLOCKS_PER_MESSAGE = 2
"""20 ms a message: half the messages of 10 ms, for 5 ms more delay on average."""
SIGNAL_INTERVAL = 0.5
"""s. On Windows a signal is only handled between two waits."""
STOP_TIMEOUT = 1.0
"""s to wait for each thread at the end; it has been woken, so this is only for a machine under load."""


class SpeechJudge(Protocol):
    """Tells whether someone really speaks; see `voice.judge.Judge`. The send thread only."""

    def begin(self) -> None:
        """Begin to judge."""

    def end(self) -> None:
        """Stop judging."""

    def hear(self, block: bytes) -> bool | None:
        """Take 10 ms of sound; True: someone speaks, False: nobody so far, None: nothing new."""


class Session:
    """One conversation with the service, from `start` to `stop`."""

    def __init__(
        self,
        connection: Connection,
        audio_buffer: AudioBuffer,
        mic_queue: MicQueue,
        run_tool: Callable[[str, str], str],
        show: Callable[[Shown], None],
    ) -> None:
        """Put the parts together; nothing runs before `start`. `run_tool` may block, `show` may not."""
        self._connection = connection
        self._audio_buffer = audio_buffer
        self._mic_queue = mic_queue
        self._run_tool = run_tool
        self._show = show
        self._lock = threading.Lock()  # serialises the conversation's decisions and their effects
        self._conversation = Conversation()
        self._settings: Json = {}
        self._prepared = threading.Event()  # settings and conversation are set, or the end has come first
        self._ended: SimpleQueue[AssistantError | None] = SimpleQueue()
        self._receiver = threading.Thread(target=self._receive_events, name="receive", daemon=True)
        self._sender: threading.Thread | None = None
        self._malformed = 0
        self.judge: SpeechJudge | None = None
        """Without one, what the service takes for speech is believed."""

    # Life: the main thread ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect, while the devices are still being opened."""
        self._receiver.start()

    def begin(self, settings: Json, conversation: Conversation, echo: Suppressor) -> None:
        """Begin to talk: the devices are known, so the settings are."""
        self._settings = settings
        self._conversation = conversation
        self._sender = threading.Thread(target=self._send_audio, args=(echo,), name="send", daemon=True)
        self._sender.start()
        self._prepared.set()

    def wait(self) -> None:
        """Wait until the conversation ends.

        Raises:
            AssistantError: it ended for a reason that the user should know.

        """
        while True:
            with suppress(Empty):
                error = self._ended.get(timeout=SIGNAL_INTERVAL)
                break
        if error is not None:
            raise error

    def end(self, error: AssistantError | None = None) -> None:
        """Let `wait` return; any thread, and signal handlers, since putting into a SimpleQueue may interrupt itself."""
        self._ended.put(error)

    def stop(self) -> None:
        """Finish every turn as it was heard and stop the threads; no stream may feed `mic_queue` any more."""
        self._decide(self._conversation.playback_cut, self._audio_buffer.clear_audio_buffer())
        self._decide(self._conversation.close)
        self._prepared.set()
        self._mic_queue.put(None)
        if self._sender is not None:
            self._sender.join(STOP_TIMEOUT / 2)
        self._connection.stop()
        for thread in filter(None, (self._sender, self._receiver)):
            if thread.ident is not None:
                thread.join(STOP_TIMEOUT)
        self.judge = None  # whoever still knows this session must not keep its models alive into Python's exit

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
                case Play(sound):
                    self._audio_buffer.append(sound.item_id, sound.delta)
                case EndOfSound(item_id):
                    self._audio_buffer.end(item_id)
                case ClearAudio():
                    cut = self._audio_buffer.clear_audio_buffer()
                    self._carry_out(self._conversation.playback_cut(cut))
                case RunTool(call_id, name, arguments):
                    call = (call_id, name, arguments)
                    threading.Thread(target=self._handle_function_call, args=call, name="call", daemon=True).start()
                case PauseAudio():
                    self._audio_buffer.pause()
                    self._mic_queue.put(effect)
                case ResumeAudio():
                    self._audio_buffer.resume()
                case Ready() | Undoubted():
                    self._mic_queue.put(effect)
                case End(error):
                    self._ended.put(error)
                case shown:
                    self._show(shown)

    def _handle_function_call(self, call_id: str, name: str, arguments: str) -> None:
        output = self._run_tool(name, arguments)
        self._decide(self._conversation.tool_finished, call_id, output)

    # Thread: receive ------------------------------------------------------------------------------------------------

    def _receive_events(self) -> None:
        try:
            self._connection.connect()
            self._prepared.wait()
            for message in self._connection.messages():
                self._receive(message)
        except AssistantError as error:
            self._ended.put(error)
        except Exception as error:
            log.exception("receive")
            self._ended.put(AssistantError(f"this is a bug in the program: {error!r}"))

    def _receive(self, message: str | bytes) -> None:
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
            self._decide(self._conversation.configure, self._settings)
        else:
            self._decide(self._conversation.receive, event)

    # Thread: send ---------------------------------------------------------------------------------------------------

    def _send_audio(self, echo: Suppressor) -> None:
        """Drain `mic_queue`: sound without the echo, and events, in their order. Sound waits until we are ready."""
        ready = False
        unsent: deque[bytes] = deque(maxlen=MAX_QUEUED_BLOCKS)
        try:
            while (entry := self._mic_queue.get()) is not None:
                match entry:
                    case Block():
                        if (sound := self._suppress_echo(echo, entry)) is not None:
                            unsent.append(sound)
                            self._listen(sound)
                        self._report_finished()
                        if ready and len(unsent) >= BLOCKS_PER_MESSAGE:
                            self._send_sound(unsent)
                    case Ready():
                        ready = True
                        self._send_sound(unsent)
                    case PauseAudio() | Undoubted():
                        self._judge(doubtful=isinstance(entry, PauseAudio))
                    case event:
                        if ready:
                            self._send_sound(unsent)
                        log.debug("-> %s", event)
                        self._connection.send(encode(event))
        except AssistantError as error:
            self._ended.put(error)
        except Exception as error:
            log.exception("send")
            self._ended.put(AssistantError(f"this is a bug in the program: {error!r}"))

    def _send_sound(self, unsent: deque[bytes]) -> None:
        if unsent:
            self._connection.send(encode(AudioAppend(b"".join(unsent))))
            unsent.clear()

    def _judge(self, *, doubtful: bool) -> None:
        if self.judge is None:
            self._decide(self._conversation.voice_heard)
        elif doubtful:
            self.judge.begin()
        else:
            self.judge.end()

    def _listen(self, sound: bytes) -> None:
        verdict = self.judge.hear(sound) if self.judge is not None else None
        if verdict is not None:
            self._decide(self._conversation.voice_heard if verdict else self._conversation.voice_not_heard)

    def _suppress_echo(self, echo: Suppressor, block: Block) -> bytes | None:
        if block.heard is None:
            return None
        if block.slipped:
            echo.slipped()
        near = np.frombuffer(block.heard, dtype=np.int16)
        return echo.process(near, np.frombuffer(block.played, dtype=np.int16)).tobytes()

    def _report_finished(self) -> None:
        if finished := self._audio_buffer.take_finished():
            self._decide(self._conversation.playback_finished, finished)
