"""Notices a phrase in speech without ever making its caller wait: the search is `keyphrase.py`, a process."""

from __future__ import annotations

import logging
import queue
import threading

from offline.child import RATE, Child
from voice.errors import SettingError
from voice.resampler import Resampler
from voice.sound import SAMPLE_RATE

log = logging.getLogger(__name__)

_LONGEST_BLOCKS = 1000
"""10 s: the search is 25 times faster than speech and loads in 0.3 s. What is more is not heard, but counted."""
_SHORTEST_SOUNDS = 6
"""Phonemes: a phrase of fewer is heard in others, "sam" some 270 times in an hour of speech (measured)."""
_CHOOSE = 'choose words such as "computer", "jarvis" or "hey computer"'


def checked(phrase: str) -> str:
    """Return a phrase as the search wants it; raises SettingError for one that it could not listen for."""
    try:
        from offline.decoder import pronunciations  # noqa: PLC0415 - it brings the recogniser
    except ImportError as error:
        message = "a wake word needs the package pocketsphinx, which this Python does not have: leave the wake word out"
        raise SettingError(message) from error
    words = [word.strip(".,!?\"'") for word in phrase.lower().split()]
    sounds = {line.split()[0]: len(line.split()) - 1 for line in pronunciations(set(words))}
    unknown = [word for word in words if word not in sounds]
    if unknown or not words:
        names = " ".join(unknown) or phrase
        raise SettingError(f"the wake word {_quoted(names)} is not in the dictionary: {_CHOOSE}")
    if sum(sounds[word] for word in words) < _SHORTEST_SOUNDS:
        raise SettingError(f"the wake word {_quoted(phrase)} is too short to be told from others: {_CHOOSE}")
    return " ".join(words)


def _quoted(text: str) -> str:
    """Return what the user gave, fit for a terminal."""
    return '"' + "".join(one if one.isprintable() else "?" for one in text) + '"'


class Spotter:
    """Listens for one phrase. One thread feeds it and asks it, and it never waits.

    Its own thread, *wake word*, blocks on its queue (woken by the next sound, or None) and on the process's pipes
    (woken by the process's end, which `close` brings about).
    """

    def __init__(self, phrase: str) -> None:
        """Begin to load the search; `phrase` is as `checked` returns it."""
        self._sound: queue.Queue[tuple[int, bytes] | None] = queue.Queue(_LONGEST_BLOCKS)
        self._found: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._closing = False
        self._resampler = Resampler(SAMPLE_RATE, RATE)
        self.lost = 0
        """Blocks that came while the queue was full."""
        self.broken = False
        """Whether the process has ended by itself: the phrase will not be heard any more."""
        self._child = Child("offline.keyphrase", phrase)
        self._thread = threading.Thread(target=self._run, name="wake word", daemon=True)
        self._thread.start()

    def feed(self, pcm: bytes, end_ms: int) -> None:
        """Take more speech, PCM16 mono 24 kHz, which ended at `end_ms` on a clock of the caller's."""
        if sound := self._resampler.feed(pcm):
            self._put((end_ms, sound))

    def rest(self) -> None:
        """Take a pause in speech."""
        self._resampler = Resampler(SAMPLE_RATE, RATE)
        self._put((0, b""))

    def found(self) -> int | None:
        """Return when the phrase ended, on the clock of `feed`; None when it has not been heard."""
        try:
            return self._found.get_nowait()
        except queue.Empty:
            return None

    def catch_up(self) -> None:
        """Wait until the search has heard all, or has broken."""
        self._sound.join()

    def close(self) -> None:
        """End process and thread."""
        self._closing = True
        self._child.kill()  # from here on the thread takes what is queued without waiting, so that there is room
        self._sound.put(None)
        self._thread.join()
        self._child.join()

    def _put(self, sound: tuple[int, bytes]) -> None:
        try:
            self._sound.put_nowait(sound)
        except queue.Full:
            self.lost += 1

    def _run(self) -> None:
        try:
            for end_ms, pcm in iter(self._sound.get, None):
                self._child.send(pcm)
                ago = self._child.answer()
                if ago is not None:
                    self._found.put(end_ms - int(ago))
                self._sound.task_done()
        except (OSError, ValueError) as error:
            if not self._closing:
                self.broken = True
                log.warning("the wake word is not listened for any more: %s", error)
            # Nobody may wait for what will never be heard.
            self._sound.task_done()
            for _ in iter(self._sound.get, None):
                self._sound.task_done()
