"""The program on a sound card that takes one rate and one number of channels only, as many real ones do.

    PICKY=48000,2 python tests/picky.py [the program's own options]

What the card does take is passed on to PortAudio as it is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pyaudio

sys.path.insert(0, str(Path(__file__).parent.parent))

import realtime

RATE, CHANNELS = (int(number) for number in os.environ["PICKY"].split(","))

_devices = pyaudio.PyAudio.get_device_info_by_index
_open = pyaudio.PyAudio.open


def _picky_device(self: pyaudio.PyAudio, index: int) -> Any:
    return {**_devices(self, index), "defaultSampleRate": float(RATE)}


def _picky_open(self: pyaudio.PyAudio, rate: int, channels: int, *args: Any, **options: Any) -> pyaudio.Stream:
    if rate != RATE:
        raise OSError(pyaudio.paInvalidSampleRate, "Invalid sample rate")
    if channels != CHANNELS:
        raise OSError(pyaudio.paInvalidChannelCount, "Invalid number of channels")
    return _open(self, rate, channels, *args, **options)


setattr(pyaudio.PyAudio, "get_device_info_by_index", _picky_device)  # noqa: B010 - mypy knows the method's type
setattr(pyaudio.PyAudio, "open", _picky_open)  # noqa: B010

if __name__ == "__main__":
    sys.exit(realtime.main())
