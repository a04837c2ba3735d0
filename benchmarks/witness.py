"""`realtime.py`, with everything that its echo canceller is given and gives written to a file.

    python -m benchmarks.witness FILE [OPTION ...]

FILE gets one record of `BLOCK` for every 10 ms; the options are the program's own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np

import realtime
from voice import echo
from voice.sound import SAMPLE_RATE

BLOCK_SAMPLES = SAMPLE_RATE // 100
BLOCK = np.dtype(
    [
        ("near", "<i2", BLOCK_SAMPLES),
        ("far", "<i2", BLOCK_SAMPLES),
        ("clean", "<i2", BLOCK_SAMPLES),
        ("delay", "<f4"),  # ms, NaN until known
        ("erle", "<f4"),  # dB, NaN until known
        ("slipped", "?"),
    ]
)


class Witness(echo.EchoCanceller):
    """The canceller itself; the send thread writes, through a buffer."""

    file: BinaryIO

    def __init__(self) -> None:
        super().__init__()
        self._slips = False

    def process(self, near: echo.Samples, far: echo.Samples) -> echo.Samples:
        """Process a block, and write it down."""
        clean = super().process(near, far)
        unknown = float("nan")
        record = (near, far, clean, self.delay or unknown, self.erle or unknown, self._slips)
        self.file.write(np.array([record], BLOCK).tobytes())
        self._slips = False
        return clean

    def slipped(self) -> None:
        """Note it with the next block."""
        super().slipped()
        self._slips = True


def main() -> int:
    """Run the program."""
    path = Path(sys.argv.pop(1))
    with path.open("wb", buffering=1 << 20) as Witness.file:
        echo.EchoCanceller = Witness  # type: ignore[assignment, misc]
        return realtime.main()


if __name__ == "__main__":
    sys.exit(main())
