"""``python -m offline --port 8765``: serve the offline assistant to any client of the Realtime protocol.

Prints the address as soon as it can be used. A language model is taken from LOCAL_LLM_URL and its companions, in the
environment or in ``.env``. Ctrl-C or SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from offline.assistant import start
from voice.errors import AssistantError
from voice.options import read_config

MAX_PORT = 65535


def main() -> int:
    """Serve until told to end; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m offline", description="Serve the offline assistant on loopback.")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on, 0 for a free one (default 8765)")
    port = parser.parse_args().port
    if not 0 <= port <= MAX_PORT:
        parser.error(f"there is no port {port}")
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    try:
        settings, _ = read_config([], os.environ)
        with start(settings, port) as url:
            print(url, flush=True)  # noqa: T201 - what it is asked for
            ended.wait()
    except AssistantError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user's terminal
        return error.exit_status
    except OSError as error:
        print(f"cannot listen on port {port}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the user's terminal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
