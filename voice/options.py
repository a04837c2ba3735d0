"""The settings' sources: the command line beats the environment, which beats ``.env``, which beats the default."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from dotenv.parser import parse_stream
from pydantic import TypeAdapter, ValidationError

from voice import VERSION
from voice.config import Config, Option
from voice.errors import SettingError
from voice.terminal import say

ENV_FILE = Path(__file__).parents[1] / ".env"

Task = Literal["talk", "list-devices", "check"]

_GONE = {
    "assistant_id": "the service that had assistants was shut down in 2026: put what yours was told into a text file"
    " and use --instructions @FILE",
    "prompt_id": "stored prompts end on 2026-11-30: put the prompt into a text file and use --instructions @FILE",
}
"""What other programs of this kind take, and why this one does not."""
_SHARED = ("debug", "log_level")
"""Names that other programs look for in the environment too."""
_REASONS = {"bool_parsing": "it must be yes or no"}
"""Where pydantic's own words would not help."""
_HINTS = get_type_hints(Config, include_extras=True)
_ADAPTER = TypeAdapter(Config)


def read_config(
    arguments: Sequence[str], environment: Mapping[str, str], env_file: Path = ENV_FILE
) -> tuple[Config, Task]:
    """Settings from all sources, and what is to be done.

    Raises:
        SettingError: with every bad value and its reason in one line.
        SystemExit: from argparse: 0 after ``--help`` and the like.

    """
    given = vars(_parser().parse_args(arguments))
    task: Task = given.pop("task")
    if given.get("ask") == "":
        raise SettingError("--ask: there is no question")
    for name in _GONE.keys() & given.keys():
        raise SettingError(f"{_flag(name)}: {_GONE[name]}")
    return gather(given, environment, env_file, _flag), task


def gather(
    given: Mapping[str, Any],
    environment: Mapping[str, str],
    env_file: Path = ENV_FILE,
    called: Callable[[str], str] = str,
) -> Config:
    """Settings that were given, by the names of `Config`'s fields, over the environment and ``.env``.

    `called` tells how the user knows one that was given.

    Raises:
        SettingError: with every bad value and its reason in one line.

    """
    try:
        in_file = _read_env_file(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{env_file} cannot be read: {error}") from error
    for name, reason in _GONE.items():
        if in_file.get(f"OPENAI_{name.upper()}"):
            raise SettingError(f"OPENAI_{name.upper()} in {env_file}: {reason}")
    values: dict[str, Any] = {}
    source: dict[str, str] = {}
    for origin, lookup in ((f"in {env_file}", in_file), ("in the environment", _ours(environment))):
        for name in (setting.name for setting in fields(Config)):
            if value := lookup.get(name.upper()):
                values[name], source[name] = value, f"{name.upper()} {origin}"
            elif value is not None:  # set to nothing, as in "VOICE=": the default again
                values.pop(name, None)
    for name, value in given.items():
        values[name], source[name] = value, called(name)
    return _checked(values, source)


def _ours(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment without what is meant for other programs, such as ``DEBUG=*``."""
    theirs = {name.upper() for name in _SHARED if not _is_value(name, environment.get(name.upper(), ""))}
    return {name: value for name, value in environment.items() if name not in theirs}


def _is_value(name: str, value: str) -> bool:
    try:
        TypeAdapter(_HINTS[name]).validate_python(value)
    except ValidationError:
        return not value
    return True


def _checked(values: Mapping[str, Any], source: Mapping[str, str]) -> Config:
    if unknown := values.keys() - {setting.name for setting in fields(Config)}:
        raise SettingError(f"there is no setting {', '.join(sorted(unknown))}")
    try:
        return _ADAPTER.validate_python(dict(values))
    except ValidationError as error:
        raise SettingError("; ".join(_reason(found, source) for found in error.errors(include_input=False))) from error


def _reason(found: Mapping[str, Any], source: Mapping[str, str]) -> str:
    text = (
        _REASONS.get(found["type"], found["msg"]).replace("Value error, ", "").replace("Input should be", "it must be")
    )
    if not found["loc"]:
        return str(text)  # about several, which it names itself
    name = str(found["loc"][0])
    return f"{source.get(name, name)}: {text}"


def _option(name: str) -> Option:
    return next(extra for extra in get_args(_HINTS[name]) if isinstance(extra, Option))


def help_text(name: str) -> str:
    """One field's line in ``--help`` and in ``.env.example``, with its default where that is a word or a number."""
    told = _option(name).help
    if "(default: " in told:
        return told
    match next(setting.default for setting in fields(Config) if setting.name == name):
        case bool(switch):
            shown = "yes" if switch else "no"
        case int(number) | float(number):
            shown = f"{number:g}"
        case str(word):
            shown = word
        case _:
            shown = ""
    return f"{told} (default: {shown})" if shown else told


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the command line takes a field."""

    is_switch: bool
    is_repeated: bool
    metavar: str


def _kind(name: str) -> _Kind:
    kind = get_args(_HINTS[name])[0]
    choices = "|".join(filter(None, get_args(kind))) if get_origin(kind) is Literal else ""
    return _Kind(kind is bool, get_origin(kind) is tuple, choices or name.rsplit("_", 1)[-1].upper())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and what is meant perhaps."""
        wrong = next((word.partition("=")[0].rstrip(":") for word in message.split() if word.startswith("--")), "")
        unknown = wrong and wrong not in self._option_string_actions
        close = get_close_matches(wrong, self._option_string_actions, n=1) if unknown else []
        raise SettingError(f"{message}; {f'is {close[0]} meant?' if close else '--help shows all options'}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="realtime.py",
        usage="%(prog)s [OPTION ...]",
        description="Talk with an assistant: speak hands-free, interrupt any time, or type.",
        epilog="Every setting can stand in the environment or in .env too: --ws-url is WS_URL, --no-sound SOUND=no.",
        allow_abbrev=False,
    )
    parser.set_defaults(task="talk")
    parser.add_argument("--version", action="version", version=f"realtime {VERSION}")
    parser.add_argument(
        "--list-devices", dest="task", action="store_const", const="list-devices", help="list sound devices, then end"
    )
    parser.add_argument(
        "--check", dest="task", action="store_const", const="check", help="find out what would not work, then end"
    )
    parser.add_argument(
        "--completion",
        action=_Completion,
        default=argparse.SUPPRESS,
        metavar="SHELL",
        help="print a script that lets the shell complete the options",
    )
    for name in _GONE:
        parser.add_argument(_flag(name), default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name in (setting.name for setting in fields(Config)):
        option = _option(name)
        if not option.flag:
            continue
        group = groups.setdefault(option.group, parser.add_argument_group(option.group))
        _add(group, name, help_text(name).replace("%", "%%"))
    return parser


def _add(group: argparse._ArgumentGroup, name: str, help_text: str) -> None:
    kind = _kind(name)
    common: dict[str, Any] = {"default": argparse.SUPPRESS, "help": help_text}
    if kind.is_switch:
        group.add_argument(_flag(name), action=argparse.BooleanOptionalAction, **common)
    elif kind.is_repeated:
        group.add_argument(_flag(name), action="append", metavar=kind.metavar, **common)
    elif name == "resume":
        group.add_argument(_flag(name), nargs="?", const="last", metavar="NAME", **common)
    else:
        group.add_argument(_flag(name), metavar=kind.metavar, **common)


class _Completion(argparse.Action):
    """Print the script by which a shell completes our options, and end."""

    def __call__(self, parser: argparse.ArgumentParser, *args: object, **_: object) -> None:
        """Take the shell's name."""
        import shtab  # noqa: PLC0415 - a conversation must not pay for it

        shell = str(args[1])
        if shell not in shtab.SUPPORTED_SHELLS:
            parser.error(f"--completion: {shell} is none of {', '.join(shtab.SUPPORTED_SHELLS)}")
        say(shtab.complete(parser, shell))
        if shell == "bash":  # which goes by the name that is typed
            say("complete -o bashdefault -F _shtab_realtime_py script/run")
        parser.exit(0)


def _read_env_file(path: Path) -> dict[str, str | None]:
    with path.open(encoding="utf-8") as lines:
        bindings = list(parse_stream(lines))
    for binding in bindings:
        if binding.error:
            raise SettingError(f"{path} cannot be understood in line {binding.original.line}: is a quote missing?")
    return {binding.key: binding.value for binding in bindings if binding.key}
