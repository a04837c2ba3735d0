"""Slash commands: what a typed line means that begins with a slash."""

from __future__ import annotations

from collections.abc import Callable

from voice.assistant import Assistant


class Commands:
    """Typed lines: a command is carried out, anything else is said; the terminal's thread."""

    def __init__(self, assistant: Assistant, *, in_turn: bool) -> None:
        """Lines are answered one after the other (`in_turn`), or each interrupts the answer to the one before."""
        self._assistant = assistant
        self._in_turn = in_turn
        self._commands: dict[str, tuple[str, Callable[[], None]]] = {
            "/help": ("what can be typed", self._help),
            "/interrupt": ("stop the answer", assistant.interrupt),
            "/quit": ("end", assistant.end),
        }

    def run(self, line: str) -> None:
        """Take one typed line."""
        text = line.strip()
        if not text:
            return
        if not text.startswith("/"):
            self._assistant.send_text(text, in_turn=self._in_turn)
        elif (command := self._commands.get(text.split()[0].lower())) is not None:
            command[1]()
        else:
            self._assistant.tell(f"there is no {text.split()[0]}; /help tells what there is")

    def _help(self) -> None:
        for name, (meaning, _) in self._commands.items():
            self._assistant.tell(f"{name}: {meaning}")
        self._assistant.tell("anything else is said to the assistant")
