"""What the user wants, from their words alone: typed ones with case and punctuation, or recognised ones without.

Each sentence is read by itself (`parse`), then in the light of what was said before it (`understand`): an answer to a
question fills the gap that was asked for, "what about Rome" changes the last request. Since all that follows from what
both have said, nothing has to be remembered between turns.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from offline.intents import MISSING, intent_of
from offline.phrases import (
    ANSWER,
    ANY,
    CLOCK,
    COURTESY,
    DAY,
    FIRST,
    MORE,
    NO_CITY,
    NO_TEXTS,
    NOTES,
    NOWHERE,
    PLACE,
    PLACE_FIRST,
    PLACE_LAST,
    PLAIN,
    POLITE_END,
    POLITE_START,
    SMALL_TALK,
    THE_SAME,
    UNITS,
    WEATHER,
)

UNKNOWN = "unknown"
UNNAMED = "notes"
"""Where a note goes that was given no name."""
LONGEST_TEXT = 2000
"""Characters: what is longer is no command, and is not searched for one."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the user said, and what the assistant said to that."""

    text: str
    answer: str = ""
    """As far as it was heard; "" while there is none."""


@dataclass(frozen=True, slots=True)
class Command:
    """A request, as far as it is known."""

    kind: str
    """A key of `INTENTS`, ``more`` of the last request, small talk, or `UNKNOWN`."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """What it is about: ``city``, ``units``, ``day``, ``name``, ``text``, ``query``, ``sure``;
    ``there`` for a note that is known to be there."""

    @property
    def gap(self) -> str:
        """What has to be asked next; "" when nothing is missing."""
        return next((slot for slot in intent_of(self.kind).asks if not self.slots.get(slot)), "")

    @property
    def question(self) -> str:
        """How it is asked for."""
        return intent_of(self.kind).asks[self.gap].format_map(self.slots) if self.gap else ""

    def having(self, **slots: str) -> Command:
        """Return the request with more known about it."""
        return replace(self, slots={**self.slots, **{name: value for name, value in slots.items() if value}})


UNCLEAR = Command(UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Context:
    """What a sentence may refer to."""

    asked: Command = UNCLEAR
    """The request with the gap that the assistant's last words ask for."""
    topic: Command = UNCLEAR
    """The last question about weather or time, which may be put again."""
    note: str = ""
    """The one last spoken of."""

    def after(self, command: Command, answer: str) -> _Context:
        """Return the context once a request was answered."""
        candidates = (command, Command("extend", command.slots) if command.kind == "write" else UNCLEAR, self.asked)
        asked = next((one for one in candidates if _is_asked(one, answer)), UNCLEAR)
        small = not intent_of(command.kind).families
        topic = command if command.kind in {"weather", "time", "date"} else self.topic if small else UNCLEAR
        if answer.startswith(MISSING) or command.kind == "remind":
            return _Context(asked, topic, self.note)
        if command.kind == "delete" and command.slots.get("sure") == "yes":
            return _Context(asked, topic)
        return _Context(asked, topic, command.slots.get("name") or (UNNAMED if command.kind == "write" else self.note))


def understand(exchanges: Iterable[Exchange]) -> Command:
    """Return what the last of the user's sentences means after all that was said before it."""
    command, context = UNCLEAR, _Context()
    for exchange in exchanges:
        command = _continued(context, exchange.text)
        context = context.after(command, exchange.answer)
    return command


def _is_asked(command: Command, answer: str) -> bool:
    """Whether an answer asks for the command's gap, as far as it was heard; nothing is deleted before it was."""
    question = command.question
    if not answer:
        return command.gap not in {"", "sure"}
    return bool(question) and (answer.endswith(question) or question.startswith(answer))


def _continued(context: _Context, text: str) -> Command:
    """Return what a sentence means in its context."""
    command, note = parse(text), context.note
    if context.asked.gap and command.kind not in {"stop", "goodbye", "repeat"}:
        answer = _answered(context.asked, command, text, note)
        if answer is not None:
            return answer
    if command.kind == "more":
        return context.topic.having(**command.slots) if context.topic.kind != UNKNOWN else UNCLEAR
    if command.kind != "write" and command.slots.get("name", "").lower() in THE_SAME:
        return replace(command, slots={**command.slots, "name": note})  # without one it is asked for
    name = command.slots.get("name", "")
    is_note = note.lower() == f"{name} list".lower()  # the shopping list is called shopping for short
    if is_note or (command.kind == "append" and not name):
        return command.having(name=note)
    return command


def _answered(  # noqa: PLR0911 - one for each way to answer
    question: Command, command: Command, text: str, note: str
) -> Command | None:
    """Return the request with its gap filled, or None when the user speaks of something else."""
    gap = question.gap
    if gap == "sure":
        if command.kind in {"yes", "ok", "no"}:
            sure = question.having(sure="no" if command.kind == "no" else "yes")
            return replace(sure, kind=intent_of(question.kind).becomes or question.kind)
        is_unclear = command.kind in {UNKNOWN, "praise"} and question.kind == "delete"
        return question.having(there="yes") if is_unclear else None  # then it is asked again
    if gap == "text":
        return _dictated(question, command, text)
    if command.kind == "more" and gap == "city":
        return question.having(**command.slots)
    if command.kind != UNKNOWN:
        return Command("stop") if command.kind == "no" else None
    plain = _tidy(text)
    if gap == "city":
        city = "" if NOWHERE.fullmatch(plain) else _city(ANSWER.sub("", DAY.sub(" ", plain).strip()))
        known = {**_weather_slots(plain), "city": city}
        return question.having(**known) if any(known.values()) or NOWHERE.fullmatch(plain) else None
    answer = _name(ANSWER.sub("", plain))
    return question.having(**{gap: note if gap == "name" and answer.lower() in THE_SAME else answer})


def _dictated(question: Command, command: Command, text: str) -> Command | None:
    """Return the request with the text of a note, which may sound like many a command."""
    if command.kind == "no":
        return Command("stop")
    if command.kind == question.kind == "append" and "name" not in command.slots:  # "add milk"
        return question.having(text=command.slots.get("text", ""))
    is_plain = intent_of(command.kind).families and PLAIN.fullmatch(_request(text))
    return None if is_plain else question.having(text=_tidy(text))


def parse(text: str) -> Command:
    """Return what one sentence means by itself; of kind `UNKNOWN` when it means nothing to us."""
    plain = _tidy(text) if len(text) <= LONGEST_TEXT else ""
    small = next((kind for kind, pattern in SMALL_TALK if pattern.fullmatch(_words(plain).lower())), "")
    if small:
        return Command(small)
    request = _request(plain)
    for kind, pattern in NOTES:
        if match := pattern.match(request):
            return Command(kind, _note_slots(kind, match.groupdict()))
    return _question(FIRST.sub(r"\1", request)) or _question(request) or _more(COURTESY.sub("", plain))


def _request(text: str) -> str:
    """Return a sentence without what is said for courtesy."""
    plain = COURTESY.sub("", _tidy(text))
    plain = re.sub(r"^(what|how)s\b", r"\1's", plain, flags=re.IGNORECASE)
    return POLITE_END.sub("", POLITE_START.sub("", plain)) or plain


def _question(request: str) -> Command | None:
    """Return a question about weather or time, None for what is none."""
    for kind, pattern in CLOCK:
        if match := pattern.fullmatch(_words(request, also=",.")):
            found = match.groupdict()
            day = next((value for key, value in found.items() if key.startswith("day") and value), "")
            return Command(kind).having(city=_city(found["city"] or ""), day=day.lower())
    if WEATHER.match(_words(request)):
        return Command("weather", _weather_slots(request))
    return None


def _more(plain: str) -> Command:
    match = MORE.fullmatch(_words(plain, also=",."))
    slots = _weather_slots(f"in {match['what']}") if match else {}
    return Command("more", slots) if slots or (match and DAY.search(match["what"])) else UNCLEAR


def _tidy(text: str) -> str:
    """Return one line without the marks at its end."""
    return " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()).rstrip(" .!?…")


def _words(text: str, also: str = "") -> str:
    """Return the words without marks, except for those that are wanted."""
    return " ".join(re.sub(rf"[^\w' {also}-]+", " ", text).split()).strip(" ,")


def _note_slots(kind: str, found: Mapping[str, str | None]) -> dict[str, str]:
    """Return name, text and query of a match whose name may stand in one of several places."""
    slots = {"text": found.get("text"), "query": found.get("query")}
    slots["name"] = next((value for key, value in found.items() if key.startswith("name") and value), None)
    values = {key: value.strip(" \"“”'") for key, value in slots.items() if value}
    name = _name(values.pop("name", ""))
    if values.get("text", "").lower() in NO_TEXTS and not (kind == "write" and name):
        del values["text"]
    return values | ({"name": name} if name and name.lower() not in ANY else {})


def _name(words: str) -> str:
    """Return the name of a note without what is only said along with it."""
    return re.sub(r"^(?:the|my|our)\s+|\s+(?:note|memo)$|[\"“”]", "", words, flags=re.IGNORECASE).strip()


def _weather_slots(request: str) -> dict[str, str]:
    words = _words(request, also=",.")
    day, units = DAY.search(words), UNITS.search(words)
    slots = {"day": (day["day"] or "") if day else "", "units": (units.lastgroup or "") if units else ""}
    rest = _words(POLITE_END.sub("", UNITS.sub(" ", DAY.sub(" ", words))), also=",.")
    rest = re.sub(r"\b(?:do you think|be like|going to be|look(?:ing)? like|like|be)$", "", rest).strip()
    place = PLACE.search(rest) or PLACE_LAST.search(rest) or PLACE_FIRST.search(rest)
    slots["city"] = _city(place["city"]) if place else ""
    return {name: value for name, value in slots.items() if value}


def _city(words: str) -> str:
    """Return a city's name as it is written, typed capitals stay; the first of several; "" for what is no city."""
    words = re.sub(
        r"^(?:the city of|city of|(?:my |our |a |the )?(?:trip|journey|flight|visit|holiday|vacation) (?:to|in))\s+|"
        r"\s+(?:and|or)\s.*|\s+(?:please|be|like)$",
        "",
        words.strip(" ,"),
        flags=re.IGNORECASE,
    )
    if NOWHERE.fullmatch(words) or NO_CITY.fullmatch(words):
        return ""
    return words if words != words.lower() else string.capwords(words)
