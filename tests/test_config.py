"""Settings: sources, their order, bad values."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest
from dotenv import dotenv_values

from voice import VERSION
from voice.config import OPENAI_URL, Config
from voice.errors import SettingError
from voice.options import gather, read_config


def _read(tmp_path: Path, *arguments: str, env_file: str = "", **environment: str) -> Config:
    path = tmp_path / ".env"
    path.write_text(env_file, encoding="utf-8")
    return read_config(arguments, environment, path)[0]


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    config = _read(tmp_path)

    assert (config.ws_url, config.model) == (OPENAI_URL, "gpt-realtime-2.1")


def test_command_line_beats_environment_beats_env_file(tmp_path: Path) -> None:
    env_file = "VOICE=one\nMODEL=one\nWS_URL=ws://one\n"

    config = _read(tmp_path, "--ws-url", "ws://three", env_file=env_file, MODEL="two", WS_URL="ws://two")

    assert (config.voice, config.model, config.ws_url) == ("one", "two", "ws://three")


def test_an_empty_value_means_the_default_again(tmp_path: Path) -> None:
    config = _read(tmp_path, env_file="OPENAI_API_KEY=sk-secret\nVOICE=\n", OPENAI_API_KEY="")

    assert (config.openai_api_key, config.voice) == ("", "marin")


def test_switches_have_both_directions(tmp_path: Path) -> None:
    config = _read(tmp_path, "--text", "--no-sound", env_file="TEXT=no\nSOUND=yes")

    assert (config.text, config.sound) == (True, False)


def test_instructions_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "pirate.txt").write_text("You are a pirate.\n", encoding="utf-8")

    assert _read(tmp_path, "--instructions", f"@{tmp_path}/pirate.txt").instructions == "You are a pirate."


def test_a_path_may_begin_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    config = _read(tmp_path, "--ask-audio", "~/a.wav", "--answer-audio", "~/b.wav", TOOLS="c.py;~/d.py", LOG_FILE="~/e")

    assert (config.ask_audio, config.answer_audio, config.log_file) == (home / "a.wav", home / "b.wav", home / "e")
    assert config.tools == (Path("c.py"), home / "d.py")


@pytest.mark.skipif(os.name != "posix", reason="Windows takes every name for somebody's")
@pytest.mark.parametrize("option", ["data-dir", "log-file", "ask-audio", "tools", "instructions"])
def test_a_path_at_the_home_of_nobody_is_one_line(tmp_path: Path, option: str) -> None:
    at = "@" if option == "instructions" else ""

    with pytest.raises(SettingError, match=f"^--{option}: there is no home for '~nobody-here/x'$"):
        _read(tmp_path, f"--{option}", f"{at}~nobody-here/x")


def test_all_bad_values_are_refused_together_with_their_source_and_reason(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        _read(
            tmp_path,
            "--echo",
            "loud",
            "--instructions",
            "@nowhere.txt",
            env_file="VAD_THRESHOLD=7",
            WS_URL="http://example.com",
            VAD_SILENCE_DURATION_MS="soon",
        )

    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "--echo",
        "VAD_THRESHOLD in",
        "WS_URL in the environment",
        "ws:// or wss://",
        "SILENCE",
        "nowhere.txt",
    ):
        assert part in message


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pa#ss@proxy:8080",
        "http://user:pa/ss@proxy:8080",
        "http://",
        "proxy:8080",
        "http://user:pa\uff1fss@proxy:8080",
        "http://user:[pass]@proxy:8080",
    ],
)
def test_a_bad_proxy_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingError) as caught:
        _read(tmp_path, PROXY_URL=url)

    assert "PROXY_URL" in str(caught.value)
    assert "pa" not in str(caught.value).replace("password", "")


def test_an_unreadable_env_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MODEL=\xff\xfe")

    with pytest.raises(SettingError, match="cannot be read"):
        read_config([], {}, tmp_path / ".env")


def test_a_broken_line_of_the_env_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="line 2"):
        _read(tmp_path, env_file='VOICE=cedar\nOPENAI_API_KEY="sk-x\n')


@pytest.mark.parametrize("arguments", [["--xyzzy"], ["stray"], ["--ws-url"], ["--openai-api-key", "sk-x"]])
def test_unknown_options_are_one_line(arguments: list[str]) -> None:
    with pytest.raises(SettingError, match="--help shows all options$"):
        read_config(arguments, {})


def test_an_option_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(SettingError, match="is --voice meant"):
        read_config(["--voise", "cedar"], {})


def test_version_and_help_name_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            read_config([option], {})
        assert caught.value.code == 0

    shown = capsys.readouterr().out
    assert VERSION in shown
    assert all(f"--{field.name.replace('_', '-')}" in shown for field in fields(Config) if "key" not in field.name)


def test_the_help_tells_defaults_that_are_a_word_or_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_config(["--help"], {})

    shown = " ".join(capsys.readouterr().out.split())
    for told in (
        "--voice VOICE voice of the assistant, such as marin, cedar, alloy (default: marin)",
        "to 1 (default: 0.5)",
        "(default: 300)",
        "connection is lost (default: 10)",
        "keyboard alone (default: yes)",
        "not spoken (default: no)",
        "how long gpt-realtime-2 models think --retention-ratio",
        "else 10 with a key, else never) --wake-word",
    ):
        assert told in shown


def test_the_key_is_in_no_representation(tmp_path: Path) -> None:
    assert "sk-secret" not in repr(_read(tmp_path, OPENAI_API_KEY="sk-secret", LOCAL_LLM_KEY="sk-secret"))


@pytest.mark.parametrize(
    ("environment", "offline"),
    [
        ({}, True),
        ({"OPENAI_API_KEY": "sk"}, False),
        ({"OPENAI_API_KEY": "sk", "OFFLINE": "1"}, True),
        ({"WS_URL": "ws://localhost:8000/v1/realtime"}, False),
    ],
)
def test_who_answers(tmp_path: Path, environment: dict[str, str], offline: bool) -> None:
    assert _read(tmp_path, **environment).uses_offline_assistant is offline


def test_the_example_names_every_setting_and_changes_none(tmp_path: Path) -> None:
    example = Path(__file__).parents[1] / ".env.example"

    assert {name.lower() for name in dotenv_values(example)} == {field.name for field in fields(Config)}
    assert _read(tmp_path, env_file=example.read_text(encoding="utf-8")) == _read(tmp_path)


def test_several_files_and_servers_can_be_named(tmp_path: Path) -> None:
    config = _read(tmp_path, "--mcp", "one --stdio", "--mcp", "http://localhost:1/mcp", TOOLS="a.py; b.py")

    assert config.tools == (Path("a.py"), Path("b.py"))
    assert config.mcp == ("one --stdio", "http://localhost:1/mcp")


@pytest.mark.parametrize(("arguments", "resume"), [([], ""), (["--resume"], "last"), (["--resume", "2026"], "2026")])
def test_resuming_means_the_last_conversation_unless_another_is_named(
    tmp_path: Path, arguments: list[str], resume: str
) -> None:
    assert _read(tmp_path, *arguments).resume == resume


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--temperature", "0.8"], "only servers with --dialect beta"),
        (["--temperature", "0.8", "--dialect", "beta", "--speed", "2"], "--speed: .*1.5"),
        (["--reasoning-effort", "high", "--model", "gpt-realtime-1.5"], "gpt-realtime-1.5 does not reason"),
        (["--ask", "a", "--ask-audio", "b.wav"], "only one question"),
        (["--answer-audio", "b.wav"], "it needs --ask"),
        (["--ask", "hi", "--answer-audio", "b.wav", "--text"], "no spoken answer"),
        (["--ask", ""], "there is no question"),
        (["--transcription-language", "english"], "two or three letters"),
        (["--max-output-tokens", "many"], "a number from 1 to 32000, or inf"),
        (["--assistant-id", "asst_1"], "--assistant-id: .*--instructions @FILE"),
        (["--prompt-id", "pmpt_1"], "2026-11-30.*--instructions @FILE"),
    ],
)
def test_what_does_not_go_together_or_is_gone_is_refused(tmp_path: Path, arguments: list[str], reason: str) -> None:
    with pytest.raises(SettingError, match=reason):
        _read(tmp_path, *arguments)


def test_the_assistant_id_of_an_env_file_is_refused_and_one_of_the_environment_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="OPENAI_ASSISTANT_ID in .*shut down"):
        _read(tmp_path, env_file="OPENAI_ASSISTANT_ID=asst_1")

    assert _read(tmp_path, OPENAI_ASSISTANT_ID="asst_1") == _read(tmp_path)


@pytest.mark.parametrize("value", ["*", "app:*", "2"])
def test_debug_of_another_program_is_left_alone_in_the_environment_and_refused_elsewhere(
    tmp_path: Path, value: str
) -> None:
    assert _read(tmp_path, DEBUG=value, LOG_LEVEL="trace") == _read(tmp_path)
    assert _read(tmp_path, env_file="DEBUG=yes", DEBUG=value).debug
    with pytest.raises(SettingError, match=r"DEBUG in .*\.env: it must be yes or no"):
        _read(tmp_path, env_file=f"DEBUG={value}")
    with pytest.raises(SettingError, match="debug: it must be yes or no"):
        gather({"debug": value}, {}, Path("none"))


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("yes", True), ("0", False), ("no", False), ("", False)])
def test_debug_in_the_environment_is_heeded_where_it_is_yes_or_no(tmp_path: Path, value: str, debug: bool) -> None:
    assert _read(tmp_path, env_file="DEBUG=yes" if not debug else "", DEBUG=value).debug is debug


def test_settings_by_name_are_checked_like_options() -> None:
    with pytest.raises(SettingError, match="there is no setting colour"):
        gather({"colour": "blue"}, {}, Path("none"))
    with pytest.raises(SettingError, match="speed: "):
        gather({"speed": 9}, {}, Path("none"))

    assert gather({"speed": 1.25}, {"VOICE": "cedar"}, Path("none")).voice == "cedar"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_can_complete_the_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read_config(["--completion", shell], {})

    assert caught.value.code == 0
    assert "--barge-in" in capsys.readouterr().out


def test_an_unknown_shell_is_refused() -> None:
    with pytest.raises(SettingError, match="dos is none of bash"):
        read_config(["--completion", "dos"], {})


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"OPENAI_API_KEY": "sk"}, 600),
        ({}, 0),
        ({"OPENAI_API_KEY": "sk", "IDLE_MINUTES": "0"}, 0),
        ({"OPENAI_API_KEY": "sk", "IDLE_MINUTES": "3"}, 180),
        ({"WAKE_WORD": "computer"}, 60),
    ],
)
def test_silence_is_paid_for_ten_minutes_at_most(tmp_path: Path, environment: dict[str, str], seconds: float) -> None:
    assert _read(tmp_path, **environment).idle_seconds == seconds
