"""What can be requested that a function of the client's carries out: what of it must be known, how it is asked for.

How people put it is told in `phrases.py`, and for the recogniser in `sentences.py`. Pure tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

Words: TypeAlias = frozenset[str]


def _family(nouns: str, verbs: str = "") -> tuple[Words, Words]:
    return frozenset(nouns.split()), frozenset(verbs.split())


@dataclass(frozen=True, slots=True)
class Intent:
    """One kind of request."""

    slots: tuple[str, ...] = ()
    """What its function may be told: keys of `ARGUMENTS`."""
    asks: Mapping[str, str] = field(default_factory=dict)
    """What must be known before it can be carried out, with the question for it, in the order of asking. Slots in
    braces are known by then. Beside `slots` there is ``sure``, which wants a yes or a no."""
    families: tuple[tuple[Words, Words], ...] = ()
    """Words of a function's name: one of the first set and, unless it is empty, one of the second; best first."""
    ability: str = ""
    """How `help` puts it, where there is a function for it; "" for what is done without one as well."""
    becomes: str = ""
    """The kind of request that it is once the user has said yes, where that is another."""


_NOTE = "note notes memo memos notepad"

INTENTS: Mapping[str, Intent] = MappingProxyType(
    {
        "weather": Intent(
            ("city", "units", "day"),
            {"city": "For which city?"},
            (_family("weather forecast"),),
            "tell you the weather in a city",
        ),
        "write": Intent(
            ("name", "text"),
            {"text": "What shall the note say?"},
            (_family(_NOTE, "write save create take make store put new set"), _family(_NOTE, "add")),
            "take a note",
        ),
        "remind": Intent(
            ("name", "text"),
            {
                "text": "I can't remind you, but I can take a note. What shall it say?",
                "sure": "I can't remind you when the time has come, but I can take a note. Shall I?",
            },
            (_family(_NOTE, "write save create take make store put new set"), _family(_NOTE, "add")),
            becomes="write",
        ),
        "extend": Intent(
            ("name", "text"),
            {"sure": "Shall I add that to it?"},
            (_family(_NOTE, "append extend"), _family(_NOTE, "add update")),
            becomes="append",
        ),
        "append": Intent(
            ("name", "text"),
            {"name": "To which note?", "text": "What shall I add?"},
            (_family(_NOTE, "append extend"), _family(_NOTE, "add update")),
            "add to a note",
        ),
        "read": Intent(
            ("name",),
            {"name": "Which note?"},
            (_family("note memo notepad", "read get open show load fetch"),),
            "read a note",
        ),
        "list": Intent(
            families=(_family("notes memos notepad", "list all show names"), _family("notes memos", "get read")),
            ability="list your notes",
        ),
        "search": Intent(
            ("query",),
            {"query": "What shall I look for?"},
            (_family(_NOTE, "search find query lookup"),),
            "search your notes",
        ),
        "delete": Intent(
            ("name",),
            {
                "name": "Which note shall I delete?",
                "sure": "Shall I delete the note {name}? Please say yes or no.",
            },
            (_family(_NOTE, "delete remove erase discard"),),
            "delete a note",
        ),
        "time": Intent(("city", "zone"), families=(_family("time clock datetime"),)),
        "date": Intent(("city", "zone"), families=(_family("date time clock datetime"),)),
    }
)

"""``extend`` is what is offered when a note is to be written that is there already."""

ARGUMENTS: Mapping[str, Words] = MappingProxyType(
    {
        slot: frozenset(words.split())
        for slot, words in {
            "city": "city location place town where",
            "zone": "timezone zone tz",
            "units": "unit units",
            "day": "day date when",
            "name": "name title subject key id file filename",
            "text": "text content contents body note message value line",
            "query": "query q search term keyword text words",
        }.items()
    }
)
"""What a slot is called among a function's arguments."""


def intent_of(kind: str) -> Intent:
    """Return what there is to know of a kind of request; nothing of small talk."""
    return INTENTS.get(kind, _NOTHING)


_NOTHING = Intent()

SMALL_TALK: Mapping[str, str] = MappingProxyType(
    {
        "greeting": "Hello. What can I do for you?",
        "who": "I am the assistant built into this program. I run on this computer alone.",
        "thanks": "You're welcome.",
        "goodbye": "Goodbye.",
        "stop": "All right.",
        "yes": "What can I do for you?",
        "ok": "All right.",
        "praise": "I'm glad.",
        "no": "All right.",
        "here": "Yes, I hear you.",
        "reminders": "I have no reminders, alarms or timers, only notes.",
        "change": "I can only add to a note, or delete one as a whole.",
    }
)
"""What is answered where nothing is to be done."""
MISSES = ("I did not understand that.", "I did not hear any words.", "All right.", "You're welcome.", "I'm glad.")
"""How answers begin that are not worth repeating."""
MISSING = ("There is no note", "That did not work")
"""How results begin that tell of no note."""
