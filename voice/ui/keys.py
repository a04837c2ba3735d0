"""Keys of a terminal that also tells when one is released (the kitty keyboard protocol), in the words of an older one.

Such a terminal tells every key as ``CSI code:… ; modifiers:event ; text u``, those that have always been sequences as
``CSI … ; modifiers:event ~`` or a letter instead. What comes out is what a terminal without the protocol would send,
and `RELEASED` for the space bar. See https://sw.kovidgoyal.net/kitty/keyboard-protocol/.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUERY = "\x1b[?u"
"""What is reported now? Terminals that do not know the protocol do not answer."""
PUSH = "\x1b[>27u"
"""Report as much as `WANTED`, until `POP`: 1 no ambiguities, 2 releases, 8 all keys, and 16 the text they make."""
POP = "\x1b[<u"
RELEASED = "\x1b[24;2~"
"""The space bar's release: F24, which no keyboard has."""
WANTED = 2 | 8
"""Without these flags nothing is told of the space bar's release."""

_SHIFT, _ALT, _CONTROL, _RELEASE = 1, 2, 4, 3
_SEQUENCE = re.compile(r"\x1b\[(?:\?(?P<flags>\d{0,9})u|(?P<parameters>[\d:;]{0,99})(?P<final>[u~A-HPQS]))")
_UNFINISHED = re.compile(r"\x1b(\[[?\d:;]*)?\Z")
_UNFINISHED_ANSWER = re.compile(r"\x1b\[\?\d*\Z")
_NAMED = {
    57414: "\r",  # the keypad's Enter
    57417: "\x1b[D",
    57418: "\x1b[C",
    57419: "\x1b[A",
    57420: "\x1b[B",
    57421: "\x1b[5~",
    57422: "\x1b[6~",
    57423: "\x1b[H",
    57424: "\x1b[F",
    57425: "\x1b[2~",
    57426: "\x1b[3~",
}
"""The keypad without its digits; all other keys of the protocol's own range have nothing to say here."""
_PRIVATE = range(57344, 63744)


class Keyboard:
    """Whether releases are reported, and the decoder; not thread-safe."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Ask the terminal with `write`."""
        self._write = write
        self._rest = ""
        self._wanted = self._pushed = False
        self.releases = False
        """Whether the terminal tells when the space bar is released."""

    def want(self, *, wanted: bool) -> None:
        """Have releases reported from now on, if the terminal can, or no longer."""
        if wanted != self._wanted:
            self._wanted = wanted
            if wanted:
                self._write(QUERY)
            elif self._pushed:
                self._pushed = self.releases = False
                self._write(POP)

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Leave the terminal to others for a while."""
        wanted = self._wanted
        self.want(wanted=False)
        yield
        self.want(wanted=wanted)

    @property
    def undo(self) -> str:
        """What gives the terminal back, to be written by somebody else."""
        return POP if self._pushed else ""

    def decode(self, data: str) -> str:
        """Say what was typed as an older terminal says it; what is unfinished is kept for the next time."""
        data = self._rest + data
        # Escape alone is a key where releases are not reported; where they are, it is a sequence as well.
        unfinished = (_UNFINISHED if self._pushed else _UNFINISHED_ANSWER).search(data)
        end = unfinished.start() if unfinished else len(data)
        self._rest = data[end:]
        return _SEQUENCE.sub(self._translate, data[:end])

    def _translate(self, match: re.Match[str]) -> str:
        if match["flags"] is not None:
            self._note(int(match["flags"] or 0))
            return ""
        known = match["final"] == "u" or ":" in match["parameters"]  # the last ones may come after `POP`
        return _legacy(match["parameters"], match["final"]) if self._pushed or known else match[0]

    def _note(self, flags: int) -> None:
        """Take the terminal's answer: it knows the protocol."""
        if self._pushed:
            self.releases = flags & WANTED == WANTED
        elif self._wanted:
            self._pushed = True
            self._write(PUSH + QUERY)


def _legacy(parameters: str, final: str) -> str:
    fields = [[int(part or 0) for part in field.split(":")] for field in parameters.split(";")]
    if max(map(max, fields)) > sys.maxunicode:
        return ""
    code = fields[0][0]
    modifiers, event = (*fields[1], 1)[:2] if len(fields) > 1 else (1, 1)
    modifiers = max(modifiers, 1) - 1 & (_SHIFT | _ALT | _CONTROL)  # Caps Lock and the like change nothing here
    if event == _RELEASE:
        return RELEASED if (code, final) == (ord(" "), "u") else ""
    if final != "u":
        first = code if final == "~" else 1 if modifiers else ""
        return f"\x1b[{first}{f';{modifiers + 1}' if modifiers else ''}{final}"
    text = "".join(map(chr, fields[2])) if len(fields) > 2 else ""  # noqa: PLR2004 - code, modifiers, text
    return text if text.isprintable() and text else _key(code, modifiers)


def _key(code: int, modifiers: int) -> str:
    """Name a key that makes no text."""
    if code in _PRIVATE or not code:
        return _NAMED.get(code, "")
    if code == ord("\t") and modifiers & _SHIFT:
        return "\x1b[Z"
    character = chr(code)
    if modifiers & _CONTROL and "@" <= character.upper() <= "_":
        character = chr(ord(character.upper()) & 0x1F)
    return f"\x1b{character}" if modifiers & _ALT else character
