"""The thread of one response: it asks the brain, speaks sentence by sentence, and tells the client.

It may block in the brain, in the synthesizer and in sending, nowhere else. Each step takes the connection's lock, looks
whether the response is over, adds its events and sends them with the lock released. `Reply.cancel`, called by the
connection's reader, ends the response at once: its closing events are added then and there, and the thread stops at its
next step. So cancelling waits for nobody, and nothing of a response follows its ``response.done``.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, Literal

from offline.answer import Answer, Plan
from offline.brain import FunctionCall, TextDelta
from offline.organs import Organs
from offline.outbox import Outbox

_log = logging.getLogger(__name__)

_PAUSE = re.compile(r"[.!?…:;]\s+|\n+")
"""Speech may be cut after these without sounding cut; the space stays with what went before."""


class _OverError(Exception):
    """The response ended while its thread was busy."""


class Reply:
    """A response in the making, with its thread; made with the connection's lock held."""

    def __init__(
        self, plan: Plan, organs: Organs, lock: threading.Lock, outbox: Outbox, on_over: Callable[[Reply], None]
    ) -> None:
        self.answer = Answer(plan, outbox.put)
        self.plan = plan
        self._organs = organs
        self._lock = lock  # the connection's; guards the answer
        self._outbox = outbox
        self._on_over = on_over  # called with the lock held, once
        self._thread = threading.Thread(target=self._run, name=f"offline reply {self.answer.id}", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for the thread of a response that is over; return whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def cancel(self, reason: Literal["turn_detected", "client_cancelled"]) -> None:
        """End the response where it is; requires the lock."""
        self._end("cancelled", {"reason": reason})

    def _end(
        self, status: Literal["completed", "cancelled", "incomplete", "failed"], details: dict[str, Any] | None
    ) -> None:
        self.answer.end(status, details)
        self._on_over(self)

    def _run(self) -> None:
        try:
            with contextlib.ExitStack() as cleanup:
                parts = self._organs.brain.reply(self.plan.turn)
                if isinstance(parts, Generator):
                    cleanup.callback(parts.close)
                self._answer(parts)
            with self._step():
                self._end("completed", None)
        except _OverError:
            _log.debug("%s ended early", self.answer.id)
        except Exception as error:  # noqa: BLE001 - the brain's or the voice's fault: told, and survived
            _log.exception("%s failed", self.answer.id)
            self._fail(error)

    def _answer(self, parts: Iterator[TextDelta | FunctionCall]) -> None:
        pending = ""
        for part in parts:
            if isinstance(part, FunctionCall):
                self._say(pending)
                pending = ""
                with self._step():
                    self.answer.add_call(part)
            elif self.plan.modality == "text":
                with self._step():
                    self.answer.add_text(part.text)
            else:
                pending += part.text
                while found := _PAUSE.search(pending):
                    self._say(pending[: found.end()])
                    pending = pending[found.end() :]
        self._say(pending)

    def _say(self, sentence: str) -> None:
        """Transcript first, then its sound, as the service does."""
        if not sentence.strip():
            return
        with self._step():
            self.answer.add_text(sentence)
        voice = self.plan.voice if isinstance(self.plan.voice, str) else str(self.plan.voice["id"])
        for pcm in self._organs.synthesizer.speak(sentence.strip(), voice, self.plan.speed):
            with self._step():
                self.answer.add_audio(pcm)

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        """Add events together, then send them; raises `_OverError` when the response is over before or after."""
        with self._lock:
            if self.answer.is_over:
                raise _OverError
            yield
            if not self.answer.is_over and self.answer.is_too_long:
                self._end("incomplete", {"reason": "max_output_tokens"})
        self._outbox.flush()

    def _fail(self, error: Exception) -> None:
        details = {
            "error": {"type": "server_error", "code": "server_error", "message": f"The assistant failed: {error}"}
        }
        with contextlib.suppress(_OverError), self._step():
            self._end("failed", details)
