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
from typing import TYPE_CHECKING, Protocol

from voice.connection import Connection
from voice.effects import Microphone, Offline, PauseAudio, Ready, Recall, Undoubted
from voice.errors import ConnectionLostError
from voice.events import AudioAppend, ClientEvent, InputClear, encode
from voice.sound import BLOCK_MS, MAX_QUEUED_BLOCKS, SILENCE, Block

if TYPE_CHECKING:  # it loads numpy, for which the service is not kept waiting
    from voice.nearend import NearEnd

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
"""20 ms a message: half the messages of 10 ms, for 5 ms more delay on average. Its blocks are heard one right after the
other: the second costs half as much while the processor's caches still hold what the first has used."""
MAX_BLOCKS_PER_MESSAGE = 100
"""1 s of sound that was kept, 64 kB of text: no message holds up the others for long."""


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
        self._unheard: deque[Block] = deque(maxlen=MAX_QUEUED_BLOCKS)  # until a message is full
        self._unsent: deque[bytes] = deque(maxlen=MAX_QUEUED_BLOCKS)
        self._sent: deque[bytes] = deque(maxlen=MAX_QUEUED_BLOCKS)
        self._sent_count = 0  # blocks since the connection began
        self.near_end: NearEnd | None = None
        """What the microphone hears of the user; until there is one, sound waits for the next block."""
        self.judge: SpeechJudge | None = None
        """Without one, what the service takes for speech is believed."""
        self.listen: Callable[[Block, bytes], None] = lambda _block, _clean: None
        """Gets every block with the microphone's sound without the echo (a recorder); may not block."""

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="send", daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait until the thread has ended, after None in `mic_queue`; `timeout` in s."""
        if self._thread is not None:
            self._thread.join(timeout)

    # Thread: send ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (entry := self._mic_queue.get()) is not None:
                self._take(entry)
            self._hear_all()
        except Exception as error:
            log.exception("send")
            self._observer.failed(error)

    def _take(self, entry: object) -> None:
        if not isinstance(entry, Block):
            self._hear_all()
        match entry:
            case Block():
                self._unheard.append(entry)
                if len(self._unheard) >= BLOCKS_PER_MESSAGE:
                    self._hear_all()
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
                self._microphone = entry
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
                self._send(event)  # type: ignore[arg-type]  # all else is an event

    def _hear_all(self) -> None:
        if self.near_end is not None:
            while self._unheard:
                self._hear(self._unheard.popleft(), self.near_end)
        self._send_sound()

    def _hear(self, block: Block, near_end: NearEnd) -> None:
        if block.heard is None:
            return
        sound = near_end.hear(block.heard, block, sent=self._microphone.state != "closed")
        self.listen(block, sound)
        self._ask_judge(sound)
        if self._microphone.state == "closed":
            return
        self._unsent.append(sound if self._microphone.state == "open" else SILENCE)

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
