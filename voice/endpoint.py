"""Where to connect, through which proxy, and what to show there; pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from voice.config import Config
from voice.errors import SettingError

USUAL_PORTS = {"http": 8080, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
"""Of a proxy, by its scheme."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, taken apart."""

    source: str
    """Name of the setting."""
    scheme: str
    host: str
    port: int
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        """Without user and password."""
        return f"{self.scheme}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect and what to show there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: Proxy | None = None
    beta: bool = False
    """Whether the old dialect is spoken there."""


def endpoint(config: Config, url: str, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Address, headers and proxy for `url`, as the settings and the environment's proxies say.

    Raises:
        SettingError: the key cannot be one, or the proxy's address is none; neither is shown.

    """
    key = config.openai_api_key
    if not (key.isascii() and key.isprintable()):
        raise SettingError("OPENAI_API_KEY has a character that no key has, such as a line break: copy it once more")
    parts = urlsplit(url)
    model = "" if "model" in parse_qs(parts.query) else f"model={quote(config.model, safe='')}"
    query = "&".join(filter(None, (parts.query, model)))
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if config.dialect == "beta":
        headers["OpenAI-Beta"] = "realtime=v1"
    source, proxy_url = ("PROXY_URL", config.proxy_url) if config.proxy_url else _environment_proxy(parts, environment)
    proxy = parse_proxy(proxy_url, source) if proxy_url else None
    return Endpoint(parts._replace(query=query).geturl(), headers, proxy, config.dialect == "beta")


def _environment_proxy(parts: SplitResult, environment: Mapping[str, str]) -> tuple[str, str]:
    """Name and value of ALL_PROXY or HTTPS_PROXY, unless NO_PROXY names the host or it is this computer."""
    host = parts.hostname or ""
    settings = {name.lower(): (name, value.strip()) for name, value in environment.items()}
    _, bypassed = settings.get("no_proxy", ("", ""))
    if host in {"localhost", "127.0.0.1", "::1"} or proxy_bypass_environment(host, {"no": bypassed}):
        return "", ""
    for wanted in ("https_proxy" if parts.scheme == "wss" else "http_proxy", "all_proxy"):
        name, url = settings.get(wanted, ("", ""))
        if url:
            return name, url if "://" in url else f"http://{url}"
    return "", ""


def parse_proxy(url: str, source: str) -> Proxy:
    """Take a proxy's address apart, which is the value of `source`.

    Raises:
        SettingError: it is none that can be used; it is not shown, for it may hold a password.

    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # whose text may hold a part of the password
        host = port = None
    if not host or port == 0 or set("/?#") & set(url.partition("://")[2].rstrip("/")):
        raise SettingError(
            f"{source} is no address: write http://host:port or socks5h://user:password@host:port, with % for a"
            " password's @ : / # ?"
        )
    if parts.scheme == "https":
        raise SettingError(f"{source}: a proxy that is reached by TLS cannot be used; most take http:// as well")
    if parts.scheme not in USUAL_PORTS:
        raise SettingError(f"{source}: a proxy is reached by {', '.join(f'{name}://' for name in USUAL_PORTS)}")
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Proxy(source, parts.scheme, host, port or USUAL_PORTS[parts.scheme], user, password)
