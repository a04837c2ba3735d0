"""Talk with an assistant over the OpenAI Realtime API: speak hands-free, interrupt any time, or type."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from queue import SimpleQueue

from tools import create_tools
from voice.toolbox import Toolbox

from voice import echo
from voice.audio import Audio, list_devices
from voice.buffer import AudioBuffer
from voice.commands import Commands
from voice.config import Config, read_config
from voice.connection import Connection, endpoint
from voice.conversation import Conversation
from voice.effects import Notice
from voice.errors import AssistantError
from voice.log import start_logging
from voice.session import MicQueue, Session
from voice.settings import session_settings
from voice.terminal import Terminal, open_terminal

ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def main() -> int:
    """Run the program; returns its exit status."""
    try:
        config, wants_devices = read_config(sys.argv[1:], os.environ)
        start_logging(config)
        if wants_devices:
            print(*list_devices() or ["no sound device is to be seen"], sep="\n")  # noqa: T201 - all of this run's output
        else:
            converse(config, open_terminal())
    except AssistantError as error:
        print(f"realtime: {error}", file=sys.stderr)  # noqa: T201 - the terminal has been given back
        return error.exit_status
    return 0


def converse(config: Config, terminal: Terminal) -> None:
    """Hold one conversation. Raises AssistantError when it ended otherwise than by the user's will."""
    toolbox = Toolbox(create_tools(config))
    audio_buffer = AudioBuffer()
    mic_queue: MicQueue = SimpleQueue()
    with ExitStack() as stack:
        url = stack.enter_context(service(config, terminal))
        session = Session(Connection(endpoint(config, url)), audio_buffer, mic_queue, toolbox.call, terminal.show)
        for ending in ENDING_SIGNALS:
            signal.signal(ending, lambda *_: session.end())
        stack.callback(terminal.stop)
        stack.callback(session.stop)
        session.start()

        audio = Audio(audio_buffer, mic_queue, config)
        stack.callback(audio.stop)
        for notice in audio.notices:
            terminal.show(Notice(notice))
        speaks = audio.speaker is not None and not config.text
        settings = session_settings(config, toolbox.definitions, speaks=speaks)
        suppressor = echo.create(config.echo)
        session.begin(settings, Conversation(speaks=speaks, transcribes=config.transcribes), suppressor)
        audio.start()

        commands = Commands(session, terminal.show, in_turn=not terminal.interactive)
        on_end = (lambda: None) if audio.microphone else session.end_when_idle
        terminal.start(commands.run, on_end, session.end)
        session.wait()


def service(config: Config, terminal: Terminal) -> AbstractContextManager[str]:
    """Address of who answers: the service, or the assistant on this computer, started for the conversation."""
    if not config.uses_offline_assistant:
        return nullcontext(config.ws_url)
    if not config.offline:
        terminal.show(Notice("there is no OPENAI_API_KEY: the assistant on this computer answers (see README.md)"))
    from offline.assistant import start  # noqa: PLC0415 - a conversation with the service must not pay for it

    return start(config)


if __name__ == "__main__":
    sys.exit(main())
