"""A scripted Realtime service, as strict as the real one: the test says what happens, it says what is wrong.

It speaks for itself only where the real service needs no thought: it opens the session, acknowledges, and refuses.
Speech and answers come when the test calls `hear`, `say` and `call_function`. Events that the service would not
understand fail the test on leaving; what it understands but refuses is answered with its own `error` and kept in
`refusals`.
"""

from __future__ import annotations

import itertools
import time

from tests.loopback import Loopback
from tests.reply import BYTES_PER_MS, Event, Reply
from tests.wire import BAD_KEY, BAD_MODEL, Connection, Received, Refusal, problem

__all__ = ["BAD_KEY", "BAD_MODEL", "Connection", "Received", "Refusal", "Service"]


class Service(Loopback):
    """`Loopback` with the words of the protocol; see there for the arguments."""

    def __init__(
        self,
        *,
        key: str | None = None,
        tls: bool = False,
        ping_interval: float | None = 20,
        session_seconds: float = 3600,
    ) -> None:
        super().__init__(key=key, tls=tls, ping_interval=ping_interval, session_seconds=session_seconds)
        self._ids = itertools.count(1)

    def say(
        self,
        audio: bytes,
        transcript: str,
        *,
        chunk_ms: int = 100,
        burst: bool = True,
        item_id: str | None = None,
        done: bool = True,
    ) -> Reply:
        """Answer aloud, at once or at the pace of speech; a paced answer ends early when it is cancelled.

        Without `done` the response stays open, for `finish` or a barge-in to end it.
        """
        connection = self.connection()
        size = chunk_ms * BYTES_PER_MS
        chunks = [audio[start : start + size] for start in range(0, len(audio), size)]
        words = _share(transcript, len(chunks))
        reply = self._open(connection)
        with connection.lock:
            connection.send(reply.message(item_id or self._new("item"), connection.rules.last_item()))
        due = time.monotonic()
        for chunk, text in zip(chunks, words, strict=True):
            due += 0 if burst else chunk_ms / 1000
            self._until(lambda: connection.rules.reply is not reply, due)
            with connection.lock:
                if connection.rules.reply is not reply:
                    return reply
                connection.send([*(reply.transcript(text) if text else []), *reply.audio(chunk)])
        if done:
            self.finish(reply)
        return reply

    def finish(self, reply: Reply, status: str = "completed", details: Event | None = None) -> None:
        """End a response that is still open."""
        connection = self.connection()
        with connection.lock:
            if connection.rules.reply is reply:
                connection.send(reply.done(status, details))

    def fail(self, code: str = "server_error", message: str | None = None) -> None:
        """Answer with a failed response."""
        reply = self._open(self.connection())
        error = {"type": "server_error", "code": code} | ({"message": message} if message else {})
        self.finish(reply, "failed", {"type": "failed", "error": error})

    def call_function(self, name: str, arguments: str, call_id: str | None = None) -> str:
        """Answer with one function call in a response of its own; gives its call_id."""
        call_id = call_id or self._new("call")
        self.call_functions([(name, arguments, call_id)])
        return call_id

    def call_functions(self, calls: list[tuple[str, str, str]]) -> None:
        """Answer with several function calls, (name, arguments, call_id) each, in one response."""
        connection = self.connection()
        reply = self._open(connection)
        for name, arguments, call_id in calls:
            connection.send(reply.call(self._new("item"), name, arguments, call_id))
        self.finish(reply)

    def speech_started(self, item_id: str | None = None, audio_start_ms: int = 0) -> str:
        """Hear the user begin, which cancels what is being answered unless the session says otherwise."""
        item_id = item_id or self._new("item")
        connection = self.connection()
        with connection.lock:
            start = {"type": "input_audio_buffer.speech_started", "audio_start_ms": audio_start_ms, "item_id": item_id}
            connection.send([start])
            detection = connection.rules.session["audio"]["input"]["turn_detection"] or {}
            if connection.rules.reply and detection.get("interrupt_response", True):
                connection.send(connection.rules.reply.cancelled("turn_detected"))
        self._notify()
        return item_id

    def speech_stopped(self, item_id: str, audio_end_ms: int = 1000) -> None:
        """Hear the user end."""
        self.send({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": audio_end_ms, "item_id": item_id})

    def committed(self, item_id: str) -> None:
        """Make an item of what the user said."""
        connection = self.connection()
        with connection.lock:
            connection.send(connection.rules.committed(item_id))

    def user_transcript(self, item_id: str, text: str) -> None:
        """Tell what the user said."""
        about = {"item_id": item_id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        usage = {"type": "duration", "seconds": 1.0}
        self.send({"type": f"{kind}.delta", **about, "delta": text})
        self.send({"type": f"{kind}.completed", **about, "transcript": text, "usage": usage})

    def hear(self, text: str, start_ms: int = 0, end_ms: int = 1000) -> str:
        """Hear a whole turn of the user's; gives its item id."""
        item_id = self.speech_started(audio_start_ms=start_ms)
        self.speech_stopped(item_id, end_ms)
        self.committed(item_id)
        self.user_transcript(item_id, text)
        return item_id

    def expire(self) -> None:
        """Reach the 60 minutes that a session may last."""
        text = "Your session hit the maximum duration of 60 minutes."
        self.send(problem("session_expired", text))
        self.close(1001, text)

    def _open(self, connection: Connection) -> Reply:
        reply = Reply(self._new("resp"))
        with connection.lock:
            assert connection.rules.reply is None, "the test answers twice at once"
            connection.rules.reply = reply
            connection.send(reply.created())
        return reply

    def _new(self, what: str) -> str:
        return f"{what}_{next(self._ids)}"


def _share(text: str, parts: int) -> list[str]:
    """Spread the words of `text` over so many parts, the first ones early as the service does."""
    words = text.split(" ")
    deltas = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
    if parts < len(deltas):
        deltas = [*deltas[: parts - 1], "".join(deltas[parts - 1 :])]
    return deltas + [""] * (parts - len(deltas))
