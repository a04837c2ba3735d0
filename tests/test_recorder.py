"""Recordings: both sides aligned, whatever the disk does; readable whenever the program ends, however it ends."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
import pytest

import voice.recorder
from tests.caller import wait_until
from tests.disk import full_disk
from voice.recorder import BLOCKS_PER_SECOND, MAX_WAITING, Recorder
from voice.sound import BLOCK_BYTES, BLOCK_SAMPLES, SILENCE

TIMEOUT = 20.0


def block(number: int) -> bytes:
    """Make a block of which every sample is that number."""
    return np.full(BLOCK_SAMPLES, number, "<i2").tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recordings"


@pytest.fixture
def told() -> SimpleQueue[str]:
    return SimpleQueue()


@pytest.fixture
def recorder(folder: Path, told: SimpleQueue[str]) -> Iterator[Recorder]:
    recorder = Recorder(folder, told.put)
    yield recorder
    recorder.stop()
    assert not recorder.active


def recorded(path: Path) -> npt.NDArray[np.int16]:
    """One row a block: left and right, each of which must be of one value throughout; whatever the header counts."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 24000)
        frames = file.getnframes()
        content = file.readframes(frames)
    assert len(content) == 4 * frames, "the header promises more than there is"
    blocks = np.frombuffer(content, "<i2").reshape(-1, BLOCK_SAMPLES, 2)
    assert (blocks == blocks[:, :1]).all()
    return np.asarray(blocks[:, 0])


# What is recorded ---------------------------------------------------------------------------------------------------


def test_both_sides_stand_where_they_were_handed_over(recorder: Recorder, folder: Path) -> None:
    recorder.start()
    for number in range(250):
        recorder.write(block(number), block(-number))
    recorder.stop()

    (path,) = folder.iterdir()
    assert recorded(path).tolist() == [[number, -number] for number in range(250)]
    assert recorder.lost == 0


def test_what_is_not_there_is_silence_and_keeps_its_time(recorder: Recorder, folder: Path) -> None:
    recorder.start()
    for left, right in [(None, block(1)), (block(2), None), (None, None), (block(3), block(4))]:
        recorder.write(left, right)
    recorder.write(block(5)[:-1], block(6) + b"more")  # of a wrong length, which must not shift what follows
    recorder.write(block(7), block(8))
    recorder.stop()

    (path,) = folder.iterdir()
    with wave.open(str(path)) as file:
        blocks = np.frombuffer(file.readframes(10_000), "<i2").reshape(-1, BLOCK_SAMPLES, 2)
    assert blocks[:, 0].tolist() == [[0, 1], [2, 0], [0, 0], [3, 4], [5, 6], [7, 8]]
    assert blocks[5].tolist() == [[7, 8]] * BLOCK_SAMPLES


def test_a_recording_that_heard_nothing_is_an_empty_file(recorder: Recorder, folder: Path) -> None:
    recorder.start()
    recorder.stop()
    recorder.write(block(1), block(1))  # comes too late

    (path,) = folder.iterdir()
    assert len(recorded(path)) == 0


def test_one_that_was_never_started_writes_nothing(recorder: Recorder, folder: Path) -> None:
    assert not recorder.active
    recorder.stop()

    assert not folder.exists()


def test_it_is_private_named_after_its_start_and_said(recorder: Recorder, folder: Path, told: SimpleQueue[str]) -> None:
    old = os.umask(0o022)
    try:
        recorder.start()
        said = told.get(timeout=TIMEOUT)
    finally:
        os.umask(old)
    assert recorder.active
    recorder.stop()

    (path,) = folder.iterdir()
    assert said == f"recording to {path}"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d-\d{6}\.wav", path.name)
    begun = time.mktime(time.strptime(path.stem, "%Y-%m-%d-%H%M%S"))
    assert abs(time.time() - begun) < TIMEOUT  # the local clock
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)} == {0o700}
    assert told.empty()


def test_one_after_another_does_not_overwrite(folder: Path, told: SimpleQueue[str]) -> None:
    """As /record does twice within a second."""
    recorders = [Recorder(folder, told.put) for _ in range(3)]
    for number, each in enumerate(recorders):
        each._name = "same"
        each.start()
        each.write(block(number), None)
        each.stop()

    assert sorted(path.name for path in folder.iterdir()) == ["same-2.wav", "same-3.wav", "same.wav"]
    assert [recorded(folder / f"same{n}.wav")[0, 0] for n in ("", "-2", "-3")] == [0, 1, 2]


def test_a_new_file_begins_before_the_format_ends(
    recorder: Recorder, folder: Path, told: SimpleQueue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice.recorder, "MAX_FILE", 250 * 2 * BLOCK_BYTES)
    recorder.start()
    for number in range(520):
        recorder.write(block(number), None)
    recorder.stop()

    paths = [Path(told.get(timeout=TIMEOUT).removeprefix("recording to ")) for _ in range(3)]
    assert sorted(paths) == sorted(folder.iterdir())
    assert all(path.stat().st_size <= 44 + voice.recorder.MAX_FILE for path in paths)
    assert np.concatenate([recorded(path)[:, 0] for path in paths]).tolist() == list(range(520))


# When the disk does not keep up -------------------------------------------------------------------------------------


def test_what_a_stalled_disk_loses_is_silence_in_its_place(folder: Path) -> None:
    stalled, opened, said = threading.Event(), threading.Event(), list[str]()

    def tell(line: str) -> None:  # on the recorder's thread, which it holds up as a disk would
        said.append(line)
        opened.set()
        assert stalled.wait(TIMEOUT)

    recorder = Recorder(folder, tell)
    recorder.start()
    assert opened.wait(TIMEOUT)
    slowest = 0.0
    for number in range(1, MAX_WAITING + 251):
        before = time.monotonic()
        recorder.write(block(number), block(-number))
        slowest = max(slowest, time.monotonic() - before)
    assert recorder.lost == 250
    stalled.set()
    wait_until(lambda: not recorder._waiting, TIMEOUT)
    for number in (9998, 9999):
        recorder.write(block(number), block(-number))
    recorder.stop()

    (path,) = folder.iterdir()
    expected = [*range(1, MAX_WAITING + 1), *[0] * 250, 9998, 9999]
    assert recorded(path).tolist() == [[number, -number] for number in expected]
    assert said[1:] == ["2.5 s of the recording are silent: the disk was too slow"]
    assert slowest < TIMEOUT / 4  # it never waited for the disk


def test_stopping_does_not_wait_for_a_disk_that_hangs(folder: Path) -> None:
    stalled = threading.Event()

    def tell(line: str) -> None:
        assert stalled.wait(TIMEOUT)

    recorder = Recorder(folder, tell)
    recorder.start()
    recorder.write(block(1), None)

    before = time.monotonic()
    recorder.stop()
    assert time.monotonic() - before < voice.recorder.STOP_TIMEOUT + 1
    assert recorder.active
    stalled.set()
    wait_until(lambda: not recorder.active, TIMEOUT)
    assert len(recorded(next(folder.iterdir()))) == 1


def assert_ended_after(folder: Path, told: SimpleQueue[str], recorder: Recorder, why: int, most: int) -> None:
    """It wrote as much as there was room for, said so once, and takes further blocks without a word."""
    wait_until(lambda: not recorder.active, TIMEOUT)
    for _ in range(BLOCKS_PER_SECOND * 2):
        recorder.write(block(1), block(1))
    assert not recorder._waiting
    recorder.stop()

    (path,) = folder.iterdir()
    assert told.get(timeout=TIMEOUT) == f"recording to {path}"
    assert told.get(timeout=TIMEOUT) == f"the recording has ended: {folder}: {os.strerror(why)}"
    assert told.empty()
    with wave.open(str(path)) as file:
        content = file.readframes(1 << 20)
        assert most - 8192 < len(content) == 4 * file.getnframes() <= most
    assert len(content) % 4 == 0


def test_a_disk_that_fills_ends_the_recording_and_keeps_it(
    recorder: Recorder, folder: Path, told: SimpleQueue[str]
) -> None:
    with full_disk(200_002):
        recorder.start()
        for number in range(300):
            recorder.write(block(number), block(-number))
        assert_ended_after(folder, told, recorder, errno.EFBIG, 200_002)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """256 kB that are a disk of their own."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False, timeout=20).returncode:
        pytest.skip("needs to be allowed to mount")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True, timeout=20)


def test_a_real_disk_that_fills_ends_the_recording_and_keeps_it(small_disk: Path, told: SimpleQueue[str]) -> None:
    folder = small_disk / "recordings"
    recorder = Recorder(folder, told.put)
    recorder.start()
    for number in range(400):
        recorder.write(block(number), block(-number))

    assert_ended_after(folder, told, recorder, errno.ENOSPC, 256 * 1024)


def test_a_folder_that_cannot_be_made_is_said_once(tmp_path: Path, told: SimpleQueue[str]) -> None:
    (tmp_path / "file").touch()
    recorder = Recorder(tmp_path / "file" / "recordings", told.put)
    recorder.start()
    assert told.get(timeout=TIMEOUT) == f"the recording has ended: {tmp_path}/file/recordings: Not a directory"

    wait_until(lambda: not recorder.active, TIMEOUT)
    recorder.write(block(1), SILENCE)
    recorder.stop()
    assert told.empty()


# When the program dies ----------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from itertools import count
from pathlib import Path
from threading import Event
import numpy as np
from voice.recorder import Recorder

recorder = Recorder(Path(sys.argv[1]), lambda line: None)
recorder.start()
pause = Event()
for number in count(1):
    sound = np.full(240, number % 30000, "<i2")
    recorder.write(sound.tobytes(), (-sound).tobytes())
    if number % 100 == 0:
        print(number, flush=True)
        pause.wait(0.002)  # a second of sound in 2 ms
"""


@pytest.mark.parametrize("seconds", [1, 2, 7, 30, 61, 100])
def test_a_kill_at_any_moment_leaves_a_file_that_every_program_reads(folder: Path, seconds: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout:
        for _ in range(seconds):
            assert child.stdout.readline()
        wait_until(lambda: any(path.stat().st_size for path in folder.glob("*")), TIMEOUT)  # a header, at least
        child.send_signal(signal.SIGKILL)

    (path,) = folder.iterdir()
    sound = recorded(path)
    assert path.stat().st_size - 44 >= sound.size * BLOCK_BYTES
    written = np.arange(1, len(sound) + 1) % 30000
    kept = sound[:, 0] != 0  # what a busy machine's disk did not take in time is silence
    assert (sound[kept] == np.stack([written, -written], axis=1)[kept]).all()
    assert len(sound) >= (seconds - 2) * BLOCKS_PER_SECOND or not kept.all()
    for reader in (["sox", str(path), "-n", "stat"], ["ffprobe", "-v", "error", str(path)]):
        if shutil.which(reader[0]):
            result = subprocess.run(reader, capture_output=True, text=True, check=True, timeout=TIMEOUT)
            assert "WARN" not in result.stderr
