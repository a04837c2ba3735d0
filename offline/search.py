"""One PocketSphinx search: a process (`decoder.py` says why), and a thread that sends it sound and reads its words.

A search hears one speaker at a time, in the order in which they began. Who goes on for `_TURN_S` lets those who have
finished pass, and is then heard once more from the beginning.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from offline.child import Child

_TURN_S = 3.0
"""How long nobody else is heard: most commands are shorter, and going through a sound twice costs more than a wait."""
_LOOK_S = 0.5
"""Between two looks whether a turn is over, while nothing else happens."""
_MOST_DEATHS = 4
"""Of the process, with nothing understood between them: then it is not started again."""


class SpeechUnavailableError(Exception):
    """Speech cannot be understood on this computer; typing works. The message is for the user."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What one search understood."""

    text: str
    """Lower-case words; "" for nothing."""
    score: float
    """How well sound and language fit; comparable between searches of the same sound."""


_Task: TypeAlias = Callable[[], None]


@dataclass(eq=False, slots=True)
class Job:
    """One utterance on its way through one search. Its methods are for any thread, and only `guess` waits."""

    _put: Callable[[_Task], None]
    """Lets the search's thread do something; all fields below but `wanted` are that thread's."""
    wanted: bool = True
    """False when nobody waits for the guess any more; set by any thread."""
    sound: list[bytes] = field(default_factory=list)
    """PCM16 mono 16 kHz."""
    sent: int = 0
    """How many of these the process has heard."""
    ended: bool = False
    was_lost: bool = False
    """Whether the process died of it, or while it heard this."""
    began: float = field(default_factory=time.monotonic)
    result: Future[Guess] = field(default_factory=Future)

    def feed(self, pcm: bytes) -> None:
        """Take more PCM16 mono 16 kHz, of which the caller sees to it that there is an end."""
        self._put(partial(self.sound.append, pcm))

    def end(self) -> None:
        """Take no more sound."""
        self._put(self._end)

    def guess(self, seconds: float) -> Guess:
        """Wait for the search, no longer than that; raises concurrent.futures.TimeoutError, SpeechUnavailableError."""
        try:
            return self.result.result(seconds)
        finally:
            self.drop()

    def drop(self) -> None:
        """Let the search not go on for this; Python may call it in the middle of anything."""
        self.wanted = False

    def _end(self) -> None:
        self.ended = True


class Search:
    """Runs ``python -m offline.decoder NAME``; any thread may call.

    Its thread, *offline search ...*, blocks in its queue and in the process's pipes. Termination: `close` ends the
    process, which breaks the pipes, and puts None into the queue. A process that ends by itself is started again.
    """

    def __init__(self, name: str) -> None:
        """Begin to load the models."""
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._name = name
        self._lock = threading.Lock()  # guards the two below: no process is started after the end
        self._closed = False
        self._child = Child("offline.decoder", name)
        self._jobs: list[Job] = []  # the thread's, as is the next
        self._heard: Job | None = None  # whose sound the process is hearing
        self._deaths = 0
        self._thread = threading.Thread(target=self._run, name=f"offline search {name}", daemon=True)
        self._thread.start()

    def begin(self) -> Job:
        """Begin an utterance; never blocks."""
        job = Job(self._tasks.put)
        self._tasks.put(partial(self._jobs.append, job))
        return job

    def close(self) -> None:
        """End process and thread; what has no guess by then fails."""
        with self._lock:
            self._closed = True
            self._child.kill()
        self._tasks.put(None)
        self._thread.join()
        self._child.join()

    def _run(self) -> None:
        self._wait_for_models()
        while (task := self._wait()) is not None:
            task()
            while self._tasks.empty() and (job := self._next()) is not None:
                self._advance(job)
        for job in self._jobs:
            self._fail(job, "it was closed")

    def _wait_for_models(self) -> None:
        with suppress(OSError, ValueError):
            self._child.answer()

    def _wait(self) -> _Task | None:
        try:
            return self._tasks.get(timeout=_LOOK_S if self._jobs else None)
        except queue.Empty:
            return lambda: None

    def _next(self) -> Job | None:
        """Choose whom to hear; None when nothing is to be done."""
        self._jobs[:] = [job for job in self._jobs if job.wanted]
        if not self._jobs:
            return None
        job = self._jobs[0]
        if time.monotonic() - job.began > _TURN_S:
            job = next((other for other in self._jobs if other.ended), job)
        return job if job.ended or job.sent < len(job.sound) else None

    def _advance(self, job: Job) -> None:
        """Let the process hear a piece more of this job, or tell what it understood."""
        try:
            if self._heard not in (None, job):
                self._understood()  # half an utterance, which nobody wants to know
            self._heard = job
            if job.sent < len(job.sound):
                self._child.send(job.sound[job.sent])
                job.sent += 1
            else:
                job.result.set_result(self._understood())
                self._jobs.remove(job)
        except (OSError, ValueError) as error:
            self._revive()
            if job.was_lost:  # a second time: it may be what the process dies of
                self._jobs.remove(job)
                self._fail(job, str(error))
            job.was_lost, job.sent = True, 0

    def _revive(self) -> None:
        """Start the process again, if that may help."""
        self._heard = None
        self._deaths += 1
        with self._lock:
            if self._closed or self._deaths > _MOST_DEATHS:
                return
            self._child.kill()
            self._child.join()
            self._child = Child("offline.decoder", self._name)
        self._wait_for_models()

    def _understood(self) -> Guess:
        """End the utterance that the process is hearing; raises OSError or ValueError when the process has ended."""
        if self._heard is not None:
            self._heard.sent = 0
        self._heard = None
        self._child.send(b"")
        guess = Guess(**self._child.answer())
        self._deaths = 0
        return guess

    def _fail(self, job: Job, why: str) -> None:
        job.result.set_exception(SpeechUnavailableError(f"the speech recogniser broke ({why}): please type"))
