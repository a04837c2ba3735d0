"""An MCP server as a child process: `python mcpserver.py KIND`."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import anyio
import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel
from starlette.applications import Starlette


class Point(BaseModel):
    """Something with a shape."""

    x: int
    y: int


def leave_sign(path: str) -> None:
    """Make an empty file."""
    Path(path).touch()


def make_server() -> MCPServer:
    """A server with tools of every kind."""
    server = MCPServer("tests")

    @server.tool()
    def add(first: int, second: int = 1) -> str:
        """Add two numbers."""
        sys.stderr.write("adding\n")
        return str(first + second)

    @server.tool()
    def fail(why: str) -> str:
        """Fail."""
        raise ValueError(why)

    @server.tool()
    def picture() -> list[str | Image]:
        """Give a picture."""
        return ["Here it is.", Image(data=b"png", format="png")]

    @server.tool()
    def point() -> Point:
        """Give a point."""
        return Point(x=1, y=2)

    @server.tool(name="odd.name/x")
    def odd() -> str:
        """Have a name that the service does not take."""
        return "odd"

    @server.tool(annotations=ToolAnnotations(destructive_hint=True))
    def destroy(what: str) -> str:
        """Destroy something."""
        return f"{what} is no more"

    @server.tool()
    def environment(name: str) -> str:
        """Tell a value."""
        return os.environ.get(name, "nothing")

    @server.tool()
    def die() -> str:
        """End at once."""
        os._exit(3)

    @server.tool()
    async def hang(started: str, called_off: str) -> str:
        """Hang until called off; leaves files as signs."""
        leave_sign(started)
        try:
            await anyio.sleep(60)
        finally:
            leave_sign(called_off)
        return "done"

    return server


def serve(app: Starlette) -> None:
    """Serve on loopback; the first line of stdout is the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none")).run([listener])


def main(kind: str) -> None:
    """Be a server of that kind."""
    if kind == "good":
        make_server().run()
    elif kind == "empty":
        MCPServer("empty").run()
    elif kind == "garbage":
        sys.stdout.write("Welcome! This is no JSON.\n{]\n\x1b[31m\n")
        sys.stdout.flush()
        make_server().run()
    elif kind == "silent":
        sys.stdin.read()
    elif kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        make_server().run()
        while True:
            time.sleep(1)
    elif kind == "http":
        serve(make_server().streamable_http_app())
    elif kind == "older":
        serve(make_server().sse_app())
    elif kind == "broken":
        sys.stderr.write("no such file\n")
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
