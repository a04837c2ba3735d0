"""The functions that the model may call.

A tool is a typed function with a docstring. The model reads its name, its docstring and its parameters with what
`Field` says of them, and it is told what the function returns. Add yours below and name it in `create_tools`::

    def roll_dice(sides: Annotated[int, Field(ge=2, description="Sides of the dice")] = 6) -> str:
        \"\"\"Roll a dice.\"\"\"
        return f"It shows {random.randint(1, sides)}."

Arguments are checked before it is called. It runs in a thread of its own, side by side with others, for at most 20 s
unless it is marked ``@time_limit(60)``. To tell the model that something cannot be done, raise `ToolError` with a
sentence; any other exception is logged as a bug. Mark what cannot be undone with ``@confirm("Delete {name}?")``: then
it runs only after the user has been asked. All three are in `voice.tool`. Tools of your own can also stay in a file of
your own, which is given with ``--tools FILE.py``; see the folder examples.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field

from voice.config import Config
from voice.skills.notes import Notepad
from voice.skills.openmeteo import OpenMeteo
from voice.skills.weather import Weather
from voice.tool import ToolError

Zone = Annotated[str, Field(description="Where: an IANA zone such as Asia/Tokyo, or its city; empty for here")]


def create_tools(config: Config) -> list[Callable[..., str]]:
    """All tools, in the order in which the model is told of them."""
    weather = Weather(OpenMeteo(config))
    notepad = Notepad(config.notes_folder)
    return [
        get_time,
        weather.get_weather,
        notepad.write_note,
        notepad.append_note,
        notepad.read_note,
        notepad.list_notes,
        notepad.search_notes,
        notepad.delete_note,
    ]


def get_time(timezone: Zone = "") -> str:
    """Get the time of day and the date, here or elsewhere."""
    if not timezone.strip():
        return f"It is {_spoken(datetime.now().astimezone())}."
    zone = _find_zone(timezone)
    return f"In {_city(zone)} it is {_spoken(datetime.now(ZoneInfo(zone)))}."


def _spoken(moment: datetime) -> str:
    return f"{moment:%H:%M} on {moment:%A}, {moment.day} {moment:%B %Y}"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _find_zone(wanted: str) -> str:
    """Name of the zone of that name, or of that city: the last part of a zone's name."""
    zones = sorted(available_timezones())  # from the system, or the package tzdata where the system has none
    if not zones:
        raise ToolError("This computer knows no time but its own: it needs the Python package tzdata.")
    name = "_".join(wanted.partition(",")[0].split()).casefold()
    for zone in zones:
        if zone.casefold() == name:
            return zone
    for zone in zones:
        if zone.casefold().endswith(f"/{name}"):
            return zone
    raise ToolError(f'I do not know the time in "{wanted:.100}". Name a large city there.')
