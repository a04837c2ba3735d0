"""Open-Meteo's two services, which look up places and forecast their weather: HTTP requests in, frozen values out."""

from __future__ import annotations

import logging
from datetime import date
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from voice.config import Config
from voice.tool import ToolError

if TYPE_CHECKING:
    import requests

TIMEOUT = 4.5
"""Seconds to connect, and to wait for an answer: two requests fit into a tool's 20 s even at their slowest."""
MAX_PLACES = 100
"""The most that the service gives; a small place is found by its state only if it is among them."""
CHUNK = 65_536
"""Bytes read at once."""
MAX_CHUNKS = 16
"""An answer of 100 places has some 60 kB; what is cut here is no JSON, so it is refused."""

Units = Literal["metric", "imperial"]
Measured = FiniteFloat | None
"""The service leaves out what it does not know, or sends null."""

logger = logging.getLogger(__name__)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


Answer = TypeVar("Answer", bound=_Answer)


class Place(_Answer):
    """Where on earth; only the first three are known of every place."""

    name: str
    latitude: FiniteFloat
    longitude: FiniteFloat
    population: Measured = None
    country: str | None = None
    country_code: str | None = None
    admin1: str | None = None
    """State or province; `admin2` to `admin4` are ever smaller districts."""
    admin2: str | None = None
    admin3: str | None = None
    admin4: str | None = None


class Current(_Answer):
    """The weather now, in the units asked for; humidity in percent."""

    temperature_2m: Measured = None
    apparent_temperature: Measured = None
    relative_humidity_2m: Measured = None
    weather_code: Measured = None
    wind_speed_10m: Measured = None


class Daily(_Answer):
    """One value a day, today's first; precipitation in percent."""

    time: tuple[date, ...] = ()
    weather_code: tuple[Measured, ...] = ()
    temperature_2m_min: tuple[Measured, ...] = ()
    temperature_2m_max: tuple[Measured, ...] = ()
    precipitation_probability_max: tuple[Measured, ...] = ()


class Forecast(_Answer):
    """The weather of a place, in its own time zone."""

    current: Current = Current()
    daily: Daily = Daily()


class _Found(_Answer):
    results: tuple[Place, ...] = ()


class OpenMeteo:
    """The services at their configured addresses, through the configured proxy; any thread may call.

    Both methods block for a few seconds at most and raise ToolError, a sentence, when there is no usable answer.
    """

    def __init__(self, config: Config) -> None:
        self._search = f"{config.geocoding_url}/v1/search"
        self._forecast = f"{config.forecast_url}/v1/forecast"
        self._proxies = {"http": config.proxy_url, "https": config.proxy_url} if config.proxy_url else None

    def places(self, name: str) -> tuple[Place, ...]:
        """Places of that name or a similar one, the best known first."""
        query = {"name": name, "count": str(MAX_PLACES), "language": "en", "format": "json"}
        return self._get(self._search, query, _Found).results

    def forecast(self, place: Place, units: Units, days: int) -> Forecast:
        """The weather there, now and for so many days, in °C and km/h or in °F and mph."""
        query = {
            "latitude": str(place.latitude),
            "longitude": str(place.longitude),
            "current": ",".join(Current.model_fields),
            "daily": ",".join(name for name in Daily.model_fields if name != "time"),
            "timezone": "auto",
            "forecast_days": str(days),
            "temperature_unit": "celsius" if units == "metric" else "fahrenheit",
            "wind_speed_unit": "kmh" if units == "metric" else "mph",
        }
        return self._get(self._forecast, query, Forecast)

    def _get(self, url: str, query: dict[str, str], kind: type[Answer]) -> Answer:
        import requests  # noqa: PLC0415 - takes a noticeable part of the program's start, which needs none of it

        try:
            with requests.get(url, query, proxies=self._proxies, timeout=TIMEOUT, stream=True) as response:
                body = b"".join(islice(response.iter_content(CHUNK), MAX_CHUNKS))
        except requests.RequestException as error:
            logger.warning("%s: %s", url, type(error).__name__)  # its text may hold the proxy's password
            raise ToolError(_unreachable(error)) from None
        if response.status_code != HTTPStatus.OK:
            logger.warning("%s: HTTP status %d, %.200r", url, response.status_code, body)
            busy = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            reason = "has been asked too often" if busy else f"has a problem (HTTP status {response.status_code})"
            raise ToolError(f"The weather service {reason}; try again later.")
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            logger.warning("%s: %s", url, error)
            raise ToolError("The weather service gave an answer that makes no sense; try again later.") from None


def _unreachable(error: requests.RequestException) -> str:
    import requests  # noqa: PLC0415 - loaded already

    if isinstance(error, requests.exceptions.ProxyError):
        return "The weather service cannot be reached: the proxy does not let us through."
    if isinstance(error, requests.exceptions.SSLError):
        return "The weather service cannot be reached: the connection is not safe (its certificate is wrong)."
    if isinstance(error, requests.Timeout):
        return "The weather service did not answer in time; try again later."
    return "The weather service cannot be reached; there may be no network."
