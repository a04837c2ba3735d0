"""A brain without a language model: it knows requests by their wording, calls functions, and says their results.

The same conversation always gets the same answer, except for the time. Nothing is remembered between turns: all that
an answer depends on is in the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from offline.brain import FunctionCall, TextDelta, Turn, said
from offline.commands import UNKNOWN, UNNAMED, Command, understand
from offline.functions import MisfitError, call, function_for
from offline.intents import INTENTS, intent_of

_SMALL_TALK = {
    "greeting": "Hello. What can I do for you?",
    "who": "I am the assistant built into this program. I run on this computer alone.",
    "thanks": "You're welcome.",
    "goodbye": "Goodbye.",
    "stop": "All right.",
    "yes": "What can I do for you?",
    "no": "All right.",
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """Answers by rules; any thread may call."""

    now: Callable[[ZoneInfo | None], datetime] = datetime.now
    """The clock, given a time zone, None for that of this computer."""

    def reply(self, turn: Turn) -> Generator[TextDelta | FunctionCall, None, None]:
        """Yield a sentence, or the call of a function."""
        recent = _since_last_word(turn.items)
        outputs = [item for item in recent if item.get("type") == "function_call_output"]
        if outputs:
            yield TextDelta(" ".join(spoken(str(item.get("output", ""))) for item in outputs))
            return
        texts = [said(item) for item in turn.items if item.get("role") == "user"]
        if not any(item.get("role") == "user" for item in recent):
            yield TextDelta("Anything else?" if texts else _SMALL_TALK["greeting"])
            return
        tools = _allowed(turn)
        answer = self._answer(turn, tools, texts)
        if isinstance(answer, TextDelta) and turn.tool_choice not in ("auto", "none"):
            answer = _any_call(tools) or answer
        yield answer

    def _answer(self, turn: Turn, tools: list[Mapping[str, Any]], texts: list[str]) -> TextDelta | FunctionCall:  # noqa: PLR0911 - one for each kind
        if not texts[-1]:
            return TextDelta("I did not hear any words. Please say it again.")
        command = understand(text for text in texts if text)
        if intent_of(command.kind).ability:
            return _carry_out(command, tools)
        if command.kind in {"time", "date"}:
            return self._time(command, function_for(command.kind, tools))
        if command.kind == "recall":
            return TextDelta(
                f'You said: "{texts[-2]}".' if texts[1:] and texts[-2] else "You have not said anything before."
            )
        if command.kind == "repeat":
            answers = [said(item) for item in turn.items if item.get("role") == "assistant"]
            return TextDelta(next(filter(None, reversed(answers)), "I have not said anything yet."))
        if command.kind in _SMALL_TALK:
            return TextDelta(_SMALL_TALK[command.kind])
        start = "" if command.kind == "help" else "I did not understand that. "
        return TextDelta(start + _abilities(tools))

    def _time(self, command: Command, tool: Mapping[str, Any] | None) -> TextDelta | FunctionCall:
        city = command.slots.get("city", "")
        zone = _zone(city) if city else None
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
            return f"It is {now:%A}, {now:%B} {now.day}, {now.year}{where}."
        return f"It is {now.hour % 12 or 12}:{now:%M} {'AM' if now.hour < 12 else 'PM'}{where}."  # noqa: PLR2004 - noon


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


def _allowed(turn: Turn) -> list[Mapping[str, Any]]:
    if isinstance(turn.tool_choice, Mapping):
        return [tool for tool in turn.tools if tool.get("name") == turn.tool_choice.get("name")]
    return [] if turn.tool_choice == "none" else list(turn.tools)


def _carry_out(command: Command, tools: list[Mapping[str, Any]]) -> TextDelta | FunctionCall:
    kind = command.kind
    intent, tool = intent_of(kind), function_for(kind, tools)
    if tool is None:
        return TextDelta(f"I can't {intent.ability} here. {_abilities(tools)}")
    if command.gap:
        return TextDelta(intent.asks[command.gap].format_map(command.slots))
    if command.slots.get("sure") == "no":
        return TextDelta(f"All right, I keep the note {command.slots['name']}.")
    if kind == "write" and "name" not in command.slots:
        # Added to, not written over: earlier notes without a name are kept.
        command = command.having(name=UNNAMED)
        if appends := function_for("append", tools):
            return _called(appends, replace(command, kind="append"))
    return _called(tool, command)


def _any_call(tools: Sequence[Mapping[str, Any]]) -> FunctionCall | None:
    """Return a call that needs to know nothing, for a client that insists on one."""
    for tool in tools:
        with suppress(MisfitError):
            return call(tool, Command(UNKNOWN))
    return None


def _called(tool: Mapping[str, Any], command: Command) -> TextDelta | FunctionCall:
    try:
        return call(tool, command)
    except MisfitError as error:
        return TextDelta(f"I can't use {tool['name']}: I don't know what to give it as {error}.")


def _abilities(tools: Sequence[Mapping[str, Any]]) -> str:
    able = [intent.ability for kind, intent in INTENTS.items() if intent.ability and function_for(kind, tools)]
    return f"I can {', '.join([*able, 'tell you the time'])} and the date."


def _zone(city: str) -> ZoneInfo | None:
    """Return the time zone that is named after a city, None when there is none, or no zones on this computer."""
    wanted = f"/{city.replace(' ', '_')}".lower()
    return next((ZoneInfo(name) for name in sorted(available_timezones()) if name.lower().endswith(wanted)), None)
