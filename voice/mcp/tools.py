"""The tools of MCP servers: ``--mcp "COMMAND"`` starts one, ``--mcp URL`` calls one over HTTP.

One thread, *mcp*, runs an asyncio loop with all connections. It may block nowhere but in the loop, and `stop` wakes
that. A call of a tool waits on its own thread for the loop's answer, or until it is called off.

HTTP goes through the proxies that the environment names (``HTTPS_PROXY``, ``NO_PROXY`` ...).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shlex
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voice.errors import AssistantError, SettingError
from voice.signals import SIGNAL_INTERVAL
from voice.tool import MAX_NAME, Arguments, Cancel, Tool, ToolError, plain_question

if TYPE_CHECKING:
    import mcp.types

    from voice.mcp.server import Server

log = logging.getLogger(__name__)

TIME_LIMIT = 60.0
"""s for a call: the default of the official TypeScript package for MCP, which servers are made for."""
MAX_TOOLS = 128
"""In all: as many as OpenAI's other interfaces take."""
STOP_TIMEOUT = 1.0
"""s for all servers together to end."""
MAX_DESCRIPTION = 1024
"""Characters of a tool's description: what OpenAI's other interfaces take."""
LAUNCHERS = {"npx", "bunx", "uvx", "node", "python", "python3", "py"}
"""Programs that say nothing about the server that they start."""
SCHEMA_KEYS = {"type", "properties", "required", "additionalProperties", "description", "$defs", "definitions"}
"""What the service takes at the top of a function's parameters; it refuses anyOf and the like there."""


class McpTools:
    """The servers and their tools, from `start` to `stop`; one thread calls these, usually main."""

    def __init__(self, servers: Sequence[str], tell: Callable[[str], None]) -> None:
        """Take commands and URLs; `tell` is given lines for the user, from any thread, and may not block.

        Raises:
            SettingError: one can never work, or the package for MCP is not installed.

        """
        if servers and find_spec("mcp") is None:
            raise SettingError("--mcp needs a package that is not installed: pip install -r requirements-mcp.txt")
        self._tell = tell
        self._addresses = [_address(server) for server in servers]
        self._servers: list[Server] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()  # the loop is there, or will not be
        self._ready = threading.Event()  # every server has answered, or had its time
        self._abandoned = False
        self._broken: Exception | None = None
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="mcp", daemon=True)

    def start(self) -> None:
        """Begin to connect to all of them at once."""
        self._thread.start()

    def tools(self, taken: Collection[str] = ()) -> list[Tool]:
        """Wait until each has answered or had its time, and give their tools; no name is one of `taken`.

        What cannot be reached is told, and left out; so are the last ones of more than the service takes.

        Raises:
            AssistantError: the package for MCP does not work.

        """
        while not self._ready.wait(SIGNAL_INTERVAL):
            pass
        if self._broken is not None:
            raise AssistantError(f"MCP cannot be used: {self._broken}") from self._broken
        offered = [(server, tool) for server in self._servers for tool in server.tools]
        room = max(0, MAX_TOOLS - len(taken))
        if len(offered) > room:
            self._tell(f"the MCP servers have {len(offered)} tools; only the first {room} can be used")
            offered = offered[:room]
        names = _names([(server.label, tool.name) for server, tool in offered], set(taken))
        return [self._tool(name, *each) for name, each in zip(names, offered, strict=True)]

    def stop(self) -> None:
        """End all connections and child processes; takes a second at most. Once is enough, more do no harm."""
        if self._thread.ident is None:
            return
        self._abandoned = True
        if self._running.is_set():  # else the package is still being loaded, and nothing will come after that
            self._in_loop(self._stopped.set)
            self._thread.join(STOP_TIMEOUT)

    # Thread: mcp ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            from voice.mcp.server import Server  # noqa: PLC0415 - it takes a second, and a package that may not be there

            _quieten()
            labels = _labels(self._addresses)
            self._servers = [Server(*each, self._tell) for each in zip(labels, self._addresses, strict=True)]
            asyncio.run(self._serve())
        except Exception as error:
            log.exception("mcp")
            self._broken = error
        finally:
            self._running.set()
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running.set()
        if self._abandoned:
            return
        connecting = asyncio.gather(*map(self._introduce, self._servers))
        connecting.add_done_callback(lambda _: self._ready.set())
        await self._stopped.wait()
        await asyncio.gather(connecting, *(server.close() for server in self._servers))

    async def _introduce(self, server: Server) -> None:
        failure = await server.connect()
        if self._stopped.is_set():
            return
        if failure:
            self._tell(f"going on without the MCP server {server.label}: {failure}")
        elif not server.tools:
            self._tell(f"the MCP server {server.label} has no tools")

    # Calls: the thread of each --------------------------------------------------------------------------------------

    def _tool(self, name: str, server: Server, offer: mcp.types.Tool) -> Tool:
        hints = offer.annotations
        return Tool(
            definition={
                "type": "function",
                "name": name,
                "description": (offer.description or offer.title or offer.name)[:MAX_DESCRIPTION],
                "parameters": _schema(offer.input_schema),
            },
            run=partial(self._call, server, offer.name),
            question=partial(plain_question, name) if hints is not None and hints.destructive_hint else None,
            time_limit=TIME_LIMIT,
        )

    def _call(self, server: Server, name: str, arguments: Arguments, cancel: Cancel) -> str:
        coroutine = server.call(name, arguments)
        try:
            assert self._loop is not None  # noqa: S101 - it has listed this tool
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError as error:  # the loop is closed
            coroutine.close()
            raise ToolError(f"The server {server.label} has been stopped.") from error
        cancel.then(future.cancel)
        try:
            return future.result()
        except CancelledError as error:
            raise ToolError(f"{name} was called off; it may have been done in part.") from error

    def _in_loop(self, function: Callable[[], object]) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            log.debug("the loop has ended already")


def _quieten() -> None:
    """Keep whole addresses, which may hold a secret, out of the log: at lower levels libraries write them there."""
    for library in ("httpx2", "httpcore2", "mcp"):
        logging.getLogger(library).setLevel(logging.WARNING)


# Addresses and labels -----------------------------------------------------------------------------------------------


def _address(server: str) -> str | list[str]:
    """A URL as it is, a command as its words."""
    if server.startswith(("http://", "https://")):
        try:
            host = urlsplit(server).hostname and (urlsplit(server).port or True)
        except ValueError:  # whose text may hold a part of a password
            host = None
        if not host:
            raise SettingError("--mcp: the address of a server has no host, or a port that is no number")
        return server
    try:
        words = [word.strip('"') for word in shlex.split(server, posix=os.name != "nt")]
    except ValueError as error:
        raise SettingError(f"--mcp: the command is not complete: {error}") from error
    if not words:
        raise SettingError("--mcp: a command or a URL is missing")
    if shutil.which(words[0]) is None:
        raise SettingError(f"--mcp: there is no program {words[0]!r:.100}; is it installed, is its folder in PATH?")
    return words


def _labels(addresses: Sequence[str | list[str]]) -> list[str]:
    """What to call the servers: by host or program, never by what may hold a secret; each differently."""
    labels: list[str] = []
    for address in addresses:
        label = _label(address)
        labels.append(label if label not in labels else f"{label}-{len(labels) + 1}")
    return labels


def _label(address: str | list[str]) -> str:
    if isinstance(address, str):
        return urlsplit(address).hostname or ""
    program = Path(address[0]).stem
    if program not in LAUNCHERS:
        return program
    words = [word for word in address[1:] if not word.startswith("-") and "=" not in word]
    return Path(words[0]).stem if words else program


# What the service is told -------------------------------------------------------------------------------------------


def _names(offered: Sequence[tuple[str, str]], taken: set[str]) -> list[str]:
    """Names that the service takes, for pairs of server and tool: the tool's own unless that is ambiguous."""
    plain = [_name(tool) for _, tool in offered]
    count = Counter(plain)
    names: list[str] = []
    for name, (server, tool) in zip(plain, offered, strict=True):
        wanted = name if count[name] == 1 and name not in taken else _name(f"{server}_{tool}")
        numbered, number = wanted, 1
        while numbered in taken or numbered in names:
            number += 1
            numbered = f"{wanted[: MAX_NAME - 4]}_{number}"
        names.append(numbered)
    return names


def _name(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", text)[:MAX_NAME] or "_"


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {key: value for key, value in schema.items() if key in SCHEMA_KEYS}
    properties = cleaned.get("properties")
    return cleaned | {"type": "object", "properties": properties if isinstance(properties, dict) else {}}
