"""Whether who is to answer does: the key, the proxy, the way there, and the settings; nothing that costs money.

The service charges for tokens, and there are none before a response is asked for: it is only told the settings.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from voice.checkup.findings import Finding
from voice.config import Config
from voice.connection import Connection
from voice.endpoint import Endpoint, endpoint
from voice.errors import ConnectionLostError, SettingError
from voice.events import (
    ErrorReported,
    MalformedEventError,
    Problem,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    decode,
    encode,
)
from voice.refusals import REMEDIES
from voice.settings import session_settings

REACH_TIMEOUT = 5.0
"""s to reach a proxy or a language model, which are near."""
ANSWER_TIMEOUT = 10.0
"""s to open the session and to take the settings, once connected; the service needs less than one."""
PROXY_NAMES = ("all_proxy", "http_proxy", "https_proxy")
"""Names in the environment, in any case; the last beats the others."""
CONFIGURE = "configure"
"""event_id of the settings: an error that names it is about them."""


def examine(config: Config, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Find out; raises AssistantError where the program would end with it."""
    key = _key(config)
    yield key
    if key.level == "fail":
        return
    if not config.uses_offline_assistant:
        yield from _service(config, environment)
        return
    from offline.assistant import start  # noqa: PLC0415 - as the program does: only where it answers

    yield from _language_model(config)
    with start(config) as url:
        yield from _open_session(config, endpoint(replace(config, openai_api_key="", proxy_url=""), url, {}))


def _key(config: Config) -> Finding:
    key = config.openai_api_key
    if config.offline:
        return Finding("ok", "key", "not needed offline")
    if config.uses_offline_assistant:
        remedy = "put OPENAI_API_KEY into .env to talk to the service"
        return Finding("warn", "key", "not set, so the assistant on this computer answers", remedy)
    if not (key.isascii() and key.isprintable()):
        remedy = "copy it again into OPENAI_API_KEY"
        return Finding("fail", "key", "OPENAI_API_KEY has characters that no key has", remedy, exit_status=3)
    if set(key) & set(" '\""):
        return Finding("warn", "key", "OPENAI_API_KEY is set, with a blank or a quote", "copy it again")
    return Finding(
        "ok", "key", "OPENAI_API_KEY is set" if key else "OPENAI_API_KEY is not set; not every service needs one"
    )


def _language_model(config: Config) -> Iterator[Finding]:
    if not config.local_llm_url:
        return
    parts = urlsplit(config.local_llm_url)
    where, trouble = _reach(parts, 443 if parts.scheme == "https" else 80)
    if trouble:
        remedy = "start it, or correct LOCAL_LLM_URL"
        yield Finding("warn", "language model", f"{where} does not answer ({trouble})", remedy)
    else:
        yield Finding("ok", "language model", f"{where} answers")


def _service(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        target = endpoint(config, config.ws_url, environment)
    except SettingError as error:
        yield Finding("fail", "proxy", str(error), exit_status=error.exit_status)
        return
    if target.proxy_url:
        proxy = _proxy(target.proxy_url, "PROXY_URL" if config.proxy_url else _source(target.proxy_url, environment))
        yield proxy
        if proxy.level == "fail":
            return
    yield from _open_session(config, target)


# The proxy ----------------------------------------------------------------------------------------------------------


def _proxy(url: str, source: str) -> Finding:
    try:
        parts = urlsplit(url)
        where, trouble = _reach(parts, 1080 if parts.scheme.startswith("socks") else 8080)
    except ValueError:  # whose text may hold a part of the password
        remedy = "write http://host:port or socks5h://user:password@host:port, with % for a password's @ : / # ?"
        return Finding("fail", "proxy", f"{source} is no address", remedy, exit_status=2)
    if trouble:
        return Finding("fail", "proxy", f"{where}, from {source}, does not answer ({trouble})", f"correct {source}")
    return Finding("ok", "proxy", f"{where}, from {source}, answers")


def _source(url: str, environment: Mapping[str, str]) -> str:
    """Which name in the environment gave this address."""
    names = {environment[name]: name for wanted in PROXY_NAMES for name in environment if name.lower() == wanted}
    return names.get(url) or names.get(url.removeprefix("http://"), "the environment")


def _reach(parts: SplitResult, usual_port: int) -> tuple[str, str]:
    """Address without a password, and why it cannot be reached, "" if it can; ValueError for what is no address."""
    host, port = parts.hostname, parts.port or usual_port
    if not host:
        raise ValueError("no host")
    where = f"{parts.scheme}://{host}:{port}"
    try:
        socket.create_connection((host, port), REACH_TIMEOUT).close()
    except OSError as error:
        return where, error.strerror or str(error)
    return where, ""


# The session --------------------------------------------------------------------------------------------------------


def _open_session(config: Config, target: Endpoint) -> Iterator[Finding]:
    connection = Connection(target)
    overdue = threading.Event()

    def give_up() -> None:
        overdue.set()
        connection.stop()

    timer = threading.Timer(ANSWER_TIMEOUT, give_up)
    timer.daemon = True
    began = time.monotonic()
    try:
        connection.connect()
        timer.start()
        yield from _configure(config, connection, began)
    except ConnectionLostError as error:
        if not overdue.is_set():
            raise
        what = f"connected, but no answer within {ANSWER_TIMEOUT:g} s: does WS_URL name a Realtime service?"
        raise ConnectionLostError(what) from error
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
        connection.stop()


def _configure(config: Config, connection: Connection, began: float) -> Iterator[Finding]:
    """Take the session and tell it the settings."""
    for message in connection.messages():
        try:
            event = decode(message)
        except MalformedEventError:
            continue
        match event:
            case SessionCreated(session):
                model = session.get("model") or "a model of its own"
                yield Finding("ok", "service", f"{_ms(began)} ms to a session with {model}")
                settings = session_settings(config, [], speaks=config.sound and not config.text)
                began = time.monotonic()
                connection.send(encode(SessionUpdate(settings, event_id=CONFIGURE)))
            case SessionUpdated():
                yield Finding("ok", "service", f"takes the settings, after {_ms(began)} ms")
                return
            case ErrorReported(problem):
                yield _refusal(problem)
                return


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _refusal(problem: Problem) -> Finding:
    if refused := REMEDIES.get(problem.code or ""):
        return Finding("fail", "service", refused, exit_status=3)
    if problem.event_id == CONFIGURE or (problem.param or "").startswith("session"):
        what = f"rejects {problem.param or 'the settings'} ({problem.message})"
        return Finding("fail", "service", what, "correct that setting, see --help", exit_status=2)
    return Finding("fail", "service", f"reports {problem.message or problem.code or problem.type}", "try again later")
