"""The thread *send*: from `mic_queue` to the service, sound without the echo and events in their order.

It may block on `mic_queue` (woken by the next block, or by None at the end) and on the socket (woken by
`Connection.stop`). While there is no connection, or the service has not taken our settings, sound waits here, 30 s of
it at most: the oldest goes first. Sound that was sent is remembered as long, since a connection may be lost before
the service heard it; then it is sent again, from where the conversation says.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from voice.connection import Connection
from voice.echo import Samples, Suppressor
from voice.effects import Microphone, Offline, PauseAudio, Ready, Recall, Undoubted
from voice.errors import ConnectionLostError
from voice.events import AudioAppend, ClientEvent, InputClear, encode
from voice.sound import BLOCK_MS, FULL_SCALE, MAX_QUEUED_BLOCKS, SILENCE, Block

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Online:
    """From here on this connection is the one to send to; sound waits until `Ready`.

    What was sent to the one before is done with, unless `Offline` came in between.
    """

    connection: Connection


MicQueue = SimpleQueue[
    Block | ClientEvent | Online | Ready | Offline | Microphone | Recall | PauseAudio | Undoubted | None
]
"""All that goes out, and what the send thread has to know, in order. None ends it."""
BLOCKS_PER_MESSAGE = 2
"""20 ms a message: half the messages of 10 ms, for 5 ms more delay on average."""
MAX_BLOCKS_PER_MESSAGE = 100
"""1 s of sound that was kept, 64 kB of text: no message holds up the others for long."""
ECHO_BLOCKS = 300
"""3 s after the last sound that was played it is not heard any more: a device is 0.3 s late, a room rings for 1."""
LEVEL_FADING = 0.8
"""A level meter that falls by 1 dB a block can be read."""


class SpeechJudge(Protocol):
    """Tells whether someone really speaks; see `voice.judge.Judge`. The send thread only."""

    def begin(self) -> None:
        """Begin to judge."""

    def end(self) -> None:
        """Stop judging."""

    def hear(self, block: bytes) -> bool | None:
        """Take 10 ms of sound; True: someone speaks, False: nobody so far, None: nothing new."""


class Observer(Protocol):
    """Whom the send thread tells; none of these may block for long."""

    def voice_heard(self, *, heard: bool) -> None:
        """Somebody really speaks, or nobody does so far."""

    def time_passed(self) -> None:
        """10 ms of sound have passed."""

    def sound_kept(self, ms: int) -> None:
        """So much sound had been kept and goes to a new connection first."""

    def sending_failed(self, connection: Connection) -> None:
        """Nothing can be sent on this connection."""

    def failed(self, error: Exception) -> None:
        """A bug: the thread has ended."""


class Uplink:
    """What the send thread knows, and its life."""

    def __init__(self, mic_queue: MicQueue, observer: Observer) -> None:
        """Put the parts together; nothing runs before `start`."""
        self._mic_queue = mic_queue
        self._observer = observer
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._ready = False
        self._microphone = Microphone("open")
        self._unsent: deque[bytes] = deque(maxlen=MAX_QUEUED_BLOCKS)
        self._sent: deque[bytes] = deque(maxlen=MAX_QUEUED_BLOCKS)
        self._sent_count = 0  # blocks since the connection began
        self._power = 0.0
        self._unplayed = 0  # blocks since the loudspeaker was given a sound
        self.judge: SpeechJudge | None = None
        """Without one, what the service takes for speech is believed."""
        self.listen: Callable[[Block, bytes], None] = lambda _block, _clean: None
        """Gets every block with the microphone's sound without the echo (a recorder); may not block."""

    @property
    def level(self) -> float:
        """Of the microphone's sound without the echo, in dB of full scale; any thread."""
        return float(10 * np.log10(self._power / FULL_SCALE**2 + 1e-12))

    def start(self, echo: Suppressor) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, args=(echo,), name="send", daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait until the thread has ended, after None in `mic_queue`; `timeout` in s."""
        if self._thread is not None:
            self._thread.join(timeout)

    # Thread: send ---------------------------------------------------------------------------------------------------

    def _run(self, echo: Suppressor) -> None:
        try:
            while (entry := self._mic_queue.get()) is not None:
                self._take(entry, echo)
        except Exception as error:
            log.exception("send")
            self._observer.failed(error)

    def _take(self, entry: object, echo: Suppressor) -> None:
        match entry:
            case Block():
                if entry.heard is not None:
                    self._hear(self._suppress_echo(echo, entry.heard, entry), entry)
                self._observer.time_passed()
            case Ready():
                self._ready = True
                self._observer.sound_kept(len(self._unsent) * BLOCK_MS)
                self._send_sound()
            case Online(connection):
                self._connection, self._ready = connection, False
                self._sent.clear()
                self._sent_count = 0
            case Offline(again_from_ms):
                self._go_offline(again_from_ms)
            case Microphone():
                self._turn(entry)
            case Recall(heard):
                sound, size = heard(), len(SILENCE)
                self._unsent.extend(sound[start : start + size] for start in range(0, len(sound), size))
            case PauseAudio() | Undoubted():
                self._judge(doubtful=isinstance(entry, PauseAudio))
            case InputClear():  # a turn begins, and what is to be remembered with it
                self._sent.clear()
                self._unsent.clear()
                self._sent_count = 0
                self._send(entry)
            case event:
                self._send_sound()
                self._send(event)  # type: ignore[arg-type]  # all else is an event

    def _turn(self, microphone: Microphone) -> None:
        if microphone.state == "closed":
            self._send_sound()
        self._microphone = microphone

    def _hear(self, clean: Samples, block: Block) -> None:
        signal = clean.astype(np.float32)
        self._power = max(float(signal @ signal) / len(signal), LEVEL_FADING * self._power)
        sound = clean.tobytes()
        self.listen(block, sound)
        self._ask_judge(sound)
        if self._microphone.state == "closed":
            return
        self._unsent.append(sound if self._microphone.state == "open" else SILENCE)
        if len(self._unsent) >= BLOCKS_PER_MESSAGE:
            self._send_sound()

    def _suppress_echo(self, echo: Suppressor, heard: bytes, block: Block) -> Samples:
        if block.renewed:
            echo.renewed()
        elif block.slipped:
            echo.slipped()
        near = np.frombuffer(heard, dtype=np.int16)
        self._unplayed = self._unplayed + 1 if block.played == SILENCE else 0
        if self._microphone.state == "closed" and self._unplayed > ECHO_BLOCKS:
            return near  # as in most of a sleep: to look for an echo is half the processor's work then
        return echo.process(near, np.frombuffer(block.played, dtype=np.int16))

    def _send_sound(self) -> None:
        while self._ready and self._unsent:
            blocks = [self._unsent.popleft() for _ in range(min(len(self._unsent), MAX_BLOCKS_PER_MESSAGE))]
            self._sent.extend(blocks)
            self._sent_count += len(blocks)
            self._send(AudioAppend(b"".join(blocks)))

    def _send(self, event: ClientEvent) -> None:
        connection = self._connection
        if connection is None:
            return  # the next session is told all that matters
        if not isinstance(event, AudioAppend):
            log.debug("-> %s", event)
        try:
            connection.send(encode(event, beta=connection.beta))
        except ConnectionLostError:
            self._connection, self._ready = None, False
            self._observer.sending_failed(connection)

    def _go_offline(self, again_from_ms: int | None) -> None:
        """Take back what the service has not understood."""
        again: list[bytes] = []
        if again_from_ms is not None:
            forgotten = self._sent_count - len(self._sent)
            first = min(max(again_from_ms // BLOCK_MS - forgotten, 0), len(self._sent))
            again = list(islice(self._sent, first, None))
        self._unsent = deque([*again, *self._unsent], maxlen=MAX_QUEUED_BLOCKS)
        self._connection, self._ready = None, False
        self._sent.clear()
        self._sent_count = 0

    def _judge(self, *, doubtful: bool) -> None:
        if self.judge is None:
            if doubtful:
                self._observer.voice_heard(heard=True)
        elif doubtful:
            self.judge.begin()
        else:
            self.judge.end()

    def _ask_judge(self, sound: bytes) -> None:
        verdict = self.judge.hear(sound) if self.judge is not None else None
        if verdict is not None:
            self._observer.voice_heard(heard=verdict)
