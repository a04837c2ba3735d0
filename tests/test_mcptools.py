"""MCP servers that are real: child processes and HTTP on loopback, good ones and bad ones."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, EmbeddedResource, TextResourceContents

from tests.mcpserver import make_server
from tests.strict import parse_client
from voice.errors import SettingError
from voice.mcp import server as mcpserver
from voice.mcp import tools as mcptools
from voice.mcp.text import reason, result_text
from voice.mcp.tools import McpTools, _address, _labels, _names, _schema
from voice.tool import Tool
from voice.toolbox import Toolbox

SCRIPT = Path(__file__).with_name("mcpserver.py")
DEADLINE = 20.0
"""s for what takes a second when the machine has time."""


def command(kind: str) -> str:
    return f'"{sys.executable}" "{SCRIPT}" {kind}'


class Told:
    """What the user was told; may be waited for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.lines) >= count, DEADLINE), self.lines


@pytest.fixture
def told() -> Told:
    return Told()


Connect = Callable[..., Toolbox]


@pytest.fixture
def connect(told: Told) -> Iterator[Connect]:
    """Give a toolbox with the tools of these servers."""
    running: list[McpTools] = []

    def start(*servers: str, taken: tuple[str, ...] = (), ask: Callable[[str], None] | None = None) -> Toolbox:
        mcp = McpTools(servers, told)
        running.append(mcp)
        mcp.start()
        return Toolbox(mcp.tools(taken), ask)

    yield start
    for mcp in running:
        mcp.stop()
        assert not mcp._thread.is_alive()


def appears(path: Path) -> bool:
    """Whether a file is there before the deadline: the child has no other way to tell."""
    end = time.monotonic() + DEADLINE
    while not path.exists() and time.monotonic() < end:
        threading.Event().wait(0.01)
    return path.exists()


def names(toolbox: Toolbox) -> list[str]:
    return [definition["name"] for definition in toolbox.definitions]


# A child process ----------------------------------------------------------------------------------------------------


def test_the_tools_of_a_command(connect: Connect, told: Told) -> None:
    asked: list[str] = []
    toolbox = connect(command("good"), ask=asked.append)

    tools = list(toolbox.definitions)
    parse_client({"type": "session.update", "session": {"type": "realtime", "tools": tools}})
    assert tools[0]["name"] == "add"
    assert tools[0]["description"] == "Add two numbers."
    assert tools[0]["parameters"]["required"] == ["first"]
    assert toolbox.call("add", '{"first": 2}') == "3"
    assert toolbox.call("picture", "{}") == (
        "Here it is.\n(There is also an image file, image/png, which cannot be shown here.)"
    )
    assert json.loads(toolbox.call("point", "{}")) == {"x": 1, "y": 2}
    assert toolbox.call("odd_name_x", "{}") == "odd"
    assert "valid integer" in toolbox.call("add", '{"first": "one"}')
    assert "fail" in toolbox.call("fail", '{"why": "no luck"}')
    assert told.lines == []


def test_a_destructive_tool_waits_for_the_user(connect: Connect) -> None:
    asked: list[str] = []
    toolbox = connect(command("good"), ask=asked.append)

    assert "nothing has been done yet" in toolbox.call("destroy", '{"what": "it"}')
    toolbox.heard_user()

    assert toolbox.call("destroy", '{"what": "it"}') == "it is no more"
    assert asked == ["destroy waits for your yes: Shall I destroy (what: it)?"]


def test_what_a_server_writes_for_people_goes_to_the_log(
    connect: Connect, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    logged = Logged("mcp mcpserver: adding")
    logging.getLogger("voice.mcp.server").addHandler(logged)
    try:
        connect(command("good")).call("add", '{"first": 2}')
        assert logged.there.wait(DEADLINE)
    finally:
        logging.getLogger("voice.mcp.server").removeHandler(logged)
    assert capfd.readouterr() == ("", "")


class Logged(logging.Handler):
    """Tells when this has been logged."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.there = threading.Event()
        self._message = message

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._message:
            self.there.set()


def test_a_server_gets_the_environment_but_not_the_key(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SOMETHING", "of the user's")
    toolbox = connect(command("good"))

    assert toolbox.call("environment", '{"name": "SOMETHING"}') == "of the user's"
    assert toolbox.call("environment", '{"name": "OPENAI_API_KEY"}') == "nothing"


def test_a_server_that_dies_is_told_once_and_started_again(connect: Connect, told: Told) -> None:
    toolbox = connect(command("good"))

    assert toolbox.call("die", "{}") == "The server mcpserver is gone; whether die was done is not known."
    told.wait(1)
    assert toolbox.call("add", '{"first": 2}') == "3"
    assert told.lines == ["the MCP server mcpserver is gone; it is tried again when one of its tools is needed"]


def test_a_server_that_dies_between_calls_is_told_at_once(
    connect: Connect, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "once.py"
    script.write_text(
        "import os, sys, pathlib, threading\n"
        f"sys.path[:0] = [{str(SCRIPT.parent)!r}]\n"
        "from mcpserver import make_server\n"
        f"go = pathlib.Path({str(tmp_path / 'go')!r})\n"
        "def watch():\n"
        "    while not go.exists(): threading.Event().wait(0.01)\n"
        "    os._exit(1)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "make_server().run()\n"
    )
    toolbox = connect(f'"{sys.executable}" "{script}"')
    (tmp_path / "go").touch()
    told.wait(1)
    script.unlink()

    assert told.lines == ["the MCP server once is gone; it is tried again when one of its tools is needed"]
    assert toolbox.call("add", '{"first": 2}') == "The server once is gone: it closed the connection."
    assert len(told.lines) == 1


def test_a_call_that_is_called_off_is_called_off_at_the_server(connect: Connect, tmp_path: Path) -> None:
    toolbox, outputs = connect(command("good")), []
    started, called_off = tmp_path / "started", tmp_path / "called off"
    arguments = json.dumps({"started": str(started), "called_off": str(called_off)})
    thread = threading.Thread(target=lambda: outputs.append(toolbox.call("hang", arguments)))
    thread.start()
    assert appears(started)

    toolbox.cancel()
    thread.join(DEADLINE)

    assert outputs == ["hang was called off; it may have been done in part."]
    assert appears(called_off)
    assert toolbox.call("add", '{"first": 2}') == "3"


@pytest.fixture
def children() -> Callable[[], set[int]]:
    """The child processes that the test has started, and that still run."""
    if not Path("/proc/self/task").exists():
        pytest.skip("child processes are only found through /proc")

    def running() -> set[int]:
        pids = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        return {int(pid) for path in pids for pid in path.read_text().split()}

    before = running()
    return lambda: running() - before


def test_stopping_ends_a_call_and_a_stubborn_child(
    told: Told, children: Callable[[], set[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcptools, "STOP_TIMEOUT", DEADLINE)
    mcp = McpTools([command("stubborn")], told)
    mcp.start()
    toolbox, outputs = Toolbox(mcp.tools()), []
    started = tmp_path / "started"
    arguments = json.dumps({"started": str(started), "called_off": str(tmp_path / "off")})
    thread = threading.Thread(target=lambda: outputs.append(toolbox.call("hang", arguments)))
    thread.start()
    assert appears(started)
    (child,) = children()

    begin = time.monotonic()
    mcp.stop()
    took = time.monotonic() - begin
    thread.join(DEADLINE)

    assert took < 2  # the package by itself would give it 4 s
    assert not mcp._thread.is_alive()
    assert not Path(f"/proc/{child}").exists()
    assert outputs == ["The server mcpserver is gone; whether hang was done is not known."]
    assert toolbox.call("add", '{"first": 2}') == "The server mcpserver has been stopped."
    assert told.lines == []
    mcp.stop()


# Servers that are not what they should be ---------------------------------------------------------------------------


def test_a_server_without_tools_is_told(connect: Connect, told: Told) -> None:
    assert names(connect(command("empty"))) == []
    assert told.lines == ["the MCP server mcpserver has no tools"]


def test_a_server_that_prints_garbage_is_used_all_the_same(
    connect: Connect, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert connect(command("garbage")).call("add", '{"first": 2}') == "3"
    assert capfd.readouterr() == ("", "")


def test_a_server_that_ends_at_once_is_left_out(connect: Connect, told: Told) -> None:
    toolbox = connect(command("broken"), command("good"))

    assert told.lines == ["going on without the MCP server mcpserver: it closed the connection"]
    assert toolbox.call("add", '{"first": 2}') == "3"


def test_a_server_that_hangs_is_left_out(
    connect: Connect, told: Told, children: Callable[[], set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcpserver, "CONNECT_LIMIT", 0.5)

    assert names(connect(command("silent"))) == []
    assert told.lines == ["going on without the MCP server mcpserver: it did not answer within 0.5 s"]
    assert children() == set()


def test_stopping_does_not_wait_for_a_server_that_hangs(
    told: Told, children: Callable[[], set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcptools, "STOP_TIMEOUT", DEADLINE)
    mcp = McpTools([command("silent")], told)
    mcp.start()
    assert mcp._running.wait(DEADLINE)

    begin = time.monotonic()
    mcp.stop()

    assert time.monotonic() - begin < mcpserver.CONNECT_LIMIT / 2
    assert not mcp._thread.is_alive()
    assert told.lines == []
    assert children() == set()


def test_stopping_while_the_package_is_loaded_starts_nothing(
    told: Told, children: Callable[[], set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loading, loaded = threading.Event(), threading.Event()

    def load() -> None:
        loading.set()
        assert loaded.wait(DEADLINE)

    monkeypatch.setattr(mcptools, "_quieten", load)
    mcp = McpTools([command("silent")], told)
    mcp.start()
    assert loading.wait(DEADLINE)
    mcp.stop()  # does not wait
    loaded.set()
    mcp._thread.join(DEADLINE)

    assert not mcp._thread.is_alive()
    assert children() == set()


def test_stopping_what_was_never_started_is_nothing(told: Told) -> None:
    McpTools([], told).stop()


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ("no-such-program --token secret", "there is no program 'no-such-program'"),
        ("", "a command or a URL is missing"),
        ("'open", "the command is not complete"),
        ("https://", "has no host"),
        ("https://user:secret@host:port/mcp", "a port that is no number"),
    ],
)
def test_what_can_never_work_is_said_in_one_line(server: str, message: str, told: Told) -> None:
    with pytest.raises(SettingError) as caught:
        McpTools([server], told)

    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    monkeypatch.setattr(mcptools, "find_spec", lambda name: None)

    with pytest.raises(SettingError, match="pip install -r requirements-mcp.txt"):
        McpTools(["https://example.com"], told)
    McpTools([], told)


def test_a_package_that_does_not_work_is_said(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    monkeypatch.setitem(sys.modules, "voice.mcp.server", None)
    mcp = McpTools([command("good")], told)
    mcp.start()

    with pytest.raises(Exception, match="MCP cannot be used"):
        mcp.tools()
    mcp.stop()


# HTTP ---------------------------------------------------------------------------------------------------------------


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[int]:
    """Serve an application on loopback; gives its port."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
        listener.close()


def test_the_tools_of_a_url(connect: Connect, told: Told) -> None:
    with serving(make_server().streamable_http_app()) as port:
        toolbox = connect(f"http://127.0.0.1:{port}/mcp")

        assert toolbox.call("add", '{"first": 2}') == "3"
        assert told.lines == []


def test_an_older_server_is_spoken_to_as_it_wants(connect: Connect, told: Told) -> None:
    # In a process of its own, as the package's server leaves streams unclosed.
    with subprocess.Popen([sys.executable, SCRIPT, "older"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            toolbox = connect(f"http://127.0.0.1:{port}/sse")

            assert toolbox.call("add", '{"first": 2}') == "3"
            assert told.lines == []
        finally:
            server.kill()


def test_an_http_server_that_restarts_is_found_again(connect: Connect, told: Told) -> None:
    with serving(make_server().streamable_http_app()) as port:
        toolbox = connect(f"http://127.0.0.1:{port}/mcp")
    first = toolbox.call("add", '{"first": 2}')
    second = toolbox.call("add", '{"first": 2}')
    with serving(make_server().streamable_http_app(), port):
        third = toolbox.call("add", '{"first": 2}')

    assert first.startswith("The server 127.0.0.1 is gone; whether add was done")
    assert second.startswith("The server 127.0.0.1 is gone: ")
    assert third == "3"
    assert told.lines == ["the MCP server 127.0.0.1 is gone; it is tried again when one of its tools is needed"]


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_refusal_is_told_without_secrets(
    connect: Connect, told: Told, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"no"})

    with serving(refuse) as port:
        assert names(connect(f"http://me:secret@127.0.0.1:{port}/secret/mcp?key=secret")) == []

    assert told.lines[0].startswith("going on without the MCP server 127.0.0.1: ")
    assert "secret" not in told.lines[0]
    assert "secret" not in caplog.text
    assert len(told.lines) == 1


def test_a_server_that_is_not_there_is_told(connect: Connect, told: Told) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert names(connect(f"http://127.0.0.1:{port}/mcp")) == []
    assert told.lines[0].startswith("going on without the MCP server 127.0.0.1: ")


def test_a_server_that_dies_in_mid_call_is_told(connect: Connect, told: Told, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, SCRIPT, "http"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port, outputs = int(server.stdout.readline()), []
        try:
            toolbox = connect(f"http://127.0.0.1:{port}/mcp")
            started = tmp_path / "started"
            arguments = json.dumps({"started": str(started), "called_off": str(tmp_path / "off")})
            thread = threading.Thread(target=lambda: outputs.append(toolbox.call("hang", arguments)))
            thread.start()
            assert appears(started)
        finally:
            server.kill()
        thread.join(DEADLINE)

    assert outputs == ["The server 127.0.0.1 is gone; whether hang was done is not known."]
    assert len(told.lines) == 1


def test_a_mute_server_is_left_out_and_does_not_delay_the_end(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcpserver, "CONNECT_LIMIT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        mcp = McpTools([f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"], told)
        mcp.start()
        assert mcp.tools() == []
        mcp.stop()
        monkeypatch.setattr(mcpserver, "CONNECT_LIMIT", DEADLINE)
        monkeypatch.setattr(mcptools, "STOP_TIMEOUT", DEADLINE)
        mcp = McpTools([f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"], told)
        mcp.start()
        assert mcp._running.wait(DEADLINE)
        begin = time.monotonic()
        mcp.stop()

        assert time.monotonic() - begin < mcpserver.CONNECT_LIMIT / 2
        assert not mcp._thread.is_alive()
    assert told.lines == ["going on without the MCP server 127.0.0.1: it did not answer within 0.5 s"]


def test_http_goes_through_the_proxy_of_the_environment(
    connect: Connect, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def proxy() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    requests.append(client.recv(10_000))
                    client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=proxy, daemon=True)
        thread.start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        connect("http://me:secret@mcp.invalid/mcp")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(DEADLINE)

    assert requests[0].startswith(b"POST http://mcp.invalid/mcp HTTP/1.1\r\n")
    assert b"\r\nauthorization: basic " in requests[0].lower()
    assert told.lines[0].startswith("going on without the MCP server mcp.invalid: ")


def test_addresses_do_not_reach_the_log(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving(make_server().streamable_http_app()) as port:
        toolbox = connect(f"http://me:secret@127.0.0.1:{port}/mcp?key=secret")
        assert toolbox.call("add", '{"first": 2}') == "3"
        toolbox.call("fail", '{"why": "x"}')

    assert "secret" not in caplog.text


# Parts --------------------------------------------------------------------------------------------------------------


def test_names_are_made_to_differ() -> None:
    offered = [("a", "read"), ("b", "read"), ("b", "write.it"), ("b", "write_it"), ("c", "note"), ("c", "é" * 100)]

    assert _names(offered, {"note", "b_write_it"}) == [
        "a_read",
        "b_read",
        "b_write_it_2",
        "b_write_it_3",
        "c_note",
        "_" * 64,
    ]


def test_labels_hold_no_secret_and_differ() -> None:
    addresses: list[str | list[str]] = [
        ["/usr/bin/npx", "-y", "@scope/server-files", "/home"],
        ["uvx", "--key=secret", "KEY=secret", "server-files"],
        "https://me:secret@host.example/secret?key=secret",
        ["python3"],
    ]

    assert _labels(addresses) == ["server-files", "server-files-2", "host.example", "python3"]


def test_an_address_is_a_url_or_words() -> None:
    assert _address("https://host/mcp") == "https://host/mcp"
    assert _address(command("good")) == [sys.executable, str(SCRIPT), "good"]


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object", "$schema": "x", "anyOf": [], "title": "T"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {"anyOf": []}}, "required": ["a"]}, None),
        ({"type": "string", "properties": 3}, {"type": "object", "properties": {}}),
    ],
)
def test_schemas_are_cleaned(schema: dict[str, Any], cleaned: dict[str, Any] | None) -> None:
    assert _schema(schema) == (cleaned or schema | {"type": "object"})


def test_results_are_text() -> None:
    file = TextResourceContents(uri="file:///x", text="inside")

    assert result_text(CallToolResult(content=[EmbeddedResource(resource=file)])) == "inside"
    assert result_text(CallToolResult(content=[], structured_content={"a": "é"})) == '{"a": "é"}'
    assert result_text(CallToolResult(content=[])) == ""


def test_reasons_hold_no_address() -> None:
    error = ValueError("Redirect to https://me:secret@host:1/secret?key=secret\nnot followed.")

    assert reason(error) == "Redirect to https://host:1 not followed"
    assert reason(ValueError("Unknown scheme for proxy URL URL('socks4://me:secret@host')")) == (
        "Unknown scheme for proxy URL URL('socks4://host"
    )
    assert reason(Group(Group(OSError(2, "No such file")))) == "No such file"


class Group(Exception):  # noqa: N818 - as Python 3.11 has it built in
    """Exceptions that happened together."""

    def __init__(self, *exceptions: Exception) -> None:
        super().__init__("several")
        self.exceptions = exceptions


def test_no_server_is_imported_until_one_is_asked_for() -> None:
    code = "import sys, voice.mcp.tools; sys.exit('mcp' in sys.modules or 'httpx2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=DEADLINE).returncode == 0


def test_many_tools_are_cut_and_told(connect: Connect, told: Told) -> None:
    server = MCPServer("many")
    for number in range(mcptools.MAX_TOOLS):
        server.add_tool(lambda: "x", name=f"tool{number}", description="One of many.")
    with serving(server.streamable_http_app()) as port:
        toolbox = connect(f"http://127.0.0.1:{port}/mcp", taken=("get_time",))

    assert names(toolbox)[-1] == "tool126"
    assert told.lines == ["the MCP servers have 128 tools; only the first 127 can be used"]


def test_tools_are_ready_made(connect: Connect) -> None:
    toolbox = connect(command("good"))

    assert all(isinstance(tool, Tool) for tool in toolbox._tools.values())
    assert toolbox._tools["add"].time_limit == mcptools.TIME_LIMIT
