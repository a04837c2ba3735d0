"""The form that sound has here: PCM16, little-endian, mono, at 24 kHz, 10 ms at a time."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 24000
"""Hz. The only rate that the service takes as PCM."""
BYTES_PER_SAMPLE = 2
FULL_SCALE = 32768
BLOCK_MS = 10
"""What WebRTC's echo canceller takes, and a delay that nobody notices."""
BLOCK_SAMPLES = SAMPLE_RATE * BLOCK_MS // 1000
BLOCK_BYTES = BLOCK_SAMPLES * BYTES_PER_SAMPLE
SILENCE = bytes(BLOCK_BYTES)
"""A block of it."""
MAX_QUEUED_BLOCKS = 3000
"""30 s of microphone sound are kept while the connection stalls; beyond that the newest is dropped and counted."""


@dataclass(frozen=True, slots=True)
class Block:
    """10 ms of sound, PCM16 mono at 24 kHz: what the microphone heard and what the loudspeaker was given."""

    heard: bytes | None
    """None when only time passes, as there is no microphone; the loudspeaker keeps it then."""
    played: bytes
    slipped: bool = False
    """Whether sound had been lost on either side, and the pairing was mended here."""
    renewed: bool = False
    """Whether this is the first after the devices were opened anew; they may be other ones."""


class Pieces:
    """Bytes of any length in, pieces of one size out; used by one thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what comes; give what has become whole, in order."""
        data = self._rest + data
        whole = len(data) // self._size * self._size
        self._rest = data[whole:]
        return [data[start : start + self._size] for start in range(0, whole, self._size)]
