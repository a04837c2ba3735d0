"""One open stream of a device, in the format that the device takes: 24 kHz mono on our side, whatever is on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import pyaudio

from voice.hardware.devices import Device, Direction
from voice.sound import BLOCK_BYTES, BLOCK_SAMPLES, BYTES_PER_SAMPLE, SAMPLE_RATE, Pieces

if TYPE_CHECKING:
    from voice.resampler import Resampler

CALLBACKS_PER_SECOND = 100
"""For the microphone 50 would do, as its sound leaves in messages of 20 ms, and save a fifth of the processor's time.
But PulseAudio then hands it out at intervals of 13 to 27 ms, in which `Pairing` finds losses that there were none."""

Callback = Callable[[bytes | None, int, Mapping[str, float], int], tuple[bytes | None, int]]
"""PortAudio's, on its thread: sound in, frames, times, what went wrong; sound out and whether to go on."""


class Stream:
    """One device that is open in one direction; opened, started and closed by one thread at a time.

    24 kHz mono is asked for first, since PortAudio, sound servers and some systems convert; then more channels; then
    the device's own rate.
    """

    def __init__(self, portaudio: pyaudio.PyAudio, device: Device, direction: Direction, callback: Callback) -> None:
        """Open the device without starting it.

        Raises:
            OSError: it takes neither 24 kHz nor its own rate, or it is in use, or has gone.

        """
        self.device = device
        kind: dict[str, Any] = {direction: True, f"{direction}_device_index": device.index}
        refusal: OSError | None = None
        for rate, channels in _formats(device, direction):
            try:
                self._stream = portaudio.open(
                    rate,
                    channels,
                    pyaudio.paInt16,
                    frames_per_buffer=rate // CALLBACKS_PER_SECOND,
                    start=False,
                    stream_callback=callback,
                    **kind,
                )
            except OSError as error:
                refusal = refusal or error
                continue
            self.rate, self.channels = rate, channels
            return
        raise refusal or OSError(f"no {direction}")

    @property
    def latency(self) -> float:
        """Seconds between the callback and the air, as the device said when it was opened."""
        return float(self._stream.get_output_latency())

    @property
    def active(self) -> bool:
        """Whether PortAudio goes on calling; it stops by itself when the device has gone."""
        try:
            return bool(self._stream.is_active())
        except OSError:
            return False

    def start(self) -> None:
        """Let the callbacks begin; a device that cannot is not `active`."""
        try:
            self._stream.start_stream()
        except OSError:
            return

    def close(self) -> None:
        """Let no callback run after this; may block as long as a sound server does not answer."""
        self._stream.close()


def _formats(device: Device, direction: Direction) -> list[tuple[int, int]]:
    most = device.channels(direction)
    channels = [count for count in (1, 2, most) if count <= most]
    return list(dict.fromkeys(product((SAMPLE_RATE, device.rate), channels)))


class FromDevice:
    """What a microphone gives, as blocks of 10 ms; used by its callback alone."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate = rate
        """Hz."""
        self._mix: Callable[[bytes], bytes] | None = None
        if channels > 1:
            from voice.hardware.channels import mixed  # noqa: PLC0415 - loads numpy, which most devices do without

            self._mix = partial(mixed, channels=channels)
        self._resampler = _resampler(rate, SAMPLE_RATE)
        self._blocks = Pieces(BLOCK_BYTES)

    def blocks(self, pcm: bytes) -> list[bytes]:
        """Take PCM16 of all channels, give what has become whole."""
        if self._mix is not None:
            pcm = self._mix(pcm)
        if self._resampler is not None:
            pcm = self._resampler.feed(pcm)
        return self._blocks.feed(pcm)


class ToDevice:
    """Blocks of 10 ms as a loudspeaker wants them; used by its callback alone.

    The same sound is on all channels.
    """

    def __init__(self, rate: int, channels: int, read: Callable[[], bytes]) -> None:
        """`read` gives the next block of PCM16 mono at 24 kHz."""
        self._spread: Callable[[bytes], bytes] | None = None
        if channels > 1:
            from voice.hardware.channels import spread  # noqa: PLC0415 - as above

            self._spread = partial(spread, channels=channels)
        self._resampler = _resampler(SAMPLE_RATE, rate)
        self._samples_per_frame = SAMPLE_RATE / rate
        self._read = read
        self._rest = b""
        self._waiting = 0.0  # samples at 24 kHz that were read and not yet given, those in the resampler included

    def ahead(self, frames: int) -> float:
        """Samples at 24 kHz from the first of the last `frames` that were given to the end of what was read."""
        return frames * self._samples_per_frame + self._waiting

    def take(self, frames: int) -> bytes:
        """Give exactly so many frames."""
        size = frames * BYTES_PER_SAMPLE
        while len(self._rest) < size:
            block = self._read()
            self._waiting += BLOCK_SAMPLES
            self._rest += self._resampler.feed(block) if self._resampler is not None else block
        self._waiting -= frames * self._samples_per_frame
        pcm, self._rest = self._rest[:size], self._rest[size:]
        return self._spread(pcm) if self._spread is not None else pcm


def _resampler(from_hz: int, to_hz: int) -> Resampler | None:
    if from_hz == to_hz:
        return None
    from voice.resampler import Resampler  # noqa: PLC0415 - as above

    return Resampler(from_hz, to_hz)
