"""What `voice.screen` draws, by way of prompt_toolkit.

Finished lines are printed into the terminal's own scrollback. Below them is drawn, and drawn anew when something
changes: what goes on, the line that is typed, a menu that completes it, and the status.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress

from prompt_toolkit import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI, FormattedText
from prompt_toolkit.layout import (
    AnyContainer,
    BufferControl,
    CompletionsMenu,
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    VerticalAlign,
)
from prompt_toolkit.layout import Window as Pane
from prompt_toolkit.layout.processors import AfterInput, BeforeInput, ConditionalProcessor
from prompt_toolkit.patch_stdout import StdoutProxy
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

from voice.commands import Commands
from voice.shown import Notice
from voice.terminal import View
from voice.ui.bindings import Bindings
from voice.ui.display import FINISHED, Display, Displayed
from voice.ui.keyboard import open_keyboard
from voice.ui.reflow import erase
from voice.ui.rows import rows
from voice.ui.statusline import STYLES, Fragment, detail_line, status_line

MIN_COLUMNS = 10
"""A window may be pulled narrower, but words cannot be."""
POLL_SECONDS = 0.2
"""Between two looks at the status; a level meter needs no more."""
MENU_ROWS = 8
"""Of completions at a time."""
PROMPT = "> "
STYLE = Style.from_dict({"prompt": "bold", "hint": "ansibrightblack", **STYLES})


class Window:
    """The drawing and its loop; the thread *terminal*, but for `wake`, `leave` and `undo`."""

    def __init__(
        self,
        commands: Commands,
        view: View,
        shown: deque[Displayed],
        take_line: Callable[[str], None],
        suspend: Callable[[], None],
    ) -> None:
        """Draw what is put into `shown`; `take_line` gets each line that is typed, and does not block.

        `suspend` stops the program until it is to go on.
        """
        self._commands = commands
        self._view = view
        self._shown = shown
        self._take_line = take_line
        self._display = Display(view)
        self._status = commands.status
        self._unicode = "utf" in (sys.stdout.encoding or "").lower()
        source, output, self._keyboard = open_keyboard()
        self._size = output.get_size()
        self._buffer = Buffer(
            completer=ThreadedCompleter(_Completer(commands)),
            complete_while_typing=Condition(lambda: self._buffer.text.startswith("/")),
            accept_handler=self._accept,
            multiline=False,
        )
        by_hand = Condition(lambda: self._status.by_hand)
        enter = self._buffer.validate_and_handle
        self._bindings = Bindings(commands, self._buffer, self._keyboard, by_hand, enter, suspend)
        self._app: Application[None] = Application(
            layout=self._layout(),
            key_bindings=self._bindings.keys,
            style=STYLE,
            input=source,
            output=output,
            erase_when_done=True,
            terminal_size_polling_interval=None,  # see `_follow_size`
            before_render=lambda _: self._follow_size(),
        )

    def run(self, stopping: threading.Event) -> None:
        """Draw and read keys until `leave`, which may have come before; then print what is left."""

        def begin() -> None:
            self._app.create_background_task(self._watch())
            self._shown.appendleft(Notice(self._commands.greeting))
            self._take()
            if stopping.is_set():
                self.leave()

        # What tools print goes above the line as well, and remarks, unless they go to a file.
        with StdoutProxy() as out, redirect_stdout(out), redirect_stderr(out if sys.stderr.isatty() else sys.stderr):
            try:
                self._app.run(pre_run=begin, handle_sigint=False, set_exception_handler=False)
            finally:
                self._keyboard.want(wanted=False)
        self._print()

    def wake(self) -> None:
        """Look at `shown`; any thread."""
        self._call(self._take)

    def leave(self) -> None:
        """End `run`; any thread."""
        self._call(lambda: None if self._app.is_done else self._app.exit())

    @property
    def undo(self) -> str:
        """What to write to the terminal should `run` not end; any thread."""
        return self._keyboard.undo

    def _call(self, action: Callable[[], None]) -> None:
        loop = self._app.loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended by itself meanwhile
                loop.call_soon_threadsafe(action)

    # Input ----------------------------------------------------------------------------------------------------------

    def _accept(self, buffer: Buffer) -> bool:
        text = buffer.text.strip()
        if text:
            self._take_line(text)
        return False  # the line is emptied

    # Output ---------------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Show what there is: what is finished above, the rest below."""
        self._follow_size()
        if any(isinstance(shown, FINISHED) for shown in list(self._shown)):
            self._app.renderer.erase()
            self._print()
        else:
            self._take_lines()
        self._look()
        self._app.invalidate()

    def _print(self) -> None:
        wrapped = (row for line in self._take_lines() for row in rows(line, self._columns))
        self._app.print_text(ANSI("".join(f"{row}\n" for row in wrapped)))

    def _take_lines(self) -> list[str]:
        lines = []
        while self._shown:
            line = self._display.take(self._shown.popleft())
            if line is not None:
                lines.append(line)
        return lines

    async def _watch(self) -> None:
        """Redraw when the status has changed."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._follow_size()
            before = self._status_text()
            self._look()
            if self._status_text() != before:
                self._app.invalidate()

    def _follow_size(self) -> None:
        """Draw anew when the window's size has changed."""
        size = self._app.output.get_size()
        if size != self._size:
            self._size = size
            erase(self._app, size.columns)
            self._app.invalidate()

    def _look(self) -> None:
        self._status = self._commands.status
        self._keyboard.want(wanted=self._status.by_hand)

    # What is drawn --------------------------------------------------------------------------------------------------

    def _layout(self) -> Layout:
        search = SearchToolbar()
        hint = ConditionalProcessor(
            AfterInput(self._hint, style="class:hint"), Condition(lambda: not self._buffer.text)
        )
        line = Pane(
            BufferControl(
                self._buffer, [BeforeInput(PROMPT, "class:prompt"), hint], search_buffer_control=search.control
            ),
            wrap_lines=True,
            dont_extend_height=True,
        )
        going_on = Pane(FormattedTextControl(self._going_on), dont_extend_height=True)
        status = Pane(FormattedTextControl(self._status_text), dont_extend_height=True, height=Dimension(min=1))
        parts: list[AnyContainer] = [
            ConditionalContainer(going_on, Condition(lambda: bool(self._display.going_on))),
            line,
            search,
            Pane(height=self._menu_rows),  # room for the menu
            status,
        ]
        menu = Float(CompletionsMenu(max_height=MENU_ROWS), xcursor=True, ycursor=True)
        return Layout(FloatContainer(HSplit(parts, align=VerticalAlign.TOP), [menu]), line)

    def _menu_rows(self) -> int:
        menu = self._buffer.complete_state
        return min(len(menu.completions), MENU_ROWS) if menu else 0

    def _going_on(self) -> ANSI:
        wrapped = [row for line in self._display.going_on for row in rows(line, self._columns)]
        return ANSI("\n".join(wrapped[-max(self._size.rows // 2, 1) :]))

    def _hint(self) -> str:
        room = self._columns - len(PROMPT) - 1
        return next((hint for hint in self._bindings.hints if len(hint) <= room), "")

    def _status_text(self) -> FormattedText:
        text: list[Fragment] = status_line(self._status, self._columns, unicode=self._unicode)
        if self._view.details:
            text += [("", "\n"), *detail_line(self._status, self._columns)]
        return FormattedText(text)

    @property
    def _columns(self) -> int:
        return max(self._size.columns, MIN_COLUMNS)


class _Completer(Completer):
    """What commands know, as prompt_toolkit wants it."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Complete a command's name, or what follows it."""
        del complete_event
        text = document.text_before_cursor
        name, space, argument = text.partition(" ")
        for replacement, meaning in self._commands.complete(text):
            yield Completion(replacement, -len(argument if space else name), display_meta=meaning)
