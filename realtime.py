"""Talk with an assistant over the OpenAI Realtime API: speak hands-free, interrupt any time, or type."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from queue import SimpleQueue

ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
if __name__ == "__main__":
    for _ending in ENDING_SIGNALS:  # until there is something to tidy up, ending is just that, without a traceback
        signal.signal(_ending, lambda *_: os._exit(0))

from tools import create_tools
from voice import echo
from voice.audio import Audio
from voice.buffer import AudioBuffer
from voice.commands import Commands
from voice.config import Config, read_config
from voice.connection import Connection, endpoint
from voice.conversation import Conversation
from voice.devices import list_devices
from voice.effects import Notice
from voice.errors import AssistantError
from voice.log import start_logging
from voice.session import MicQueue, Session
from voice.settings import session_settings
from voice.terminal import Terminal, open_terminal, printable
from voice.toolbox import Toolbox


def main() -> int:
    """Run the program; returns its exit status."""
    try:
        config, wants_devices = read_config(sys.argv[1:], os.environ)
        start_logging(config)
        if wants_devices:
            print("\n".join(printable(str(device)) for device in list_devices()) or "no sound device is to be seen")  # noqa: T201 - all of this run
        else:
            converse(config, open_terminal())
    except AssistantError as error:
        print(f"realtime: {printable(str(error))}", file=sys.stderr)  # noqa: T201 - the terminal has been given back
        return error.exit_status
    return 0


def converse(config: Config, terminal: Terminal) -> None:
    """Hold one conversation. Raises AssistantError when it ended otherwise than by the user's will."""
    toolbox = Toolbox(create_tools(config))
    audio_buffer = AudioBuffer()
    mic_queue: MicQueue = SimpleQueue()
    with ExitStack() as stack:
        url = stack.enter_context(service(config, terminal))
        # The assistant on this computer is told no key and reached through no proxy.
        remote = replace(config, openai_api_key="", proxy_url="") if config.uses_offline_assistant else config
        session = Session(Connection(endpoint(remote, url)), audio_buffer, mic_queue, toolbox.call, terminal.show)
        for ending in ENDING_SIGNALS:
            stack.callback(signal.signal, ending, signal.signal(ending, lambda *_: session.end()))
        stack.callback(terminal.stop)
        stack.callback(session.stop)
        session.start()

        audio = Audio(audio_buffer, mic_queue, config, terminal.show)
        stack.callback(audio.stop)
        speaks = audio.speaker is not None and not config.text
        settings = session_settings(config, toolbox.definitions, speaks=speaks)
        suppressor, shortfall = echo.create(config.echo)
        if shortfall:
            terminal.show(Notice(shortfall))
        confirms = config.barge_in == "confirm"
        conversation = Conversation(
            speaks=speaks, listens=audio.microphone is not None, transcribes=config.transcribes, confirms=confirms
        )
        session.begin(settings, conversation, suppressor)
        audio.start()

        commands = Commands(session, terminal.show, in_turn=not terminal.interactive)
        on_end = (lambda: None) if audio.microphone else session.end_when_idle
        terminal.start(commands.run, on_end, session.end)
        if confirms and audio.microphone:
            from voice.judge import Judge  # noqa: PLC0415 - loading its model must not hold up the first sound

            session.judge = Judge()
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
