"""Real proxies on loopback: microsocks and tinyproxy of Debian; a test is skipped where they are not installed.

And one of the tests' own, which leads astray.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    """Give a port of 127.0.0.1 where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def microsocks(*options: str) -> Iterator[int]:
    """Run a SOCKS5 proxy with these options; gives its port."""
    port = free_port()
    with _proxy(["microsocks", "-i", "127.0.0.1", "-p", str(port), *options], port):
        yield port


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[int]:
    """Run an HTTP proxy with these lines in its settings, which are put into `folder`; gives its port."""
    port = free_port()
    settings = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1", *lines]
    (folder / "tinyproxy.conf").write_text("\n".join(settings) + "\n")
    with _proxy(["tinyproxy", "-d", "-c", str(folder / "tinyproxy.conf")], port):
        yield port


@contextmanager
def _proxy(command: list[str], port: int) -> Iterator[None]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the proxy does not start"
        else:
            return


@contextmanager
def leading_to(port: int) -> Iterator[int]:
    """Run an HTTP proxy that connects everybody with this port of 127.0.0.1, whatever was asked for; gives its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_lead, args=(server, port), name="proxy", daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _lead(server: socket.socket, port: int) -> None:
    try:
        while True:
            client, _ = server.accept()
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += client.recv(4096)
            peer = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for one, other in ((client, peer), (peer, client)):
                threading.Thread(target=_pass_on, args=(one, other), name="proxy", daemon=True).start()
    except OSError:  # the end
        return


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with one:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:  # the other direction has ended
            return
