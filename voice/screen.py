"""A person's terminal: the conversation scrolls above, an input line and a status line stay below.

The thread *terminal* is `voice.ui.window`'s: it reads keys and draws, and may block on the keyboard only, where `stop`
wakes it.
The thread *commands* carries out what is typed, and may block in that; it is left behind at the end.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from voice.errors import AssistantError
from voice.signals import suspender
from voice.terminal import JOIN_TIMEOUT, Reply, View
from voice.ui.display import Displayed
from voice.ui.rescue import rescuer

if TYPE_CHECKING:  # prompt_toolkit is loaded when the conversation has begun
    from voice.commands import Commands
    from voice.ui.window import Window

log = logging.getLogger(__name__)


class Screen:
    """The two threads, and what is to be shown."""

    interactive = True

    def __init__(self) -> None:
        self.view = View()
        self._shown: deque[Displayed] = deque()
        self._typed: SimpleQueue[str] = SimpleQueue()
        self._window: Window | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._rescue: Callable[[str], None] = lambda _: None

    def start(self, commands: Commands) -> None:  # noqa: D102
        threading.Thread(target=self._carry_out, args=(commands,), name="commands", daemon=True).start()
        self._rescue = rescuer()
        arguments = (commands, suspender())
        self._thread = threading.Thread(target=self._run, args=arguments, name="terminal", daemon=True)
        self._thread.start()

    def show(self, shown: object) -> None:  # noqa: D102
        if isinstance(shown, Displayed):
            self._shown.append(shown)
            if self._window is not None:
                self._window.wake()

    def stop(self) -> None:  # noqa: D102
        self._stopping.set()
        if self._window is not None:
            self._window.leave()
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT)
            if self._thread.is_alive():
                self._rescue(self._window.undo if self._window is not None else "")

    def _run(self, commands: Commands, suspend: Callable[[], None]) -> None:
        try:
            from voice.ui.window import Window  # noqa: PLC0415 - the first sound need not wait for it

            self._window = Window(commands, self.view, self._shown, self._typed.put, suspend)
            self._window.run(self._stopping)
        except OSError:  # the terminal has gone
            commands.quit()
        except Exception as error:
            log.exception("terminal")
            commands.quit(AssistantError(f"this is a bug in the program: {error!r}"))
        else:
            commands.quit()

    def _carry_out(self, commands: Commands) -> None:
        while True:
            line = self._typed.get()
            if line.startswith("/"):
                self.show(Reply(f"> {line}"))
            commands.run(line)
