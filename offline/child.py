"""A recogniser's process seen from the program: sound goes in, lines of JSON come out.

stdin: messages of a length (4 bytes, little endian) and that many bytes of PCM16 mono 16 kHz; a length of 0 ends an
utterance. The process ends with its stdin, so it never outlives the program.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

RATE = 16_000
"""Hz, what PocketSphinx's acoustic model was trained on."""
LENGTH = struct.Struct("<I")


class Child:
    """Runs ``python -m MODULE ARGUMENTS``; one thread sends and reads, any may `kill`."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            # Ctrl-C is for the program, which then closes this stdin: it must not reach the process, least of all while
            # Python starts there.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same for Windows
        )

    def send(self, pcm: bytes) -> None:
        """Let it hear more, or with nothing let the utterance end; blocks while it is busy; OSError when it is gone."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(LENGTH.pack(len(pcm)) + pcm)
        self._process.stdin.flush()

    def answer(self) -> Any:  # noqa: ANN401 - any JSON value
        """Wait for its next line; raises OSError when it is gone, ValueError for what is no JSON."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise ConnectionResetError("its process ended")
        return json.loads(line)

    def kill(self) -> None:
        """End it now, which wakes a thread that waits for it."""
        self._process.kill()

    def join(self) -> None:
        """Let go of what is left of it, after `kill`, when no other thread uses it any more."""
        with suppress(OSError):
            self._process.communicate()
