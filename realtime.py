"""Talk with an assistant over the OpenAI Realtime API: speak hands-free, interrupt any time, or type."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# What is ignored from the start is to stay so: nohup does that with SIGHUP, a script's & with SIGINT.
ENDING_SIGNALS = [ending for ending in ENDING_SIGNALS if signal.getsignal(ending) != signal.SIG_IGN]
if __name__ == "__main__":
    for _ending in ENDING_SIGNALS:  # until there is something to tidy up, ending is just that, without a traceback
        signal.signal(_ending, lambda *_: os._exit(0))

from voice.config import Config
from voice.errors import AssistantError
from voice.log import start_logging
from voice.options import Task, read_config
from voice.terminal import Terminal, open_terminal, printable


def main() -> int:
    """Run the program; returns its exit status."""
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
        print(f"realtime: {printable(str(error))}", file=sys.stderr)  # noqa: T201 - the terminal has been given back
        return error.exit_status
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
        ask(config, create_tools(config), say=print, tell=partial(print, file=sys.stderr))


@contextmanager
def until_signalled() -> Iterator[None]:
    """Let a signal end the block, wherever it waits; what tidies up after that is not disturbed by another."""

    def end(*_: object) -> None:
        handle(lambda *_: None)
        raise KeyboardInterrupt

    def handle(handler: Callable[..., None]) -> None:
        for ending in ENDING_SIGNALS:
            signal.signal(ending, handler)

    with suppress(KeyboardInterrupt):
        handle(end)
        try:
            yield
        finally:
            handle(lambda *_: None)


def look(config: Config, task: Task) -> int:
    """Look around instead of talking; returns the exit status."""
    if task == "check":
        from voice.doctor import check  # noqa: PLC0415 - it imports what may be missing itself

        return check(config, print)
    from voice.hardware.devices import list_devices  # noqa: PLC0415 - as above

    print("\n".join(printable(str(device)) for device in list_devices()) or "no sound device is to be seen")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
