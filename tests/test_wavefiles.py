"""WAV files: whatever other programs write is understood, and nothing in a file does harm."""

from __future__ import annotations

import shutil
import stat
import struct
import subprocess
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.disk import full_disk
from voice.errors import SettingError
from voice.wavefiles import MAX_CHUNKS, MAX_SECONDS, WavFile, read_wav, write_wav

RATE = 24000
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def tone(rate: int) -> npt.NDArray[np.float64]:
    """Make 0.48 s of 440 Hz at half of full scale: at any usual rate a whole number of samples."""
    return np.asarray(0.5 * np.sin(2 * np.pi * 440 * np.arange(rate * 12 // 25) / rate))


def stored(samples: npt.NDArray[np.float64], bits: int) -> bytes:
    """Samples from -1 to 1 as PCM of so many bits."""
    if bits == 8:
        return (np.rint(samples * 127) + 128).astype(np.uint8).tobytes()
    whole = np.rint(samples * (2 ** (bits - 1) - 1)).astype("<i4")
    return bytes(whole.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes())


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def wav(
    sound: bytes, *, rate: int = RATE, channels: int = 1, bits: int = 16, encoding: int = PCM, size: int | None = None
) -> bytes:
    """Build a file as a program would; `size` is what its header says."""
    form = struct.pack("<HHIIHH", encoding, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    body = b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", sound, size)
    return chunk(b"RIFF", body)


def extensible(sound: bytes, encoding: int, bits: int) -> bytes:
    """Build a file with the longer header."""
    form = struct.pack("<HHIIHH", EXTENSIBLE, 1, RATE, RATE * bits // 8, bits // 8, bits)
    form += struct.pack("<HHIH", 22, bits, 4, encoding) + bytes.fromhex("000000001000800000aa00389b71")
    return chunk(b"RIFF", b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", sound))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sound.wav"


def read(path: Path, content: bytes) -> npt.NDArray[np.int16]:
    path.write_bytes(content)
    return np.frombuffer(read_wav(path), "<i2")


def why_not(path: Path) -> str:
    with pytest.raises(SettingError) as caught:
        read_wav(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path} ")


def assert_is_tone(sound: npt.NDArray[np.int16], *, within: float) -> None:
    """It is the tone at 24 kHz, in time to the sample; at the ends, where it is cut, resampling rings."""
    assert len(sound) == RATE * 12 // 25
    assert np.abs(sound - 32768 * tone(RATE))[500:-500].max() <= within


# What programs write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000])
def test_any_rate_becomes_24_khz(path: Path, rate: int) -> None:
    assert_is_tone(read(path, wav(stored(tone(rate), 16), rate=rate)), within=4)


@pytest.mark.parametrize(("bits", "within"), [(8, 300), (16, 2), (24, 2), (32, 2)])
@pytest.mark.parametrize("long_header", [False, True])
def test_any_width_is_read(path: Path, bits: int, within: float, long_header: bool) -> None:
    sound = stored(tone(RATE), bits)

    assert_is_tone(read(path, extensible(sound, PCM, bits) if long_header else wav(sound, bits=bits)), within=within)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("long_header", [False, True])
def test_floats_are_read(path: Path, bits: int, long_header: bool) -> None:
    sound = tone(RATE).astype(f"<f{bits // 8}").tobytes()
    content = extensible(sound, FLOAT, bits) if long_header else wav(sound, bits=bits, encoding=FLOAT)

    assert_is_tone(read(path, content), within=1)


def test_floats_that_are_no_sound_are_silence_or_full_scale(path: Path) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0], "<f4")

    assert read(path, wav(odd.tobytes(), bits=32, encoding=FLOAT)).tolist() == [0, 32767, -32768, 32767, -32768, 0]


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(path: Path, channels: int) -> None:
    frames = np.zeros((len(tone(RATE)), channels))
    frames[:, 0] = tone(RATE)

    sound = read(path, wav(stored(frames.ravel(), 16), channels=channels))
    assert np.abs(sound - 32768 * tone(RATE) / channels).max() <= 2


def test_our_own_format_is_read_bit_by_bit(path: Path) -> None:
    every = np.arange(-32768, 32768).astype("<i2").tobytes()
    write_wav(path, every)

    assert read_wav(path) == every
    with wave.open(str(path)) as other:
        assert (other.getnchannels(), other.getsampwidth(), other.getframerate()) == (1, 2, RATE)
        assert other.readframes(100_000) == every


@pytest.mark.skipif(shutil.which("sox") is None, reason="needs sox")
@pytest.mark.parametrize(
    "how",
    ["-b 8", "-b 16 -c 2", "-b 24", "-b 32", "-e floating-point -b 32", "-e floating-point -b 64", "-b 24 -c 4"],
)
def test_files_of_another_program_are_read(tmp_path: Path, how: str) -> None:
    write_wav(tmp_path / "in.wav", stored(tone(RATE), 16))
    command = ["sox", "-D", str(tmp_path / "in.wav"), "-r", "44100", *how.split(), str(tmp_path / "out.wav")]
    subprocess.run(command, check=True, timeout=20)

    sound = np.frombuffer(read_wav(tmp_path / "out.wav"), "<i2")
    assert_is_tone(sound, within=300 if "8" in how.split() else 10)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 50_000])
def test_a_file_whose_size_was_never_filled_in_is_read_to_its_end(path: Path, size: int) -> None:
    sound = stored(tone(RATE), 16)

    assert read(path, wav(sound, size=size)).tobytes() == sound


def test_what_stands_around_the_sound_is_passed_over(path: Path) -> None:
    sound = stored(tone(RATE), 16)
    plain = wav(sound)
    content = plain[:12] + chunk(b"LIST", b"odd") + plain[12:] + chunk(b"id3 ", b"x" * 1001)

    assert read(path, content).tobytes() == sound


def test_a_frame_that_was_cut_off_is_left_out(path: Path) -> None:
    assert len(read(path, wav(b"\1\2\3\4\5", channels=2, bits=16, size=100))) == 1


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no WAV file"),
        (b"ID3\4" * 100, "is no WAV file"),
        (b"RIFF\0\0\0\0WAVE", "holds no sound"),
        (wav(b""), "holds no sound"),
        (wav(b"\1"), "holds no sound"),
        (wav(b"", bits=16)[:36], "holds no sound"),
        (wav(b"1234", bits=4, encoding=0x11), "is compressed (WAV format 17): convert it to PCM"),
        (wav(b"1234", bits=40), "has samples of 40 bits: 8, 16, 24, 32 or float is understood"),
        (wav(b"1234", bits=16, encoding=FLOAT), "has samples of 16 bits: 8, 16, 24, 32 or float is understood"),
        (wav(b"1234", bits=0), "has samples of 0 bits: 8, 16, 24, 32 or float is understood"),
        (wav(b"1234", channels=0), "is no usable WAV file: 0 channels at 24000 Hz"),
        (wav(b"1234", channels=4000), "is no usable WAV file: 4000 channels at 24000 Hz"),
        (wav(b"1234", rate=0), "is no usable WAV file: 1 channels at 0 Hz"),
        (wav(b"1234", rate=10_000_000), "is no usable WAV file: 1 channels at 10000000 Hz"),
        (chunk(b"RIFF", b"WAVE" + chunk(b"data", b"1234")), "is no usable WAV file: its format comes after its sound"),
        (chunk(b"RIFF", b"WAVE" + chunk(b"LIST", b"") * (MAX_CHUNKS + 1) + wav(b"1234")[12:]), "holds no sound"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)

    assert why_not(path) == reason


@pytest.mark.parametrize("size", [None, 0])
def test_ten_minutes_are_read_and_no_more(path: Path, size: int | None) -> None:
    longest = bytes(MAX_SECONDS * 8000)
    assert len(read(path, wav(longest, rate=8000, bits=8, size=size))) == MAX_SECONDS * RATE

    path.write_bytes(wav(longest + b"\0", rate=8000, bits=8, size=size))
    assert why_not(path) == "is longer than 10 minutes"


def test_an_enormous_file_is_refused_without_reading_all_of_it(path: Path) -> None:
    with path.open("wb") as file:
        file.write(wav(b"12", size=0xFFFFFFF0))
        file.truncate(1 << 32)  # takes no room on the disk

    assert why_not(path) == "is longer than 10 minutes"


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    assert why_not(tmp_path) == "cannot be read: Is a directory"
    assert why_not(tmp_path / "none.wav") == "cannot be read: No such file or directory"
    assert why_not(Path("a\0b")).startswith("cannot be read: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500)
@given(st.data())
def test_no_file_does_harm(path: Path, data: st.DataObject) -> None:
    content = bytearray(
        data.draw(
            st.sampled_from(
                [
                    wav(bytes(range(200)), channels=2),
                    extensible(bytes(range(200)), FLOAT, 32),
                    wav(b"\xff" * 64, bits=8),
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

    with suppress(SettingError):
        assert len(read_wav(path)) % 2 == 0


# Writing ------------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be written: Is a directory"):
        write_wav(tmp_path, b"12")
    with pytest.raises(SettingError, match="none/sound.wav cannot be written: No such file or directory"):
        write_wav(tmp_path / "none" / "sound.wav", b"12")


def test_a_growing_file_is_complete_after_every_step(path: Path) -> None:
    file = WavFile(path, channels=2)
    for step in range(4):
        with wave.open(str(path)) as other:
            assert (other.getnframes(), other.readframes(1000)) == (step, bytes(range(4)) * step)
        file.append(bytes(range(4)))
    file.close()

    assert file.size == 16
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        WavFile(path, channels=2)


def test_a_growing_file_holds_whole_frames_when_the_disk_is_full(path: Path) -> None:
    file = WavFile(path, channels=2)
    with full_disk(44 + 10), pytest.raises(OSError, match="File too large"):
        file.append(bytes(range(1, 17)))
    file.close()

    with wave.open(str(path)) as other:
        assert other.readframes(1000) == bytes(range(1, 9))


def test_a_file_that_cannot_even_be_begun_leaves_nothing_behind(path: Path) -> None:
    with full_disk(8), pytest.raises(OSError, match="File too large"):
        WavFile(path, channels=1)

    assert not path.exists()


# What an empty file ends with ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [[b"LIST"], [b"LIST", b"id3 "]])
def test_a_file_without_sound_has_none_in_what_follows(path: Path, behind: list[bytes]) -> None:
    empty = wav(b"")
    path.write_bytes(empty + b"".join(chunk(name, b"INFOISFT\5\0\0\0Lavf\0") for name in behind))

    assert why_not(path) == "holds no sound"


def test_silence_whose_size_was_never_filled_in_is_sound(path: Path) -> None:
    assert len(read(path, wav(bytes(4800), size=0))) == 2400
