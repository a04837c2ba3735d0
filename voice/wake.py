"""Whether the user is back, while the session sleeps and nothing is sent or paid.

Everything is heard on this computer: Silero's detector says whether somebody speaks, and with a wake phrase speech, and
nothing else, goes on to a search for it. So noise, however loud and long, neither wakes nor is searched. The detector
rests as long as the room is as quiet as it has been, most of the time: it would cost more than being awake.
"""

from __future__ import annotations

from collections import deque
from math import log10
from typing import TYPE_CHECKING

import numpy as np

from voice.silero import FRAME_MS, LIKELY, Silero
from voice.sound import BLOCK_MS, FULL_SCALE

if TYPE_CHECKING:
    from offline.spotter import Spotter

RECENT_BLOCKS = 200
"""2 s: what is said on waking is kept from before its first word."""
WINDOW_FRAMES = 1000 // FRAME_MS
"""About 1 s, in which..."""
ENOUGH_FRAMES = 300 // FRAME_MS + 1
"""...0.3 s of speech wake: a cough or a door has none or 60 ms of it, "hello" 0.3 s."""
LEAD_BLOCKS = 50
"""0.5 s from before speech was noticed, that the search hears a phrase from its beginning."""
PAUSE_FRAMES = 800 // FRAME_MS
"""0.8 s without speech, and the search begins anew; what it learnt of the voice stays."""
FAINTEST = -75.0
"""dB of full scale: nothing is quieter here, and speech that Silero still hears is some 20 dB louder (measured)."""
MARGIN = 3.0
"""dB above the room's noise: white noise wavers by 1 dB, and speech as loud as that noise rises above it by more."""
RISE = 0.02
"""dB that the floor rises in a block, 2 a second: it has followed a fan after some seconds, and a word not at all."""
SMOOTHING = 0.3
"""Of the power, a block's share: some 30 ms, a frame of the detector."""
WARM_UP_BLOCKS = 100
"""1 s from before it: with half of that the detector misses a fifth of single quiet words; with 2 s no fewer."""
HOLD_BLOCKS = 100
"""1 s after the last sound or speech: longer than what counts as a pause."""


class Gate:
    """Keeps from the detector what is no louder than the room has been of late."""

    def __init__(self) -> None:
        """Begin open, in a room of unknown noise."""
        self._power = 0.0
        self._floor = FAINTEST
        self.close()

    def close(self) -> None:
        """Forget what was heard, but not how loud the room is."""
        self._waiting: deque[bytes] = deque(maxlen=WARM_UP_BLOCKS)
        self._open_blocks = 0

    def hold(self) -> None:
        """Stay open for a while."""
        self._open_blocks = HOLD_BLOCKS

    def take(self, block: bytes) -> bytes:
        """Take 10 ms; return what the detector is to hear now, which may be nothing, or begin 1 s earlier."""
        self._waiting.append(block)
        if self._is_loud(block):
            self.hold()
        if not self._open_blocks:
            return b""
        self._open_blocks -= 1
        sound = b"".join(self._waiting)
        self._waiting.clear()
        return sound

    def _is_loud(self, block: bytes) -> bool:
        # The variance: what a cheap microphone adds to each sample alike is no sound.
        power = float(np.frombuffer(block, "<i2").astype(np.float32).var()) / FULL_SCALE**2
        self._power += SMOOTHING * (power - self._power)
        level = 10 * log10(self._power + 1e-12)
        self._floor = max(min(level, self._floor + RISE), FAINTEST)
        return level > self._floor + MARGIN


class Waker:
    """Hears every block of the microphone's sound without the echo; used by one thread, which it never makes wait.

    It costs some 5 % of a core while there is something to hear, and 1 % while there is not
    (`benchmarks/wake.py`). With a phrase, a process of 45 MB belongs to it.
    """

    def __init__(self, phrase: str = "") -> None:
        """Begin to listen: for anybody who speaks, or for a phrase of English words such as "computer".

        Raises:
            SettingError: a word that the dictionary does not know, a phrase too short, or no recogniser here.

        """
        self._gate = Gate()
        self._silero = Silero()
        self._spotter: Spotter | None = None
        self._now_ms = 0
        if phrase:
            from offline.spotter import Spotter, checked  # noqa: PLC0415 - only for those who want it

            self._spotter = Spotter(checked(phrase))
        self.begin()

    def begin(self) -> None:
        """Sleep again after waking: all that was heard is forgotten."""
        self._gate.close()
        self._silero.reset()
        self._recent: deque[bytes] = deque(maxlen=RECENT_BLOCKS)
        self._likely: deque[bool] = deque(maxlen=WINDOW_FRAMES)
        self._quiet_frames = PAUSE_FRAMES
        self._asleep_since_ms = self._now_ms
        self._awake = False
        if self._spotter is not None:
            self._spotter.rest()

    @property
    def recent(self) -> bytes:
        """The last 2 s of sound, PCM16 mono 24 kHz; once a phrase has woken us, what was said behind it."""
        return b"".join(self._recent)

    def hear(self, block: bytes) -> bool:
        """Take 10 ms, PCM16 mono at 24 kHz (480 bytes); return True once, when it is time to wake, until `begin`."""
        self._recent.append(block)
        self._now_ms += BLOCK_MS
        if self._awake:
            return False
        likely = [probability >= LIKELY for probability in self._silero.feed(self._gate.take(block))]
        if any(likely):
            self._gate.hold()
        self._awake = self._hear_speech(likely) if self._spotter is None else self._hear_phrase(self._spotter, likely)
        return self._awake

    @property
    def broken(self) -> bool:
        """Whether the search has ended by itself: the phrase will not be heard any more."""
        return self._spotter is not None and self._spotter.broken

    def catch_up(self) -> None:
        """Wait until the search has heard all; for sound that comes faster than it is spoken."""
        if self._spotter is not None:
            self._spotter.catch_up()

    def close(self) -> None:
        """End the search's process."""
        if self._spotter is not None:
            self._spotter.close()

    def _hear_speech(self, likely: list[bool]) -> bool:
        self._likely.extend(likely)
        return sum(self._likely) >= ENOUGH_FRAMES

    def _hear_phrase(self, spotter: Spotter, likely: list[bool]) -> bool:
        self._pass_on(spotter, likely)
        end_ms = spotter.found()
        if end_ms is None or end_ms <= self._asleep_since_ms:  # the search may be behind
            return False
        behind = (self._now_ms - end_ms) // BLOCK_MS
        while len(self._recent) > behind:
            self._recent.popleft()
        return True

    def _pass_on(self, spotter: Spotter, likely: list[bool]) -> None:
        """Let the search hear speech, with what was before it and the pause behind."""
        was_speech = self._quiet_frames < PAUSE_FRAMES
        for one in likely:
            self._quiet_frames = 0 if one else min(self._quiet_frames + 1, PAUSE_FRAMES)
        is_speech = self._quiet_frames < PAUSE_FRAMES
        if is_speech:
            blocks = 1 if was_speech else min(LEAD_BLOCKS, len(self._recent))
            spotter.feed(b"".join(list(self._recent)[-blocks:]), self._now_ms)
        elif was_speech:
            spotter.rest()
