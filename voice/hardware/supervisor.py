"""The thread *devices*: opens the devices, sees when one goes, and puts another in its place.

PortAudio lists the devices once, when it is initialised, and can only do that with no stream open. So when something
is wrong both sides are closed, PortAudio begins anew, and both are opened again: that takes some 30 ms, and costs the
sound that was in the devices. While a device is missing this is tried again and again, but not in the middle of an
answer that can be heard.

*devices* alone calls PortAudio. It may block in its waits, which `stop` ends, and inside PortAudio when a sound server
does not answer, which nothing ends: then it is left behind at the end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress

import pyaudio

from voice.errors import DeviceError
from voice.hardware.devices import Device, devices
from voice.hardware.side import Side
from voice.hardware.watch import LOOK_SECONDS

log = logging.getLogger(__name__)

OPEN_SECONDS = 5.0
"""s for all devices to be opened at the start; it takes some 0.2, and 2 where Bluetooth or JACK are asked first."""
RETRY_SECONDS = 1.0
"""Between two looks for a missing device: one costs 10 ms of processor time."""
PATIENT_RETRY_SECONDS = 5.0
"""The same while the other side works, which each time is interrupted."""
STOP_TIMEOUT = 0.5
"""s to wait for the thread at the end; closing takes some ms, unless a sound server does not answer."""


class Supervisor:
    """Over both sides, from `open` to `stop`; main alone may call."""

    def __init__(
        self,
        microphone: Side,
        speaker: Side,
        *,
        prepare: Callable[[], None],
        look_further: Callable[[], None],
        playing: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        """Watch these sides; none of the callables may block.

        `prepare` is called when streams were opened and not yet started, `look_further` every `LOOK_SECONDS`; `playing`
        is whether an answer waits to be heard; `tell` takes a line for the user.
        """
        self._sides = (speaker, microphone)
        self._prepare = prepare
        self._look_further = look_further
        self._playing = playing
        self._tell = tell
        self.restarts = 0
        """How often all devices were closed and opened."""
        self._portaudio: pyaudio.PyAudio | None = None
        self._retry_at = 0.0
        self._opened: Future[None] = Future()
        self._starting = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
        self._wanted: tuple[str | None, str] = ("", "")  # of the loudspeaker and the microphone

    def open(self, input_device: str, output_device: str | None) -> bool:
        """Open the devices without starting them; one that is missing and was not asked for is simply not used.

        There is no loudspeaker when `output_device` is None.

        False when the sound system does not answer: it is not used then, and the user is told if it ever does.

        Raises:
            DeviceError: a device that was asked for is not there or does not open.

        """
        self._wanted = (output_device, input_device)
        self._thread.start()
        wait((self._opened,), OPEN_SECONDS)
        if self._opened.cancel():
            return False
        self._opened.result()
        return True

    def start(self) -> None:
        """Let the sound flow."""
        self._starting.set()

    def stop(self) -> None:
        """Close the streams; no callback runs after this, unless a sound server does not answer."""
        self._stopping.set()
        self._starting.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT)

    # The thread *devices* -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        error = self._open()
        if not self._opened.set_running_or_notify_cancel():  # it took too long
            if error is None and not self._stopping.is_set():
                self._tell("the sound system answers again: start again to talk")
        elif error is not None:
            self._opened.set_exception(error)
        else:
            self._opened.set_result(None)
            self._starting.wait()
            self._watch()
        self._close()

    def _open(self) -> Exception | None:
        """Open the devices to begin with, or say why that fails."""
        try:
            self._portaudio = pyaudio.PyAudio()
            found = devices(self._portaudio)
            pairs = zip(self._sides, self._wanted, strict=True)
            chosen = [side.choose(found, name) if name is not None else None for side, name in pairs]
            for side, name, device in zip(self._sides, self._wanted, chosen, strict=True):
                if device is not None:
                    self._open_first(side, name, device)
            self._prepare()
        except OSError as error:  # gone while it was being opened
            return DeviceError(f"the sound devices cannot be used: {error.args[-1]}")
        except Exception as error:  # noqa: BLE001 - raised where it was asked for
            return error
        return None

    def _open_first(self, side: Side, name: str | None, device: Device) -> None:
        assert self._portaudio is not None  # noqa: S101 - the caller has made it
        try:
            side.open(self._portaudio, device)
        except OSError as error:
            if name:
                raise DeviceError(f"the {side.name} {device.name!r} cannot be used: {error.args[-1]}") from error

    def _watch(self) -> None:
        if not self._stopping.is_set():
            self._start_streams()
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception:
                log.exception("devices")
                self._tell("the sound devices are no longer watched over: this is a bug in the program")
                break
        self._stopping.wait()

    def _start_streams(self) -> bool:
        """Let the callbacks begin, where there are any."""
        streams = [side.stream for side in self._sides if side.stream is not None]
        for stream in streams:
            stream.start()
        return bool(streams)

    def _look(self) -> None:
        now = time.monotonic()
        used = [side for side in self._sides if side.device is not None]
        troubles = {side: trouble for side in used if (trouble := side.look(now))}
        fresh = {side: trouble for side, trouble in troubles.items() if not side.lost}
        self._lose(fresh)
        if fresh or self._should_retry(used, now):
            self._reopen(used)
        else:
            for side in troubles:
                side.close()
            self._regain([side for side in used if side.lost and side.steady])
        self._look_further()

    def _should_retry(self, used: list[Side], now: float) -> bool:
        heard = self._playing() and self._sides[0].stream is not None
        return now >= self._retry_at and not heard and any(side.stream is None for side in used)

    def _lose(self, troubles: dict[Side, str]) -> None:
        for side in troubles:
            side.lost = True
        if troubles:
            what = ", ".join(f"the {side.name} ({side.device_name}) {trouble}" for side, trouble in troubles.items())
            self._tell(f"{what}: looking for another")

    def _regain(self, sides: list[Side]) -> None:
        for side in sides:
            side.lost = False
        if sides:
            self._tell(", ".join(f"the {side.name} works again ({side.device_name})" for side in sides))

    def _reopen(self, used: list[Side]) -> None:
        self._close()
        self.restarts += 1
        with suppress(OSError):  # none of PortAudio's hosts is there just now
            self._portaudio = pyaudio.PyAudio()
            found = devices(self._portaudio)
            for side in used:
                side.open_any(self._portaudio, found)
        self._prepare()
        opened = self._start_streams()
        self._lose({side: "is gone" for side in used if side.stream is None and not side.lost})
        self._retry_at = time.monotonic() + (PATIENT_RETRY_SECONDS if opened else RETRY_SECONDS)

    def _close(self) -> None:
        for side in self._sides:
            side.close()
        if self._portaudio is not None:
            self._portaudio.terminate()
            self._portaudio = None
