"""The weather: places, words, and every way in which the service can fail."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.openmeteo import Fault, OpenMeteo
from voice.config import Config
from voice.skills import openmeteo
from voice.skills.weather import CONDITIONS, Weather
from voice.tool import ToolError
from voice.toolbox import Toolbox


@pytest.fixture
def service() -> Iterator[OpenMeteo]:
    with OpenMeteo() as running:
        yield running


def weather_from(service: OpenMeteo, **options: str) -> Callable[..., str]:
    config = Config(geocoding_url=service.geocoding_url, forecast_url=service.forecast_url, **options)  # type: ignore[arg-type]
    return Weather(openmeteo.OpenMeteo(config)).get_weather


def failure(get_weather: Callable[..., str], *arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        get_weather(*arguments)
    return str(caught.value)


def test_weather_is_told_for_now_and_three_days(service: OpenMeteo) -> None:
    assert weather_from(service)("Lisbon") == (
        "Now in Lisbon, Portugal: 17 °C, clear sky, wind 9 km/h, humidity 72 %. "
        "Today: overcast, 12 to 19 °C, chance of rain 5 %. "
        "Tomorrow: light rain, 10 to 15 °C, chance of rain 90 %. "
        "Wednesday: thunderstorms, 8 to 14 °C, chance of rain 75 %."
    )


def test_imperial_units_are_the_services_own(service: OpenMeteo) -> None:
    told = weather_from(service)("Lisbon", "imperial", 1)

    assert told == (
        "Now in Lisbon, Portugal: 63 °F, clear sky, wind 6 mph, humidity 72 %. "
        "Today: overcast, 53 to 66 °F, chance of rain 5 %."
    )


def test_a_week_has_days_with_names_and_minus_in_words(service: OpenMeteo) -> None:
    told = weather_from(service)("Lisbon", "metric", 7)

    assert told.endswith("Sunday: light snow, minus 3 to 1 °C, chance of rain 40 %.")


@pytest.mark.parametrize(
    ("city", "where"),
    [
        ("Paris", "Paris, France"),
        ("  paris  ", "Paris, France"),
        ("Paris, Texas", "Paris, Texas, United States"),
        ("Paris, Kentucky, USA", "Paris, Kentucky, United States"),
        ("London, UK", "London, England, United Kingdom"),
        ("London, U.K.", "London, England, United Kingdom"),
        ("London, ca", "London, Ontario, Canada"),
        ("San Jose, costa rica", "San José, San José, Costa Rica"),
        ("San José, ile-de-france, ,", None),
        ("Paris, ile de france", "Paris, Île-de-France, France"),
        ("Nowhere", "Nowhere"),
    ],
)
def test_what_follows_the_comma_chooses_the_place(service: OpenMeteo, city: str, where: str | None) -> None:
    if where is None:
        assert failure(weather_from(service), city).startswith('There is no San José in "ile-de-france".')
    else:
        assert weather_from(service)(city).startswith(f"Now in {where}: 17 °C")


def test_the_place_chosen_is_the_place_forecast(service: OpenMeteo) -> None:
    weather_from(service)("Paris, Texas")

    (_, request) = service.requests
    assert (request.query["latitude"], request.query["longitude"]) == ("33.66094", "-95.55551")


def test_other_places_as_large_are_named(service: OpenMeteo) -> None:
    told = weather_from(service)("Springfield")

    assert told.startswith("Now in Springfield, Missouri, United States: ")
    assert told.endswith(
        "There is also Springfield, Massachusetts, United States; Springfield, Illinois, United States; "
        "Springfield, Oregon, United States."
    )


def test_an_unknown_state_brings_up_what_there_is(service: OpenMeteo) -> None:
    assert failure(weather_from(service), "Paris, Ohio") == (
        'There is no Paris in "Ohio". There is Paris, Île-de-France, France; Paris, Texas, United States; '
        "Paris, Kentucky, United States."
    )


def test_an_unknown_city_is_said(service: OpenMeteo) -> None:
    assert failure(weather_from(service), "Atlantis").startswith('There is no place called "Atlantis"')


@pytest.mark.parametrize("city", ["", "  ", ",", "\0\n\x1b", "a" * 101, ",".join("a" * 80)])
def test_what_cannot_be_a_city_is_not_asked_for(service: OpenMeteo, city: str) -> None:
    failure(weather_from(service), city)

    assert not service.requests


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(city=st.text(st.characters(), max_size=110))
@example(city="failed")
def test_any_city_has_an_output(service: OpenMeteo, city: str) -> None:
    get_weather = weather_from(service)
    output = Toolbox([get_weather]).call("get_weather", json.dumps({"city": city}))

    # Of a bug it would say "get_weather failed"; a city may be called "failed".
    assert output.startswith(
        ("Now in ", "There is no ", "Which city?", "That is too long", "The arguments", "get_weather does not")
    )


# Failures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/search", "/v1/forecast"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(429, b'{"error":true,"reason":"Minutely API request limit exceeded."}'), "asked too often"),
        (Fault(500, b"<html>"), "HTTP status 500"),
        (Fault(400, b'{"error":true,"reason":"Bad"}'), "HTTP status 400"),
        (Fault(200, b""), "makes no sense"),
        (Fault(200, b"<html>Log in to the hotel's network</html>"), "makes no sense"),
        (Fault(200, b"[]"), "makes no sense"),
        (Fault(200, b"null"), "makes no sense"),
        (Fault(200, b"\xff\xfe"), "makes no sense"),
        (Fault(200, b'{"results":[{"name":"X"}],"current":[],"daily":null}'), "makes no sense"),
        (Fault(200, b'{"results":{},"current":{"temperature_2m":"warm"}}'), "makes no sense"),
        (Fault(200, b'{"results":[{"name":"X","latitude":NaN,"longitude":1}],"daily":7}'), "makes no sense"),
        (Fault(200, b'{"much": "' + b"x" * 2_000_000 + b'"}'), "makes no sense"),
    ],
)
def test_a_bad_answer_is_a_sentence(service: OpenMeteo, path: str, fault: Fault, reason: str) -> None:
    service.faults[path] = fault

    said = failure(weather_from(service), "Lisbon")

    assert said.startswith("The weather service ")
    assert reason in said


def test_silence_is_a_sentence_in_time(service: OpenMeteo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openmeteo, "TIMEOUT", 0.1)
    service.faults["/v1/search"] = Fault(silent=True)

    assert failure(weather_from(service), "Lisbon").startswith("The weather service did not answer in time")


def test_no_network_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    get_weather = Weather(openmeteo.OpenMeteo(Config(geocoding_url=url, forecast_url=url))).get_weather

    assert failure(get_weather, "Lisbon") == "The weather service cannot be reached; there may be no network."


@pytest.mark.parametrize("missing", ["current", "daily"])
def test_what_is_missing_is_left_out(service: OpenMeteo, missing: str) -> None:
    service.change = lambda answer: {key: value for key, value in answer.items() if key != missing}

    told = weather_from(service)("Lisbon")

    assert ("Today" in told) == (missing == "current")
    assert told.startswith("Now in Lisbon, Portugal: unknown. Today" if missing == "current" else "Now in Lisbon")


def test_nulls_are_left_out(service: OpenMeteo) -> None:
    def blank(answer: Any) -> Any:
        answer["current"] |= {"temperature_2m": None, "weather_code": 42}
        answer["daily"]["temperature_2m_min"] = [None, 10, 8]
        answer["daily"]["weather_code"] = [None]
        answer["daily"]["precipitation_probability_max"] = []
        return answer

    service.change = blank

    assert weather_from(service)("Lisbon") == (
        "Now in Lisbon, Portugal: wind 9 km/h, humidity 72 %. Today: at most 19 °C. Tomorrow: 10 to 15 °C. "
        "Wednesday: 8 to 14 °C."
    )


def test_nothing_known_is_said(service: OpenMeteo) -> None:
    service.change = lambda _: {}

    assert "knows nothing about Lisbon" in failure(weather_from(service), "Lisbon")


def test_what_it_feels_like_is_told_when_it_differs(service: OpenMeteo) -> None:
    def chill(answer: Any) -> Any:
        answer["current"] |= {"temperature_2m": 0.4, "apparent_temperature": -5.6}
        return answer

    service.change = chill

    assert "0 °C, feels like minus 6 °C, clear sky" in weather_from(service)("Lisbon")


@pytest.mark.parametrize("code", CONDITIONS)
def test_every_code_is_a_few_plain_words(code: int) -> None:
    assert CONDITIONS[code].replace(" ", "").isalpha()


# Proxies ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["tinyproxy", "microsocks"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A running proxy and its address; the proxies ask for a password where they can."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if request.param == "tinyproxy":
        settings_file = tmp_path / "tinyproxy.conf"
        settings_file.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 10\nMaxClients 5\nBasicAuth user secret\n")
        command, scheme = [program, "-d", "-c", str(settings_file)], "http"
    else:
        command, scheme = [program, "-i", "127.0.0.1", "-p", str(port), "-u", "user", "-P", "secret"], "socks5h"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_port(port)
            yield f"{scheme}://user:secret@127.0.0.1:{port}", process
        finally:
            process.kill()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the proxy does not listen"
            threading.Event().wait(0.01)
        else:
            return


def test_weather_comes_through_a_proxy(service: OpenMeteo, proxy: tuple[str, Any]) -> None:
    told = weather_from(service, proxy_url=proxy[0])("Lisbon")

    assert told.startswith("Now in Lisbon")


def test_a_proxy_that_has_died_is_a_sentence_without_its_password(
    service: OpenMeteo, proxy: tuple[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    url, process = proxy
    process.kill()
    process.wait()

    said = failure(weather_from(service, proxy_url=url), "Lisbon")

    assert "cannot be reached" in said
    assert not service.requests
    assert "secret" not in said + caplog.text


def test_a_proxy_that_refuses_the_password_is_a_sentence(service: OpenMeteo, proxy: tuple[str, Any]) -> None:
    said = failure(weather_from(service, proxy_url=proxy[0].replace("secret", "wrong")), "Lisbon")

    assert said.startswith("The weather service ")
    assert not service.requests


@pytest.mark.parametrize("address", ["http://user:secret@[::bad", "socks5h://user:secret@host:99999"])
def test_a_malformed_proxy_is_a_sentence_without_its_password(
    service: OpenMeteo, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert "cannot be reached" in failure(weather_from(service, proxy_url=address), "Lisbon")
    assert "secret" not in caplog.text


def test_the_environments_proxy_is_used(
    service: OpenMeteo, proxy: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy[0])
    proxy[1].kill()
    proxy[1].wait()

    assert "cannot be reached" in failure(weather_from(service), "Lisbon")


def test_the_model_reads_what_it_may_ask() -> None:
    (definition,) = Toolbox([Weather(openmeteo.OpenMeteo(Config())).get_weather]).definitions

    properties = definition["parameters"]["properties"]
    assert definition["parameters"]["required"] == ["city"]
    assert properties["units"]["enum"] == ["metric", "imperial"]
    assert all(each["description"] for each in properties.values())
