"""Takes the assistant's own voice out of the microphone's sound, so that the user can interrupt on open loudspeakers.

Four stages, 10 ms at a time:

1. `Alignment` finds how late the loudspeaker is heard, and follows it.
2. `KalmanFilter` subtracts what it has learnt of the echo, some 20 dB, without touching the user's voice.
3. `Residual` watches how much is left, and turns down what may be nothing but echo.
4. WebRTC's canceller (AEC3) removes the rest. By itself it also removes a user who is not louder than the echo: it
   expects as much echo as it is shown of the loudspeaker's sound. Behind the filter it is shown less of that.

Until the first three know the room, the fourth works alone.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from voice.aec.alignment import Alignment, Change
from voice.aec.delay import AUDIBLE, Sound
from voice.aec.kalman import KalmanFilter
from voice.aec.presence import Presence
from voice.aec.residual import FLOOR, Residual
from voice.errors import SettingError
from voice.sound import FULL_SCALE

Samples = NDArray[np.int16]

TAIL_MS = 160
"""Echo that the filter covers: a room's first reflections; the rest is weak enough for the suppressor."""
MUTE_TAIL_MS = 500
"""How long a loudspeaker may be heard after its last sound: 300 ms for Bluetooth, 200 for the room."""
SILENCE = 1e-6
"""Sum of squares of 10 ms at -84 dBFS, less than any microphone's noise."""
REST_BLOCKS = 300
"""3 s after the last sound that was played it is not heard any more: a device is 0.3 s late, a room rings for 1. From
then on there is nothing to learn, and nothing that the filter could subtract."""
GUARD_BLOCKS = 30
"""0.3 s of playback after sound was lost. Until the filter has proved itself again, what is heard while something plays
is taken for echo. A user's syllable is the price; without it the service hears the assistant for some 80 ms. A pairing
that was mended proves itself by then; otherwise AEC3 has to begin anew, for it holds on to its old delay for as long
again, and lets all of the echo through."""
DITHER = 1 / FULL_SCALE
"""What AEC3 is shown of the loudspeaker at least: the last bit, at random. Where that goes quite silent, its filters
fade into numbers so small that the processor is slow with them: 1.3 ms a block instead of 0.1, as long as it lasts."""
ERLE_UP, ERLE_DOWN = 0.05, 0.02
"""dB a block. Steps that do not depend on the distance follow a percentile, here the 71st: the user's sentences, and
echo that is below the room's noise, hardly move it."""


class Suppressor(Protocol):
    """What the send thread asks of each way to suppress the echo."""

    @property
    def erle(self) -> float | None:
        """Echo removed in dB; None until known, or where nothing is measured."""

    @property
    def delay(self) -> float | None:
        """From the loudspeaker's callback to the microphone's in ms, likewise."""

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return `near`, 10 ms from the microphone, without the echo of `far`, the loudspeaker's block of that tick."""

    def slipped(self) -> None:
        """Note that sound was lost, so that `near` and `far` are shifted against each other from now on."""

    def renewed(self) -> None:
        """Note that the devices were opened anew: from now on they may be others."""


class EchoCanceller:
    """Removes the echo and keeps the user; one thread, but `erle` and `delay` may be read by any.

    The result is 9.3 ms late, the time that WebRTC's filter bank takes.
    """

    def __init__(self, sample_rate: int = 24000) -> None:
        """Process blocks of 10 ms at `sample_rate` Hz.

        Raises:
            ImportError: pywebrtc-audio is not installed, or is the empty package of its first version.

        """
        from pywebrtc_audio import AudioProcessor  # noqa: PLC0415 - not every platform has it, and `Mute` does without

        self._block = sample_rate // 100
        self._suppressor = AudioProcessor(sample_rate=sample_rate, num_channels=1, echo_cancellation=True)
        self._alignment = Alignment(sample_rate)
        self._filter = KalmanFilter(self._block, TAIL_MS // 10)
        self._residual = Residual(self._block)
        self._presence = Presence()
        self._open = np.ones(self._block, np.float32)
        self._closed = self._open * np.float32(FLOOR)
        self._gain = self._open
        self._guard = 0  # blocks for which it is still on
        self._silent = REST_BLOCKS  # blocks since something was played
        self._dither = np.random.default_rng(0).choice([-DITHER, DITHER], self._block).astype(np.float32)
        self._quiet = _to_samples(self._dither)
        self.erle: float | None = None
        self.delay: float | None = None

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return `near` without the echo of `far`.

        Both are 10 ms of PCM16; `far` is what the loudspeaker was given in the tick in which `near` was heard, silence
        included.
        """
        if self._rests(far):
            self._alignment.rest()
            clean: Samples = self._suppressor.process(near, self._quiet)
            return clean
        heard, played = _to_sound(near), _to_sound(far)
        change = self._alignment.process(heard, played)
        self._presence.process(heard, played)
        if self._alignment.delay is None:
            return self._suppress(heard, played)
        echo_of = self._alignment.read(self._block)
        if change is Change.SETTLED:
            self._filter.restore(self._alignment.read(self._filter.reach))
        else:
            self._filter.remember(echo_of)
        if change is Change.CONFIRMED and self._residual.trusted:
            self._filter.save()
        audible = float(echo_of @ echo_of) > self._block * AUDIBLE**2
        rest, gain = self._subtract(heard)
        if self._residual.trusted:  # what was played explains what is heard; a delay alone may be a chance likeness
            self._presence.found()
        # Once before and once after: what is left of the echo then is too weak to pass for speech. The suppressor is
        # about a block late, and so is the gain.
        suppressed = _to_sound(self._suppress(rest * gain, played))
        self._residual.note(suppressed)
        clean = _to_samples(suppressed * self._gain)
        self._gain = self._closed if self._guarded(audible=audible) else gain
        self.delay = self._alignment.delay * 10 / self._block
        if audible:
            self._measure(heard, _to_sound(clean))
        return clean

    def _rests(self, far: Samples) -> bool:
        """Whether nothing has been played for so long that the filter need not be asked."""
        if not far.any():
            self._silent += 1
        else:
            if (rested := self._silent - REST_BLOCKS) > 0:
                self._filter.rest(rested)
            self._silent = 0
        return self._silent > REST_BLOCKS

    def slipped(self) -> None:
        """Note that sound was lost: the filter has to prove itself again.

        A pairing that was mended has its old delay, so that is tried first, with the echo path that was proven. If it
        does not fit, half a second of playback tells the new one.
        """
        self._alignment.doubt()
        self._try_again()
        self._guard = GUARD_BLOCKS

    def renewed(self) -> None:
        """Note that the devices were opened anew: the clock may be another, and the headphones may have gone."""
        self._presence.found()
        self._alignment.forget_drift()
        self.slipped()

    def _guarded(self, *, audible: bool) -> bool:
        if self._residual.trusted:
            self._guard = 0
        elif audible and self._guard:
            self._guard -= 1
            if not self._guard:
                self._suppressor.reset()
        return audible and self._guard > 0

    def _subtract(self, heard: Sound) -> tuple[Sound, Sound]:
        rest = self._filter.process(heard)
        if self._residual.update(heard, rest):
            return (rest, self._residual.gain()) if self._residual.trusted else (heard, self._open)
        if self._residual.trusted:
            self.slipped()
        elif self._alignment.doubtful:
            self._try_again()
        else:
            self._filter.reset()
            self._residual.reset()
        return heard, self._open

    def _try_again(self) -> None:
        self._residual.reset()
        if self._alignment.delay is not None:
            self._filter.retry(self._alignment.read(self._filter.reach))

    def _suppress(self, rest: Sound, played: Sound) -> Samples:
        reference = self._residual.reference if self._presence.echo else 0.0
        clean: Samples = self._suppressor.process(_to_samples(rest), _to_samples(played * reference + self._dither))
        return clean

    def _measure(self, heard: Sound, clean: Sound) -> None:
        removed = 10 * math.log10((float(heard @ heard) + SILENCE) / (float(clean @ clean) + SILENCE))
        if self.erle is None:
            self.erle = removed
        self.erle += ERLE_UP if removed > self.erle else -ERLE_DOWN


class Mute:
    """Half duplex: silence while the loudspeaker may be heard. The user waits, or interrupts with a key."""

    def __init__(self) -> None:
        self._left = 0  # blocks
        self.erle: float | None = None
        self.delay: float | None = None

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return `near`, or as much silence; both are 10 ms."""
        played = _to_sound(far)
        if float(played @ played) > len(played) * AUDIBLE**2:
            self._left = MUTE_TAIL_MS // 10
        elif self._left:
            self._left -= 1
        return np.zeros_like(near) if self._left else near

    def slipped(self) -> None:
        """Go on."""

    def renewed(self) -> None:
        """Go on."""


class Off:
    """For headphones, and for systems that cancel the echo themselves."""

    erle: float | None = None
    delay: float | None = None

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return `near`."""
        del far
        return near

    def slipped(self) -> None:
        """Go on."""

    def renewed(self) -> None:
        """Go on."""


def create(mode: Literal["auto", "cancel", "mute", "off"]) -> tuple[Suppressor, str]:
    """Make what was asked for, with a sentence for the user where that is less than it should be, else "".

    Raises:
        SettingError: "cancel" was asked for and cannot be had.

    """
    if mode == "off":
        return Off(), ""
    if mode == "mute":
        return Mute(), ""
    try:
        return EchoCanceller(), ""
    except ImportError as error:
        if mode == "cancel":
            raise SettingError(f"echo cancellation needs pywebrtc-audio 0.2 ({error}); use --echo mute") from error
        return Mute(), f"the microphone is off while the assistant talks, for pywebrtc-audio 0.2 is missing ({error})"


def _to_sound(samples: Samples) -> Sound:
    return np.multiply(samples, 1 / FULL_SCALE, dtype=np.float32)


def _to_samples(sound: Sound) -> Samples:
    return np.clip(np.rint(sound * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
