"""WAV files: any usual one read as what the service takes, and ours written; PCM16 little-endian at 24 kHz.

The standard library's `wave` reads neither floats nor, before Python 3.12, the extensible header that many programs
write; the few fields that matter are read here, so that a hostile file meets no parser written in C.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soxr

from voice.errors import SettingError
from voice.sound import BYTES_PER_SAMPLE, SAMPLE_RATE

MAX_SECONDS = 600
"""Longest sound that is read: 10 minutes, 29 MB of PCM16."""
MAX_CHANNELS = 32
MIN_RATE, MAX_RATE = 1000, 768_000
"""Hz; no sound card goes beyond."""
MAX_CHUNKS = 1000
"""Parts of a file to look through for its sound; usual ones have two to ten."""

_PIECE_FRAMES = 1 << 16
"""Converted at once, so a file of any number of channels needs little memory."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WIDTHS = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}
"""Bytes per sample that are understood, by encoding."""
_TO_THE_END = (0, 0xFFFFFFFF)
"""Sizes that are written when the end is not known yet."""
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Format:
    """How the samples are stored."""

    encoding: int
    channels: int
    rate: int
    """Hz."""
    width: int
    """Bytes of one sample."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return self.channels * self.width


class _BadFileError(Exception):
    """What is wrong with a file, as the end of a sentence that begins with its name."""


# Reading ------------------------------------------------------------------------------------------------------------


def read_wav(path: Path) -> bytes:
    """Sound of a WAV file as PCM16 mono at 24 kHz: 8 to 32 bit or float, any rate, channels are averaged.

    A file that was cut off, or whose sizes were never filled in, is read as far as it goes.

    Raises:
        SettingError: it is no such file, has no sound or more than `MAX_SECONDS`, or cannot be read.

    """
    try:
        with path.open("rb") as file:
            sound_format, size = _find_sound(file)
            mono = _resampled(_mono(file, sound_format, size), sound_format.rate)
            sound = b"".join(_pcm16(piece) for piece in mono)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise SettingError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except _BadFileError as error:
        raise SettingError(f"{path} {error}") from error
    if not sound:
        raise SettingError(f"{path} holds no sound")
    return sound


def _find_sound(file: BinaryIO) -> tuple[_Format, int]:
    """Go to where the samples begin; their format and size in bytes."""
    riff, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    if (riff, kind) != (b"RIFF", b"WAVE"):
        raise _BadFileError("is no WAV file")
    found: _Format | None = None
    for _ in range(MAX_CHUNKS):
        name, size = _begin_chunk(file)
        if name == b"data" and found is None:
            raise _BadFileError("is no usable WAV file: its format comes after its sound")
        if name == b"data" and found is not None:
            if size == 0 and _chunks_follow(file):
                break
            return found, size
        taken = b""
        if name == b"fmt ":
            taken = file.read(min(size, 40))
            found = _parse_format(taken)
        elif not name:
            break
        file.seek(size + size % 2 - len(taken), os.SEEK_CUR)
    raise _BadFileError("holds no sound")


def _begin_chunk(file: BinaryIO) -> tuple[bytes, int]:
    """Go to its content; its name and size in bytes, nothing and 0 at the end."""
    name, size = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
    return name.strip(b"\0"), size


def _chunks_follow(file: BinaryIO) -> bool:
    """Whether other chunks fill the file from here to its end: sound does not look like that."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    at = file.seek(here)
    for _ in range(MAX_CHUNKS):
        name, size = _begin_chunk(file)
        if not name:
            break
        at = file.seek(size + size % 2, os.SEEK_CUR)
    file.seek(here)
    return here < at == end


def _parse_format(chunk: bytes) -> _Format:
    encoding, channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", chunk[:16].ljust(16, b"\0"))
    if encoding == _EXTENSIBLE:
        encoding = int.from_bytes(chunk[24:26], "little")
    if not 1 <= channels <= MAX_CHANNELS or not MIN_RATE <= rate <= MAX_RATE:
        raise _BadFileError(f"is no usable WAV file: {channels} channels at {rate} Hz")
    if encoding not in _WIDTHS:
        raise _BadFileError(f"is compressed (WAV format {encoding}): convert it to PCM")
    width = (bits + 7) // 8
    if width not in _WIDTHS[encoding] or frame_bytes != channels * width:
        raise _BadFileError(f"has samples of {bits} bits: 8, 16, 24, 32 or float is understood")
    return _Format(encoding, channels, rate, width)


def _mono(file: BinaryIO, sound_format: _Format, size: int) -> Iterator[Floats]:
    """Samples from -1 to 1, piece by piece."""
    left = MAX_SECONDS * sound_format.rate
    bytes_left = (left + 1) * sound_format.frame_bytes if size in _TO_THE_END else size
    while raw := file.read(min(bytes_left, _PIECE_FRAMES * sound_format.frame_bytes)):
        bytes_left -= len(raw)
        whole = len(raw) - len(raw) % sound_format.frame_bytes
        left -= whole // sound_format.frame_bytes
        if left < 0:
            raise _BadFileError(f"is longer than {MAX_SECONDS // 60} minutes")
        samples = _floats(raw[:whole], sound_format)
        yield samples.reshape(-1, sound_format.channels).mean(axis=1)


def _floats(raw: bytes, sound_format: _Format) -> Floats:
    width = sound_format.width
    if sound_format.encoding == _FLOAT:
        samples: Floats = np.clip(np.nan_to_num(np.frombuffer(raw, f"<f{width}")), -1, 1).astype(np.float32)
        return samples
    full = np.zeros((len(raw) // width, 4), np.uint8)  # each sample in the highest bytes of a 32-bit one
    full[:, 4 - width :] = np.frombuffer(raw, np.uint8).reshape(-1, width)
    if width == 1:
        full[:, 3] ^= 0x80  # 8-bit samples alone are stored without a sign
    return (full.view("<i4")[:, 0] / 2.0**31).astype(np.float32)


def _resampled(pieces: Iterator[Floats], rate: int) -> Iterator[Floats]:
    if rate == SAMPLE_RATE:
        yield from pieces
        return
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    for piece in pieces:
        yield stream.resample_chunk(piece)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _pcm16(samples: Floats) -> bytes:
    return bytes(np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype("<i2").tobytes())


# Writing ------------------------------------------------------------------------------------------------------------


def _header(channels: int, size: int) -> bytes:
    """Build the 44 bytes before `size` bytes of PCM16 at 24 kHz."""
    frame_bytes = channels * BYTES_PER_SAMPLE
    layout = (_PCM, channels, SAMPLE_RATE, SAMPLE_RATE * frame_bytes, frame_bytes, 8 * BYTES_PER_SAMPLE)
    return _HEADER.pack(b"RIFF", _HEADER.size - 8 + size, b"WAVE", b"fmt ", 16, *layout, b"data", size)


def write_wav(path: Path, pcm: bytes) -> None:
    """Write PCM16 mono at 24 kHz to a WAV file, over one that is there.

    Raises:
        SettingError: it cannot be written.

    """
    try:
        path.write_bytes(_header(1, len(pcm)) + pcm)
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error


class WavFile:
    """A new WAV file that is complete after every `append`, whatever happens to the program then; one thread.

    Sound is written before the header that counts it, so the header never promises what is not there.
    """

    def __init__(self, path: Path, channels: int) -> None:
        """Begin the file, for its owner's eyes only; OSError, FileExistsError among them."""
        self._channels = channels
        self.size = 0
        """Bytes of sound so far."""
        self._file = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115 - Path.open has no opener
        try:
            self._write(_header(channels, 0))
        except OSError:
            self._file.close()
            path.unlink()
            raise

    def append(self, pcm: bytes) -> None:
        """Add whole frames of PCM16; OSError when not all of it could be written, and then the rest is left out."""
        try:
            self._write(pcm)
        finally:
            written = self._file.tell() - _HEADER.size
            self.size = written - written % (self._channels * BYTES_PER_SAMPLE)
            self._file.seek(0)
            self._write(_header(self._channels, self.size))
            self._file.seek(_HEADER.size + self.size)

    def _write(self, data: bytes) -> None:
        """Write all of it: the system may take a part without an error, and only then say why no more."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
