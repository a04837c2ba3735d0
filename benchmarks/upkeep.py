"""What the running program needs, second by second: awake, while it speaks, asleep.

The real program on a virtual sound card talks to a scripted service on loopback by TLS. Bytes are those that the
service's system counted on that connection, TLS and WebSocket included, with the packets' headers of a usual network
added: loopback's packets are larger than any network's.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from benchmarks.process import Process
from tests.program import TOP
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import RATE, say

HEADERS = 52
"""Bytes of a packet before its content: IPv4 20, TCP 20, time stamps 12 (RFC 791, 9293, 7323); IPv6 has 20 more."""
MOST_CONTENT = 1448
"""Bytes behind them in a packet of 1500, Ethernet's."""
PACKETS_PER_ACKNOWLEDGEMENT = 2
"""RFC 9293: at least every second packet is acknowledged, by one without content."""
DELTA_MS = 100
"""Sound in one message of the scripted service; with longer ones the way down has some 1 % less."""
ANSWER = "the train to paris leaves at seven in the morning from the second platform and it is on time today "
"""Spoken and written down as often as it takes."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a second needs."""

    messages: float = 0
    """Sent."""
    up: float = 0
    """Bytes on the network, as is the next."""
    down: float = 0
    processor: float = 0
    """Seconds of it, all the program's processes."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the program needs by what it is doing."""

    listening: Need
    speaking: Need
    asleep: Need
    memory_mb: float


def measure(seconds: float) -> Upkeep:
    """Run the program for some five times as long."""
    with tempfile.TemporaryDirectory() as folder, SoundCard() as card, Service(tls=True) as service:
        env = os.environ | card.environment | {"HOME": folder, "SSL_CERT_FILE": str(service.certificate)}
        idle = f"{(seconds + 5) / 60}"
        options = ["--ws-url", service.url, "--data-dir", f"{folder}/data", "--idle-minutes", idle]
        command = [sys.executable, str(TOP / "realtime.py"), *options]
        with Process.running(command, env, Path(folder, "log")) as process:
            service.wait_for("input_audio_buffer.append", timeout=30)
            time.sleep(1)  # the first seconds are those of the start
            listening = _need(process, service, seconds)
            speaking = _need(process, service, seconds, lambda: _speak(service, seconds))
            memory_mb = process.memory_mb
            _wait_for_sleep(process, 2 * seconds + 20)
            return Upkeep(listening, speaking, _asleep(process, service, seconds), memory_mb)


def _need(process: Process, service: Service, seconds: float, work: Callable[[], object] = lambda: None) -> Need:
    tcp = service.connection().ws.socket
    messages, (up, down), cpu, began = len(service.received), _bytes(tcp), process.cpu_seconds, time.monotonic()
    work()
    time.sleep(began + seconds - time.monotonic())
    passed = time.monotonic() - began
    messages = len(service.received) - messages
    up, down = (now - then for now, then in zip(_bytes(tcp), (up, down), strict=True))
    sent, got = max(messages, ceil(up / MOST_CONTENT)), ceil(down / MOST_CONTENT)
    up += HEADERS * (sent + got // PACKETS_PER_ACKNOWLEDGEMENT)
    down += HEADERS * (got + sent // PACKETS_PER_ACKNOWLEDGEMENT)
    return Need(messages / passed, up / passed, down / passed, (process.cpu_seconds - cpu) / passed)


def _bytes(tcp: socket.socket) -> tuple[int, int]:
    """What came in and went out so far: tcpi_bytes_received and tcpi_bytes_sent of Linux's struct tcp_info."""
    info = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("Q", info, 128)[0], struct.unpack_from("Q", info, 200)[0]


def _speak(service: Service, seconds: float) -> None:
    sound = say(ANSWER)
    times = ceil(seconds * RATE * 2 / len(sound))
    service.say((sound * times)[: round(seconds * RATE) * 2], ANSWER * times, chunk_ms=DELTA_MS)


def _wait_for_sleep(process: Process, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while "asleep" not in process.last_words():
        assert time.monotonic() < deadline, process.last_words()
        time.sleep(0.1)


def _asleep(process: Process, service: Service, seconds: float) -> Need:
    time.sleep(2)  # what wakes it is loaded, and the connection is closed
    messages, cpu = len(service.received), process.cpu_seconds
    time.sleep(seconds)
    assert len(service.received) == messages, "it sends in its sleep"
    return Need(processor=(process.cpu_seconds - cpu) / seconds)
