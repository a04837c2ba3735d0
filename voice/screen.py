"""A person's terminal: the conversation scrolls above, an input line and a status line stay below."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from textwrap import fill

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.patch_stdout import patch_stdout

from voice.effects import Notice, Partial, Shown, State, StateChanged, ToolUse, Turn
from voice.terminal import JOIN_TIMEOUT, OnLine, line, printable

MIN_COLUMNS = 10
"""A window may be pulled narrower, but words cannot be."""


class Screen:
    """The thread *terminal* reads keys and redraws; it may block on the keyboard only, and `stop` wakes it."""

    interactive = True

    def __init__(self) -> None:
        self._lock = threading.Lock()  # over _open and _early
        self._open: dict[str, Partial] = {}  # turns that go on
        self._early: list[Shown] | None = []  # what came before the screen was there
        self._state: State = "connecting"
        self._prompt: PromptSession[str] = PromptSession(
            message=self._above_input, bottom_toolbar=self._status, erase_when_done=True, enable_suspend=True
        )
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self, on_line: OnLine, on_end: Callable[[], None], on_quit: Callable[[], None]) -> None:  # noqa: D102
        del on_end  # Ctrl-D at a terminal is a wish to leave
        self._thread = threading.Thread(target=self._run, args=(on_line, on_quit), name="terminal", daemon=True)
        self._thread.start()

    def show(self, shown: object) -> None:  # noqa: D102
        if not isinstance(shown, Turn | ToolUse | Partial | Notice | StateChanged):
            return
        with self._lock:
            if self._early is not None:
                self._early.append(shown)
                return
        self._show(shown)

    def stop(self) -> None:  # noqa: D102
        self._stopping = True
        loop = self._prompt.app.loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended by itself meanwhile
                loop.call_soon_threadsafe(self._leave)
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT)

    def _leave(self) -> None:
        if self._prompt.app.is_running:
            self._prompt.app.exit(exception=EOFError)

    def _run(self, on_line: OnLine, on_quit: Callable[[], None]) -> None:
        with patch_stdout():
            with self._lock:
                early, self._early = self._early or [], None
            for shown in early:
                self._show(shown)
            with suppress(EOFError, KeyboardInterrupt):
                while not self._stopping:
                    text = self._prompt.prompt(handle_sigint=False)
                    if text.strip():
                        on_line(text)
        on_quit()

    def _show(self, shown: Shown) -> None:
        if isinstance(shown, Partial):
            with self._lock:
                self._open[shown.item_id] = shown
        elif isinstance(shown, StateChanged):
            self._state = shown.state
        elif isinstance(shown, Notice):
            self._print(f"-- {printable(shown.text)}")
        else:
            if isinstance(shown, Turn):
                with self._lock:
                    self._open = {key: turn for key, turn in self._open.items() if turn.role != shown.role}
            self._print(line(shown))
        self._prompt.app.invalidate()

    def _print(self, text: str) -> None:
        print(fill(text, self._columns, break_on_hyphens=False))  # noqa: T201 - patch_stdout puts it above the input

    @property
    def _columns(self) -> int:
        return max(self._prompt.app.output.get_size().columns, MIN_COLUMNS)

    def _above_input(self) -> FormattedText:
        with self._lock:
            texts = [f"{turn.role}: {printable(turn.text)}" for turn in self._open.values() if turn.text]
            turns = [fill(text, self._columns, break_on_hyphens=False) + "\n" for text in texts]
        return FormattedText([*(("italic", turn) for turn in turns), ("bold", "> ")])

    def _status(self) -> str:
        return f" {self._state}   Ctrl-C ends, /help tells what else"[: self._columns]
