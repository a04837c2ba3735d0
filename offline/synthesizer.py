"""Words to sound: flite where it is installed, else espeak-ng, else the espeak-ng that comes as a Python package.

flite sounds most like a person. Text reaches the programs through stdin, so none of it is taken for an option.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from voice.resampler import Resampler

_RATE = 24_000
"""Hz, what the protocol speaks."""
_CHUNK_BYTES = _RATE * 2 // 5
"""200 ms: an answer can be given up between two chunks, and each goes out as one event."""
_SILENCE = 100
"""Of 32768: -50 dBFS, below any voice's first sound and above the noise of its synthesis."""
_LEAD_SAMPLES = _RATE // 100
"""10 ms stay before the first sound, so that it does not click."""
_HEADER_BYTES = 44
"""Before the sound in the WAV files of both programs."""
_WORDS_PER_MINUTE = 175
"""espeak's own speed."""
_SLOWEST, _FASTEST = 0.25, 1.5
"""The protocol's range of speeds."""
_TIMEOUT_S = 20.0
"""A sentence takes some 0.2 s; a program that hangs must not hang the answer for ever."""
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+")

_UNITS = (
    ("°C", "degree", "s"),
    ("°F", "degree", "s"),
    ("°", "degree", "s"),
    ("km/h", "kilometre", "s an hour"),
    ("m/s", "metre", "s a second"),
    ("mph", "mile", "s an hour"),
    ("%", "percent", ""),
)
"""What is behind a number, how it is said, and how more of it are said."""
_ZONE = re.compile(r"\b(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/(?:\w+/)?(\w+)")
"""A time zone by its IANA name, of which the city is said."""

_MEN: Final = frozenset({"ash", "ballad", "echo", "verse", "cedar", "onyx"})
"""The service's voices that sound like a man's; the others are spoken by a woman's."""

_choosing = threading.Lock()
"""Held while the default engine is made: the library must not be loaded twice, since it has one state for all."""

Engine = Callable[[str, bool, float], tuple[int, bytes]]
"""Speaks a sentence as a man or a woman, at a speed: returns Hz and PCM16 mono."""


class SynthesisUnavailableError(Exception):
    """Nothing on this computer can speak; the message says what to install."""


class Synthesizer:
    """Speaks English; any thread may call."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine

    def speak(self, text: str, voice: str = "", speed: float = 1.0) -> Iterator[bytes]:
        """Yield PCM16 mono 24 kHz in whole samples, at most 200 ms at a time, much faster than it plays.

        `voice` is one of the service's names; `speed` 1 is normal. Raises SynthesisUnavailableError.
        """
        with _choosing:
            engine = self._engine or default_engine()
        speed = min(max(speed, _SLOWEST), _FASTEST)
        for sentence in _SENTENCE.split(speakable(text)):
            if not any(character.isalnum() for character in sentence):
                continue
            rate, pcm = engine(sentence, voice in _MEN, speed)
            sound = _without_lead(Resampler(rate, _RATE).feed(pcm, last=True))
            for start in range(0, len(sound), _CHUNK_BYTES):
                yield sound[start : start + _CHUNK_BYTES]


def _without_lead(pcm: bytes) -> bytes:
    """Leave out the silence that voices begin with: flite's 0.2 s would be the longest part of the wait."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > _SILENCE)
    start = max(0, int(loud[0]) - _LEAD_SAMPLES) if len(loud) else 0
    return pcm[2 * start :]


def speakable(text: str) -> str:
    """Return `text` on one line, without control characters, and without what voices take for phonemes or markup.

    Units and time zones are put into words.
    """
    plain = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    for unit, one, more in _UNITS:
        plain = re.sub(rf"(?<![\d.,])1\s?{unit}(?!\w)", f"1 {one}{more.removeprefix('s')}", plain)
        plain = re.sub(rf"(?<=\d)\s?{unit}(?!\w)", f" {one}{more}", plain)
    plain = _ZONE.sub(lambda zone: zone[1].replace("_", " "), plain)
    return re.sub(r"[\[\]<>|\\\s]+", " ", plain).strip()


@cache
def default_engine() -> Engine:
    """Return the best engine on this computer; raises SynthesisUnavailableError."""
    if shutil.which("flite"):
        return flite
    if shutil.which("espeak-ng"):
        return espeak_program
    return EspeakLibrary()


def flite(sentence: str, is_man: bool, speed: float) -> tuple[int, bytes]:
    """Speak with the program flite."""
    voice = "rms" if is_man else "slt"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")  # flite goes back in its output to write the header: a pipe will not do
        _run(["flite", "-voice", voice, "--setf", f"duration_stretch={1 / speed:.3f}", "-o", str(path)], sentence)
        return _sound(path.read_bytes())


def espeak_program(sentence: str, is_man: bool, speed: float) -> tuple[int, bytes]:
    """Speak with the program espeak-ng."""
    arguments = ["-v", _espeak_voice(is_man), "-s", str(round(_WORDS_PER_MINUTE * speed)), "-b", "1"]
    return _sound(_run(["espeak-ng", *arguments, "--stdin", "--stdout"], sentence))


def _espeak_voice(is_man: bool) -> str:
    return "en-us" if is_man else "en-us+f3"


def _run(command: list[str], sentence: str) -> bytes:
    """Return what a program prints when it is told a sentence."""
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, input=sentence.encode(), capture_output=True, check=True, timeout=_TIMEOUT_S
    )
    return done.stdout


def _sound(wav: bytes) -> tuple[int, bytes]:
    """Return Hz, as a WAV file's header says, and what is behind that; its length is not known ahead in a pipe."""
    return int.from_bytes(wav[24:28], "little"), wav[_HEADER_BYTES:]


class EspeakLibrary:
    """espeak-ng in this process, from the package espeakng-loader; any thread may call.

    The library has one state for the whole process, so its one lock is held while a sentence is made: some 2 ms.
    The numbers are those of espeak-ng's speak_lib.h.
    """

    _SYNCHRONOUS = 2
    _CHARACTERS_UTF8 = 1
    _POSITION_CHARACTER = 1
    _PARAMETER_RATE = 1
    _Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

    def __init__(self) -> None:
        """Load the library; raises SynthesisUnavailableError."""
        try:
            import espeakng_loader  # noqa: PLC0415 - not needed where a program speaks

            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path().encode()
        except (ImportError, OSError, RuntimeError) as error:
            message = "no voice on this computer: install flite, espeak-ng, or the Python package espeakng-loader"
            raise SynthesisUnavailableError(message) from error
        self._lock = threading.Lock()  # guards the library and the two below
        self._sound = bytearray()
        self._callback = self._Callback(self._collect)  # kept, since the library calls it
        self._rate = self._library.espeak_Initialize(self._SYNCHRONOUS, 0, data, 0)
        self._library.espeak_SetSynthCallback(self._callback)

    def __call__(self, sentence: str, is_man: bool, speed: float) -> tuple[int, bytes]:
        """Speak."""
        text = sentence.encode()
        with self._lock:
            self._sound.clear()
            self._library.espeak_SetVoiceByName(_espeak_voice(is_man).encode())
            self._library.espeak_SetParameter(self._PARAMETER_RATE, round(_WORDS_PER_MINUTE * speed), 0)
            size = ctypes.c_size_t(len(text) + 1)
            self._library.espeak_Synth(text, size, 0, self._POSITION_CHARACTER, 0, self._CHARACTERS_UTF8, None, None)
            return self._rate, bytes(self._sound)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short] | None, count: int, _events: int) -> int:
        if samples and count:
            self._sound += ctypes.string_at(samples, count * 2)
        return 0
