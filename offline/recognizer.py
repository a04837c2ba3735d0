"""What somebody said: two PocketSphinx searches at once, one for commands and one for all English.

The surer of the two is believed. Theory of operation: each search is a process (`decoder.py` says why) with a thread
here, its `_Search`, which sends it sound while the user is speaking and reads what was understood. An `Utterance` only
puts sound into their queues, so the thread that feeds it never waits.
"""

from __future__ import annotations

import importlib.util
import queue
import sys
import threading
import time
import weakref
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field

from offline.child import RATE, Child
from voice.hardware.resampler import Resampler

_LONGEST_BYTES = 60 * 2 * RATE
"""A minute: a command is shorter. What is said beyond it is not heard, and no queue grows beyond it."""
_PATIENCE_S = 1.5
"""How far the wider search may be behind the speaker: in noise it falls back, and then the narrow one decides alone."""
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


@dataclass(frozen=True, slots=True)
class _Job:
    """One utterance on its way through one search."""

    sound: queue.SimpleQueue[bytes | None] = field(default_factory=queue.SimpleQueue)
    """PCM16 mono 16 kHz, None behind the last."""
    guess: Future[Guess] = field(default_factory=Future)


class Recognizer:
    """Turns English speech into words; any thread may call.

    Utterances of several connections are recognised one after the other: each waits for those that began earlier.
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
            return Utterance([search.begin() for search in self._searches])

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

    def __init__(self, jobs: list[_Job]) -> None:
        self._jobs = jobs
        self._resampler = Resampler(24_000, RATE)
        self._left = _LONGEST_BYTES
        self._began = time.monotonic()
        # A search must not wait for the end of speech that nobody wants to know any more.
        self._hang_up = weakref.finalize(self, _hang_up, jobs)

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
        self._hang_up()
        if not self._jobs:
            message = f"no speech recogniser for Python {sys.version_info[0]}.{sys.version_info[1]} yet: please type"
            raise SpeechUnavailableError(message)
        commands, everything = self._jobs
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
            for job in self._jobs:
                job.sound.put(pcm)


def best(guesses: list[Guess]) -> str:
    """Return the words of the guess to believe; "" when there is none."""
    return max(guesses, key=lambda guess: guess.score).text


def _result(job: _Job, seconds: float) -> Guess:
    try:
        return job.guess.result(seconds)
    finally:
        job.guess.cancel()  # tells the search that nobody waits any more; too late for one that is done


def _hang_up(jobs: list[_Job]) -> None:
    for job in jobs:
        job.sound.put(None)


class _Search:
    """One search, in its process, with its thread, which blocks in its queues and in the process's pipes.

    Termination: `close` ends the process, which breaks the pipes, and puts None behind every job's sound and behind the
    last job.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._child = Child("offline.decoder", name)
        self._unfinished: list[_Job] = []
        self._thread = threading.Thread(target=self._run, name=f"offline search {name}", daemon=True)
        self._thread.start()

    def begin(self) -> _Job:
        """Queue an utterance; requires the recogniser's lock."""
        job = _Job()
        self._unfinished = [one for one in self._unfinished if not one.guess.done()] + [job]
        self._jobs.put(job)
        return job

    def close(self) -> None:
        """End process and thread."""
        self._child.kill()
        _hang_up(self._unfinished)
        self._jobs.put(None)
        self._thread.join()
        self._child.join()

    def _run(self) -> None:
        with suppress(OSError, ValueError):
            self._child.answer()  # when the models are loaded
        for job in iter(self._jobs.get, None):
            try:
                guess = self._recognize(job)
            except (OSError, ValueError) as error:
                with suppress(InvalidStateError):
                    job.guess.set_exception(
                        SpeechUnavailableError(f"the speech recogniser broke ({error}): please type")
                    )
            else:
                with suppress(InvalidStateError):  # nobody waits any more
                    job.guess.set_result(guess)

    def _recognize(self, job: _Job) -> Guess:
        """Pass sound on until its end; raises OSError or ValueError when the process has ended."""
        for pcm in iter(job.sound.get, None):
            if not job.guess.cancelled():
                self._child.send(pcm)
        self._child.send(b"")
        return Guess(**self._child.answer())
