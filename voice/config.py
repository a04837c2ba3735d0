"""Settings: one frozen value, built once at the edge and handed to everybody who needs it.

`voice.options` makes every field an option (``--ws-url``) and a name in the environment and in ``.env`` (``WS_URL``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from platformdirs import user_documents_path
from pydantic import AfterValidator, BeforeValidator, Field

OPENAI_URL = "wss://api.openai.com/v1/realtime"
MAX_OUTPUT_TOKENS = 32_000
"""The newest models' limit; older ones take 4,096 and say so themselves."""
IDLE_SECONDS = 600.0
WAKE_WORD_IDLE_SECONDS = 60.0
"""With a wake word the next one is easily said."""
VOICES = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
"""OpenAI's, as of 2026; other servers have voices of their own."""
WITHOUT_REASONING = frozenset({"gpt-realtime-1.5", "gpt-realtime", "gpt-realtime-mini"})

_Mode = Literal["hands-free", "push-to-talk"]
MODES = get_args(_Mode)

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
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - asking is the check
        except ValueError:  # whose text may hold a part of the password
            raise ValueError("host or port is none; a password with one of @ : / # ? [ is written with %") from None
        if value and not parts.hostname:
            raise ValueError("it names no host")
        return value.rstrip("/")

    return AfterValidator(check)


def _expanded(path: Path) -> Path:
    """``~`` stands for the user's home, ``~name`` for another's."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home for {str(path)!r}") from None


def _from_file(value: str) -> str:
    """``@path`` stands for the text of that file."""
    if not value.startswith("@"):
        return value
    try:
        return _expanded(Path(value[1:])).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot read the file {value[1:] or 'without a name'}: {reason}") from error


def _several(value: object) -> object:
    """One text may name several, with semicolons between them."""
    return tuple(part.strip() for part in value.split(";") if part.strip()) if isinstance(value, str) else value


def _token_limit(value: object) -> object:
    if value == "inf" or (str(value).isdecimal() and 1 <= int(str(value)) <= MAX_OUTPUT_TOKENS):
        return value if value == "inf" else int(str(value))
    raise ValueError(f"it must be a number from 1 to {MAX_OUTPUT_TOKENS}, or inf")


def _language(value: str) -> str:
    if not re.fullmatch("([a-z]{2,3})?", value):
        raise ValueError("it must be two or three letters, such as en")
    return value


_HttpUrl = Annotated[str, _url("http", "https")]
_Path = Annotated[Path, AfterValidator(_expanded)]


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
        _url("http", "socks4", "socks4a", "socks5", "socks5h"),
        Option("service", "proxy, such as socks5h://user:password@host:1080; else ALL_PROXY or HTTPS_PROXY is used"),
    ] = ""
    offline: Annotated[bool, Option("service", "talk to the assistant on this computer, even if there is a key")] = (
        False
    )

    # The conversation
    voice: Annotated[str, Option("conversation", "voice of the assistant, such as marin, cedar, alloy")] = "marin"
    instructions: Annotated[
        str,
        AfterValidator(_from_file),
        Option("conversation", "who the assistant is: text, or @FILE (default: friendly and brief)"),
    ] = DEFAULT_INSTRUCTIONS
    text: Annotated[bool, Option("conversation", "answers as text only, not spoken")] = False
    speed: Annotated[float, Field(ge=0.25, le=1.5), Option("conversation", "pace of the voice, 0.25 to 1.5")] = 1.0
    mode: Annotated[_Mode, Option("conversation", "speak any time, or press SPACE for each turn")] = "hands-free"
    transcription_model: Annotated[str, Option("conversation", "model that writes down what you say; off for none")] = (
        "gpt-transcribe"
    )
    transcription_language: Annotated[
        str,
        AfterValidator(_language),
        Option("conversation", "language you speak, such as en; else recognised"),
    ] = ""
    vad: Annotated[
        Literal["server", "semantic"],
        Option("conversation", "your turn ends after a silence (server), or when it sounds finished (semantic)"),
    ] = "server"
    vad_eagerness: Annotated[
        Literal["auto", "low", "medium", "high"], Option("conversation", "how soon semantic takes a turn for finished")
    ] = "auto"
    vad_threshold: Annotated[
        float, Field(ge=0, le=1), Option("conversation", "how sure the service must be that it hears speech, 0 to 1")
    ] = 0.5
    vad_prefix_padding_ms: Annotated[
        int, Field(ge=0, le=5000), Option("conversation", "sound kept from before speech was noticed, in ms")
    ] = 300
    vad_silence_duration_ms: Annotated[
        int, Field(ge=100, le=10000), Option("conversation", "silence that ends your turn, in ms")
    ] = 500

    # The model
    temperature: Annotated[
        float | None, Field(ge=0.6, le=1.2), Option("model", "0.6 to 1.2; only with --dialect beta")
    ] = None
    max_output_tokens: Annotated[
        int | Literal["inf"], BeforeValidator(_token_limit), Option("model", "longest answer, in tokens, or inf")
    ] = "inf"
    reasoning_effort: Annotated[
        Literal["", "minimal", "low", "medium", "high", "xhigh"],
        Option("model", "how long gpt-realtime-2 models think"),
    ] = ""
    retention_ratio: Annotated[
        float,
        Field(ge=0, le=1),
        Option(
            "model", "share of a full context that is kept when it is cut: less is cheaper; 1 leaves it to the service"
        ),
    ] = 0.8
    """Left alone, the service cuts as little as it must, and so with every turn, after each of which it reads all the
    rest again at the full price, some ten times that of what it has cached. A fifth at once lasts for many turns."""

    # Limits
    max_cost: Annotated[float | None, Field(gt=0), Option("limits", "dollars after which the conversation ends")] = None
    max_minutes: Annotated[float | None, Field(gt=0), Option("limits", "minutes after which it ends")] = None

    idle_minutes: Annotated[
        float | None,
        Field(ge=0),
        Option(
            "limits",
            "silence after which nothing is sent or paid until you are back; 0 for never (default: 1 with a wake word,"
            " else 10 with a key, else never)",
        ),
    ] = None
    wake_word: Annotated[
        str, Option("limits", "words, such as computer, that must be said before anything is sent")
    ] = ""

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

    noise_reduction: Annotated[
        Literal["off", "near", "far"],
        Option("sound", "the service's own: near for a headset, far for a laptop's microphone"),
    ] = "off"

    # What is kept
    data_dir: Annotated[
        _Path,
        Option("what is kept", "folder for notes, history and recordings (default: Documents/Realtime in your home)"),
    ] = field(default_factory=lambda: user_documents_path() / "Realtime")
    history: Annotated[bool, Option("what is kept", "keep a transcript of every conversation")] = True
    resume: Annotated[str, Option("what is kept", "take up a conversation again: last, or its name")] = ""
    save_recordings: Annotated[bool, Option("what is kept", "record both voices as WAV files")] = False

    # One question
    ask: Annotated[str, Option("one question", "print the answer to this and end")] = ""
    ask_audio: Annotated[_Path | None, Option("one question", "the same for a spoken question, a WAV file")] = None
    answer_audio: Annotated[_Path | None, Option("one question", "save the spoken answer to this WAV file")] = None

    # Tools
    tools: Annotated[
        tuple[_Path, ...],
        BeforeValidator(_several),
        Option("tools", "Python file with functions of your own; may be repeated"),
    ] = ()
    mcp: Annotated[
        tuple[str, ...],
        BeforeValidator(_several),
        Option("tools", "MCP server, a command or a URL, whose tools are to be used; may be repeated"),
    ] = ()
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
    retry_minutes: Annotated[
        float, Field(ge=0, le=1440), Option("trouble", "how long to try again after the connection is lost")
    ] = 10.0
    log_level: Annotated[
        Literal["", "DEBUG", "INFO", "WARNING", "ERROR"],
        Option("trouble", "log from this level up, to realtime.log unless there is --log-file"),
    ] = ""
    log_file: Annotated[
        _Path | None, Option("trouble", "log to this file, from INFO up unless there is --log-level")
    ] = None
    debug: Annotated[
        bool,
        Option("trouble", "log every event, and so all that is said, to realtime.log unless there is --log-file"),
    ] = False

    def __post_init__(self) -> None:
        """Refuse what does not go together; raises ValueError, which `voice.options` tells the user."""
        if self.temperature is not None and self.dialect != "beta":
            raise ValueError("--temperature: the service no longer takes one; only servers with --dialect beta do")
        if self.reasoning_effort and self.model in WITHOUT_REASONING:
            raise ValueError(f"--reasoning-effort: {self.model} does not reason; gpt-realtime-2.1 does")
        if self.ask and self.ask_audio:
            raise ValueError("--ask and --ask-audio: only one question at a time")
        if self.answer_audio and self.text:
            raise ValueError("--answer-audio: with --text there is no spoken answer")
        if self.answer_audio and not self.asks_once:
            raise ValueError("--answer-audio: it needs --ask or --ask-audio")

    @property
    def asks_once(self) -> bool:
        """Whether there is one question only."""
        return bool(self.ask or self.ask_audio)

    @property
    def notes_folder(self) -> Path:
        """Where notes are."""
        return self.data_dir / "notes"

    @property
    def history_folder(self) -> Path:
        """Where conversations are written down."""
        return self.data_dir / "history"

    @property
    def recordings_folder(self) -> Path:
        """Where both voices are recorded."""
        return self.data_dir / "recordings"

    @property
    def by_hand(self) -> bool:
        """Whether the user begins and ends each turn."""
        return self.mode == "push-to-talk"

    @property
    def answers(self) -> str:
        """Who answers, by name."""
        return "offline" if self.uses_offline_assistant else self.model

    @property
    def idle_seconds(self) -> float:
        """Silence after which the conversation sleeps; 0 for never."""
        if self.idle_minutes is not None:
            return self.idle_minutes * 60
        if self.wake_word:
            return WAKE_WORD_IDLE_SECONDS
        return 0.0 if self.uses_offline_assistant or not self.openai_api_key else IDLE_SECONDS

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
