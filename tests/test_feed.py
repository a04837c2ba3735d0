"""Feed: who is told what, in which order, and what a subscriber's fault does."""

from __future__ import annotations

import pytest

from voice.feed import Feed
from voice.shown import Notice, StateChanged, Turn


def test_everybody_is_told_what_they_asked_for_in_order() -> None:
    feed = Feed()
    everything: list[object] = []
    notices: list[Notice] = []
    feed.subscribe(object, everything.append)
    feed.subscribe(Notice, notices.append)

    for value in (Turn("you", "hi"), Notice("one"), StateChanged("thinking"), Notice("two")):
        feed.show(value)

    assert notices == [Notice("one"), Notice("two")]
    assert everything == [Turn("you", "hi"), Notice("one"), StateChanged("thinking"), Notice("two")]


def test_who_unsubscribes_hears_no_more() -> None:
    feed = Feed()
    heard: list[Notice] = []
    unsubscribe = feed.subscribe(Notice, heard.append)
    feed.show(Notice("one"))

    unsubscribe()
    unsubscribe()
    feed.show(Notice("two"))

    assert heard == [Notice("one")]


def test_a_subscriber_that_fails_keeps_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    feed = Feed()
    heard: list[Notice] = []
    feed.subscribe(Notice, lambda notice: [][len(notice.text)])
    feed.subscribe(Notice, heard.append)

    feed.show(Notice("one"))

    assert heard == [Notice("one")]
    assert "IndexError" in caplog.text
