"""How well and how fast speech is understood offline: ``python -m benchmarks.recognition [VOICE...]``.

Speaks sentences that the commands' language model does not hold word for word, feeds them at the pace of speech to the
searches, and prints the word error rate of each, and how long an answer takes from the end of speech.
Synthetic voices speak clearly, and more evenly than people: use the figures to compare, not to promise.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr

from offline.recognizer import Guess, Recognizer, best
from offline.sentences import sentences
from offline.synthesizer import Synthesizer

RATE = 24_000
CHUNK = RATE * 2 // 50
"""Bytes of 20 ms, as clients send them."""
VOICES = ("slt", "rms", "awb", "kal16")
"""Of flite."""

COMMANDS = (
    "could you tell me what the weather is like in barcelona today",
    "hey what's the weather going to be in san francisco on friday",
    "is it going to rain in amsterdam this weekend do you think",
    "please make a new note called birthday that says order chocolate and flowers for anna",
    "put rice tomatoes and coffee on my groceries list please",
    "could you please read my shopping list to me",
    "show me which notes i have got",
    "please get rid of the note called travel now",
    "look through my notes for the dentist please",
    "can you tell me what time it is in singapore now",
    "what day is it today please",
    "okay thank you that's all for today goodbye",
)
FREE = (
    "remember that the spare key is under the stone behind the house",
    "the train leaves from platform nine at half past seven",
    "i would like to learn how to play the piano this winter",
    "my password hint is the name of my first teacher",
    "tell the children that we leave early in the morning",
    "can you recommend a good book about the history of music",
)


@dataclass
class Tally:
    """What one voice came to."""

    words: int = 0
    errors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("commands", "everything", "chosen"), 0))
    finish_ms: list[float] = field(default_factory=list)
    audio_ms: list[float] = field(default_factory=list)


def speak(voice: str, text: str) -> bytes:
    """Return PCM16 mono 24 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/speech.wav"
        subprocess.run(["flite", "-voice", voice, "-o", path], input=text.encode(), check=True, timeout=60)
        with wave.open(path) as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            rate = file.getframerate()
    return bytes(soxr.resample(sound, rate, RATE).astype("<i2").tobytes())


def word_errors(said: str, heard: str) -> int:
    """Return the fewest words to change, drop and add."""
    reference, hypothesis = said.split(), heard.split()
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        last, row = row, [i]
        for j, other in enumerate(hypothesis, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (word != other)))
    return row[-1]


def measure(recognizer: Recognizer, synthesizer: Synthesizer, pcm: bytes, tally: Tally, *, pace: bool) -> list[Guess]:
    """Let one sentence be heard as it is spoken."""
    utterance = recognizer.start()
    begin = time.monotonic()
    for at in range(0, len(pcm), CHUNK):
        utterance.feed(pcm[at : at + CHUNK])
        if pace:
            time.sleep(max(0.0, begin + (at + CHUNK) / (2 * RATE) - time.monotonic()))
    end = time.monotonic()
    guesses = utterance.guesses()
    tally.finish_ms.append((time.monotonic() - end) * 1000)
    next(synthesizer.speak(f"You said {best(guesses)}."))
    tally.audio_ms.append((time.monotonic() - end) * 1000)
    return guesses


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voices", nargs="*", default=VOICES, metavar="VOICE")
    parser.add_argument("--fast", action="store_true", help="feed at once: no latencies, but quick")
    parser.add_argument("--show", action="store_true", help="print what was misunderstood")
    options = parser.parse_args()
    recognizer = Recognizer()
    if not shutil.which("flite") or not recognizer.available:
        print("this benchmark needs flite to speak and pocketsphinx to listen", file=sys.stderr)
        return 1
    known = set(sentences())
    held = [text for text in COMMANDS + FREE if text in known]
    if held:
        print(f"the language model holds: {held}", file=sys.stderr)
        return 1

    recognizer.start().finish()
    before, spoken = decoder_seconds(), 0.0
    print(
        f"{'voice':24}{'corpus':10}{'commands':>10}{'everything':>12}{'chosen':>8}   end of speech to text    to sound"
    )
    for voice in options.voices:
        for name, corpus in (("commands", COMMANDS), ("free", FREE)):
            tally = Tally()
            for text in corpus:
                pcm = speak(voice, text)
                spoken += len(pcm) / 2 / RATE
                guesses = measure(recognizer, Synthesizer(), pcm, tally, pace=not options.fast)
                heard = {"commands": guesses[0], "everything": guesses[-1]}
                tally.words += len(text.split())
                texts = {kind: guess.text for kind, guess in heard.items()} | {"chosen": best(guesses)}
                for kind, words in texts.items():
                    tally.errors[kind] += word_errors(text, words)
                if options.show and texts["chosen"] != text:
                    print(f"  {text}\n    " + "\n    ".join(f"{k} {heard[k].score:.6g} {heard[k].text}" for k in heard))
            print(row(voice, name, tally))
    print(f"processor time of both searches, per second of speech: {(decoder_seconds() - before) / spoken:.2f} s")
    recognizer.close()
    return 0


def decoder_seconds() -> float:
    """Return the processor time that the recogniser's processes have taken so far; Linux tells."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"offline.decoder" in (folder / "cmdline").read_bytes():
                fields = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def row(voice: str, corpus: str, tally: Tally) -> str:
    """Return a line of the table."""
    rates = {kind: 100 * errors / tally.words for kind, errors in tally.errors.items()}
    return (
        f"{voice:24}{corpus:10}{rates['commands']:>9.1f}%{rates['everything']:>11.1f}%{rates['chosen']:>7.1f}%"
        f"   median {statistics.median(tally.finish_ms):4.0f}, max {max(tally.finish_ms):4.0f} ms"
        f"   median {statistics.median(tally.audio_ms):4.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
