"""The keyboard as prompt_toolkit reads it, and by way of `voice.ui.keys` with the release of the space bar."""

from __future__ import annotations

import sys

from prompt_toolkit.input import Input, create_input
from prompt_toolkit.output import Output, create_output

from voice.ui.keys import Keyboard


def open_keyboard() -> tuple[Input, Output, Keyboard]:
    """Open standard input and output, which are a terminal."""
    output = create_output(sys.stdout)

    def write(text: str) -> None:
        output.write_raw(text)
        output.flush()

    keyboard = Keyboard(write)
    if sys.platform == "win32":
        return create_input(sys.stdin), output, keyboard

    from prompt_toolkit.input.posix_utils import PosixStdinReader  # noqa: PLC0415 - there is none on Windows
    from prompt_toolkit.input.vt100 import Vt100Input  # noqa: PLC0415
    from prompt_toolkit.output.vt100 import Vt100_Output  # noqa: PLC0415

    class Reader(PosixStdinReader):
        """Decodes what the keyboard sends before prompt_toolkit takes it apart."""

        def read(self, count: int = 1024) -> str:
            return keyboard.decode(super().read(count))

    opened = Vt100Input(sys.stdin)
    opened.stdin_reader = Reader(sys.stdin.fileno(), encoding=sys.stdin.encoding)
    if isinstance(output, Vt100_Output):
        # Nothing here needs to know where the cursor is, and asking makes what is drawn jump when the answer comes.
        output.enable_cpr = False
    return opened, output, keyboard
