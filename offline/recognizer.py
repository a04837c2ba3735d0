"""What somebody said: two PocketSphinx searches at once, one for commands and one for all English.

The surer of the two is believed. Theory of operation: each search is a process (`decoder.py` says why) with a thread
here, its `_Search`, which sends it sound while the user is speaking and reads what was understood. An `Utterance` only
puts sound into their queues, so the thread that feeds it never waits.

A search hears one speaker at a time, in the order in which they began. Who goes on for `_TURN_S` lets those who have
finished pass, and is then heard once more from the beginning.
"""

from __future__ import annotations

import importlib.util
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from offline.child import RATE, Child
from voice.hardware.resampler import Resampler

_LONGEST_BYTES = 60 * 2 * RATE
"""A minute: a command is shorter. What is said beyond it is not heard, and no queue grows beyond it."""
_PATIENCE_S = 1.5
"""How far the wider search may be behind the speaker: in noise it falls back, and then the narrow one decides alone."""
_TURN_S = 3.0
"""How long nobody else is heard: most commands are shorter, and going through a sound twice costs more than a wait."""
_LOOK_S = 0.5
"""Between two looks whether a turn is over, while nothing else happens."""
_BROKEN_S = 10.0
"""A search that takes longer has broken: the narrow one never took 0.3 s."""


class SpeechUnavailableError(Exception):
    """Speech cannot be understood on this computer; typing works. The message is for the user."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What one search understood."""

    text: str
    """Lower-case words; "" for nothing."""
    score: float
    """How well sound and language fit; comparable between searches of the same sound."""


@dataclass(eq=False, slots=True)
class _Job:
    """One utterance on its way through one search, whose thread alone touches it, except for `wanted`."""

    guess: Future[Guess] = field(default_factory=Future)
    wanted: bool = True
    """False when nobody waits for the guess any more; set by any thread."""
    sound: list[bytes] = field(default_factory=list)
    """PCM16 mono 16 kHz, `_LONGEST_BYTES` at most."""
    sent: int = 0
    """How many of these the process has heard."""
    ended: bool = False
    began: float = field(default_factory=time.monotonic)

    def end(self) -> None:
        """Let no more sound come."""
        self.ended = True


class Recognizer:
    """Turns English speech into words; any thread may call.

    Utterances of several connections are recognised one after the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the one below
        self._searches: tuple[_Search, ...] = ()

    @property
    def available(self) -> bool:
        """Whether PocketSphinx is installed: there is none for Python 3.14 yet."""
        return importlib.util.find_spec("pocketsphinx") is not None

    def warm(self) -> None:
        """Begin to load the models, in the background: it takes 1 to 2 s. Does nothing the second time."""
        with self._lock:
            self._warm()

    def start(self) -> Utterance:
        """Begin an utterance; where speech is not available, `Utterance.finish` will say so."""
        with self._lock:
            self._warm()
            return Utterance(self._searches)

    def _warm(self) -> None:
        if self.available and not self._searches:
            self._searches = (_Search("commands"), _Search("everything"))

    def close(self) -> None:
        """End the processes; what is not recognised by then never is."""
        with self._lock:
            searches, self._searches = self._searches, ()
        for search in searches:
            search.close()


class Utterance:
    """One stretch of speech on its way to words; used by one thread at a time.

    One that is dropped unfinished holds nobody up.
    """

    def __init__(self, searches: tuple[_Search, ...]) -> None:
        self._jobs = [(search, search.begin()) for search in searches]
        self._resampler = Resampler(24_000, RATE)
        self._left = _LONGEST_BYTES
        self._began = time.monotonic()
        weakref.finalize(self, _drop, [job for _, job in self._jobs])

    def feed(self, pcm: bytes) -> None:
        """Take more PCM16 mono 24 kHz of any length; never blocks."""
        self._put(self._resampler.feed(pcm))

    def finish(self) -> str:
        """Return what was said, in lower case; "" for nothing understood.

        Takes some 0.1 s when the sound was fed as it was spoken. Raises SpeechUnavailableError.
        """
        return best(self.guesses())

    def guesses(self) -> list[Guess]:
        """Return what each search understood, that for commands first; raises SpeechUnavailableError."""
        self._put(self._resampler.feed(b"", last=True))
        for search, job in self._jobs:
            search.put(job.end)
        if not self._jobs:
            message = f"no speech recogniser for Python {sys.version_info[0]}.{sys.version_info[1]} yet: please type"
            raise SpeechUnavailableError(message)
        (_, commands), (_, everything) = self._jobs
        try:
            guesses = [_result(commands, _BROKEN_S)]
        except FutureTimeoutError as error:
            raise SpeechUnavailableError("the speech recogniser takes too long: please type") from error
        with suppress(FutureTimeoutError):
            # Sound that came faster than it was spoken may take as long as if it had not.
            spoken = (_LONGEST_BYTES - self._left) / (2 * RATE)
            guesses.append(_result(everything, max(0.0, self._began + spoken - time.monotonic()) + _PATIENCE_S))
        return guesses

    def _put(self, pcm: bytes) -> None:
        pcm = pcm[: self._left]
        self._left -= len(pcm)
        if pcm:
            for search, job in self._jobs:
                search.put(partial(job.sound.append, pcm))


def best(guesses: list[Guess]) -> str:
    """Return the words of the guess to believe; "" when there is none."""
    return max(guesses, key=lambda guess: guess.score).text


def _result(job: _Job, seconds: float) -> Guess:
    try:
        return job.guess.result(seconds)
    finally:
        job.wanted = False


def _drop(jobs: list[_Job]) -> None:
    """Let no search go on for an utterance that is gone; Python may call it in the middle of anything."""
    for job in jobs:
        job.wanted = False


class _Search:
    """One search, in its process, with its thread, which blocks in its queue and in the process's pipes.

    Termination: `close` ends the process, which breaks the pipes, and puts None into the queue.
    """

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._child = Child("offline.decoder", name)
        self._jobs: list[_Job] = []  # the thread's, as is the next
        self._heard: _Job | None = None  # whose sound the process is hearing
        self._thread = threading.Thread(target=self._run, name=f"offline search {name}", daemon=True)
        self._thread.start()

    def begin(self) -> _Job:
        """Begin an utterance; any thread."""
        job = _Job()
        self.put(partial(self._jobs.append, job))
        return job

    def put(self, task: Callable[[], None]) -> None:
        """Let the search's thread do this to a job; any thread, never blocks."""
        self._tasks.put(task)

    def close(self) -> None:
        """End process and thread."""
        self._child.kill()
        self._tasks.put(None)
        self._thread.join()
        self._child.join()

    def _run(self) -> None:
        with suppress(OSError, ValueError):
            self._child.answer()  # when the models are loaded
        while (task := self._wait()) is not None:
            task()
            while self._tasks.empty() and (job := self._next()) is not None:
                self._advance(job)
        for job in self._jobs:
            self._fail(job, "it was closed")

    def _wait(self) -> Callable[[], None] | None:
        try:
            return self._tasks.get(timeout=_LOOK_S if self._jobs else None)
        except queue.Empty:
            return lambda: None

    def _next(self) -> _Job | None:
        """Choose whom to hear; None when nothing is to be done."""
        self._jobs[:] = [job for job in self._jobs if job.wanted]
        if not self._jobs:
            return None
        job = self._jobs[0]
        if time.monotonic() - job.began > _TURN_S:
            job = next((other for other in self._jobs if other.ended), job)
        return job if job.ended or job.sent < len(job.sound) else None

    def _advance(self, job: _Job) -> None:
        """Let the process hear a piece more of this job, or tell what it understood."""
        try:
            if self._heard not in (None, job):
                self._understood()  # half an utterance, which nobody wants to know
            self._heard = job
            if job.sent < len(job.sound):
                self._child.send(job.sound[job.sent])
                job.sent += 1
            else:
                job.guess.set_result(self._understood())
                self._jobs.remove(job)
        except (OSError, ValueError) as error:
            self._jobs.remove(job)
            self._fail(job, str(error))

    def _understood(self) -> Guess:
        """End the utterance that the process is hearing; raises OSError or ValueError when the process has ended."""
        if self._heard is not None:
            self._heard.sent = 0
        self._heard = None
        self._child.send(b"")
        return Guess(**self._child.answer())

    def _fail(self, job: _Job, why: str) -> None:
        job.guess.set_exception(SpeechUnavailableError(f"the speech recogniser broke ({why}): please type"))
