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
from urllib.parse import urlsplit

from voice.checkup.findings import Finding
from voice.config import Config
from voice.connection import Connection
from voice.endpoint import Endpoint, endpoint
from voice.errors import ConnectionLostError
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
from voice.turns.problems import CONFIGURE, is_about_settings

REACH_TIMEOUT = 5.0
"""s to reach a proxy or a language model, which are near."""
ANSWER_TIMEOUT = 10.0
"""s to open the session and to take the settings, once connected; the service needs less than one."""


def examine(config: Config, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Find out; raises AssistantError where the program would end with it."""
    if not config.uses_offline_assistant:
        target = endpoint(config, config.ws_url, environment)
        yield _key(config)
        yield from _service(config, target)
        return
    from offline.assistant import start  # noqa: PLC0415 - as the program does: only where it answers

    yield _key(config)
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
    if set(key) & set(" '\""):
        return Finding("warn", "key", "OPENAI_API_KEY is set, with a blank or a quote", "copy it again")
    return Finding(
        "ok", "key", "OPENAI_API_KEY is set" if key else "OPENAI_API_KEY is not set; not every service needs one"
    )


def _language_model(config: Config) -> Iterator[Finding]:
    if not config.local_llm_url:
        return
    parts = urlsplit(config.local_llm_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    where = f"{parts.scheme}://{host}:{port}"
    if trouble := _trouble(host, port):
        remedy = "start it, or correct LOCAL_LLM_URL"
        yield Finding("warn", "language model", f"{where} does not answer ({trouble})", remedy)
    else:
        yield Finding("ok", "language model", f"{where} answers")


def _service(config: Config, target: Endpoint) -> Iterator[Finding]:
    if proxy := target.proxy:
        if trouble := _trouble(proxy.host, proxy.port):
            what = f"{proxy}, from {proxy.source}, does not answer ({trouble})"
            yield Finding("fail", "proxy", what, f"correct {proxy.source}")
            return
        yield Finding("ok", "proxy", f"{proxy}, from {proxy.source}, answers")
    yield from _open_session(config, target)


def _trouble(host: str, port: int) -> str:
    """Why it cannot be reached, "" if it can."""
    try:
        socket.create_connection((host, port), REACH_TIMEOUT).close()
    except (OSError, UnicodeError) as error:  # a host name with an empty or endless part is a UnicodeError
        return getattr(error, "strerror", None) or str(error)
    return ""


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
    if is_about_settings(problem):
        what = f"rejects {problem.param or 'the settings'} ({problem.message})"
        return Finding("fail", "service", what, "correct that setting, see --help", exit_status=2)
    return Finding("fail", "service", f"reports {problem.message or problem.code or problem.type}", "try again later")
