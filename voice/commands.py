"""Slash commands: what a typed line means that begins with a slash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from voice import reports
from voice.assistant import Assistant
from voice.config import MODES, VOICES
from voice.errors import AssistantError, SettingError
from voice.status import Status
from voice.storage import make_folder
from voice.talk import Talk
from voice.terminal import Reply, Terminal
from voice.text import printable

log = logging.getLogger(__name__)

AT_ONCE = frozenset({"/interrupt", "/mute", "/pause", "/resume", "/talk", "/status", "/help"})
"""Commands about what happens just now."""
PATIENCE = 120.0
"""s that a command in a file waits for the answers to the lines before it."""
NO_MICROPHONE = "there is no microphone to talk into"
MAX_TALK = 600.0
"""s. Nobody talks for longer, and it all would have to be paid for."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and what it may be followed by."""

    meaning: str
    run: Callable[[str], None]
    """Gets what follows the name; raises AssistantError."""
    argument: str = ""
    """As in ``[NAME]``; empty when nothing may follow."""
    choices: Callable[[], Iterable[str]] = tuple
    """What may follow, as far as it is known."""


class Commands:
    """Typed lines: a command is carried out, anything else is said.

    `run` may block, until the answer is complete at most, and is for one thread; all else is for any thread, and does
    not block.
    """

    def __init__(self, assistant: Assistant, terminal: Terminal) -> None:
        """Answer on `terminal`. A person's line interrupts; those of a file or a program wait for the answer."""
        self._assistant = assistant
        self._view = terminal.view
        self._show = terminal.show
        self._interactive = terminal.interactive
        self.talk = Talk(assistant)
        """The turn that is begun and ended by hand."""
        self._commands = self._table()
        self._asked = False  # something that may not have been answered yet

    def _table(self) -> dict[str, Command]:
        assistant, config = self._assistant, self._assistant.config
        return {
            "/help": Command("what can be typed", self._help),
            "/quit": Command("end", lambda _: self.quit()),
            "/restart": Command("begin a new conversation", self._restart),
            "/pause": Command("stop listening", lambda _: self._mute(muted=True)),
            "/resume": Command("listen again", lambda _: self._mute(muted=False)),
            "/interrupt": Command("stop the answer", lambda _: assistant.interrupt()),
            "/mute": Command("stop listening, or listen again", lambda _: self.mute()),
            "/status": Command("more about sound and connection, or less", self._status),
            "/timestamps": Command("the time before each turn, or none", self._timestamps),
            "/compact": Command("hide the calls of tools, or show them", self._compact),
            "/history": Command(
                "what was said, now or in an older conversation",
                lambda which: self._reply(reports.history(assistant, which)),
                "[ID]",
                lambda: reports.conversation_ids(config),
            ),
            "/save": Command("write the conversation to a file", self._save, "[PATH]"),
            "/notes": Command(
                "which notes there are, or one of them",
                lambda name: self._reply(reports.notes(config, name)),
                "[NAME]",
                lambda: reports.note_titles(config),
            ),
            "/tools": Command("what the assistant can do", lambda _: self._reply(reports.tools(assistant))),
            "/voice": Command("which voice speaks, or another one", self._voice, "[NAME]", lambda: VOICES),
            "/devices": Command("microphone and loudspeaker", lambda _: self._reply(reports.devices(assistant))),
            "/cost": Command("what was spent so far", self._cost),
            "/record": Command("record both voices, or stop", self._record),
            "/talk": Command("push to talk: begin or end a turn, or talk for a time", self._talk, "[SECONDS]"),
            "/mode": Command("who tells when your turn ends", self._mode, "[NAME]", lambda: MODES),
        }

    # What the terminal asks and tells -------------------------------------------------------------------------------

    def run(self, line: str) -> None:
        """Take one typed line."""
        text = line.strip()
        name, _, argument = text.partition(" ")
        try:
            if text.startswith("/"):
                self._wait_for_answers(name)
                self._carry_out(name, argument.strip())
            elif text:
                self._asked = True
                self._assistant.send_text(text, in_turn=not self._interactive)
        except AssistantError as error:
            self._reply([str(error)])
        except Exception as error:
            log.exception("command")
            self._reply([f"that failed, which is a bug in the program: {error!r}"])

    def _wait_for_answers(self, name: str) -> None:
        """In a file each line is about what the lines before it came to, but for what is about the moment."""
        if self._asked and not self._interactive and name.lower() not in AT_ONCE:
            self._assistant.wait_until_idle(PATIENCE)
            self._asked = False

    def complete(self, text: str) -> list[tuple[str, str]]:
        """Tell how a line may go on: what would replace its last word, and what that means."""
        name, space, argument = text.partition(" ")
        if not text.startswith("/"):
            return []
        if not space:
            found = [(known, c) for known, c in self._commands.items() if known.startswith(name.lower())]
            return [(f"{known} " if c.argument else known, c.meaning) for known, c in found]
        command = self._commands.get(name.lower())
        choices = command.choices() if command else ()
        return [(choice, "") for choice in choices if choice.casefold().startswith(argument.casefold())]

    @property
    def greeting(self) -> str:
        """What a person is told first."""
        return reports.greeting(self._assistant)

    @property
    def status(self) -> Status:
        """How things stand."""
        return self._assistant.status

    def press_talk(self, *, held: bool) -> None:
        """Begin a turn by hand; a key that is not `held` ends it as well."""
        if not self._assistant.hears:
            self._reply([NO_MICROPHONE])
        elif held:
            self.talk.begin()
        else:
            self.talk.toggle()

    def stir(self) -> None:
        """Note that the user is there: a conversation that sleeps goes on."""
        self._assistant.stir()

    def mute(self) -> None:
        """Stop listening, or listen again."""
        self._mute(muted=not self.status.muted)

    def interrupt(self) -> None:
        """Stop the answer."""
        self._assistant.interrupt()

    def quit(self, error: AssistantError | None = None) -> None:
        """End, for this reason if it is not the user's will."""
        self._assistant.end(error)

    def no_more(self) -> None:
        """Take it that nothing more will be typed; without a microphone that is the end, after the last answer."""
        if not self._assistant.hears:
            self._assistant.end_when_idle()

    # The commands ---------------------------------------------------------------------------------------------------

    def _carry_out(self, name: str, argument: str) -> None:
        command = self._commands.get(name.lower())
        if command is None:
            close = get_close_matches(name.lower(), self._commands, n=1)
            raise SettingError(f"there is no {name[:40]}; {f'is it {close[0]}?' if close else '/help tells all'}")
        if argument and not command.argument:
            raise SettingError(f"{name} takes nothing more")
        command.run(argument)

    def _reply(self, lines: Iterable[str]) -> None:
        for text in lines:
            self._show(Reply(text))

    def _help(self, _: str) -> None:
        rows = [(f"{name} {c.argument}".rstrip(), c.meaning) for name, c in self._commands.items()]
        self._reply(reports.table(rows))
        self._reply(["anything else is said to the assistant"])

    def _restart(self, _: str) -> None:
        self.talk.end()
        self._assistant.restart()
        self._reply(["a new conversation begins"])

    def _mute(self, *, muted: bool) -> None:
        self._assistant.mute(muted=muted)
        if not self._interactive:
            self._reply(["not listening; /resume listens again" if muted else "listening"])

    def _status(self, _: str) -> None:
        if self._interactive:
            self._view.details = not self._view.details
        else:
            self._reply(reports.status(self.status))

    def _timestamps(self, _: str) -> None:
        self._view.timestamps = not self._view.timestamps
        self._reply([f"the time is {'shown' if self._view.timestamps else 'not shown'} from now on"])

    def _compact(self, _: str) -> None:
        self._view.compact = not self._view.compact
        self._reply([f"calls of tools are {'hidden' if self._view.compact else 'shown'} from now on"])

    def _save(self, path: str) -> None:
        name = f"conversation-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}.md"
        where = Path(path) if path else self._assistant.config.data_dir / name
        if not path:
            with suppress(OSError):  # what is wrong is told in a moment
                make_folder(where.parent)
        self._assistant.save(str(where))
        self._reply([f"saved in {printable(str(where.expanduser().absolute()))}"])

    def _voice(self, name: str) -> None:
        config = self._assistant.config
        if not name:
            self._reply([f"the voice is {config.voice}; /voice NAME takes another: {', '.join(VOICES)}"])
        elif config.is_openai and name not in VOICES:  # which would end the conversation
            raise SettingError(f"there is no voice {name[:40]}; there are {', '.join(VOICES)}")
        else:
            self._assistant.change_voice(name)
            self._reply([f"the voice is {name} from now on"])

    def _cost(self, _: str) -> None:
        self._reply(reports.cost(self.status, self._assistant.config))

    def _record(self, _: str) -> None:
        on = not self._assistant.recording
        if on and not self._assistant.hears:
            raise SettingError(NO_MICROPHONE)
        self._assistant.record(on=on)
        if not on:
            self._reply(["no longer recording"])

    def _talk(self, seconds: str) -> None:
        if not self.status.by_hand:
            raise SettingError("/talk is for push to talk: /mode push-to-talk switches to it")
        if not self._assistant.hears:
            raise SettingError(NO_MICROPHONE)
        if not seconds:
            self.talk.toggle()
            return
        try:
            length = float(seconds)
        except ValueError:
            length = 0.0
        if not 0 < length <= MAX_TALK:
            raise SettingError(f"/talk takes a number of seconds up to {MAX_TALK:g}, as in /talk 5")
        self.talk.begin(length)

    def _mode(self, name: str) -> None:
        if not name:
            self._reply([f"the mode is {self._assistant.config.mode}; /mode NAME takes another: {', '.join(MODES)}"])
        elif name not in MODES:
            raise SettingError(f"there is no mode {name[:40]}; there are {', '.join(MODES)}")
        else:
            self.talk.end()
            self._assistant.take_turns(by_hand=name == "push-to-talk")
            self._reply([f"the mode is {name} from now on"])
