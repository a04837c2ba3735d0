"""`--check`: what is wrong is found, named with its cure, and turned into the right exit status; no secret is shown."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from offline.synthesizer import default_engine
from tests.proxies import free_port, microsocks, tinyproxy
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import can_speak, silence, tone
from tests.wire import BAD_KEY, BAD_MODEL, Refusal
from voice.checkup import service as service_check
from voice.checkup.computer import DISPENSABLE, LIBRARIES
from voice.checkup.findings import Finding
from voice.checkup.loudness import judge
from voice.checkup.parts import judge_echo, measure
from voice.checkup.service import _refusal
from voice.checkup.sound import are_locked, judge_pace
from voice.config import Config
from voice.doctor import EXAMINATIONS, Examination, check
from voice.echo import EchoCanceller, Off, Samples
from voice.endpoint import endpoint
from voice.errors import AssistantError, ConnectionLostError, DeviceError, ServiceRefusedError, SettingError
from voice.events import Problem
from voice.health import Health
from voice.remedies import _REMEDIES, remedy

KEY = "sk-proj-a1b2c3d4e5f6"
ROOT = Path(__file__).parent.parent


def _check(config: Config, *whats: str) -> tuple[int, list[str]]:
    """Exit status and lines of these examinations, or of all."""
    lines: list[str] = []
    chosen = tuple(one for one in EXAMINATIONS if not whats or one.what in whats)
    return check(config, lines.append, chosen), lines


def _only(lines: list[str], start: str) -> str:
    (line,) = (line for line in lines if line.startswith(start))
    return line


# The frame -----------------------------------------------------------------------------------------------------------


def _finds(*findings: Finding) -> Examination:
    return Examination("made up", lambda _: iter(findings))


def _raises(error: Exception) -> Examination:
    def run(_: Config) -> Iterator[Finding]:
        yield Finding("ok", "first", "done")
        raise error

    return Examination("made up", run)


def test_a_line_has_level_what_detail_and_cure() -> None:
    lines: list[str] = []
    check(Config(), lines.append, (_finds(Finding("ok", "a", "b"), Finding("warn", "c", "d", "do e")),))

    assert lines == ["ok   a: b", "warn c: d: do e", "a conversation works, with 1 warning"]


@pytest.mark.parametrize(
    ("statuses", "expected"), [((), 0), ((1,), 1), ((3, 1), 3), ((3, 4), 4), ((1, 3, 4, 2), 2), ((3, 3), 3)]
)
def test_the_status_is_that_of_the_trouble_that_the_program_meets_first(statuses: list[int], expected: int) -> None:
    findings = [Finding("fail", "a", "b", exit_status=status) for status in statuses]

    assert check(Config(), lambda _: None, (_finds(Finding("warn", "a", "b"), *findings),)) == expected


@pytest.mark.parametrize("kind", [AssistantError, SettingError, ServiceRefusedError, DeviceError, ConnectionLostError])
def test_an_error_for_the_user_is_a_failure_with_its_status(kind: type[AssistantError]) -> None:
    lines: list[str] = []

    assert check(Config(), lines.append, (_raises(kind("this and that")),)) == kind.exit_status
    assert lines[:2] == ["ok   first: done", "fail made up: this and that"]


def test_a_bug_in_one_examination_keeps_nobody_from_the_others() -> None:
    lines: list[str] = []
    status = check(Config(), lines.append, (_raises(KeyError("x")), _finds(Finding("ok", "a", "b"))))

    assert status == 1
    assert lines[1] == "fail made up: KeyError('x'): this is a bug in the program"
    assert "ok   a: b" in lines


def test_an_examination_that_hangs_is_left_behind() -> None:
    free = threading.Event()

    def hang(_: Config) -> Iterator[Finding]:
        yield Finding("ok", "first", "done")
        free.wait()

    lines: list[str] = []
    status = check(Config(), lines.append, (Examination("it", hang, 0.2, "shake it"), _finds(Finding("ok", "a", "b"))))
    free.set()

    assert status == 1
    assert lines[:3] == ["ok   first: done", "fail it: hangs for 0.2 s: shake it", "ok   a: b"]


def test_nothing_controls_the_terminal() -> None:
    lines: list[str] = []
    check(Config(), lines.append, (_finds(Finding("ok", "a", "red \x1b[31m\nand \x07 more")),))

    assert lines[0] == "ok   a: red [31m and more"


@pytest.mark.parametrize("text", [f"bad key {KEY}!", "bad key sk-pr***e5f6", f"{KEY[:8]} and {KEY}", "word s e cret"])
def test_no_line_has_a_character_of_a_secret(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("all_proxy", "http://me:s%20e%20cret@127.0.0.1:1")
    lines: list[str] = []
    check(Config(openai_api_key=KEY), lines.append, (_finds(Finding("ok", "a", text)),))

    assert "..." in lines[0]
    assert not re.search("sk|e5f6|cret", lines[0])


# The computer --------------------------------------------------------------------------------------------------------


def test_versions_of_all_that_is_required_are_told() -> None:
    _, lines = _check(Config(), "versions")

    assert f"Python {sys.version.split()[0]}" in lines[0]
    assert all(f"{library} " in " ".join(lines) for library in set(LIBRARIES) - DISPENSABLE)
    required = re.findall(r"^([\w-]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert set(required) - {"tzdata"} == set(LIBRARIES)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.checkup.computer.LIBRARIES", (*LIBRARIES, "no-such-library"))
    status, lines = _check(Config(), "versions")

    assert status == 1
    assert "not installed: no-such-library: " in _only(lines, "fail libraries")
    assert "-m pip install -r requirements.txt" in _only(lines, "fail libraries")


def test_settings_are_summed_up_without_what_may_be_secret() -> None:
    config = Config(openai_api_key=KEY, ws_url="wss://me:hidden@host:1/v1?api_key=hidden", model="m-1")
    _, lines = _check(config, "settings")

    assert lines[0].startswith("ok   settings: OPENAI_API_KEY set, WS_URL wss://host:1/v1, MODEL m-1,")
    assert "hidden" not in lines[0]
    assert "OPENAI_API_KEY not set" in _check(Config(), "settings")[1][0]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    status, lines = _check(Config(data_dir=tmp_path / "new" / "one"), "data folder")

    assert (status, lines[0][:4]) == (0, "ok  ")
    assert "can be written to once it is made" in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, lines = _check(Config(data_dir=tmp_path / "file" / "notes"), "data folder")

    assert status == 0
    assert "cannot be written to (" in _only(lines, "warn data folder")


def test_the_terminal_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _check(Config(), "terminal")[1][0] == "ok   terminal: none: lines in, lines out"
    pty = pytest.importorskip("pty")
    near, far = pty.openpty()
    with os.fdopen(near), os.fdopen(far, "w", encoding="latin-1") as screen:
        monkeypatch.setattr("sys.stdin", screen)
        monkeypatch.setattr("sys.stdout", screen)
        monkeypatch.setenv("TERM", "vt100")
        monkeypatch.setenv("NO_COLOR", "")
        monkeypatch.setenv("COLUMNS", "50")
        line = _check(Config(), "terminal")[1][0]

    assert line.startswith("warn terminal: vt100, 50 x ")
    assert "no colours, latin-1: set its encoding to UTF-8" in line


# The service ---------------------------------------------------------------------------------------------------------


def test_a_service_that_lets_us_in_is_told_the_settings_and_nothing_else() -> None:
    with Service(key=KEY) as service:
        status, lines = _check(Config(openai_api_key=KEY, ws_url=service.url, model="m-1"), "service")
        types = [received.event["type"] for received in service.received]

    assert status == 0
    assert types == ["session.update"]
    assert lines[0] == "ok   key: OPENAI_API_KEY is set"
    assert re.fullmatch(r"ok   service: \d+ ms to a session with m-1", lines[1])
    assert re.fullmatch(r"ok   service: takes the settings, after \d+ ms", lines[2])


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (BAD_KEY, 3, "does not know this key: check OPENAI_API_KEY"),
        (BAD_MODEL, 3, "choose another with --model"),
        (Refusal(code="insufficient_quota"), 3, "no credit left"),
        (Refusal(code="server_error"), 1, "reports server error: try again later"),
        (Refusal(code=f"wrong_{KEY}"), 1, "reports wrong ..."),
        (Refusal(status=HTTPStatus.UNAUTHORIZED), 3, "HTTP 401"),
        (Refusal(status=HTTPStatus.NOT_FOUND), 3, "HTTP 404"),
        (Refusal(status=HTTPStatus.BAD_GATEWAY), 1, "HTTP 502"),
    ],
)
def test_a_refusal(service: Service, refusal: Refusal, status: int, words: str) -> None:
    service.refuse_next.append(refusal)
    found, lines = _check(Config(openai_api_key=KEY, ws_url=service.url), "service")

    assert found == status
    assert words in _only(lines, "fail service: ")
    assert KEY not in "".join(lines)


def test_the_wrong_key_and_the_dead_dialect() -> None:
    with Service(key=KEY) as service:
        assert _check(Config(openai_api_key="sk-other", ws_url=service.url), "service")[0] == 3
        assert _check(Config(openai_api_key=KEY, ws_url=service.url, dialect="beta"), "service")[0] == 3


@pytest.mark.parametrize("problem", [Problem("No.", param="session.voice"), Problem("No.", event_id="configure")])
def test_settings_that_the_service_rejects(problem: Problem) -> None:
    finding = _refusal(problem)

    assert (finding.level, finding.exit_status) == ("fail", 2)
    assert "No." in finding.detail


@pytest.mark.parametrize("key", ['"sk-1"', "sk 1"])
def test_a_key_that_does_not_look_like_one(service: Service, key: str) -> None:
    _, lines = _check(Config(openai_api_key=key, ws_url=service.url), "service")

    assert lines[0] == "warn key: OPENAI_API_KEY is set, with a blank or a quote: copy it again"


@pytest.mark.parametrize("key", ["sk-\n1", "sk-\u20ac"])
def test_a_key_that_cannot_be_sent_is_not(service: Service, key: str) -> None:
    config = Config(openai_api_key=key, ws_url=service.url)
    status, lines = _check(config, "service")
    with pytest.raises(SettingError) as ends:
        endpoint(config, config.ws_url)

    assert status == ends.value.exit_status, "as the program ends"
    assert lines[0] == f"fail service: {ends.value}"
    assert service.requests == []


def test_nobody_there() -> None:
    status, lines = _check(Config(ws_url=f"ws://127.0.0.1:{free_port()}"), "service")

    assert status == 1
    assert "cannot be reached" in _only(lines, "fail service: ")


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_check, "ANSWER_TIMEOUT", 0.3)

    def listen(ws: ServerConnection) -> None:
        for _ in ws:
            pass

    with serve(listen, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        status, lines = _check(Config(ws_url=f"ws://127.0.0.1:{server.socket.getsockname()[1]}"), "service")
        server.shutdown()
        thread.join()

    assert status == 1
    assert "connected, but no answer within 0.3 s" in _only(lines, "fail service: ")


def test_without_a_key_the_assistant_of_this_computer_answers() -> None:
    status, lines = _check(Config(), "service")

    assert status == 0
    assert lines[0].startswith("warn key: not set, so the assistant on this computer answers: put OPENAI_API_KEY ")
    assert lines[-2].startswith("ok   service: takes the settings")


def test_a_language_model_that_does_not_answer() -> None:
    status, lines = _check(Config(offline=True, local_llm_url=f"http://127.0.0.1:{free_port()}/v1"), "service")

    assert status == 0
    assert "start it, or correct LOCAL_LLM_URL" in _only(lines, "warn language model")
    with socket.create_server(("127.0.0.1", 0)) as there:
        url = f"http://127.0.0.1:{there.getsockname()[1]}/v1"
        assert "answers" in _only(_check(Config(offline=True, local_llm_url=url), "service")[1], "ok   language model")


# The proxy -----------------------------------------------------------------------------------------------------------


def test_through_an_http_proxy(service: Service, tmp_path: Path) -> None:
    with tinyproxy(tmp_path) as port:
        status, lines = _check(Config(ws_url=service.url, proxy_url=f"http://127.0.0.1:{port}"), "service")

    assert status == 0
    assert lines[1] == f"ok   proxy: http://127.0.0.1:{port}, from PROXY_URL, answers"


def test_a_proxy_of_the_environment_that_answers_and_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with tinyproxy(tmp_path, "ConnectPort 1") as port:
        monkeypatch.setenv("http_proxy", f"user:secret@127.0.0.1:{port}")
        status, lines = _check(Config(ws_url="ws://service.test/"), "service")

    assert status == 1
    assert lines[1] == f"ok   proxy: http://127.0.0.1:{port}, from http_proxy, answers"
    assert "does not let us through" in _only(lines, "fail service: ")
    assert "secret" not in "".join(lines)


def test_through_a_proxy_with_a_password_that_is_not_shown(service: Service) -> None:
    with microsocks("-u", "user", "-P", "p@ssword") as port:
        proxy = f"socks5h://user:p%40ssword@127.0.0.1:{port}"
        status, lines = _check(Config(ws_url=service.url, proxy_url=proxy), "service")
        assert status == 0
        assert lines[1] == f"ok   proxy: socks5h://127.0.0.1:{port}, from PROXY_URL, answers"

        wrong = _check(Config(ws_url=service.url, proxy_url=proxy.replace("word", "port")), "service")
    assert wrong[0] == 1
    assert "does not let us through" in _only(wrong[1], "fail service: ")
    assert "p@ss" not in "".join(lines + wrong[1])


@pytest.mark.parametrize("name", ["ALL_PROXY", "https_proxy"])
def test_a_proxy_of_the_environment_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    port = free_port()
    monkeypatch.setenv(name, f"http://user:secret@127.0.0.1:{port}")
    status, lines = _check(Config(ws_url="wss://service.test/"), "service")

    assert status == 1
    assert f"http://127.0.0.1:{port}, from {name}, does not answer" in _only(lines, "fail proxy: ")
    assert "secret" not in "".join(lines)
    assert not any("service:" in line for line in lines), "there is no way to it"


@pytest.mark.parametrize(
    "url", ["http://user:secret#word@host:1", "http://user:sec/ret@host", "http://", "http://[::1"]
)
def test_a_proxy_of_the_environment_that_is_no_address(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    status, lines = _check(Config(ws_url="wss://service.test/"), "service")

    assert status == 2
    assert "HTTPS_PROXY is no address: write http://" in _only(lines, "fail service: ")
    assert not re.search("sec|user:s|ret@", "".join(lines))


# The sound, judged ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sound", "level", "words"),
    [
        (b"", "warn", "delivers no sound"),
        (silence(2), "warn", "delivers only zeros"),
        (tone(440, 0.5, -3) + tone(440, 1.5, -70), "ok", "loudest -6 dBFS, noise -73 dBFS, 0.0% clipped"),
        (tone(440, 2, -70), "ok", "nobody was heard to speak"),
        (tone(440, 0.5, -55) + tone(440, 1.5, -75), "warn", "too quiet"),
        (tone(440, 2, -12), "warn", "noisy"),
        (tone(440, 0.5, -12) + b"\xff\x7f" * 24000 + tone(440, 0.5, -70), "warn", "too loud"),
    ],
)
def test_the_microphones_level(sound: bytes, level: str, words: str) -> None:
    finding = judge(sound)

    assert finding.level == level
    assert words in finding.detail
    assert bool(finding.remedy) == (level == "warn")


@pytest.mark.parametrize(
    ("paces", "xruns", "slips", "level"),
    [
        ((1.0, 1.0), 0, 0, "ok"),
        ((0.97, 1.04), 1, 0, "ok"),
        ((1.09, 1.0), 0, 0, "warn"),
        ((1.0, 0.0), 0, 0, "warn"),
        ((1.0, 1.0), 0, 1, "warn"),
        ((1.0, 1.0), 9, 0, "warn"),
    ],
)
def test_the_pace_of_the_devices(paces: tuple[float, float], xruns: int, slips: int, level: str) -> None:
    before = Health(xruns=3, slips=2, dropped=0, restarts=0)
    after = replace(before, xruns=3 + xruns, slips=2 + slips)
    finding = judge_pace({"input": paces[0], "output": paces[1]}, before, after)

    assert finding.level == level
    assert f"{xruns} stumbles, {slips} slips" in finding.detail


def test_cards_that_this_user_may_not_use(tmp_path: Path) -> None:
    assert not are_locked(tmp_path)
    (tmp_path / "pcmC0D0c").symlink_to(tmp_path / "nowhere")
    assert are_locked(tmp_path)
    (tmp_path / "pcmC0D0p").write_bytes(b"")
    assert not are_locked(tmp_path)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_every_trouble_has_a_cure_everywhere(platform: str) -> None:
    assert all(remedy(trouble, platform) for trouble in _REMEDIES)
    assert "Privacy" in remedy("muted", "darwin")
    assert "audio" in remedy("no access", platform)


# The sound, on a card ------------------------------------------------------------------------------------------------

CHECK_SOUND = """
import json, sys
from dataclasses import replace
from voice.config import Config
from voice.doctor import EXAMINATIONS, check
settings, seconds = json.loads(sys.argv[1])
(sound,) = (one for one in EXAMINATIONS if one.what == "sound")
sys.exit(check(Config(**settings), lambda line: print(line, flush=True), (replace(sound, seconds=seconds),)))
"""

CheckSound = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def check_sound(card: SoundCard) -> CheckSound:
    """In a process of its own, as ALSA reads its settings once."""

    def run(seconds: float = 15, env: dict[str, str] | None = None, **settings: object) -> tuple[int, list[str]]:
        command = [sys.executable, "-c", CHECK_SOUND, json.dumps([settings, seconds])]
        environ = os.environ | card.environment | (env or {})
        done = subprocess.run(command, check=False, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run


def test_a_card_that_works(card: SoundCard, check_sound: CheckSound) -> None:
    words = (tone(440, 0.3) + silence(0.3)) * 30
    speech = card.say(words)
    status, lines = check_sound()
    speech.stop()

    assert status == 0
    devices, microphone, speaker, now, level, pace, _ = lines
    assert re.match(r"ok   devices: \d can hear, \d can play; PortAudio V19", devices)
    assert re.search(
        r"microphone: \d default \(default\), prefers \d+ Hz, takes mono at 16, 24, 44.1, 48 kHz", microphone
    )
    assert "loudspeaker: " in speaker
    assert now == "note microphone: speak now, for 2 seconds"
    assert re.match(r"ok   microphone: loudest -1[456] dBFS, noise -[89]\d dBFS, 0.0% clipped$", level)
    share = re.match(r"\w+ +pace: microphone ([\d.]+)% of real time, loudspeaker ([\d.]+)%", pace)
    assert share is not None
    assert [float(number) for number in share.groups()] == pytest.approx([100, 100], abs=7)


def test_a_muted_microphone(card: SoundCard, check_sound: CheckSound) -> None:
    card.mute(muted=True)
    status, lines = check_sound()

    assert status == 0
    assert remedy("muted") in _only(lines, "warn microphone: delivers only zeros: muted, or not allowed to be heard: ")


def test_a_device_asked_for_that_is_not_there(check_sound: CheckSound) -> None:
    status, lines = check_sound(input_device="gramophone")

    assert status == 4
    assert "'gramophone' is not there; choose one of: " in _only(lines, "fail sound: ")


def test_devices_that_do_not_open(card: SoundCard, check_sound: CheckSound) -> None:
    card.unplug()
    status, lines = check_sound()

    assert status == 0
    assert _only(lines, "warn microphone: does not open; perhaps another program holds it: ")
    assert check_sound(output_device="default")[0] == 4


@pytest.mark.skipif(any(Path("/dev/snd").glob("pcm*")), reason="this computer has a sound card")
def test_no_device_at_all_is_no_failure(check_sound: CheckSound) -> None:
    status, lines = check_sound(env={"PULSE_SERVER": "none", "ALSA_CONFIG_PATH": ""})

    assert status == 0
    assert "there is none, so type your messages: " in _only(lines, "warn microphone and loudspeaker: ")


def test_a_sound_server_that_hangs(card: SoundCard, check_sound: CheckSound) -> None:
    card.freeze()
    status, lines = check_sound(seconds=2)

    assert status == 1
    assert _only(lines, "fail sound: ") == f"fail sound: hangs for 2 s: {remedy('stuck')}"


def test_no_sound_is_used_where_none_is_asked_for() -> None:
    assert _check(Config(sound=False), "sound") == (0, ["ok   sound: not used, as asked for", "a conversation works"])


def test_pyaudio_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "voice.checkup.sound", None)
    status, lines = _check(Config(), "sound")

    assert status == 1
    assert remedy("pyaudio") in _only(lines, "fail sound: PyAudio cannot be loaded (")


# The program's own parts ---------------------------------------------------------------------------------------------


class _Deaf(Off):
    """Removes all echo, and the user."""

    def process(self, near: Samples, far: Samples) -> Samples:
        return np.zeros_like(near)


def test_the_echo_canceller_works_here() -> None:
    finding = measure(EchoCanceller())

    assert finding.level == "ok", finding
    removed = re.match(r"(\d+) dB removed", finding.detail)
    assert removed is not None
    assert int(removed[1]) > 30


@pytest.mark.parametrize(
    ("suppressor", "words"), [(Off(), "^0 dB removed"), (_Deaf(), "[1-9]\\d+ dB of the user lost")]
)
def test_a_canceller_that_does_not_work_is_noticed(suppressor: Off, words: str) -> None:
    finding = measure(suppressor)

    assert finding.level == "warn"
    assert re.search(words, finding.detail)


def test_a_computer_that_is_too_slow_for_the_canceller() -> None:
    assert judge_echo(40, 0, [4.0] * 100).level == "ok"
    assert "too slow" in judge_echo(40, 0, [6.0] * 100).detail


@pytest.mark.parametrize("mode", ["mute", "off"])
def test_a_canceller_that_is_not_wanted(mode: str) -> None:
    config = replace(Config(), echo=mode)  # type: ignore[arg-type]

    assert _check(config, "echo") == (0, [f"ok   echo: not cancelled, as asked for ({mode})", "a conversation works"])


def test_a_canceller_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)

    assert "the microphone is off while the assistant talks" in _only(_check(Config(), "echo")[1], "warn echo")
    assert _check(Config(echo="cancel"), "echo")[0] == 2


@pytest.mark.skipif(not can_speak(), reason="flite is not installed")
def test_the_offline_assistant_hears_itself() -> None:
    pytest.importorskip("pocketsphinx")
    status, lines = _check(Config(), "offline assistant")

    assert status == 0
    assert [line.partition(":")[0] for line in lines[:3]] == [
        "ok   offline voice",
        "ok   speech detector",
        "ok   offline recogniser",
    ]
    assert 'heard "what is the weather in london"' in lines[2]


def test_a_computer_without_a_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setenv("PATH", "")
    default_engine.cache_clear()
    status, lines = _check(Config(), "offline assistant")

    assert status == 0
    assert remedy("no voice") in _only(lines, "warn offline voice: there is none: ")


def test_a_computer_without_a_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline.recognizer.Recognizer.available", False)
    status, lines = _check(Config(), "offline assistant")

    assert status == 0
    assert "no speech recogniser for Python" in _only(lines, "warn offline recogniser")


def test_a_speech_detector_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "offline.vad", None)
    status, lines = _check(Config(), "offline assistant")

    assert status == 1
    assert "a library cannot be loaded" in _only(lines, "fail offline assistant")


# All of it -----------------------------------------------------------------------------------------------------------


def test_the_whole_check_without_sound_devices(service: Service) -> None:
    status, lines = _check(Config(openai_api_key=KEY, ws_url=service.url, sound=False))

    assert status == 0, lines
    whats = [line[5:].partition(":")[0] for line in lines]
    assert whats.index("versions") < whats.index("key") < whats.index("echo") < whats.index("offline voice")
    assert lines[-1].startswith("a conversation works")
    assert KEY not in "\n".join(lines)


@pytest.mark.parametrize("words", ["x" * 300_000, "*" * 300_000, f"{'sk-' * 100_000}", "a word " * 40_000])
def test_what_a_service_says_at_length_is_cut_at_once(words: str) -> None:
    lines: list[str] = []
    began = time.process_time()
    check(Config(), lines.append, (_finds(Finding("fail", "a", f"{words}**", "do this")),))

    assert time.process_time() - began < 1
    assert all(len(line) < 600 for line in lines)
    assert lines[0].endswith(": do this")


def test_no_part_of_a_key_is_left_where_a_line_is_cut() -> None:
    lines: list[str] = []
    for start in range(480, 505):
        text = "x" * start + f" {KEY} nobody-knows-this-one"
        check(Config(local_llm_key="nobody-knows-this-one"), lines.append, (_finds(Finding("fail", "a", text)),))

    assert not [line for line in lines if "sk-" in line or "nobody" in line]
