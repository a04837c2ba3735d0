"""What somebody said: two PocketSphinx searches at once, one for commands and one for all English.

The surer of the two is believed. `search.py` is one of them; an `Utterance` only puts sound into their queues, so the
thread that feeds it never waits.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
import weakref
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress

from offline.child import RATE
from offline.search import Guess, Job, Search, SpeechUnavailableError
from voice.resampler import Resampler

__all__ = ["Guess", "Recognizer", "SpeechUnavailableError", "Utterance", "best"]

_LONGEST_BYTES = 60 * 2 * RATE
"""A minute: a command is shorter. What is said beyond it is not heard, and no queue grows beyond it."""
_PATIENCE_S = 1.5
"""How far the wider search may be behind the speaker: in noise it falls back, and then the narrow one decides alone."""
_BROKEN_S = 10.0
"""A search that takes longer has broken: the narrow one never took 0.3 s."""


class Recognizer:
    """Turns English speech into words; any thread may call.

    Utterances of several connections are recognised one after the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the one below
        self._searches: tuple[Search, ...] = ()

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
            self._searches = (Search("commands"), Search("everything"))

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

    def __init__(self, searches: tuple[Search, ...]) -> None:
        self._jobs = [search.begin() for search in searches]
        self._resampler = Resampler(24_000, RATE)
        self._left = _LONGEST_BYTES
        self._began = time.monotonic()
        weakref.finalize(self, _drop, self._jobs)

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
        for job in self._jobs:
            job.end()
        if not self._jobs:
            message = f"no speech recogniser for Python {sys.version_info[0]}.{sys.version_info[1]} yet: please type"
            raise SpeechUnavailableError(message)
        commands, everything = self._jobs
        try:
            guesses = [commands.guess(_BROKEN_S)]
        except FutureTimeoutError as error:
            raise SpeechUnavailableError("the speech recogniser takes too long: please type") from error
        with suppress(FutureTimeoutError, SpeechUnavailableError):
            # Sound that came faster than it was spoken may take as long as if it had not.
            spoken = (_LONGEST_BYTES - self._left) / (2 * RATE)
            guesses.append(everything.guess(max(0.0, self._began + spoken - time.monotonic()) + _PATIENCE_S))
        return guesses

    def _put(self, pcm: bytes) -> None:
        pcm = pcm[: self._left]
        self._left -= len(pcm)
        if pcm:
            for job in self._jobs:
                job.feed(pcm)


def best(guesses: list[Guess]) -> str:
    """Return the words of the guess to believe; "" when there is none."""
    return max(guesses, key=lambda guess: guess.score).text


def _drop(jobs: list[Job]) -> None:
    for job in jobs:
        job.drop()
