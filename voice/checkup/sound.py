"""Whether microphone and loudspeaker work: what there is, what it takes, how it sounds, and whether it keeps pace.

The devices are opened as for a conversation. Nothing is played but silence; nothing that is heard is kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from voice.audio import Audio
from voice.buffer import AudioBuffer
from voice.checkup.findings import Finding
from voice.checkup.loudness import judge
from voice.config import Config
from voice.hardware.devices import Device, Direction, choose, formats, list_devices, version
from voice.hardware.devices import default as default_device
from voice.health import Health
from voice.remedies import remedy
from voice.shown import Notice, Shown
from voice.sound import BLOCK_SAMPLES, SAMPLE_RATE, Block

RATES = (16000, 24000, 44100, 48000)
"""Hz. What headsets, the service, music and computers use."""
START_SECONDS = 3.0
"""To the first block: sound servers take 0.1 s, Bluetooth up to 2."""
SETTLE_SECONDS = 0.3
"""Devices begin with a burst, and some with a click."""
LISTEN_SECONDS = 2.0
PACE_TOLERANCE = 0.07
"""Sound comes in bursts of some 50 ms, 2.5 % of what is listened to; 48 kHz taken for 44.1 would be 9 % off."""
MANY_XRUNS = 5
"""In 2 s. A busy computer has one; more are heard."""
SOUND_CARDS = Path("/dev/snd")
"""Where Linux has them."""

NAMES: dict[Direction, str] = {"input": "microphone", "output": "loudspeaker"}


def examine(config: Config) -> Iterator[Finding]:
    """Find out; raises DeviceError where the program would end with it."""
    if not config.sound:
        yield Finding("ok", "sound", "not used, as asked for")
        return
    found = list_devices()
    hearing, playing = (sum(device.channels(way) > 0 for device in found) for way in NAMES)
    yield Finding("ok", "devices", f"{hearing} can hear, {playing} can play; {version()}")
    chosen = {
        way: choose(found, wanted, way)
        for way, wanted in zip(NAMES, (config.input_device, config.output_device), strict=True)
    }
    yield from (_formats(device, way) for way, device in chosen.items() if device is not None)
    if missing := [name for way, name in NAMES.items() if chosen[way] is None]:
        instead = "type your messages" if chosen["input"] is None else "answers are written"
        cure = remedy("no access" if are_locked(SOUND_CARDS) else "no device")
        yield Finding("warn", " and ".join(missing), f"there is none, so {instead}", cure)
    if any(chosen.values()):
        yield from _run(config, chosen)


def are_locked(folder: Path) -> bool:
    """Whether there are sound cards, none of which this user may use."""
    cards = list(folder.glob("pcm*"))
    return bool(cards) and not any(os.access(card, os.R_OK | os.W_OK) for card in cards)


def _formats(device: Device, way: Direction) -> Finding:
    """Tell what a device takes; the program asks for 24 kHz mono, and converts where that is refused."""
    taken = formats(device, way, RATES)
    names = {1: "mono", 2: "stereo"}
    usual = "; ".join(
        f"{names[channels]} at {', '.join(f'{rate / 1000:g}' for rate in rates)} kHz"
        for channels, rates in taken.items()
        if rates
    )
    default = " (default)" if default_device([device], way) else ""
    what = f"{device.index} {device.name}{default}, prefers {device.rate} Hz, takes {usual or 'no usual format'}"
    return Finding("ok" if usual else "note", NAMES[way], what)


# As in a conversation -----------------------------------------------------------------------------------------------


class CountedBuffer(AudioBuffer):
    """Nothing to play, and a count of what the loudspeaker has taken, in samples."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def read(self, frames: int) -> bytes:
        """Count, and give silence."""
        self.taken += frames
        return super().read(frames)


def _run(config: Config, chosen: dict[Direction, Device | None]) -> Iterator[Finding]:
    audio_buffer = CountedBuffer()
    mic_queue: SimpleQueue[Block] = SimpleQueue()
    notices: list[str] = []

    def show(shown: Shown) -> None:
        if isinstance(shown, Notice):
            notices.append(shown.text)

    audio = Audio(audio_buffer, mic_queue, config, show)
    try:
        opened: dict[Direction, Device | None] = {"input": audio.microphone, "output": audio.speaker}
        for way, name in NAMES.items():
            if chosen[way] is not None and opened[way] is None:
                yield Finding("warn", name, "does not open; perhaps another program holds it", remedy("stuck"))
        if not any(opened.values()):
            return
        audio.start()
        if not _collect(mic_queue, START_SECONDS, at_most=1):
            yield Finding("warn", "sound", f"none flows within {START_SECONDS:.0f} s", remedy("stuck"))
            return
        yield from _measure(audio, audio_buffer, mic_queue)
        if audio.health.restarts:
            yield Finding("warn", "sound", "; ".join(notices), "check its plug, its battery or its driver")
    finally:
        audio.stop()


def _measure(audio: Audio, audio_buffer: CountedBuffer, mic_queue: SimpleQueue[Block]) -> Iterator[Finding]:
    """Listen for `LISTEN_SECONDS`."""
    _collect(mic_queue, SETTLE_SECONDS)
    if audio.microphone is not None:
        yield Finding("note", "microphone", f"speak now, for {LISTEN_SECONDS:.0f} seconds")
    before, taken, began = audio.health, audio_buffer.taken, time.monotonic()
    blocks = _collect(mic_queue, LISTEN_SECONDS)
    seconds = (time.monotonic() - began) * SAMPLE_RATE  # as samples
    paces: dict[Direction, float] = {}
    if audio.microphone is not None:
        heard = [block.heard for block in blocks if block.heard is not None]
        yield judge(b"".join(heard))
        paces["input"] = len(heard) * BLOCK_SAMPLES / seconds
    if audio.speaker is not None:
        paces["output"] = (audio_buffer.taken - taken) / seconds
    yield judge_pace(paces, before, audio.health)


def _collect(mic_queue: SimpleQueue[Block], seconds: float, at_most: int | None = None) -> list[Block]:
    """Take what comes in this time, or the first blocks of it."""
    deadline = time.monotonic() + seconds
    blocks: list[Block] = []
    with suppress(Empty):
        while len(blocks) != at_most and (left := deadline - time.monotonic()) > 0:
            blocks.append(mic_queue.get(timeout=left))
    return blocks


def judge_pace(paces: dict[Direction, float], before: Health, after: Health) -> Finding:
    """Tell by the sound per time, 1 being right, and by what has gone wrong meanwhile."""
    xruns, slips = after.xruns - before.xruns, after.slips - before.slips
    text = ", ".join(f"{NAMES[way]} {pace:.1%} of real time" for way, pace in paces.items())
    text += f"; {xruns} stumbles, {slips} slips in {LISTEN_SECONDS:.0f} s"
    if any(abs(pace - 1) > PACE_TOLERANCE for pace in paces.values()):
        return Finding("warn", "pace", text, "choose another device with --input-device or --output-device")
    if slips or xruns >= MANY_XRUNS:
        return Finding("warn", "pace", text, "close programs that keep the processor busy")
    return Finding("ok", "pace", text)
