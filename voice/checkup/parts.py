"""Whether the program's own parts work on this computer: the echo canceller, and what the offline assistant uses.

Each is put to work on sound that is made here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from voice.checkup.findings import Finding
from voice.config import Config
from voice.echo import EchoCanceller, Suppressor, create
from voice.remedies import remedy
from voice.sound import BLOCK_MS, BLOCK_SAMPLES, SAMPLE_RATE

Samples = NDArray[np.int16]

ECHO_SECONDS, USER_SECONDS = 6, 1
"""The canceller has learnt a room after some 2 s of speech; then the user speaks alone."""
ECHO_DELAYS = ((60, 0.4), (67, 0.2), (85, 0.1))
"""ms and loudness of each way from the loudspeaker to the microphone: a laptop on a desk."""
LEAST_REMOVED = 20.0
"""dB. Less of the assistant's own voice left passes for the user's."""
MOST_LOST = 6.0
"""dB that the user's voice may lose; one is heard all the same."""
BUSY = 0.5
"""Share of the time there is: the rest of the program needs some as well."""

SENTENCE = "what is the weather in london"
SILENCE = bytes(2 * SAMPLE_RATE)
"""1 s, which ends a turn."""


def examine_echo(config: Config) -> Iterator[Finding]:
    """Find out; raises SettingError where the program would end with it."""
    suppressor, shortfall = create(config.echo)
    if shortfall:
        yield Finding("warn", "echo", shortfall, "python -m pip install -r requirements.txt")
    elif isinstance(suppressor, EchoCanceller):
        yield measure(suppressor)
    else:
        yield Finding("ok", "echo", f"not cancelled, as asked for ({config.echo})")


def measure(suppressor: Suppressor) -> Finding:
    """Let it cancel an echo that is made here, then let a user speak."""
    rng = np.random.default_rng(1)
    echo_samples = ECHO_SECONDS * SAMPLE_RATE
    far = np.concatenate([_babble(rng, ECHO_SECONDS), np.zeros(USER_SECONDS * SAMPLE_RATE)])
    near = rng.normal(0, 1e-3, len(far))  # -60 dBFS, a quiet room
    for delay_ms, gain in ECHO_DELAYS:
        delay = delay_ms * SAMPLE_RATE // 1000
        near[delay:] += gain * far[:-delay]
    near[echo_samples:] += _babble(rng, USER_SECONDS)
    clean, times = _process(suppressor, _samples(near), _samples(far))
    last = slice(echo_samples - SAMPLE_RATE, echo_samples)
    user = slice(echo_samples, len(far))
    removed = _level(_samples(near)[last]) - _level(clean[last])
    lost = _level(_samples(near)[user]) - _level(clean[user])
    return judge_echo(removed, lost, times)


def judge_echo(removed: float, lost: float, times: list[float]) -> Finding:
    """Tell by the echo removed and the user's voice lost, in dB, and the ms that each 10 ms block took."""
    usual, slow = (float(time) for time in np.percentile(times, (50, 99)))
    text = f"{removed:.0f} dB removed, {usual:.2f} ms for {BLOCK_MS} ms of sound ({slow:.2f} in 1 of 100)"
    if sum(times) > BUSY * BLOCK_MS * len(times):
        return Finding("warn", "echo", text + ": too slow here", "close other programs, or use --echo mute")
    if removed < LEAST_REMOVED or lost > MOST_LOST:
        remedy_ = "use --echo mute, or headphones with --echo off"
        return Finding("warn", "echo", f"{text}, {lost:.0f} dB of the user lost", remedy_)
    return Finding("ok", "echo", text)


def _babble(rng: np.random.Generator, seconds: int) -> NDArray[np.float64]:
    """Noise with the spectrum and the syllables of speech, at -20 dBFS."""
    count = seconds * SAMPLE_RATE
    dull = np.convolve(rng.normal(0, 1, count), np.hanning(16), "same")
    syllables = np.square(np.sin(2 * math.pi * 2 * np.arange(count) / SAMPLE_RATE))  # 4 a second
    sound: NDArray[np.float64] = dull * syllables
    sound *= 0.1 / np.sqrt(np.mean(np.square(sound)))
    return sound


def _samples(sound: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def _process(suppressor: Suppressor, near: Samples, far: Samples) -> tuple[Samples, list[float]]:
    """Give what is left, and the ms that each block took."""
    clean, times = [], []
    for start in range(0, len(near), BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        began = time.perf_counter()
        clean.append(suppressor.process(near[block], far[block]))
        times.append((time.perf_counter() - began) * 1000)
    return np.concatenate(clean), times


def _level(samples: Samples) -> float:
    """Root mean square, in dBFS."""
    return 10 * math.log10(float(np.mean(np.square(samples / 32768))) + 1e-12)


# The offline assistant ----------------------------------------------------------------------------------------------


def examine_offline(config: Config) -> Iterator[Finding]:
    """Let its voice say a sentence, and see whether that is noticed and understood."""
    del config
    from offline.synthesizer import SynthesisUnavailableError, Synthesizer  # noqa: PLC0415 - see below

    began = time.monotonic()
    try:
        sound = b"".join(Synthesizer().speak(SENTENCE))
    except SynthesisUnavailableError:
        yield Finding("warn", "offline voice", "there is none", remedy("no voice"))
        return
    seconds = len(sound) / len(SILENCE)
    yield Finding("ok", "offline voice", f"{seconds:.1f} s of speech made in {_ms(began)} ms")
    yield _notice(sound)
    yield _understand(sound)


def _notice(sound: bytes) -> Finding:
    from offline.vad import SpeechStarted, SpeechStopped, VoiceDetector  # noqa: PLC0415 - it may be what is missing

    began = time.monotonic()
    events = VoiceDetector().feed(SILENCE + sound + SILENCE)
    if [type(event) for event in events][:: len(events) - 1 or 1] != [SpeechStarted, SpeechStopped]:
        return Finding("warn", "speech detector", "does not notice speech", "python -m pip install -r requirements.txt")
    return Finding("ok", "speech detector", f"notices where speech begins and ends, in {_ms(began)} ms")


def _understand(sound: bytes) -> Finding:
    from offline.recognizer import Recognizer, SpeechUnavailableError  # noqa: PLC0415 - it may be what is missing

    began = time.monotonic()
    with closing(Recognizer()) as recognizer:
        utterance = recognizer.start()
        utterance.feed(SILENCE + sound + SILENCE)
        try:
            words = utterance.finish()
        except SpeechUnavailableError as error:
            return Finding("warn", "offline recogniser", str(error))
    if set(words.split()) & set(SENTENCE.split()):
        return Finding("ok", "offline recogniser", f'heard "{words}" for "{SENTENCE}", in {_ms(began)} ms')
    return Finding("warn", "offline recogniser", f'heard "{words}" for "{SENTENCE}"', "type, or talk to the service")


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
