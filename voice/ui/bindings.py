"""Which key does what. In push to talk the first key of a line may be a command, unless ENTER has begun the line."""

from __future__ import annotations

import signal
from collections.abc import Callable

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_completions, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from voice.commands import Commands
from voice.ui.keys import Keyboard

TYPES = ("type a message, or /help", "type, or /help")
"""What the keys do while the line is empty; the first hint that fits is shown."""
TALKS = ("SPACE talks, M mutes, C cancels, Q quits, ENTER begins a line", "SPACE talks")
HOLDS = ("hold SPACE to talk, M mutes, C cancels, Q quits, ENTER begins a line", "hold SPACE")
BEGUN = ("type a message, or /help; ESC for the keys of push to talk", *TYPES)


class Bindings:
    """The keys, and whether the next one is a command; the thread *terminal*."""

    def __init__(
        self,
        commands: Commands,
        buffer: Buffer,
        keyboard: Keyboard,
        by_hand: Callable[[], bool],
        enter: Callable[[], None],
        suspend: Callable[[], None],
    ) -> None:
        """Bind them for the line in `buffer`; `enter` takes a line that is finished, `suspend` stops the program."""
        self._commands = commands
        self._buffer = buffer
        self._keyboard = keyboard
        self._by_hand = by_hand
        self._enter = enter
        self._suspend = suspend
        self._begun = False  # the user wants to type, whatever the first key is
        self.keys = KeyBindings()
        self._bind_typing()
        self._bind_talking()
        buffer.on_text_changed += lambda _: commands.stir()

    @property
    def hints(self) -> tuple[str, ...]:
        """What the keys do now, the most telling first."""
        if not self._by_hand():
            return TYPES
        if self._begun:
            return BEGUN
        return HOLDS if self._keyboard.releases else TALKS

    def _bind_typing(self) -> None:
        add, empty = self.keys.add, Condition(lambda: not self._buffer.text)

        @add("enter", filter=~is_searching)
        def _(_: KeyPressEvent) -> None:
            self._commands.stir()
            self._begun = not self._buffer.text.strip() and not self._begun
            self._enter()

        @add("escape", "enter")
        def _(_: KeyPressEvent) -> None:
            self._buffer.insert_text("\n")

        @add("escape", filter=empty)
        def _(_: KeyPressEvent) -> None:
            self._begun = False

        @add("tab", filter=~has_completions)
        def _(_: KeyPressEvent) -> None:
            self._buffer.start_completion(insert_common_part=True)

        @add("c-c")
        @add("<sigint>")
        @add("c-d", filter=empty)
        def _(_: KeyPressEvent) -> None:
            self._commands.quit()

        @add("c-z", filter=Condition(lambda: hasattr(signal, "SIGTSTP")))
        def _(_: KeyPressEvent) -> None:
            run_in_terminal(self._leave_for_a_while)

    def _bind_talking(self) -> None:
        add = self.keys.add
        commanding = Condition(lambda: self._by_hand() and not self._buffer.text and not self._begun)

        @add(" ", filter=commanding)
        def _(_: KeyPressEvent) -> None:
            self._commands.press_talk(held=self._keyboard.releases)  # a key that is held repeats itself

        @add(Keys.F24)
        def _(_: KeyPressEvent) -> None:
            self._commands.talk.end()

        for key, action in (("m", self._commands.mute), ("c", self._commands.interrupt), ("q", self._commands.quit)):
            for each in (key, key.upper()):
                add(each, filter=commanding)(lambda _, action=action: action())

    def _leave_for_a_while(self) -> None:
        """Stop until the shell's fg; the terminal has been given back meanwhile."""
        with self._keyboard.given_back():
            self._suspend()
