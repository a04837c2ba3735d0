"""A sound card without hardware: a private PulseAudio daemon that a test may speak into, listen to and unplug.

Two null sinks are the two ends of the air. What a program plays goes to the sink `speaker`, whose monitor `record`
listens to. What `say` plays goes to the sink `mic_in`, whose monitor is the program's microphone; there is always a
faint hum in it, as no microphone delivers nothing but zeros. Everything is PCM16 mono at 24 kHz. Every card has its own
folder and socket, so several may run side by side.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import Self

from tests.pulse import FORMAT, Recording, Speech, child

PROGRAMS = ("pulseaudio", "pactl", "pacat", "parec")

_SINK = "rate=24000 channels=1 format=s16le norewinds=1"
"""Without norewinds a stream on a null sink stalls for up to 2 s, the sink's own buffer."""

_MODULES = (
    f"module-null-sink sink_name=speaker {_SINK}",
    f"module-null-sink sink_name=mic_in {_SINK}",
    "module-remap-source source_name=microphone master=mic_in.monitor",
)

_HUM = "module-sine sink=mic_in frequency=50"
HUM_DBFS = -80
"""Of its peaks: 3 of 32768."""

_FILTER = "module-ladspa-sink rate=24000 channels=1"

_ROOM = f"{_FILTER} plugin=delayorama_1402 label=delayorama control=7,0,0,64,0.003,0.25,1,30,0.93,60,0.145"
"""The straight sound and 64 reflections, 6 dB below it in sum, which fade away by 60 dB in some 0.35 s."""

_CONE = f"{_FILTER} plugin=foverdrive_1196 label=foverdrive control=1.2"
"""A loudspeaker near its limit, x(|x| + d) / (x^2 + (d - 1)|x| + 1); full scale is 1.6 dB too weak."""

_ALSA = """\
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.pulse { type pulse hint { show on description "PulseAudio" } }
"""


def missing() -> str | None:
    """Why no sound card can be made here, or None where one can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"no {', '.join(absent)}: Debian's pulseaudio, pulseaudio-utils and libasound2-plugins are needed"
    return None


class SoundCard:
    """A running card, as a context manager; leaving it stops the daemon and removes its folder."""

    environment: dict[str, str]
    """What a program's environment needs for its default devices to be this card."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._modules: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="card-")))
            self.environment = _environment(folder)
            self._server = stack.enter_context(_daemon(folder, self._environ))
            stack.callback(self.thaw)
            self.replug()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _environ(self) -> dict[str, str]:
        return os.environ | self.environment

    def pactl(self, *arguments: str) -> str:
        """Run pactl on this card and give what it prints; CalledProcessError when it refuses."""
        done = subprocess.run(
            ["pactl", *arguments], env=self._environ, check=True, capture_output=True, text=True, timeout=10
        )
        return done.stdout.strip()

    def replug(self) -> None:
        """Plug loudspeaker and microphone in; programs find them as the default devices."""
        self._modules += [self.pactl("load-module", *module.split()) for module in _MODULES]
        self._modules.append(self.pactl("load-module", *_HUM.split()))
        self._set_volume(self._modules[-1], HUM_DBFS)
        self.pactl("set-default-sink", "speaker")
        self.pactl("set-default-source", "microphone")

    def unplug(self) -> None:
        """Pull both out, as a headset is pulled out while it is in use; streams on them end."""
        while self._modules:
            self.pactl("unload-module", self._modules.pop())

    def mute(self, *, muted: bool) -> None:
        """Mute the microphone, as its own switch does: it then delivers zeros."""
        self.pactl("set-source-mute", "microphone", "1" if muted else "0")

    def freeze(self) -> None:
        """Let the sound server hang, until `thaw` or the end."""
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._server.send_signal(signal.SIGCONT)

    def say(self, pcm: bytes | Path) -> Speech:
        """Start playing PCM16 mono 24 kHz, or a file of it, into the microphone; `Speech.wait` for its end."""
        speech = Speech(pcm.read_bytes() if isinstance(pcm, Path) else pcm, self._environ)
        self._stack.callback(speech.stop)
        return speech

    def wait_for_listener(self, timeout: float = 20) -> None:
        """Return once a program listens to the microphone; TimeoutError when none does."""
        deadline = time.monotonic() + timeout
        (microphone,) = (source["index"] for source in self._list("sources") if source["name"] == "microphone")
        while not any(stream["source"] == microphone for stream in self._list("source-outputs")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody listens to the microphone within {timeout} s")

    def _list(self, what: str) -> Any:
        return json.loads(self.pactl("--format=json", "list", what))

    @contextmanager
    def record(self, source: str = "speaker.monitor") -> Iterator[Recording]:
        """Listen to the loudspeaker, or to `microphone`, from the first sample on until the block ends."""
        command = ["parec", f"--device={source}", "--latency-msec=10", *FORMAT]
        with child(command, env=self._environ, stdout=subprocess.PIPE) as process:
            assert process.stdout
            recording = Recording(process.stdout)
            try:
                recording.wait(lambda samples: len(samples) > 0, timeout=10)
                yield recording
            finally:
                process.terminate()
                recording.join()

    @contextmanager
    def couple(
        self, delay_ms: float = 40, gain_db: float = -6, reflections: Sequence[tuple[float, float]] = ()
    ) -> Iterator[None]:
        """Let the microphone hear the loudspeaker while the block lasts: the echo of open speakers.

        `reflections` are further ways round the room: ms behind the direct sound, dB relative to it. Delays are exact
        to about 1 ms from 20 ms on. A gain over 0 dB clips what gets louder than full scale.
        """
        ways = [(delay_ms, gain_db), *((delay_ms + later, gain_db + weaker) for later, weaker in reflections)]
        with ExitStack() as stack:
            for delay, gain in ways:
                self._set_volume(stack.enter_context(self._module(_loop("mic_in", delay))), gain)
            yield

    @contextmanager
    def couple_in_room(self, delay_ms: float = 40, gain_db: float = -6) -> Iterator[None]:
        """As `couple`, with a loudspeaker that saturates in a room that answers; needs Debian's swh-plugins.

        Both run within the daemon, sample by sample, so that nothing can slip there.
        """
        amplifier = f"{_FILTER} plugin=amp_1181 label=amp control={gain_db}"
        with (
            self._module(f"{amplifier} sink_name=gain sink_master=mic_in"),
            self._module(f"{_ROOM} sink_name=room sink_master=gain"),
            self._module(f"{_CONE} sink_name=cone sink_master=room"),
            self._module(_loop("cone", delay_ms)),
        ):
            yield

    @contextmanager
    def _module(self, module: str) -> Iterator[str]:
        number = self.pactl("load-module", *module.split())
        try:
            yield number
        finally:
            self.pactl("unload-module", number)

    def _set_volume(self, module: str, gain_db: float) -> None:
        (stream,) = (stream["index"] for stream in self._list("sink-inputs") if str(stream["owner_module"]) == module)
        self.pactl("set-sink-input-volume", str(stream), f"{gain_db}dB")


def _loop(sink: str, delay_ms: float) -> str:
    # Both ends run on one clock, so the loop's own adjustment of the rate would only add a wobble.
    return f"module-loopback source=speaker.monitor sink={sink} latency_msec={round(delay_ms)} adjust_time=0"


def _environment(folder: Path) -> dict[str, str]:
    alsa = folder / "asound.conf"
    alsa.write_text(_ALSA)
    return {
        "ALSA_CONFIG_PATH": str(alsa),
        "PULSE_SERVER": f"unix:{folder}/pulse/native",
        "PULSE_COOKIE": str(folder / "cookie"),
        "XDG_RUNTIME_DIR": str(folder),
    }


@contextmanager
def _daemon(folder: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon in the foreground as a child, so that ending it is certain."""
    command = [
        "pulseaudio",
        "-nF",
        "/dev/null",
        "--load=module-native-protocol-unix",
        "--daemonize=no",
        "--use-pid-file=no",
        "--exit-idle-time=-1",
        "--log-level=info",
        "--log-target=stderr",
    ]
    environ = environ | {"HOME": str(folder)}
    with child(command, env=environ, stderr=subprocess.PIPE) as process:
        assert process.stderr
        log: deque[bytes] = deque(maxlen=50)
        for line in process.stderr:
            log.append(line)
            if b"Daemon startup complete" in line:
                break
        else:
            raise RuntimeError(b"".join(log).decode())
        drain = threading.Thread(target=log.extend, args=(process.stderr,), name="card log", daemon=True)
        drain.start()
        try:
            yield process
        finally:
            process.terminate()
            drain.join()
