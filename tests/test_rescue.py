"""The terminal is given back even by a thread that hangs in what it draws."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import pty
import termios
import tty

from voice import screen
from voice.screen import Screen
from voice.ui import window
from voice.ui.keys import POP
from voice.ui.rescue import RESET, rescuer


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """Have standard input and output be a terminal; gives its other end, and this one."""
    other, own = pty.openpty()
    with open(own, closefd=False) as stdin, open(own, "w", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        yield other, own
    os.close(own)
    os.close(other)


def test_it_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (other, own):
        before = termios.tcgetattr(own)
        rescue = rescuer()
        tty.setraw(own)
        assert termios.tcgetattr(own) != before
        rescue(POP)

        assert termios.tcgetattr(own) == before
        assert os.read(other, 1000).decode().replace("\r\r\n", "\r\n") == POP + RESET


def test_a_terminal_that_has_gone_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (_, own):
        rescue = rescuer()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, own)
        os.close(nothing)

        rescue("")


def test_a_thread_that_hangs_does_not_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs, on = threading.Event(), threading.Event()

    class Hanging:
        undo = POP

        def __init__(self, *_: object) -> None: ...

        def leave(self) -> None: ...

        def run(self, _: threading.Event) -> None:
            tty.setraw(sys.stdin.fileno())
            sys.stdout = sys.__stdout__
            hangs.set()
            on.wait()

    class Commands:
        def quit(self, error: Exception | None = None) -> None: ...

    monkeypatch.setattr(window, "Window", Hanging)
    monkeypatch.setattr(screen, "JOIN_TIMEOUT", 0.1)
    with terminal(monkeypatch) as (_, own):
        before, stdout = termios.tcgetattr(own), sys.stdout
        shown = Screen()
        shown.start(Commands())  # type: ignore[arg-type]
        assert hangs.wait(10)
        try:
            shown.stop()
            assert termios.tcgetattr(own) == before
            assert sys.stdout is stdout
        finally:
            on.set()
