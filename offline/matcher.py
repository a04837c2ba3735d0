"""A brain without a language model: it knows requests by their wording, calls functions, and says their results.

The same conversation always gets the same answer, except for the time. Nothing is remembered between turns: all that
an answer depends on is in the conversation.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from offline.brain import FunctionCall, TextDelta, Turn, said
from offline.commands import UNKNOWN, UNNAMED, Command, Exchange, parse, understand
from offline.functions import MisfitError, call, function_for
from offline.intents import INTENTS, MISSES, SMALL_TALK, intent_of

_WEEKDAYS = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")
_MOST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Matcher:
    """Answers by rules; any thread may call."""

    now: Callable[[ZoneInfo | None], datetime] = datetime.now
    """The clock, given a time zone, None for that of this computer."""

    def reply(self, turn: Turn) -> Generator[TextDelta | FunctionCall, None, None]:
        """Yield a sentence, or the call of a function."""
        recent = _since_last_word(turn.items)
        outputs = [str(item.get("output", "")) for item in recent if item.get("type") == "function_call_output"]
        exchanges = _exchanges(turn.items)
        if outputs:
            yield TextDelta(_told(understand(exchanges), outputs))
            return
        if not any(item.get("role") == "user" for item in recent):
            yield TextDelta("Anything else?" if exchanges else SMALL_TALK["greeting"])
            return
        tools = _allowed(turn)
        answer = self._answer(turn, tools, exchanges)
        if isinstance(answer, TextDelta) and turn.tool_choice not in ("auto", "none"):
            answer = _any_call(tools) or answer
        yield answer

    def _answer(  # noqa: PLR0911 - one for each kind
        self, turn: Turn, tools: list[Mapping[str, Any]], exchanges: list[Exchange]
    ) -> TextDelta | FunctionCall:
        if not said(next(item for item in reversed(turn.items) if item.get("role") == "user")):
            return TextDelta("I did not hear any words. Please say it again.")
        command = understand(exchanges)
        if command.kind in {"time", "date"}:
            return self._time(command, function_for(command.kind, tools))
        if intent_of(command.kind).families:
            return self._carry_out(command, tools)
        if command.kind == "recall":
            return TextDelta(
                f'You said: "{exchanges[-2].text}".' if exchanges[1:] else "You have not said anything before."
            )
        if command.kind == "repeat":
            return TextDelta(self._repeated(turn))
        if command.kind in SMALL_TALK:
            return TextDelta(SMALL_TALK[command.kind])
        start = "" if command.kind == "help" else "I did not understand that. "
        return TextDelta(start + _abilities(tools))

    def _repeated(self, turn: Turn) -> str:
        """Return the last answer that was of use; one that was interrupted whole, where it can be thought again."""
        places: list[int] = []
        asked = ""
        for place, item in enumerate(turn.items):
            if item.get("role") == "user":
                asked = said(item)
            elif item.get("role") == "assistant" and parse(asked).kind != "repeat":
                places.append(place)
        if not places:
            return "I have not said anything yet."
        useful = [place for place in places if not said(turn.items[place]).startswith(MISSES)]
        place = (useful or places)[-1]
        heard = said(turn.items[place])
        again = next(self.reply(replace(turn, items=turn.items[:place])))
        return again.text if isinstance(again, TextDelta) and again.text.startswith(heard) else heard

    def _carry_out(self, command: Command, tools: list[Mapping[str, Any]]) -> TextDelta | FunctionCall:
        kind = command.kind
        intent = intent_of(kind)
        target = intent.becomes or kind
        tool = function_for(target, tools)
        if tool is None:
            return TextDelta(f"I can't {intent_of(target).ability} here. {_abilities(tools)}")
        if command.gap == "sure" and kind == "delete" and "there" not in command.slots:
            with suppress(MisfitError):
                if lists := function_for("list", tools):
                    return call(lists, Command("list"))
        if command.gap:
            return TextDelta(command.question)
        if command.slots.get("sure") == "no":
            return TextDelta(
                f"All right, I keep the note {command.slots['name']}." if kind == "delete" else "All right."
            )
        if kind == "write" and "name" not in command.slots:
            # Added to, not written over: earlier notes without a name are kept.
            command = command.having(name=UNNAMED)
            if appends := function_for("append", tools):
                return _called(appends, replace(command, kind="append"))
        return _called(tool, command, days=_days(command.slots.get("day", ""), self.now(None)))

    def _time(self, command: Command, tool: Mapping[str, Any] | None) -> TextDelta | FunctionCall:
        city = command.slots.get("city", "")
        zone = _zone(city) if city else None
        if command.slots.get("day") == "tomorrow":
            return TextDelta(_date("Tomorrow is", self.now(zone) + timedelta(days=1), ""))
        if tool:
            with suppress(MisfitError):
                return call(tool, command.having(zone=zone.key if zone else city))  # it says what it does not know
        return TextDelta(self._clock(command.kind, city, zone))

    def _clock(self, kind: str, city: str, zone: ZoneInfo | None) -> str:
        if city and zone is None:
            return f"I do not know the time in {city}."
        now = self.now(zone)
        where = f" in {city}" if city else ""
        if kind == "date":
            return _date("It is", now, where)
        return f"It is {now.hour % 12 or 12}:{now:%M} {'AM' if now.hour < 12 else 'PM'}{where}."  # noqa: PLR2004 - noon


def _date(start: str, day: datetime, where: str) -> str:
    return f"{start} {day:%A}, {day:%B} {day.day}, {day.year}{where}."


def _days(day: str, now: datetime) -> int:
    """Return how many days of forecast reach as far as a day, today included; 0 when there is no telling."""
    words = day.lower()
    left = 7 - now.weekday()  # of the week
    if number := re.search(r"(\w+) days$", words):
        return next((n for n, name in enumerate(_NUMBERS, 1) if number[1] in {name, str(n)}), 3)
    if "week" in words:
        return left if "weekend" in words else _MOST_DAYS
    if "tomorrow" in words:
        return 3 if "after" in words else 2
    weekday = next((place for place, name in enumerate(_WEEKDAYS) if f"{name}day" in words), None)
    if weekday is not None:
        return (weekday - now.weekday()) % 7 + 1
    return 1 if words else 0


def _told(command: Command, outputs: Sequence[str]) -> str:
    """Return what is to be said of the results of a request."""
    words = " ".join(map(spoken, outputs))
    if command.kind == "write" and (exists := re.match(r"There is a note .* already\.", words)):
        return f"{exists[0]} {replace(command, kind='extend').question}"
    if command.kind == "delete" and command.gap == "sure":
        name = command.slots["name"]
        is_whole = not re.search(r" and \d+ more\b|^That did not work", words)
        return f'There is no note "{name}".' if is_whole and _plain(name) not in _plain(words) else command.question
    return words


def _plain(text: str) -> str:
    """Return words as they are compared: no case, no marks."""
    words = re.sub(r"[\W_]+", " ", _folded(text)).split()
    return f" {' '.join(words)} "


def _folded(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def spoken(output: str) -> str:
    """Return a function's output as something to say: sentences as they are, JSON as words."""
    try:
        value = json.loads(output)
    except ValueError:
        return output.strip() or "Done."
    return _in_words(value) or "Done."


def _in_words(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        if value.get("error"):
            return f"That did not work: {_in_words(value['error'])}"
        for key in ("message", "result", "summary", "text", "content", "output"):
            if value.get(key):
                return _in_words(value[key])
        return ", ".join(f"{key.replace('_', ' ')} {_in_words(one)}" for key, one in value.items())
    if isinstance(value, list):
        words = [_in_words(one) for one in value]
        return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _since_last_word(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what has happened since the assistant last spoke."""
    recent: list[Mapping[str, Any]] = []
    for item in reversed(items):
        if item.get("role") == "assistant":
            break
        recent.append(item)
        if item.get("role") == "user":
            break
    return recent[::-1]


def _exchanges(items: Sequence[Mapping[str, Any]]) -> list[Exchange]:
    """Return what the user said, where there were words, each with the assistant's answer."""
    found: list[Exchange] = []
    for item in items:
        words = said(item)
        if item.get("role") == "user" and words:
            found.append(Exchange(words))
        elif item.get("role") == "assistant" and found:
            found[-1] = replace(found[-1], answer=f"{found[-1].answer} {words}".strip())
    return found


def _allowed(turn: Turn) -> list[Mapping[str, Any]]:
    if isinstance(turn.tool_choice, Mapping):
        return [tool for tool in turn.tools if tool.get("name") == turn.tool_choice.get("name")]
    return [] if turn.tool_choice == "none" else list(turn.tools)


def _any_call(tools: Sequence[Mapping[str, Any]]) -> FunctionCall | None:
    """Return a call that needs to know nothing, for a client that insists on one."""
    for tool in tools:
        with suppress(MisfitError):
            return call(tool, Command(UNKNOWN))
    return None


def _called(tool: Mapping[str, Any], command: Command, days: int = 0) -> TextDelta | FunctionCall:
    try:
        made = call(tool, command)
    except MisfitError as error:
        return TextDelta(f"I can't use {tool['name']}: I don't know what to give it as {error}.")
    wanted = ((tool.get("parameters") or {}).get("properties") or {}).get("days") or {}
    if days and wanted.get("type") == "integer":
        return replace(made, arguments=json.dumps({**json.loads(made.arguments), "days": days}, ensure_ascii=False))
    return made


def _abilities(tools: Sequence[Mapping[str, Any]]) -> str:
    able = [intent.ability for kind, intent in INTENTS.items() if intent.ability and function_for(kind, tools)]
    return f"I can {', '.join([*able, 'tell you the time'])} and the date."


def _zone(city: str) -> ZoneInfo | None:
    """Return the time zone that is named after a city, None when there is none, or no zones on this computer."""
    wanted = f"/{_folded(city.partition(',')[0]).replace(' ', '_')}"
    return next((ZoneInfo(name) for name in sorted(available_timezones()) if name.lower().endswith(wanted)), None)
