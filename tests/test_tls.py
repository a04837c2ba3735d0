"""TLS that two threads use at once: nothing is lost, and no end is seen where there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import certificate
from tests.encrypted import DuplexSocket

CONNECTIONS = 50
MESSAGES = 300
MESSAGE = bytes(range(100))


@contextmanager
def talkative(folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server that says `MESSAGES` while it hears as many, then how they were; gives its port and who trusts it."""
    path, context = certificate.make(folder)
    loop = asyncio.new_event_loop()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speaking = asyncio.create_task(_speak(writer))
        heard = await reader.readexactly(MESSAGES * len(MESSAGE))
        await speaking
        writer.write(b"all" if heard == MESSAGE * MESSAGES else b"not")
        writer.close()
        await writer.wait_closed()

    server = loop.run_until_complete(asyncio.start_server(talk, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, name="talkative")
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], ssl.create_default_context(cafile=path)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()


async def _speak(writer: asyncio.StreamWriter) -> None:
    for _ in range(MESSAGES):
        writer.write(MESSAGE)
        await writer.drain()
        await asyncio.sleep(0)


@contextmanager
def connected(port: int, context: ssl.SSLContext) -> Iterator[DuplexSocket]:
    with (
        socket.create_connection(("127.0.0.1", port), 10) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as encrypted,
    ):
        yield DuplexSocket(encrypted)


def test_one_thread_reads_while_another_writes(tmp_path: Path) -> None:
    """What Python itself makes of this crashes, or sees an end."""
    with talkative(tmp_path) as (port, context), ThreadPoolExecutor(2) as threads:
        for _ in range(CONNECTIONS):
            with connected(port, context) as both:
                together = threading.Barrier(2)
                heard = threads.submit(_read, both, together)
                threads.submit(_write, both, together).result()

                assert heard.result() == MESSAGE * MESSAGES + b"all"


def _read(source: DuplexSocket, together: threading.Barrier) -> bytes:
    together.wait()
    heard = b""
    while data := source.recv(4096):
        heard += data
    return heard


def _write(target: DuplexSocket, together: threading.Barrier) -> None:
    together.wait()
    for _ in range(MESSAGES):
        target.sendall(MESSAGE)


def test_a_peer_that_says_nothing_is_waited_for_as_long_as_was_said(tmp_path: Path) -> None:
    with talkative(tmp_path) as (port, context), connected(port, context) as both:
        heard = 0
        while heard < MESSAGES * len(MESSAGE):
            heard += len(both.recv(4096))
        both.settimeout(0.05)
        with pytest.raises(TimeoutError):
            both.recv(4096)
        both.shutdown(socket.SHUT_RDWR)
        assert not both.recv(4096)


def test_closing_it_in_another_thread_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one of the program, whenever it happens."""
    with (
        talkative(tmp_path) as (port, context),
        socket.create_connection(("127.0.0.1", port), 10) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as encrypted,
    ):
        both = DuplexSocket(encrypted)

        def wait(size: int) -> bytes:
            encrypted.close()  # meanwhile
            raise ssl.SSLWantReadError

        with monkeypatch.context() as patched:
            patched.setattr(encrypted, "recv", wait)
            with pytest.raises(OSError, match="closed by another thread"):
                both.recv(1)
        both.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            both.recv(1)
