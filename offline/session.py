"""One connection: what each event of the client does.

The connection's thread reads and handles one event after the other; each response has a thread of its own (`Reply`).
The lock guards what they share, the conversation and which responses run; nothing blocks while it is held.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from offline.brain import Brain, Sentence
from offline.conversation import Conversation
from offline.entry import Entry, entry_of
from offline.items import Created, Reference
from offline.listening import BYTES_PER_MS, Began, Ended, Listening
from offline.options import ResponseOptions
from offline.organs import Organs
from offline.outbox import Outbox
from offline.replies import Replies, planned
from offline.settings import ServerVad, Settings
from offline.wire import (
    Append,
    CancelResponse,
    Clear,
    ClientEvent,
    Commit,
    CreateItem,
    CreateResponse,
    DeleteItem,
    RequestError,
    RetrieveItem,
    SessionUpdate,
    TruncateItem,
    checked,
    decode,
    decoded,
    error_event,
    new_id,
    parse,
    server_event,
)

_log = logging.getLogger(__name__)

_JOIN_SECONDS = 2.0
"""How long the end of a connection waits for a brain or a voice that is still busy."""


class Session:
    """A conversation with one client. All methods are for the connection's thread."""

    def __init__(self, organs: Organs, model: str, send: Callable[[str], None], seconds: float) -> None:
        self._organs = organs
        self._settings = Settings(
            type="realtime", id=new_id("sess"), model=model, expires_at=int(time.time() + seconds)
        )
        self._outbox = Outbox(send)
        self._listening = Listening(organs)
        self._listening.configure(self._settings.turn_detection)
        self._fault_told = ""  # why speech was last not understood
        self._quiet_since_ms: int | None = None  # where in the sound written the last answer has been played
        self._lock = threading.Lock()  # guards the three below
        self._conversation = Conversation()
        self._replies = Replies(organs, self._lock, self._outbox, self._answered)
        self._to_be_played_ms: int | None = None
        self._put("session.created", session=self._settings.event_fields())
        self._outbox.flush()

    def handle(self, frame: str | bytes) -> None:
        """Do what a frame asks for; whatever is wrong with it, the client is told and the connection lives."""
        event_id = None
        try:
            message = decode(frame)
            given = message.get("event_id")
            event_id = given if isinstance(given, str) else None
            self._perform(parse(message))
        except RequestError as error:
            self._outbox.put(error.event(event_id))
        except Exception as error:  # noqa: BLE001 - ours or the recogniser's fault: told, and survived
            _log.exception("cannot handle an event")
            self._outbox.put(
                error_event("server_error", "server_error", f"The assistant failed: {error}", None, event_id)
            )
        self._outbox.flush()

    def close(self) -> None:
        """End all responses; the socket is closed already, so that no thread is held up by sending."""
        with self._lock:
            self._replies.cancel_all()
        if not self._replies.join(_JOIN_SECONDS):
            _log.warning("a response is still busy %.0f s after its connection ended", _JOIN_SECONDS)

    def _perform(self, event: ClientEvent) -> None:
        match event:
            case SessionUpdate():
                self._update(event.session)
            case Append():
                self._hear(decoded(event.audio, "audio"))
            case Commit():
                self._commit(self._listening.commit())
            case Clear():
                self._listening.clear()
                self._put("input_audio_buffer.cleared")
            case CreateItem():
                self._create_item(event)
            case RetrieveItem():
                with self._lock:
                    self._put("conversation.item.retrieved", item=self._conversation.retrieve(event.item_id))
            case TruncateItem():
                with self._lock:
                    self._conversation.truncate(event.item_id, event.audio_end_ms)
                    fields = event.model_dump(include={"item_id", "content_index", "audio_end_ms"})
                    self._put("conversation.item.truncated", **fields)
            case DeleteItem():
                with self._lock:
                    self._conversation.delete(event.item_id)
                    self._put("conversation.item.deleted", item_id=event.item_id)
            case CreateResponse():
                self._respond(checked(ResponseOptions, event.response or {}, "response"))
            case CancelResponse():
                with self._lock:
                    self._replies.cancel(event.response_id)

    def _update(self, update: dict[str, Any]) -> None:
        with self._lock:
            has_spoken = self._conversation.has_spoken
        self._settings = self._settings.updated(update, has_spoken=has_spoken)
        self._listening.configure(self._settings.turn_detection)
        self._put("session.updated", session=self._settings.event_fields())

    # Hearing

    def _hear(self, pcm: bytes) -> None:
        vad = self._settings.turn_detection
        for change in self._listening.append(pcm):
            if isinstance(change, Began):
                self._began(change, interrupts=vad is not None and vad.interrupt_response)
            else:
                self._put("input_audio_buffer.speech_stopped", audio_end_ms=change.audio_end_ms, item_id=change.item_id)
                self._commit(change)
                self._respond_by_itself(vad)
        if vad is not None and vad.idle_timeout_ms is not None:
            self._mind_silence(vad, vad.idle_timeout_ms)

    def _began(self, began: Began, *, interrupts: bool) -> None:
        self._quiet_since_ms = None
        with self._lock:
            self._put("input_audio_buffer.speech_started", audio_start_ms=began.audio_start_ms, item_id=began.item_id)
            if interrupts:
                self._replies.interrupt()
            self._to_be_played_ms = None
        self._outbox.flush()

    def _commit(self, turn: Ended) -> None:
        """Make a turn an item, tell the client at once, then ask the recogniser for its words."""
        entry = self._add_turn(turn.item_id, turn.audio)
        self._outbox.flush()
        try:
            self._understood(entry, turn.utterance.finish())
        except Exception as error:  # noqa: BLE001 - the recogniser's fault: told, and survived
            _log.exception("cannot recognise speech")
            entry.fault = str(error) or type(error).__name__
            if self._settings.audio.input.transcription:
                fault = {"type": "server_error", "code": "server_error", "message": str(error), "param": None}
                kind = "conversation.item.input_audio_transcription.failed"
                self._put(kind, item_id=entry.id, content_index=0, error=fault)

    def _add_turn(self, item_id: str, audio: bytes) -> Entry:
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "status": "completed", "role": "user", "content": content}
        entry = Entry(item, audio=bytearray(audio), audio_ms=len(audio) // BYTES_PER_MS)
        with self._lock:
            previous = self._conversation.add(entry)
            self._put("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
            self._put_added(entry, previous)
        return entry

    def _understood(self, entry: Entry, words: str) -> None:
        with self._lock:
            entry.words = words
            if self._settings.audio.input.transcription is None:
                return
            entry.item["content"][0]["transcript"] = words
            self._put(
                "conversation.item.input_audio_transcription.completed",
                item_id=entry.id,
                content_index=0,
                transcript=words,
                usage={"type": "duration", "seconds": entry.audio_ms / 1000},
            )

    def _respond_by_itself(self, vad: ServerVad | None) -> None:
        """Answer a detected turn; while another answer goes on, which then was not to be interrupted, say why not."""
        if vad is None or not vad.create_response:
            return
        try:
            self._respond(ResponseOptions())
        except RequestError as error:
            self._outbox.put(error.event())

    def _answered(self, audio_ms: int) -> None:
        self._to_be_played_ms = audio_ms  # the lock is held, and the reader takes it from there

    def _mind_silence(self, vad: ServerVad, timeout_ms: int) -> None:
        """Let the assistant speak up when the user says nothing for long after its answer has been played."""
        now = self._listening.position_ms
        with self._lock:
            if self._to_be_played_ms is not None:
                self._quiet_since_ms = now + self._to_be_played_ms
                self._to_be_played_ms = None
            is_answering = self._replies.active is not None
        since = self._quiet_since_ms
        if since is None or is_answering or self._listening.is_speaking or now < since + timeout_ms:
            return
        self._quiet_since_ms = None
        item_id = new_id("item")
        self._put("input_audio_buffer.timeout_triggered", audio_start_ms=since, audio_end_ms=now, item_id=item_id)
        self._add_turn(item_id, b"")
        self._respond_by_itself(vad)

    # Items

    def _create_item(self, event: CreateItem) -> None:
        entry = entry_of(checked(Created, {"item": event.item}).item, self._organs.recognizer)
        with self._lock:
            self._put_added(entry, self._conversation.add(entry, event.previous_item_id))

    def _put_added(self, entry: Entry, previous: str | None) -> None:
        for kind in ("added", "done"):
            self._put(f"conversation.item.{kind}", item=entry.copy(), previous_item_id=previous)

    # Answering

    def _respond(self, options: ResponseOptions) -> None:
        given = [
            item if isinstance(item, Reference) else entry_of(item, self._organs.recognizer)
            for item in options.input or ()
        ]
        with self._lock:
            if options.input is None:
                entries = list(self._conversation.finished())
            else:
                entries = [
                    self._conversation.entry(one.id, "retriev") if isinstance(one, Reference) else one for one in given
                ]
            brain = self._brain(entries[-1].fault if entries else "")
            reply = self._replies.add(planned(self._settings, options, self._conversation, entries), brain)
        reply.start()

    def _brain(self, fault: str) -> Brain:
        """Return who is to answer: to speech that could not be understood the reason, but the same reason once."""
        if not fault:
            return self._organs.brain
        is_told, self._fault_told = fault == self._fault_told, fault
        return Sentence("" if is_told else f"I cannot understand you: {fault}.")

    def _put(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - a field is any JSON value
        self._outbox.put(server_event(kind, **fields))
