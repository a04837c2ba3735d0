"""One MCP server: connected, its tools listed, called, seen to go, connected again when it is next needed.

All of this runs in the asyncio loop of `voice.mcp.tools`, which is the only module to import this one: what is
imported here takes a second, and is only there when it was installed for MCP.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client import Transport, stdio
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation, Tool
from typing_extensions import Self

from voice import VERSION
from voice.mcp.text import means_gone, reason, rejected, result_text
from voice.tool import Arguments, ToolError

log = logging.getLogger(__name__)

CONNECT_LIMIT = 20.0
"""s to start a server, greet it and list its tools: what a launcher such as npx takes for a package it has at hand."""
FAREWELL = 0.4
"""s at the end for an HTTP server to be told."""
MAX_LISTED = 1000
"""Tools that a server may list, so that a list without end does end; fewer are used."""
MAX_LOGGED = 1000
"""Characters of a line that a server wrote for people to read."""
SECRETS = ("OPENAI_API_KEY", "LOCAL_LLM_KEY")
"""Of our environment, what a server does not get."""

OURSELVES = Implementation(name="realtime", version=VERSION)

# A server that does not end when its input does: the package would wait 4 s, and the program is to be out within 2.
stdio.PROCESS_TERMINATION_TIMEOUT = 0.25
stdio.FORCE_KILL_TIMEOUT = 0.15


class Server:
    """A server and its connection, if there is one. The loop's thread only."""

    def __init__(self, label: str, address: str | list[str], tell: Callable[[str], None]) -> None:
        """Take the words of a command, or a URL; `tell` is given a line for the user and may not block."""
        self.label = label
        self.tools: list[Tool] = []
        self._address = address
        self._tell = tell
        self._client: Client | None = None
        self._scope: anyio.CancelScope | None = None  # of the connection, or of the attempt
        self._done = asyncio.Event()  # the connection is to end
        self._started = asyncio.Event()  # the process runs
        self._settled = asyncio.Event()  # the attempt has succeeded or failed
        self._holding: asyncio.Task[None] | None = None
        self._closed = False
        self._failure = ""

    async def connect(self) -> str:
        """Connect and list the tools, unless that is done; why it failed, or nothing."""
        if self._client is None and self._settled.is_set() and self._holding is not None:
            await asyncio.wait([self._holding])  # the last connection is still being cleared up
        if self._closed:
            return "the program ends"
        if self._holding is None or self._holding.done():
            self._started.clear()
            self._settled.clear()
            self._done.clear()
            self._failure = ""
            self._holding = asyncio.create_task(self._hold(), name=f"mcp {self.label}")
        await self._settled.wait()
        return self._failure

    async def call(self, name: str, arguments: Arguments) -> str:
        """Call a tool; its result as text.

        Raises:
            ToolError: it failed, or the server is gone; then the next call tries to connect again, once.

        """
        if self._client is None and (failure := await self.connect()):
            raise ToolError(f"The server {self.label} is gone: {failure}.")
        client = self._client
        if client is None:
            raise ToolError(f"The server {self.label} is gone.")
        try:
            result = await client.call_tool(name, arguments)
        except Exception as error:
            log.info("mcp %s: %s: %s: %s", self.label, name, type(error).__name__, reason(error))
            if means_gone(error):
                self._lose()
                raise ToolError(f"The server {self.label} is gone; whether {name} was done is not known.") from error
            raise ToolError(f"{name} failed: {reason(error)}.") from error
        text = result_text(result)
        if result.is_error:
            raise ToolError(text or f"{name} failed, and does not say why.")
        return text or "Done."

    async def close(self) -> None:
        """End the connection or the attempt, and the process; takes less than a second."""
        self._closed = True
        if self._holding is None:
            return
        with anyio.move_on_after(FAREWELL):
            await self._started.wait()  # a child that is called off while it is being started would stay
        if self._scope is not None:
            # An attempt has nobody to take leave of.
            self._scope.deadline = anyio.current_time() + (FAREWELL if self._client is not None else 0)
        self._done.set()
        await asyncio.wait([self._holding])

    # One connection -------------------------------------------------------------------------------------------------

    async def _hold(self) -> None:
        """Open the connection and hold it until it is to end; says why that fails, never raises."""
        try:
            await self._open()
        except Exception as error:  # noqa: BLE001 - it is told, and tracebacks hold whole addresses
            self._failure = reason(error)
            log.info("mcp %s: %s: %s", self.label, type(error).__name__, self._failure)
        finally:
            self._client = None
            self._started.set()
            self._settled.set()

    async def _open(self) -> None:
        """Talk; an HTTP server that rejects today's way of it may know the one before, whose failure is not told."""
        first: Exception | None = None
        for transport in self._transports():
            try:
                await self._talk(transport())
            except Exception as error:  # noqa: BLE001 - raised below
                first = first or error
                if self._settled.is_set() or not rejected(error):
                    break
            else:
                return
        if first is not None:
            raise first

    async def _talk(self, transport: Transport) -> None:
        if self._done.is_set():
            return
        # One scope around all: it must be left after the client, whose own are inside it.
        with anyio.CancelScope(deadline=anyio.current_time() + CONNECT_LIMIT) as scope:
            self._scope = scope
            async with Client(self._watched(transport), client_info=OURSELVES, cache=None) as client:
                self.tools = await self._list(client)
                scope.deadline = math.inf
                self._client = client
                self._settled.set()
                await self._done.wait()
                self._client = None
        if scope.cancelled_caught and not self._done.is_set():
            raise TimeoutError(f"it did not answer within {CONNECT_LIMIT:g} s")

    def _transports(self) -> list[Callable[[], Transport]]:
        address = self._address
        if isinstance(address, str):
            return [lambda: streamable_http_client(address), lambda: sse_client(address)]
        environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        parameters = StdioServerParameters(
            command=address[0], args=address[1:], env=environment, encoding_error_handler="replace"
        )
        return [lambda: _stdio(self.label, parameters)]

    @asynccontextmanager
    async def _watched(self, transport: Transport) -> AsyncGenerator[Any]:
        async with transport as (read, write):
            self._started.set()
            yield _Watched(read, self._lose), write

    async def _list(self, client: Client) -> list[Tool]:
        page = await client.list_tools()
        tools = page.tools
        while page.next_cursor and len(tools) < MAX_LISTED:
            page = await client.list_tools(cursor=page.next_cursor)
            tools = tools + page.tools
        return tools[:MAX_LISTED]

    def _lose(self) -> None:
        """The server has gone: say so once, and clear up."""
        if self._client is None or self._closed:
            return
        self._client = None
        if self._scope is not None:
            self._scope.deadline = anyio.current_time() + FAREWELL
        self._done.set()
        self._tell(f"the MCP server {self.label} is gone; it is tried again when one of its tools is needed")


class _Watched:
    """A transport's incoming stream that tells of its end."""

    def __init__(self, stream: Any, ended: Callable[[], None]) -> None:  # noqa: ANN401 - the package keeps the type to itself
        self._stream = stream
        self._ended = ended

    async def receive(self) -> Any:  # noqa: ANN401 - as above
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:  # noqa: ANN401 - as above
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._ended()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)


@asynccontextmanager
async def _stdio(label: str, parameters: StdioServerParameters) -> AsyncGenerator[Any]:
    """Start a child process; what it writes to stderr goes to the log."""
    reader, writer = os.pipe()
    errors = os.fdopen(writer, "w")
    logger = threading.Thread(target=_log_lines, args=(label, reader), name=f"mcp {label} stderr", daemon=True)
    logger.start()
    async with AsyncExitStack() as stack:
        with errors:  # ours is closed once the child has its own, so that the pipe ends with the child
            streams = await stack.enter_async_context(stdio_client(parameters, errors))
        yield streams


def _log_lines(label: str, reader: int) -> None:
    """Thread *mcp … stderr*: ends when the last process that holds the pipe does."""
    with os.fdopen(reader, encoding="utf-8", errors="replace") as lines:
        while line := lines.readline(MAX_LOGGED):
            log.info("mcp %s: %s", label, line.rstrip())
