"""What the user wants, from their words alone: typed ones with case and punctuation, or recognised ones without.

Each sentence is read by itself (`parse`), then in the light of those before it (`understand`): an answer to a question
fills the gap that was asked for, "what about Rome" changes the last request. Since the gap follows from the user's own
words, nothing has to be remembered between turns.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from offline.intents import intent_of
from offline.phrases import (
    ANSWER,
    CLOCK,
    DAY,
    MORE,
    NOTES,
    PLACE,
    PLACE_FIRST,
    PLACE_LAST,
    POLITE_END,
    POLITE_START,
    SMALL_TALK,
    UNITS,
    WEATHER,
)

UNKNOWN = "unknown"
UNNAMED = "notes"
"""Where a note goes that was given no name."""
LONGEST_TEXT = 2000
"""Characters: what is longer is no command, and is not searched for one."""


@dataclass(frozen=True, slots=True)
class Command:
    """A request, as far as it is known."""

    kind: str
    """A key of `INTENTS`, ``more`` of the last request, small talk, or `UNKNOWN`."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """What it is about: ``city``, ``units``, ``day``, ``name``, ``text``, ``query``, ``sure``."""

    @property
    def gap(self) -> str:
        """What has to be asked next; "" when nothing is missing."""
        return next((slot for slot in intent_of(self.kind).asks if not self.slots.get(slot)), "")

    def having(self, **slots: str) -> Command:
        """Return the request with more known about it."""
        return replace(self, slots={**self.slots, **{name: value for name, value in slots.items() if value}})


def understand(texts: Iterable[str]) -> Command:
    """Return what the last of the user's sentences means after those before it."""
    command, note = Command(UNKNOWN), ""
    for text in texts:
        command = _continued(command, text, note)
        note = command.slots.get("name") or (UNNAMED if command.kind == "write" else note)
    return command


def _continued(previous: Command, text: str, note: str) -> Command:
    """Return what a sentence means after the one before it; `note` is the one last spoken of."""
    command = parse(text)
    if previous.gap and command.kind not in {"stop", "goodbye"}:
        answer = _answered(previous, command, text, note)
        if answer is not None:
            return answer
    if command.kind == "more":
        return previous.having(**command.slots) if previous.kind in {"weather", "time"} else Command(UNKNOWN)
    if command.kind != "write" and command.slots.get("name", "").lower() in _THE_SAME:
        return replace(command, slots={**command.slots, "name": note})  # without one it is asked for
    if command.kind == "append":
        return command.having(name=command.slots.get("name") or note)
    return command


def _answered(  # noqa: PLR0911 - one for each way to answer
    question: Command, command: Command, text: str, note: str
) -> Command | None:
    """Return the request with its gap filled, or None when the user speaks of something else."""
    gap = question.gap
    if gap == "sure":
        if command.kind in {"yes", "no"}:
            return question.having(sure=command.kind)
        return question if command.kind == UNKNOWN else None  # unclear: it is asked again
    if gap == "text":  # a note may sound like a command
        return question.having(text=_tidy(text)) if command.kind != "no" else Command("stop")
    if command.kind == "more" and gap == "city":
        return question.having(**command.slots)
    if command.kind != UNKNOWN:
        return Command("stop") if command.kind == "no" else None
    if gap == "city":
        return question.having(city=_city(ANSWER.sub("", _tidy(text))))
    answer = _name(ANSWER.sub("", _tidy(text)))
    return question.having(**{gap: note if gap == "name" and answer.lower() in _THE_SAME else answer})


def parse(text: str) -> Command:
    """Return what one sentence means by itself; of kind `UNKNOWN` when it means nothing to us."""
    plain = _tidy(text) if len(text) <= LONGEST_TEXT else ""
    request = POLITE_END.sub("", POLITE_START.sub("", plain)) or plain
    for kind, pattern in NOTES:
        if match := pattern.match(request):
            return Command(kind, _note_slots(match.groupdict()))
    words = _words(plain)
    small = next((kind for kind, pattern in SMALL_TALK if pattern.fullmatch(words.lower())), "")
    if small:
        return Command(small)
    for kind, pattern in CLOCK:
        if match := pattern.fullmatch(_words(request)):
            return Command(kind, {"city": _city(match["city"])} if match["city"] else {})
    if WEATHER.search(words):
        return Command("weather", _weather_slots(_words(request)))
    if match := MORE.fullmatch(words):
        return Command("more", _weather_slots(match["units"] or f"in {match['what']}"))
    return Command(UNKNOWN)


_THE_SAME = frozenset(
    {
        *("it", "that", "this", "same", "the", "my", "our"),  # "the note" leaves "the"
        *("that one", "this one", "same one", "that list", "this list", "same list"),
    }
)
"""Instead of a name: the note last spoken of."""
_ANY = frozenset({"a", "an", "any", "one", "another", "new"})
"""Instead of a name: none."""
_NO_TEXTS = frozenset({"it", "that", "this", "something", "something else"})


def _tidy(text: str) -> str:
    """Return one line without the marks at its end."""
    return " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()).rstrip(" .!?…")


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^\w' -]+", " ", text).split())


def _note_slots(found: Mapping[str, str | None]) -> dict[str, str]:
    """Return name, text and query of a match whose name may stand in one of several places."""
    slots = {"text": found.get("text"), "query": found.get("query")}
    slots["name"] = next((value for key, value in found.items() if key.startswith("name") and value), None)
    values = {key: value.strip(" \"“”'") for key, value in slots.items() if value}
    name = _name(values.pop("name", ""))
    if values.get("text", "").lower() in _NO_TEXTS:
        del values["text"]
    return values | ({"name": name} if name and name.lower() not in _ANY else {})


def _name(words: str) -> str:
    """Return the name of a note without what is only said along with it."""
    return re.sub(r"^(?:the|my|our)\s+|\s+(?:note|memo)$|[\"“”]", "", words, flags=re.IGNORECASE).strip()


def _weather_slots(words: str) -> dict[str, str]:
    day, units = DAY.search(words), UNITS.search(words)
    slots = {"day": (day["day"] or "") if day else "", "units": (units.lastgroup or "") if units else ""}
    rest = _words(POLITE_END.sub("", UNITS.sub(" ", DAY.sub(" ", words))))
    rest = re.sub(r"\b(?:do you think|be like|going to be|look(?:ing)? like|like|be)$", "", rest).strip()
    place = PLACE.search(rest) or PLACE_LAST.search(rest) or PLACE_FIRST.search(rest)
    slots["city"] = _city(place["city"]) if place else ""
    return {name: value for name, value in slots.items() if value}


def _city(words: str) -> str:
    """Return a city's name as it is written; typed capitals stay."""
    words = re.sub(r"^(?:the city of|city of)\s+|\s+(?:please|be|like)$", "", words.strip(), flags=re.IGNORECASE)
    return words if words != words.lower() else string.capwords(words)
