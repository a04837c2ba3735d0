"""What `--check` finds, as frozen values, and what all of it amounts to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warn", "fail"]
"""As it should be; for the user to know or to do now; a conversation works, but not as well; it would not work."""

MEETING_ORDER = (2, 4, 3)
"""Exit statuses in the order in which the program meets their causes: settings, then devices, then the service."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined."""

    level: Level
    what: str
    detail: str
    remedy: str = ""
    """What to do about it."""
    exit_status: int = 1
    """What the program would end with, should this be a ``fail``."""

    def __str__(self) -> str:
        """What the line says after its level."""
        return f"{self.what}: {self.detail}{': ' if self.remedy else ''}{self.remedy}"


def exit_status(findings: Iterable[Finding]) -> int:
    """0 when a conversation would work, else what the program would end with."""
    statuses = {finding.exit_status for finding in findings if finding.level == "fail"}
    return next((status for status in MEETING_ORDER if status in statuses), 1 if statuses else 0)


def summary(findings: Iterable[Finding]) -> str:
    """One line that closes the list."""
    levels = [finding.level for finding in findings]
    failures, warnings = levels.count("fail"), levels.count("warn")
    if failures:
        return f"a conversation would not work: {_count(failures, 'failure')}, {_count(warnings, 'warning')}"
    return f"a conversation works, with {_count(warnings, 'warning')}" if warnings else "a conversation works"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
