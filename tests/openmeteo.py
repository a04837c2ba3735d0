"""Open-Meteo on loopback: its formats, its errors, places that exist, weather that does not, faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import Self

TODAY = date(2026, 5, 4)
"""A Monday, the same at every place."""

# GeoNames' numbers: id, name, latitude, longitude, code of the kind of place, country, state, population
_ROWS: list[tuple[int, str, float, float, str, str, str, int | None]] = [
    (2267057, "Lisbon", 38.71667, -9.13333, "PPLC", "PT", "Lisbon District", 517802),
    (2988507, "Paris", 48.85341, 2.3488, "PPLC", "FR", "Île-de-France", 2138551),
    (4717560, "Paris", 33.66094, -95.55551, "PPLA2", "US", "Texas", 24782),
    (4303602, "Paris", 38.2098, -84.25299, "PPLA2", "US", "Kentucky", 9846),
    (4409896, "Springfield", 37.21533, -93.29824, "PPLA2", "US", "Missouri", 166810),
    (4951788, "Springfield", 42.10148, -72.58981, "PPLA2", "US", "Massachusetts", 154341),
    (4250542, "Springfield", 39.80172, -89.64371, "PPLA", "US", "Illinois", 116565),
    (5754005, "Springfield", 44.04624, -123.02203, "PPL", "US", "Oregon", 60870),
    (4525353, "Springfield", 39.92423, -83.80882, "PPLA2", "US", "Ohio", 59680),
    (2643743, "London", 51.50853, -0.12574, "PPLC", "GB", "England", 8961989),
    (6058560, "London", 42.98339, -81.23304, "PPL", "CA", "Ontario", 422324),
    (3621849, "San José", 9.93333, -84.08333, "PPLC", "CR", "San José", 335007),
    (5392171, "San Jose", 37.33939, -121.89496, "PPLA2", "US", "California", 1026908),
    (2921044, "Nowhere", 0.0, 0.0, "OCN", "", "", None),
]
_COUNTRIES = {
    "PT": "Portugal",
    "FR": "France",
    "US": "United States",
    "GB": "United Kingdom",
    "CA": "Canada",
    "CR": "Costa Rica",
}
_VALUES: dict[str, float] = {
    "temperature_2m": 17.4,
    "apparent_temperature": 16.9,
    "relative_humidity_2m": 72,
    "weather_code": 0,
    "wind_speed_10m": 9.1,
}
_DAYS: dict[str, list[float]] = {
    "weather_code": [3, 61, 95, 0, 1, 2, 71],
    "temperature_2m_max": [19.1, 15.2, 13.9, 18.0, 20.5, 21.0, 1.4],
    "temperature_2m_min": [11.8, 10.1, 8.0, 9.0, 10.2, 11.1, -3.2],
    "precipitation_probability_max": [5, 90, 75, 0, 0, 3, 40],
}
_KNOWN = {
    "/v1/search": {"name", "count", "language", "format", "countryCode"},
    "/v1/forecast": {
        *("latitude", "longitude", "current", "daily", "timezone", "forecast_days"),
        *("temperature_unit", "wind_speed_unit"),
    },
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    path: str
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is answered instead; `silent` answers nothing until the server ends."""

    status: int = 200
    body: bytes = b""
    silent: bool = False


@dataclass
class OpenMeteo:
    """Both services on one port, as a context manager; all may be used from the test's thread while they run.

    Stricter than the real services in one point: a parameter that they would pass over is an error.
    """

    requests: list[Request] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    """By path: ``/v1/search`` or ``/v1/forecast``."""
    change: Callable[[Any], Any] = lambda answer: answer
    """What becomes of a forecast before it is sent."""

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # so that closing waits for the last of them
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="open-meteo")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Address of both services."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def geocoding_url(self) -> str:
        """What GEOCODING_URL has to be."""
        return self.url

    @property
    def forecast_url(self) -> str:
        """What FORECAST_URL has to be."""
        return self.url

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                request = Request(url.path, dict(parse_qsl(url.query, keep_blank_values=True)))
                service.requests.append(request)
                fault = service.faults.get(request.path)
                if fault and fault.silent:
                    service._ended.wait()
                    return
                status, body = (fault.status, fault.body) if fault else service._answer(request)
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
                """Say nothing."""

        return Handler

    def _answer(self, request: Request) -> tuple[int, bytes]:
        if request.path not in _KNOWN:
            return 404, json.dumps({"error": True, "reason": "Not Found"}).encode()
        if unknown := request.query.keys() - _KNOWN[request.path]:
            return 400, json.dumps({"error": True, "reason": f"Unknown parameter {min(unknown)}."}).encode()
        try:
            answer = search(request.query) if request.path == "/v1/search" else self.change(forecast(request.query))
        except (KeyError, ValueError) as error:
            return 400, json.dumps({"error": True, "reason": str(error)}).encode()
        return 200, json.dumps(answer).encode()


def search(query: dict[str, str]) -> Any:
    """Answer a search: exact names only up to two letters, from three letters on beginnings of names too."""
    count, name = int(query.get("count", "10")), query["name"].casefold()
    if not 1 <= count <= 100:
        raise ValueError("Parameter count must be between 1 and 100.")
    plain = name.replace("é", "e")
    found = [row for row in _ROWS if row[1].casefold().replace("é", "e").startswith(plain) and len(name) >= 2]
    if not found:
        return {"generationtime_ms": 0.4}
    return {"results": [_place(row) for row in found[:count]], "generationtime_ms": 0.9}


def _place(row: tuple[int, str, float, float, str, str, str, int | None]) -> dict[str, Any]:
    number, name, latitude, longitude, kind, code, state, population = row
    place: dict[str, Any] = {
        "id": number,
        "name": name,
        "latitude": latitude,
        "longitude": longitude,
        "elevation": 45.0,
        "feature_code": kind,
        "timezone": "GMT",
    }
    if code:
        place |= {"country_code": code, "country_id": 1, "country": _COUNTRIES[code], "admin1": state, "admin1_id": 2}
    if population is not None:
        place["population"] = population
    return place


def forecast(query: dict[str, str]) -> Any:
    """Answer a forecast: only what was asked for, in the units asked for."""
    fahrenheit = {"celsius": False, "fahrenheit": True}[query.get("temperature_unit", "celsius")]
    mph = {"kmh": False, "mph": True}[query.get("wind_speed_unit", "kmh")]
    days = int(query.get("forecast_days", "7"))
    if not 0 <= days <= 16:
        raise ValueError("Forecast days is invalid. Allowed range 0 to 16.")

    def convert(name: str, value: float) -> float:
        if "temperature" in name and fahrenheit:
            return round(value * 9 / 5 + 32, 1)
        return round(value / 1.609344, 1) if "wind" in name and mph else value

    units = {"wind_speed_10m": "mp/h" if mph else "km/h", "weather_code": "wmo code"}
    current = {name: convert(name, _VALUES[name]) for name in query["current"].split(",")}
    daily: dict[str, list[Any]] = {"time": [(TODAY + timedelta(day)).isoformat() for day in range(days)]}
    for name in query["daily"].split(","):
        daily[name] = [convert(name, value) for value in _DAYS[name][:days]]
    degrees = "°F" if fahrenheit else "°C"
    return {
        "latitude": float(query["latitude"]),
        "longitude": float(query["longitude"]),
        "generationtime_ms": 0.2,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 45.0,
        "current_units": {"time": "iso8601", "interval": "seconds"}
        | {name: units.get(name, degrees if "temperature" in name else "%") for name in current},
        "current": {"time": f"{TODAY}T10:15", "interval": 900, **current},
        "daily_units": {name: degrees if "temperature" in name else units.get(name, "%") for name in daily}
        | {"time": "iso8601"},
        "daily": daily,
    }
