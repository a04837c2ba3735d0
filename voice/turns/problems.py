"""What the service's errors mean that it survives: which are nothing, how long to wait, how they are told; pure."""

from __future__ import annotations

import re

from voice.events import Problem

BENIGN = frozenset(
    {
        "item_truncate_invalid_item_id",  # races between our cut and the service's own
        "item_delete_invalid_item_id",
        "unsupported_content_type",
        "session_expired",  # a close follows, and then a new session
    }
)
"""Codes of errors that are handled, not shown."""
CONFIGURE = "configure"
"""event_id of the first ``session.update``, which tells the settings."""
RETRY_SECONDS = 1.0
"""Until a failed answer is asked for again, unless the service names a time."""
MAX_RETRY_SECONDS = 60.0
MAX_TEXT = 300
"""Characters of an error's text: three lines of a terminal."""
_TRY_AGAIN = re.compile(r"try again in ((?:\d{1,9}(?:\.\d{1,9})? ?(?:ms|[hms])(?![a-z]) ?)+)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def is_benign(error: Problem) -> bool:
    """Whether it is nothing that the user should know."""
    return error.code in BENIGN or "already shorter than" in error.message  # a cut that came too late has no code


def is_about_settings(error: Problem) -> bool:
    """Whether the service rejects our settings, and with them the session."""
    return error.event_id == CONFIGURE or (error.param or "").startswith("session")


def reason(error: Problem) -> str:
    """What went wrong, in the service's words, on one line."""
    text = " ".join((error.message or error.code or error.type or "it gives no reason").split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def seconds_to_wait(error: Problem) -> float:
    """How long the service wants us to wait, as its text says."""
    if found := _TRY_AGAIN.search(error.message):
        parts = re.findall(r"([\d.]+) ?(ms|[hms])", found[1].lower())
        return min(max(sum(float(number) * _UNITS[unit] for number, unit in parts), RETRY_SECONDS), MAX_RETRY_SECONDS)
    return RETRY_SECONDS
