"""`--check`: examines everything that a conversation needs, and says what is wrong and how to mend it.

Every examination runs in a thread of its own, *examination*, one after the other: it may block where what it examines
hangs, and is left behind then. None of them can end the check, and no line shows the key or a password.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from urllib.parse import unquote, urlsplit

from voice.checkup.computer import examine_folder, examine_settings, examine_terminal, examine_versions
from voice.checkup.findings import Finding, exit_status, summary
from voice.config import Config
from voice.errors import AssistantError
from voice.remedies import remedy
from voice.text import printable

MIN_SECRET = 4
"""Characters; hiding what is shorter would only garble every line."""
MAX_DETAIL = 500
"""Characters of what was found: five lines of a terminal, and ours are shorter; a service's words have no end."""
_KEY = re.compile(r"\bsk-\S+")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Examination:
    """One step of the check."""

    what: str
    run: Callable[[Config], Iterator[Finding]]
    seconds: float = 10.0
    """After which it hangs."""
    if_stuck: str = ""
    """What to do when it does."""


def _service(config: Config) -> Iterator[Finding]:
    from voice.checkup.service import examine  # noqa: PLC0415 - a missing library is a finding, here and below

    yield from examine(config)


def _sound(config: Config) -> Iterator[Finding]:
    try:
        from voice.checkup.sound import examine  # noqa: PLC0415
    except ImportError as error:
        yield Finding("fail", "sound", f"PyAudio cannot be loaded ({error})", remedy("pyaudio"))
    else:
        yield from examine(config)


def _echo(config: Config) -> Iterator[Finding]:
    from voice.checkup.parts import examine_echo  # noqa: PLC0415

    yield from examine_echo(config)


def _offline(config: Config) -> Iterator[Finding]:
    from voice.checkup.parts import examine_offline  # noqa: PLC0415

    yield from examine_offline(config)


EXAMINATIONS = (
    Examination("versions", examine_versions),
    Examination("settings", examine_settings),
    Examination("terminal", examine_terminal),
    Examination("data folder", examine_folder, if_stuck="is it on a network drive? choose another with --data-dir"),
    # 5 s for a proxy, 10 s each for name, connection, TLS, upgrade and answer; the offline assistant starts in 2
    Examination("service", _service, 60, "is the network very slow? --offline needs none"),
    Examination("sound", _sound, 15, remedy("stuck")),
    Examination("echo", _echo, 60, "this computer is too slow for it: use --echo mute"),
    Examination("offline assistant", _offline, 60, "this computer is too slow for it: type, or talk to the service"),
)


def check(config: Config, tell: Callable[[str], None], examinations: tuple[Examination, ...] = EXAMINATIONS) -> int:
    """Examine everything, `tell` a line for each finding as it is found and one at the end; gives the exit status.

    Called by main, which may be held up for as long as all examinations together may take; `tell` is called on the
    same thread, also while the file descriptor of stderr is elsewhere: it should write to stdout.
    """
    secrets = _secrets(config, os.environ)
    findings: list[Finding] = []
    for examination in examinations:
        for finding in _examine(examination, config):
            findings.append(finding)
            tell(f"{finding.level:4} {_line(finding, secrets)}")
    tell(summary(findings))
    return exit_status(findings)


def _examine(examination: Examination, config: Config) -> Iterator[Finding]:
    """Give its findings as they come, and one more when it fails or hangs."""
    found: SimpleQueue[Finding | None] = SimpleQueue()
    worker = threading.Thread(target=_run, args=(examination, config, found), name="examination", daemon=True)
    worker.start()
    deadline = time.monotonic() + examination.seconds
    try:
        while (finding := found.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
            yield finding
    except Empty:
        yield Finding("fail", examination.what, f"hangs for {examination.seconds:g} s", examination.if_stuck)


def _run(examination: Examination, config: Config, found: SimpleQueue[Finding | None]) -> None:
    try:
        for finding in examination.run(config):
            found.put(finding)
    except AssistantError as error:
        found.put(Finding("fail", examination.what, str(error), exit_status=error.exit_status))
    except ImportError as error:
        cure = "python -m pip install -r requirements.txt"
        found.put(Finding("fail", examination.what, f"a library cannot be loaded ({error})", cure))
    except Exception as error:  # noqa: BLE001 - a bug in one examination must not keep the user from the others
        found.put(Finding("fail", examination.what, f"{error!r}", "this is a bug in the program"))
    finally:
        found.put(None)


def _secrets(config: Config, environment: Mapping[str, str]) -> list[str]:
    """What no line may show; the longest first, as one may be a part of another."""
    proxies = [config.proxy_url, *(value for name, value in environment.items() if name.lower().endswith("_proxy"))]
    passwords = [_password(url) for url in proxies]
    found = [config.openai_api_key, config.local_llm_key, *passwords, *map(unquote, passwords)]
    return sorted((secret for secret in found if len(secret) >= MIN_SECRET), key=len, reverse=True)


def _password(url: str) -> str:
    try:
        return urlsplit(url if "://" in url else f"http://{url}").password or ""
    except ValueError:  # no address at all; nothing of it is shown
        return ""


def _line(finding: Finding, secrets: list[str]) -> str:
    detail = _public(finding.detail, secrets)  # before it is cut, which could leave a part of a key
    if len(detail) > MAX_DETAIL:
        detail = f"{detail[:MAX_DETAIL]}…"
    return _public(str(replace(finding, detail=detail)), secrets)


def _public(text: str, secrets: list[str]) -> str:
    """Put dots for keys, and for what services make of them in their messages: some characters are left there."""
    for secret in secrets:
        text = text.replace(secret, "...")
    return printable(_WORD.sub(lambda word: "..." if "**" in word[0] else word[0], _KEY.sub("...", text)))
