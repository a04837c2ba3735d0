"""Why there is no connection, in words: what an answer to the upgrade means, and what a close; pure."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Mapping
from urllib.parse import urlsplit

from voice.errors import ConnectionLostError, ServiceRefusedError
from voice.refusals import REMEDIES
from voice.text import printable

REFUSALS = frozenset({3000, 3003, 4000, 4004})
"""Close codes by which the service says no for good; the reason ends with the code of its error."""
EXCERPT = 200
"""Bytes of a refusal's own words, a sentence or two; characters of a host's name, which has 253 at most."""


def failure(error: Exception, host: str, port: int) -> ConnectionLostError:
    """Why there is no WebSocket though the host was reached, and did not answer with a status."""
    match error:
        case ssl.SSLCertVerificationError():
            text = f"{host} cannot prove who it is ({error.verify_message}): is a proxy in between?"
        case ssl.SSLError():
            text = f"{host}:{port} does not speak TLS ({error.reason}): is ws:// meant?"
        case _:
            text = f"{host} does not answer as a WebSocket: {printable(str(error))[:EXCERPT]}"
    return ConnectionLostError(text)


def refusal(
    host: str, status: int, headers: Mapping[str, str], body: bytes
) -> ServiceRefusedError | ConnectionLostError:
    """What another answer than the upgrade means; names of `headers` are in lower case."""
    if status in {401, 403}:
        return ServiceRefusedError(f"{host} refused us (HTTP {status}): check OPENAI_API_KEY and WS_URL")
    if status == 404:  # noqa: PLR2004 - HTTP's own number
        return ServiceRefusedError(f"{host} has no Realtime service at this address (HTTP 404): check WS_URL")
    if status in range(300, 400):
        where = f"sends us to {_host(headers) or 'another address'} (HTTP {status})"
        return ConnectionLostError(f"{host} {where}, where we do not go: check WS_URL, or sign in to this network")
    return ConnectionLostError(f"{host} answered HTTP {status} instead of a WebSocket{_own_words(body)}")


def _host(headers: Mapping[str, str]) -> str:
    """The host that a redirect names; "" for none."""
    try:
        return printable(urlsplit(headers.get("location", "")).hostname or "")[:EXCERPT]
    except ValueError:
        return ""


def _own_words(body: bytes) -> str:
    """What a refusal says itself; "" for nothing, and for what is not meant for people."""
    text = printable(body[:EXCERPT].decode("utf-8", "replace")).strip()
    return f": {text}" if text and text[0] not in "<{" else ""


def closed(data: bytes) -> ServiceRefusedError | ConnectionLostError:
    """What the code and the reason of a close mean."""
    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None  # noqa: PLR2004 - the code is 2 bytes
    reason = data[2:].decode("utf-8", "replace")
    if remedy := REMEDIES.get(reason.rpartition(".")[2]):
        return ServiceRefusedError(remedy)
    text = f"the service closed the connection ({code or 'no code'}{': ' + reason if reason else ''})"
    if code in REFUSALS:
        return ServiceRefusedError(f"{text}: it will not serve this request")
    return ConnectionLostError(text)
