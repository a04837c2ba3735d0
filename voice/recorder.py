"""Recordings: what was said on both sides, as stereo WAV files.

The thread *recorder* waits for a second of sound and writes it: what is lost in a crash is the last second. It is
woken by the block that completes one, and by `Recorder.stop`; it may block on the disk, for which nobody waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np

from voice.sound import BLOCK_SAMPLES, SILENCE
from voice.storage import make_folder
from voice.wavefiles import WavFile

BLOCKS_PER_SECOND = 100
MAX_WAITING = 30 * BLOCKS_PER_SECOND
"""Blocks that are kept while the disk stalls: 30 s, 3 MB. Later ones are silence in the recording."""
MAX_FILE = 2_000_000_000
"""Bytes of sound in one file, 5.8 hours: the format ends at 4 GB, and some readers at half of that."""
STOP_TIMEOUT = 1.0
"""s to wait for the last second to be written."""

Pair = tuple[bytes, bytes]
"""10 ms of PCM16 mono at 24 kHz: left and right."""

log = logging.getLogger(__name__)


class Recorder:
    """One recording, from `start` to `stop`, at any time in a conversation; for another one make another.

    Left is the user, right the assistant as heard: the block of the microphone beside the one that the loudspeaker was
    given at that moment, just as they are handed over. The loudspeaker is heard later than that, by the devices' own
    delay (some 0.3 s with Bluetooth, less with others), so the assistant is early by as much. That stays the same for
    as long as the blocks are paired. Blocks that never come, as of a device that is gone, leave no gap.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        """Record into this folder, made if need be, to a file named after the time; nothing happens before `start`.

        `tell` takes a line for the user: where it is recorded, and once what went wrong. It may not block.
        """
        self._folder = folder
        self._tell = tell
        self._name = time.strftime("%Y-%m-%d-%H%M%S")
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, Pair]] = []  # blocks, with how many were lost before each
        self._lost_since = 0
        self._stopping = False
        self.lost = 0
        """Blocks that found the queue full; they are silence in the recording."""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def active(self) -> bool:
        """Whether it records: false before `start`, after `stop`, and after what went wrong; any thread."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def write(self, left: bytes | None, right: bytes | None) -> None:
        """Add 10 ms of both sides, None for silence; the send thread, which this never blocks."""
        pair = tuple((block or SILENCE)[: len(SILENCE)].ljust(len(SILENCE), b"\0") for block in (left, right))
        with self._changed:
            if self._stopping:
                return
            if len(self._waiting) >= MAX_WAITING:
                self._lost_since += 1
                self.lost += 1
                return
            self._waiting.append((self._lost_since, (pair[0], pair[1])))
            self._lost_since = 0
            if len(self._waiting) >= BLOCKS_PER_SECOND:
                self._changed.notify()

    def stop(self) -> None:
        """Write what waits and end; any thread. The file is complete then, unless the disk stalls."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT)

    # Thread: recorder -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._record()
        except OSError as error:
            self._tell(f"the recording has ended: {error.filename or self._folder}: {error.strerror or error}")
        except Exception:
            log.exception("recorder")
            self._tell("the recording has ended: this is a bug in the program")
        finally:
            with self._changed:
                self._stopping = True
                self._waiting.clear()

    def _record(self) -> None:
        wav = self._begin()
        try:
            while blocks := self._next():
                for sound in _seconds(blocks):
                    if wav.size + len(sound) > MAX_FILE:
                        wav.close()
                        wav = self._begin()
                    wav.append(sound)
        finally:
            wav.close()
        if self.lost:
            self._tell(f"{self.lost / BLOCKS_PER_SECOND:.1f} s of the recording are silent: the disk was too slow")

    def _begin(self) -> WavFile:
        make_folder(self._folder)
        number = 1
        while True:
            path = self._folder / f"{self._name}{f'-{number}' if number > 1 else ''}.wav"
            with suppress(FileExistsError):
                wav = WavFile(path, channels=2)
                self._tell(f"recording to {path}")
                return wav
            number += 1

    def _next(self) -> list[tuple[int, Pair]]:
        """Wait for a second of sound, or at the end take what there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or len(self._waiting) >= BLOCKS_PER_SECOND)
            blocks, self._waiting = self._waiting, []
            return blocks


def _seconds(blocks: list[tuple[int, Pair]]) -> Iterator[bytes]:
    """Stereo sound of a second at most each; what was lost is silence in its place."""
    silent = (SILENCE, SILENCE)
    pairs = chain.from_iterable(chain(repeat(silent, lost), [pair]) for lost, pair in blocks)
    while second := list(islice(pairs, BLOCKS_PER_SECOND)):
        stereo = np.empty((len(second) * BLOCK_SAMPLES, 2), "<i2")
        for channel in (0, 1):
            stereo[:, channel] = np.frombuffer(b"".join(pair[channel] for pair in second), "<i2")
        yield stereo.tobytes()
