"""What the comparison with other programs makes of sounds and of figures; the measuring itself needs all of them."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks import measures
from benchmarks.hearing import breaks, first_loud, last_loud, seconds, timeline
from benchmarks.peers import bars, compare, page, table
from benchmarks.peers.overheard import Track
from tests.speech import RATE, samples, silence, tone

OURS, OURS_WITHOUT, THEIRS, OTHERS = "realtime.py", "realtime.py --echo off", "strands, echo canceller", "openai-agents"


def figures(line: table.Line, **values: list[float]) -> table.Figures:
    names = {"ours": OURS, "without": OURS_WITHOUT, "theirs": THEIRS, "others": OTHERS}
    return {names[key]: {line.name: own} for key, own in values.items()}


# Sounds -------------------------------------------------------------------------------------------------------------


def test_breaks_are_the_silences_within() -> None:
    sound = samples(silence(0.3) + tone(440, 1) + silence(0.2) + tone(440, 0.5) + silence(0.05) + tone(440, 0.5))

    assert breaks(sound) == pytest.approx([200, 50], abs=10)
    assert seconds(sound) == pytest.approx(2, abs=0.02)


def test_a_tone_and_silence_have_no_breaks() -> None:
    assert breaks(samples(silence(0.1) + tone(440, 3) + silence(0.1))) == []
    assert breaks(samples(silence(1))) == []
    assert breaks(samples(b"")) == []


def test_where_a_sound_begins_and_ends() -> None:
    sound = samples(silence(0.5) + tone(660, 1) + silence(0.5))

    assert first_loud(sound) == pytest.approx(0.5 * RATE, abs=RATE // 500)
    assert last_loud(sound) == pytest.approx(1.5 * RATE, abs=RATE // 500)
    assert first_loud(sound, round(1.6 * RATE)) is None


def test_a_program_that_sends_nothing_for_a_while_is_silent_there() -> None:
    block = tone(440, 0.1)
    arrivals = [(10.1, len(block)), (10.23, len(block)), (11.2, len(block))]
    sound, began = timeline(block * 3, arrivals)

    assert began == pytest.approx(10.0)
    assert len(sound) == pytest.approx(1.2 * RATE, abs=1)
    assert breaks(sound) == pytest.approx([900], abs=10)


def test_what_waited_in_a_queue_was_not_heard_later() -> None:
    block = tone(440, 0.1)
    arrivals = [(10.8, len(block)), (10.81, len(block)), (10.82, len(block)), (10.83, len(block)), (10.9, len(block))]
    sound, began = timeline(block * 5, arrivals)

    assert began == pytest.approx(10.4)
    assert len(sound) == 0.5 * RATE


def test_a_track_is_silent_where_there_is_none() -> None:
    track = Track(samples(tone(440, 1)), began=5.0)

    assert seconds(track.cut(4.5, 1)) == pytest.approx(0.5, abs=0.01)
    assert seconds(track.cut(5.8, 1)) == pytest.approx(0.2, abs=0.01)
    assert len(track.cut(1.0, 1)) == len(track.cut(9.0, 1)) == RATE


def test_words_are_found_in_a_track() -> None:
    words = np.random.default_rng(1).normal(0, 3000, RATE // 2).astype(np.int16)
    track = Track(np.concatenate([np.zeros(RATE, np.int16), words, np.zeros(RATE, np.int16)]), began=20.0)
    at, likeness = track.find(words, 20.2, 2)

    assert at == pytest.approx(21.0, abs=0.001)
    assert likeness > 0.99


# Answers that are delivered -----------------------------------------------------------------------------------------


def test_a_burst_is_the_whole_answer() -> None:
    sound = tone(440, 12)
    pieces = list(measures.in_a_burst(sound))

    assert b"".join(pcm for _, pcm in pieces) == sound
    assert pieces[-1][0] < measures.BURST


def test_gaps_are_as_long_as_they_may_be_and_carry_what_was_said_meanwhile() -> None:
    sound = tone(440, 10)
    pieces = list(measures.with_gaps(sound, seed=3))
    times = [after for after, _ in pieces]
    said = np.cumsum([len(pcm) / 2 / RATE for _, pcm in pieces])

    assert b"".join(pcm for _, pcm in pieces) == sound
    assert np.all(np.diff(times) <= measures.GAPS[1])
    assert max(np.diff(times)) > 0.25
    assert said[:-1] == pytest.approx(np.array(times[:-1]) + 0.1, abs=0.001)


# Figures ------------------------------------------------------------------------------------------------------------


def test_less_is_better_unless_it_is_not() -> None:
    assert table.verdict(table.SPEAKER, figures(table.SPEAKER, ours=[20, 30], others=[50])) == ("0.50", "<= 1", "yes")
    assert table.verdict(table.SPEAKER, figures(table.SPEAKER, ours=[60], others=[50]))[2] == "no"
    assert table.verdict(table.HEARD, figures(table.HEARD, ours=[12.0], others=[5.8]))[2] == "yes"
    assert table.verdict(table.HEARD, figures(table.HEARD, ours=[11.0], others=[12.0]))[2] == "no"


def test_who_never_stops_is_not_first_and_no_measure_for_others() -> None:
    line = table.STOP_FINISHED
    never = [math.inf, math.inf]

    assert table.verdict(line, figures(line, ours=[30], theirs=never, others=[90])) == ("0.33", "<= 0.35", "yes")
    assert table.verdict(line, figures(line, ours=[30], theirs=never))[::2] == ("none else", "yes")
    assert table.verdict(line, figures(line, ours=never, others=[90]))[::2] == ("never", "no")


def test_who_tells_nothing_is_not_compared() -> None:
    line = table.CUT_FINISHED
    known = figures(line, ours=[-5.0, 4.0], theirs=[math.nan], others=[-11.0])
    row = table.rows(known)[1 + table.LINES.index(line)]

    assert row[1:] == ["4.5 (5.0)", "none", "11.0 (11.0)", "0.41", "", "yes"]


def test_echo_cancellers_are_compared_with_each_other() -> None:
    with_one = figures(table.IDLE_AEC, ours=[6.0], theirs=[12.0], others=[1.0])
    without = figures(table.IDLE, ours=[6.0], without=[3.0], theirs=[1.0], others=[2.0])

    assert table.duel(table.IDLE_AEC, with_one) == (6.0, 12.0)
    assert table.duel(table.IDLE, without) == (3.0, 2.0)


def test_the_table_has_a_row_for_each_line_and_columns_that_are_straight() -> None:
    known = figures(table.START, ours=[300.0], others=[1500.0])
    head, *body = table.text(known).splitlines()

    assert len(body) == len(table.LINES)
    assert head.index("first") + len("first") == len(body[0])
    assert table.markdown(known).count("\n") == len(table.LINES) + 1


def test_pictures_are_drawn_of_what_there_is() -> None:
    known = figures(table.START, ours=[300.0, 320.0], theirs=[math.inf], others=[1500.0])
    drawn = ET.fromstring(bars.svg(bars.PICTURES[0], known))  # noqa: S314 - our own

    rectangles = [float(each.get("width", 0)) for each in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(rectangles) == 3
    assert rectangles[1] == rectangles[2] > rectangles[0] * 4


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    known = figures(table.STOP_FINISHED, ours=[30.5], theirs=[math.inf])
    compare.write({"runs": 1, "figures": known}, tmp_path / "report")

    assert compare.read(tmp_path / "report") == {"runs": 1, "figures": known}


def test_the_page_says_when_where_and_with_what() -> None:
    about = {
        "date": "2030-01-02",
        "runs": 3,
        "processor": "Some processor",
        "cores": 2,
        "system": "Some Linux",
        "kernel": "9.9",
        "python": "3.14.0",
        "versions": ["other==1.2.3"],
    }
    known = figures(table.START, ours=[300.0], others=[1500.0])
    text = page.page(about | {"figures": known, "failures": ["it broke"]})

    for part in ("2030-01-02", "Some processor, 2 cores", "Some Linux", "9.9", "3.14.0", "`other==1.2.3`", "it broke"):
        assert part in text
    assert "| start to first sound on the wire, ms | 300 (300) | 1500 (1500) | 0.20 | <= 0.4 | yes |" in text
