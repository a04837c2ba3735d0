"""How reliably a sleeping assistant is woken, and by what it should not be: ``python -m benchmarks.wake [PHRASE...]``.

flite's four voices say something, with the phrase in front, in noise of several levels; then they say much else, for
which nothing must wake. White noise is harder than most rooms. Synthetic voices speak more evenly than people: use the
figures to compare, not to promise. Processor time is that of this process, and of the search, per second of sound.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.echo import ASSISTANT, USER
from benchmarks.recognition import COMMANDS, FREE, VOICES
from offline.sentences import sentences
from tests.speech import RATE, level, samples, say, silence
from voice.sound import BLOCK_MS
from voice.wake import Waker

BLOCK = RATE * 2 * BLOCK_MS // 1000
NOISES = (None, 20, 10)
"""dB that the voice is above the noise."""
REQUESTS = ("what time is it", "tell me the weather in paris", "read my shopping list", "")


def white(seconds: float, dbfs: float) -> bytes:
    """Noise of a level."""
    noise = np.random.default_rng(1).standard_normal(round(seconds * RATE)) * 32768 * 10 ** (dbfs / 20)
    return bytes(noise.clip(-32768, 32767).astype("<i2"))


def in_noise(sound: bytes, above: int | None) -> bytes:
    """A voice with noise `above` dB weaker than it, which begins a second earlier and ends a second later."""
    voice = samples(silence(1) + sound + silence(1)).astype(int)
    if above is not None:
        voice = voice + samples(white(len(voice) / RATE, level(sound) - above))
    return bytes(voice.clip(-32768, 32767).astype("<i2"))


def wakings(waker: Waker, sound: bytes) -> int:
    """How often it would have woken, had it slept again at once."""
    count = 0
    for number, at in enumerate(range(0, len(sound) - BLOCK + 1, BLOCK)):
        if number % 50 == 0:
            waker.catch_up()
        if waker.hear(sound[at : at + BLOCK]):
            count += 1
            waker.begin()
    return count


def processor_seconds() -> tuple[float, float]:
    """Of this process, and of its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time(), ended.ru_utime + ended.ru_stime


def unrelated(phrase: str, count: int) -> Iterator[str]:
    """Sentences without the phrase."""
    texts = [*ASSISTANT, *(text for _, text in USER), *COMMANDS, *FREE, *sentences(count, seed=5)]
    yield from (text for text in texts if phrase not in text.lower())


def measure(phrase: str, count: int) -> None:
    """Print what one phrase, or anybody's voice, comes to."""
    print(phrase or "anybody's voice")
    waker = Waker(phrase)
    for above in NOISES:
        spoken = [f"{phrase}, {text}".strip(", ") for text in REQUESTS if phrase or text]
        woken = [wakings(waker, in_noise(say(text, voice), above)) > 0 for voice in VOICES for text in spoken]
        noise = "in quiet" if above is None else f"{above} dB above noise"
        print(f"  woken {sum(woken)} of {len(woken)}, {noise}", flush=True)
    false = [wakings(waker, white(60, dbfs)) for dbfs in (-50, -20)]
    print(f"  falsely woken in a minute of noise: {false[0]} times at -50, {false[1]} at -20 dBFS")
    if phrase:
        count_false, seconds = 0, 0.0
        for voice in VOICES:
            for text in unrelated(phrase, count):
                sound = say(text, voice) + silence(0.4)
                count_false += wakings(waker, sound)
                seconds += len(sound) / 2 / RATE
        print(f"  falsely woken {count_false} times in {seconds / 3600:.2f} h of other speech")
    waker.close()
    cost(phrase)


def cost(phrase: str) -> None:
    """Print the processor time for a minute of silence and a minute of speech."""
    speech = (say(" ".join(ASSISTANT)) * 3)[: 60 * 2 * RATE]
    for name, sound in (("quiet", white(60, -60)), ("speech", speech)):
        before = processor_seconds()
        waker = Waker(phrase)
        wakings(waker, sound)
        waker.close()
        ours, theirs = (now - then for now, then in zip(processor_seconds(), before, strict=True))
        print(f"  processor time per second of {name}: {ours / 60:.3f} s here, {theirs / 60:.3f} s in the search")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phrases", nargs="*", default=["", "computer", "jarvis", "hey computer"], metavar="PHRASE")
    parser.add_argument("--sentences", type=int, default=120, help="of other speech, besides the 42 fixed ones")
    arguments = parser.parse_args()
    for phrase in arguments.phrases:
        measure(phrase, arguments.sentences)


if __name__ == "__main__":
    main()
