"""The weather as a tool: a city becomes a place, the place's forecast becomes sentences."""

from __future__ import annotations

import unicodedata
from itertools import zip_longest
from typing import Annotated

from pydantic import Field

from voice.skills.openmeteo import Current, Daily, Measured, OpenMeteo, Place, Units
from voice.tool import ToolError

MAX_CITY = 100
"""Characters; the longest name of a place has 85 (Taumata... in New Zealand), without a state."""
COMPARABLE = 1 / 3
"""Share of its population that makes another place of that name as likely to be meant. With a third there are four
Springfields, but one Paris, one London and one Birmingham."""
MAX_OTHERS = 3
"""Other places that are named; more are tiresome to hear."""
NOTICEABLE = 2
"""Degrees by which what it feels like differs from the temperature to be worth a word."""

CONDITIONS = {
    0: "clear sky",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light showers",
    81: "showers",
    82: "violent showers",
    85: "snow showers",
    86: "heavy snow showers",
    95: "thunderstorms",
    96: "thunderstorms with hail",
    99: "thunderstorms with heavy hail",
}
"""The weather codes of the WMO that Open-Meteo uses."""
_CODES = {"uk": "gb", "usa": "us"}
"""What people call countries for short, and what their codes are."""

City = Annotated[str, Field(description="The city, and if need be its state or country in full, such as: Paris, Texas")]
UnitsAsked = Annotated[Units, Field(description="Celsius and km/h, or Fahrenheit and mph")]
Days = Annotated[int, Field(ge=1, le=7, description="Days of forecast, today included")]


class Weather:
    """What the weather is like; `get_weather` is a tool: it may be called from any thread and raises ToolError."""

    def __init__(self, service: OpenMeteo) -> None:
        self._service = service

    def get_weather(self, city: City, units: UnitsAsked = "metric", days: Days = 3) -> str:
        """Get the weather in a city, now and on the next days."""
        name, *areas = _parts(city)
        place, others = _choose(name, areas, self._service.places(name))
        forecast = self._service.forecast(place, units, days)
        degrees, speed = ("°C", "km/h") if units == "metric" else ("°F", "mph")
        now = _now(forecast.current, degrees, speed)
        coming = _days(forecast.daily, degrees)
        if not now and not coming:
            raise ToolError(f"The weather service knows nothing about {_label(place)} at the moment.")
        where = _label(place, with_state=bool(areas or others))
        sentences = [f"Now in {where}: {now or 'unknown'}", *coming]
        if others:
            sentences.append(f"There is also {_listed(others)}")
        return ". ".join(sentences) + "."


# Places -------------------------------------------------------------------------------------------------------------


def _parts(city: str) -> list[str]:
    """Name, then areas that it is in."""
    printable = "".join(char if char.isprintable() else " " for char in city)
    parts = [part for part in (" ".join(part.split()) for part in printable.split(",")) if part]
    if not parts:
        raise ToolError("Which city? Ask the user.")
    if len(city) > MAX_CITY:
        raise ToolError("That is too long for the name of a city.")
    return parts


def _choose(name: str, areas: list[str], places: tuple[Place, ...]) -> tuple[Place, list[Place]]:
    """The place that is meant, and others that might be."""
    if not places:
        raise ToolError(f'There is no place called "{name}"; perhaps it is spelled otherwise.')
    fitting = [place for place in places if all(_is_in(place, area) for area in areas)]
    if not fitting:
        raise ToolError(f'There is no {name} in "{", ".join(areas)}". There is {_listed(list(places))}.')
    chosen, *rest = fitting
    return chosen, [place for place in rest if _may_be_meant(place, chosen)]


def _is_in(place: Place, area: str) -> bool:
    """Whether an area is the place's country, its code, or one of its districts, or some of their words."""
    wanted = _words(area)
    code = area.casefold().replace(".", "")
    names = (place.country, place.admin1, place.admin2, place.admin3, place.admin4)
    in_country = _CODES.get(code, code) == (place.country_code or "").casefold()
    return in_country or any(wanted <= _words(known or "") for known in names)


def _may_be_meant(place: Place, chosen: Place) -> bool:
    far = (place.country, place.admin1) != (chosen.country, chosen.admin1)
    large = (place.population or 0) >= COMPARABLE * (chosen.population or 0)
    return far and large and _words(place.name) == _words(chosen.name)


def _words(text: str) -> frozenset[str]:
    """Words without case, accents and punctuation."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    return frozenset("".join(char if char.isalnum() else " " for char in plain).split())


def _label(place: Place, *, with_state: bool = True) -> str:
    return ", ".join(filter(None, (place.name, place.admin1 if with_state else None, place.country)))


def _listed(places: list[Place]) -> str:
    return "; ".join(dict.fromkeys(_label(place) for place in places[:MAX_OTHERS]))


# Words --------------------------------------------------------------------------------------------------------------


def _now(current: Current, degrees: str, speed: str) -> str:
    temperature, felt = current.temperature_2m, current.apparent_temperature
    chill = temperature is not None and felt is not None and abs(felt - temperature) >= NOTICEABLE
    parts = (
        _number(temperature, f" {degrees}"),
        _number(felt, f" {degrees}", "feels like ") if chill else "",
        _condition(current.weather_code),
        _number(current.wind_speed_10m, f" {speed}", "wind "),
        _number(current.relative_humidity_2m, " %", "humidity "),
    )
    return ", ".join(filter(None, parts))


def _days(daily: Daily, degrees: str) -> list[str]:
    """A sentence for each day of which anything is known."""
    lows, highs = daily.temperature_2m_min, daily.temperature_2m_max
    columns = zip_longest(daily.time, daily.weather_code, lows, highs, daily.precipitation_probability_max)
    sentences = []
    for number, (day, code, low, high, rain) in enumerate(columns):
        parts = (_condition(code), _range(low, high, degrees), _number(rain, " %", "chance of rain "))
        if known := ", ".join(filter(None, parts)):
            name = "Today" if number == 0 else "Tomorrow" if number == 1 else f"{day:%A}" if day else "Then"
            sentences.append(f"{name}: {known}")
    return sentences


def _range(low: Measured, high: Measured, degrees: str) -> str:
    if low is None or high is None:
        return _number(low, f" {degrees}", "at least ") or _number(high, f" {degrees}", "at most ")
    return f"{_number(low)} to {_number(high)} {degrees}"


def _condition(code: Measured) -> str:
    return CONDITIONS.get(int(code), "") if code is not None else ""


def _number(value: Measured, unit: str = "", before: str = "") -> str:
    """Rounded, and with a sign that can be heard."""
    if value is None:
        return ""
    whole = round(value)
    return f"{before}{'minus ' if whole < 0 else ''}{abs(whole)}{unit}"
