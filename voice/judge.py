"""Whether someone really speaks: the judge of what the service takes for speech while an answer is paused.

The service's detector reacts to a cough as it does to a word. Here Silero's detector listens to the microphone's sound
without the echo, and only while there is a doubt: it costs some 5 % of a core.
"""

from __future__ import annotations

from collections import deque

from voice.silero import LIKELY, Silero

MEMORY_BLOCKS = 60
"""0.6 s from before the doubt: the service tells of speech some 0.1 to 0.3 s after its beginning."""
ENOUGH_FRAMES = 5
"""160 ms of speech; a cough or a door has none or a frame or two, the shortest words have 200 ms."""
PATIENCE_FRAMES = 25
"""0.8 s of the model's frames without enough speech, and the answer goes on."""


class Judge:
    """Hears every block of the microphone's sound; used by one thread."""

    def __init__(self) -> None:
        self._memory: deque[bytes] = deque(maxlen=MEMORY_BLOCKS)
        self._silero = Silero()
        self._doubtful = False
        self._frames = 0
        self._speech = 0

    def begin(self) -> None:
        """Begin to judge, with what was heard just before."""
        self._silero.reset()
        self._doubtful, self._frames, self._speech = True, 0, 0
        self._listen(b"".join(self._memory))
        self._frames = 0  # patience is for what is to come

    def end(self) -> None:
        """Stop judging; what was heard till now is judged."""
        self._doubtful = False
        self._memory.clear()

    def hear(self, block: bytes) -> bool | None:
        """Take 10 ms, PCM16 mono at 24 kHz. True: someone speaks. False: nobody does so far. None: cannot tell yet.

        Each is said once; after False it may still come to True.
        """
        self._memory.append(block)
        if not self._doubtful:
            return None
        before = self._frames
        self._listen(block)
        if self._speech >= ENOUGH_FRAMES:
            self._doubtful = False
            return True
        return False if before < PATIENCE_FRAMES <= self._frames else None

    def _listen(self, pcm: bytes) -> None:
        likely = [probability >= LIKELY for probability in self._silero.feed(pcm)]
        self._frames += len(likely)
        self._speech += sum(likely)
