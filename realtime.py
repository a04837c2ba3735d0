"""Talk with an assistant over the OpenAI Realtime API: speak hands-free, interrupt any time, or type."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from voice.signals import leave_when_signalled, until_signalled

if __name__ == "__main__":
    leave_when_signalled()  # before the rest is loaded, which takes a while

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # there are none, and to look for them takes 10 ms

MAX_REASON = 200
"""Characters of why a package cannot be loaded."""


def not_loaded(error: ImportError) -> str:
    """What to tell of a package that is missing, or broken, or lacks a library of the system's."""
    if isinstance(error, ModuleNotFoundError):
        name = error.name
        return f"realtime: the package {name} is not installed: start with script/run, which installs what it needs"
    why = " ".join(str(error).split())[:MAX_REASON]  # some packages explain at length
    return f"realtime: {error.name or 'a library'} cannot be loaded ({why}): --check says what to do"


try:
    from voice.config import Config
    from voice.errors import AssistantError
    from voice.log import start_logging
    from voice.options import Task, read_config
    from voice.terminal import Terminal, open_terminal, prepare_streams, say, tell
    from voice.text import printable
except ImportError as unloaded:
    sys.exit(not_loaded(unloaded))


def main() -> int:
    """Run the program; returns its exit status."""
    prepare_streams()
    try:
        config, task = read_config(sys.argv[1:], os.environ)
        start_logging(config)
        if task != "talk":
            return look(config, task)
        if config.asks_once:
            ask_once(config)
        else:
            converse(config, open_terminal())
    except AssistantError as error:
        tell(f"realtime: {printable(str(error))}")
        return error.exit_status
    except ImportError as error:
        sys.exit(not_loaded(error))
    return 0


def converse(config: Config, terminal: Terminal) -> None:
    """Hold one conversation. Raises AssistantError when it ended otherwise than by the user's will."""
    from tools import create_tools  # noqa: PLC0415 - what only looks around needs none of it
    from voice.assistant import Assistant  # noqa: PLC0415
    from voice.commands import Commands  # noqa: PLC0415

    assistant = Assistant(config, tools=create_tools(config))
    assistant.subscribe(object, terminal.show)
    with ExitStack() as stack:
        stack.callback(terminal.stop)
        stack.callback(assistant.stop)
        with until_signalled():
            assistant.start()
            terminal.start(Commands(assistant, terminal))
            assistant.wait()


def ask_once(config: Config) -> None:
    """Print the answer to one question. Raises AssistantError when there is none."""
    from tools import create_tools  # noqa: PLC0415 - as above
    from voice.ask import ask  # noqa: PLC0415

    with until_signalled():
        ask(config, create_tools(config), say=say, tell=tell)


def look(config: Config, task: Task) -> int:
    """Look around instead of talking; returns the exit status."""
    if task == "check":
        from voice.doctor import check  # noqa: PLC0415 - it imports what may be missing itself

        return check(config, say)
    from voice.hardware.devices import list_devices  # noqa: PLC0415 - as above

    with until_signalled():  # a sound server may not answer
        devices = [printable(str(device)) for device in list_devices()]
        say("\n".join(devices) or "no sound device is to be seen: try --check")
    return 0


if __name__ == "__main__":
    # All has been written. Python's own end would take up to a second, and disturb threads that were left behind.
    os._exit(main())
