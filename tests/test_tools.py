"""All tools together, as the service sees them and as the model calls them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.openmeteo import OpenMeteo
from tests.program import TOP
from tests.strict import parse_client
from tools import create_tools, get_time
from voice.config import Config
from voice.tool import ToolError
from voice.toolbox import Toolbox


@pytest.fixture
def toolbox(tmp_path: Path) -> Iterator[Toolbox]:
    with OpenMeteo() as weather:
        config = Config(data_dir=tmp_path, geocoding_url=weather.geocoding_url, forecast_url=weather.forecast_url)
        yield Toolbox(create_tools(config))


def test_the_service_takes_the_declarations(toolbox: Toolbox) -> None:
    tools = list(toolbox.definitions)

    parse_client({"type": "session.update", "session": {"type": "realtime", "tools": tools}})
    assert [tool["name"] for tool in tools] == [
        "get_time",
        "get_weather",
        "write_note",
        "append_note",
        "read_note",
        "list_notes",
        "search_notes",
        "delete_note",
    ]
    assert all(each["description"] for tool in tools for each in tool["parameters"]["properties"].values())


def test_the_model_can_use_them(toolbox: Toolbox, tmp_path: Path) -> None:
    def call(tool: str, **arguments: str) -> str:
        return toolbox.call(tool, json.dumps(arguments))

    assert call("get_weather", city="Lisbon").startswith("Now in Lisbon, Portugal: 17 °C, clear sky, wind 9 km/h")
    assert call("write_note", name="packing", text="sunglasses") == 'Saved the note "packing".'
    assert call("append_note", name="Packing", text="hat") == 'Added that to the note "packing".'
    assert call("read_note", name="packing") == 'The note "packing": sunglasses\nhat'
    assert call("write_note", name="packing", text="x").startswith('There is a note "packing" already.')
    assert call("list_notes") == "Notes (1): packing."
    assert call("search_notes", query="hat") == "packing: hat"
    assert call("delete_note", name="packing") == 'Moved the note "packing" to the trash folder.'
    assert (tmp_path / "notes" / ".trash" / "packing.md").is_file()
    assert "There is no note" in call("read_note", name="packing")
    assert "city: Missing required argument" in call("get_weather")


def test_making_the_tools_writes_nothing(tmp_path: Path) -> None:
    create_tools(Config(data_dir=tmp_path / "data"))

    assert not (tmp_path / "data").exists()


def test_start_up_does_without_http() -> None:
    code = "import sys, tools; sys.exit('requests' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=TOP, check=False, timeout=30).returncode == 0


# Time ---------------------------------------------------------------------------------------------------------------


def moment(told: str) -> datetime:
    found = re.search(r"it is (\d\d:\d\d on \w+, \d{1,2} \w+ \d{4})\.$", told, re.IGNORECASE)
    assert found, told
    return datetime.strptime(found[1], "%H:%M on %A, %d %B %Y")  # noqa: DTZ007 - of that place


def test_the_time_here_is_the_clocks() -> None:
    before = datetime.now().astimezone().replace(second=0, microsecond=0, tzinfo=None)

    assert before <= moment(get_time()) <= before + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("place", "zone", "city"),
    [
        ("Asia/Tokyo", "Asia/Tokyo", "Tokyo"),
        ("asia/tokyo", "Asia/Tokyo", "Tokyo"),
        ("Tokyo", "Asia/Tokyo", "Tokyo"),
        (" new  york, USA", "America/New_York", "New York"),
        ("utc", "UTC", "UTC"),
        ("Kathmandu", "Asia/Kathmandu", "Kathmandu"),
    ],
)
def test_the_time_elsewhere_is_that_zones(place: str, zone: str, city: str) -> None:
    before = datetime.now(zoneinfo.ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)
    told = get_time(place)

    assert told.startswith(f"In {city} it is ")
    assert before <= moment(told) <= before + timedelta(minutes=1)


@pytest.mark.parametrize("place", ["Atlantis", "../../etc/passwd", "America", "\0", "/", "a" * 100_000, "\ud800", ","])
def test_an_unknown_zone_is_said(place: str) -> None:
    with pytest.raises(ToolError, match="I do not know the time in .* Name a large city there"):
        get_time(place)


def test_a_system_without_zones_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=())
    try:
        with pytest.raises(ToolError, match="tzdata"):
            get_time("Asia/Tokyo")
    finally:
        zoneinfo.reset_tzpath()
