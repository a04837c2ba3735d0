"""Settings: one frozen value, built once at the edge and handed to everybody who needs it.

Every field is an option (``--ws-url``) and a name in the environment and in ``.env`` (``WS_URL``).
The command line beats the environment, which beats ``.env``, which beats the default.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from platformdirs import user_documents_path
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from voice import VERSION
from voice.errors import SettingError

ENV_FILE = Path(__file__).parents[1] / ".env"
OPENAI_URL = "wss://api.openai.com/v1/realtime"

DEFAULT_INSTRUCTIONS = (
    "You are a friendly voice assistant. Talk naturally and keep answers short: they are spoken aloud. "
    "Use the tools for the weather, the time and notes instead of guessing, and say what you did. "
    "Answer in the language that the user speaks."
)


@dataclass(frozen=True, slots=True)
class Option:
    """How a field of `Config` is shown: its group and line in ``--help``; a secret has no flag, only a name."""

    group: str
    help: str
    flag: bool = True


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if value and not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"it must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        parts = urlsplit(value)
        if value and not parts.hostname:
            raise ValueError("it names no host")
        try:
            parts.port  # noqa: B018 - asking is the check
        except ValueError:  # whose text may hold a part of the password
            raise ValueError("its port is no number; a password with one of @ : / # ? is written with %") from None
        return value.rstrip("/")

    return AfterValidator(check)


def _from_file(value: str) -> str:
    """``@path`` stands for the text of that file."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot read the file {value[1:] or 'without a name'}: {reason}") from error


_HttpUrl = Annotated[str, _url("http", "https")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one run."""

    # The service
    openai_api_key: Annotated[
        str, Option("service", "your OpenAI key; without one the offline assistant answers", flag=False)
    ] = field(default="", repr=False)
    ws_url: Annotated[str, _url("ws", "wss"), Option("service", "address of the Realtime service")] = OPENAI_URL
    model: Annotated[str, Field(min_length=1), Option("service", "model that answers")] = "gpt-realtime-2.1"
    dialect: Annotated[
        Literal["ga", "beta"], Option("service", "shape of the protocol: beta only for servers that still speak it")
    ] = "ga"
    proxy_url: Annotated[
        str,
        _url("http", "https", "socks4", "socks4a", "socks5", "socks5h"),
        Option("service", "proxy, such as socks5h://user:password@host:1080; else ALL_PROXY or HTTPS_PROXY is used"),
    ] = ""
    offline: Annotated[bool, Option("service", "talk to the assistant on this computer, even if there is a key")] = (
        False
    )

    # The conversation
    voice: Annotated[str, Option("conversation", "voice of the assistant, such as marin, cedar, alloy")] = "marin"
    instructions: Annotated[
        str, AfterValidator(_from_file), Option("conversation", "who the assistant is: text, or @FILE")
    ] = DEFAULT_INSTRUCTIONS
    text: Annotated[bool, Option("conversation", "answers as text only, not spoken")] = False
    transcription_model: Annotated[str, Option("conversation", "model that writes down what you say; off for none")] = (
        "gpt-transcribe"
    )
    transcription_language: Annotated[
        str,
        Field(pattern=r"^([a-z]{2,3})?$"),
        Option("conversation", "language you speak, such as en; else recognised"),
    ] = ""
    vad_threshold: Annotated[
        float, Field(ge=0, le=1), Option("conversation", "how sure the service must be that it hears speech, 0 to 1")
    ] = 0.5
    vad_prefix_padding_ms: Annotated[
        int, Field(ge=0, le=5000), Option("conversation", "sound kept from before speech was noticed, in ms")
    ] = 300
    vad_silence_duration_ms: Annotated[
        int, Field(ge=100, le=10000), Option("conversation", "silence that ends your turn, in ms")
    ] = 500

    # Sound
    sound: Annotated[bool, Option("sound", "use microphone and loudspeaker; --no-sound for the keyboard alone")] = True
    input_device: Annotated[str, Option("sound", "microphone: its number or part of its name (see --list-devices)")] = (
        ""
    )
    output_device: Annotated[str, Option("sound", "loudspeaker: its number or part of its name")] = ""
    echo: Annotated[
        Literal["auto", "cancel", "mute", "off"],
        Option(
            "sound", "the assistant's own voice in the microphone: cancel it, mute meanwhile, or off for headphones"
        ),
    ] = "auto"
    barge_in: Annotated[
        Literal["confirm", "instant"],
        Option("sound", "interruptions: confirm pauses until someone is heard to speak, instant believes every noise"),
    ] = "confirm"

    # Tools
    data_dir: Annotated[Path, AfterValidator(Path.expanduser), Option("tools", "folder for notes")] = field(
        default_factory=lambda: user_documents_path() / "Realtime"
    )
    geocoding_url: Annotated[_HttpUrl, Option("tools", "where the weather looks up cities")] = (
        "https://geocoding-api.open-meteo.com"
    )
    forecast_url: Annotated[_HttpUrl, Option("tools", "where the weather comes from")] = "https://api.open-meteo.com"

    # The offline assistant
    local_llm_url: Annotated[
        _HttpUrl, Option("offline assistant", "language model for it, such as http://localhost:11434/v1 (Ollama)")
    ] = ""
    local_llm_model: Annotated[str, Option("offline assistant", "that model's name; else the first it offers")] = ""
    local_llm_key: Annotated[str, Option("offline assistant", "key for it, if it needs one", flag=False)] = field(
        default="", repr=False
    )

    # Trouble
    log_file: Annotated[Path | None, Option("trouble", "write a log to this file")] = None
    debug: Annotated[bool, Option("trouble", "log every event, to realtime.log unless there is --log-file")] = False

    @property
    def transcribes(self) -> bool:
        """Whether the service writes down what the user says."""
        return self.transcription_model != "off"

    @property
    def is_openai(self) -> bool:
        """Whether the service is OpenAI's own, which needs a key."""
        return self.ws_url == OPENAI_URL

    @property
    def uses_offline_assistant(self) -> bool:
        """Whether the assistant on this computer answers: asked for, or nothing else is possible."""
        return self.offline or (self.is_openai and not self.openai_api_key)


_REASONS = {"bool_parsing": "it must be yes or no"}
"""Where pydantic's own words would not help."""
_HINTS = get_type_hints(Config, include_extras=True)
_ADAPTER = TypeAdapter(Config)


def _option(name: str) -> Option:
    return next(extra for extra in get_args(_HINTS[name]) if isinstance(extra, Option))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realtime.py",
        description="Talk with an assistant: speak hands-free, interrupt any time, or type.",
        epilog="Every option is also a name in the environment or in .env: --ws-url is WS_URL.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"realtime {VERSION}")
    parser.add_argument("--list-devices", action="store_true", help="list microphones and loudspeakers, then end")
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name in (setting.name for setting in fields(Config)):
        option = _option(name)
        if not option.flag:
            continue
        group = groups.setdefault(option.group, parser.add_argument_group(option.group))
        kind = get_args(_HINTS[name])[0]
        help_text = option.help.replace("%", "%%")
        if kind is bool:
            group.add_argument(
                _flag(name), action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=help_text
            )
            continue
        metavar = "|".join(get_args(kind)) if get_origin(kind) is Literal else name.rsplit("_", 1)[-1].upper()
        group.add_argument(_flag(name), default=argparse.SUPPRESS, metavar=metavar, help=help_text)
    return parser


def _read_env_file(path: Path) -> dict[str, str | None]:
    with path.open(encoding="utf-8") as lines:
        bindings = list(parse_stream(lines))
    for binding in bindings:
        if binding.error:
            raise SettingError(f"{path} cannot be understood in line {binding.original.line}: is a quote missing?")
    return {binding.key: binding.value for binding in bindings if binding.key}


def read_config(
    arguments: Sequence[str], environment: Mapping[str, str], env_file: Path = ENV_FILE
) -> tuple[Config, bool]:
    """Settings from all sources, and whether ``--list-devices`` was asked for.

    Raises:
        SettingError: with every bad value and its reason in one line.
        SystemExit: from argparse: 0 after ``--help`` or ``--version``, 2 after an unknown option.

    """
    given = vars(_parser().parse_args(arguments))
    list_devices = given.pop("list_devices")
    names = [setting.name for setting in fields(Config)]
    try:
        in_file = _read_env_file(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{env_file} cannot be read: {error}") from error
    values: dict[str, Any] = {}
    source: dict[str, str] = {}
    for origin, lookup in ((f"in {env_file}", in_file), ("in the environment", environment)):
        for name in names:
            if value := lookup.get(name.upper()):
                values[name], source[name] = value, f"{name.upper()} {origin}"
            elif value is not None:  # set to nothing, as in "VOICE=": the default again
                values.pop(name, None)
    for name, value in given.items():
        values[name], source[name] = value, _flag(name)
    try:
        return _ADAPTER.validate_python(values), list_devices
    except ValidationError as error:
        problems = error.errors(include_input=False)
        reasons = [f"{source[str(found['loc'][0])]}: {_REASONS.get(found['type'], found['msg'])}" for found in problems]
        raise SettingError("; ".join(reasons).replace("Value error, ", "")) from error
