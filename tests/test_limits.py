"""Limits: the conversation ends politely when they are reached."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.program import Program
from tests.proxies import leading_to
from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import level, tone
from voice import limits
from voice.limits import Limits

Run = Callable[..., Program]


def _limits(max_cost: float | None, max_minutes: float | None) -> Limits:
    return Limits(max_cost=max_cost, max_minutes=max_minutes, cost=lambda: 0.0, finish=lambda _: None, end=lambda: None)


def test_either_limit_is_a_reason_and_unknown_prices_are_none() -> None:
    both = _limits(0.5, 2)

    assert both._reached(119.0, 0.49) == ""
    assert "--max-minutes" in both._reached(120.0, 0.0)
    assert "$0.5 of --max-cost" in both._reached(1.0, 0.5)
    assert both._reached(1.0, None) == ""
    assert _limits(None, None)._reached(1e9, 1e9) == ""


def test_an_answer_that_has_come_to_a_halt_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.05)
    finished, ended = threading.Event(), threading.Event()
    watch = Limits(max_cost=1, max_minutes=None, cost=lambda: 2.0, finish=lambda _: finished.set(), end=ended.set)
    watch.start()

    assert ended.wait(5)
    assert finished.is_set()
    watch.stop()


def test_an_answer_that_comes_to_its_end_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOOK_SECONDS", 0.01)
    finished, ended = threading.Event(), threading.Event()
    watch = Limits(max_cost=1, max_minutes=None, cost=lambda: 2.0, finish=lambda _: finished.set(), end=ended.set)
    watch.start()
    assert finished.wait(5)
    watch.stop()

    assert not ended.is_set()


def test_a_limit_that_cannot_be_watched_ends_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOOK_SECONDS", 0.01)
    reasons: list[str] = []
    finished = threading.Event()

    def finish(reason: str) -> None:
        reasons.append(reason)
        finished.set()

    watch = Limits(max_cost=1, max_minutes=None, cost=lambda: 1 / 0, finish=finish, end=lambda: None)
    watch.start()
    assert finished.wait(5)
    watch.stop()

    assert reasons == ["--max-cost and --max-minutes cannot be kept, by a bug in the program"]


def test_the_answer_is_still_given_when_the_time_is_over(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, "--no-sound", "--max-minutes", "0.05")
    service.wait_for("session.update")
    program.type("Tell me a story")
    service.wait_for("response.create")
    program.expect("--max-minutes are over")
    service.say(bytes(480), "Once upon a time.")

    assert program.wait() == 0
    assert "assistant: Once upon a time." in program.stdout


def test_the_answer_is_heard_to_its_end_when_the_money_is_spent(card: SoundCard, run: Run) -> None:
    """Prices are known of OpenAI's own address only, so the proxy leads that to the service on this computer."""
    with Service(key="sk-test", tls=True) as service, leading_to(service.port) as proxy, card.record() as recording:
        settings = {
            "OPENAI_API_KEY": "sk-test",
            "PROXY_URL": f"http://127.0.0.1:{proxy}",
            "SSL_CERT_FILE": str(service.certificate),
        }
        program = run("--max-cost", "0.001", "--echo", "off", env=card.environment | settings)
        program.type("Sing")
        service.wait_for("response.create", timeout=20)
        service.say(tone(440, 3), "la la la")
        recording.wait(lambda samples: level(samples[-2400:]) > -60)
        program.expect(r"^the \$0.001 of --max-cost are spent: the conversation ends after this answer$")
        program.type("Sing on")  # too late
        assert program.wait() == 0

    assert program.stdout == ["you: Sing", "assistant: la la la"]
    assert len(program.stderr) == 1
    blocks = recording.samples[: len(recording.samples) // 240 * 240].reshape(-1, 240)
    assert sum(level(block) > -60 for block in blocks) > 290, "10 ms each, with gaps where the computer is busy"


def test_a_limit_that_cannot_be_kept_is_said(service: Service, run: Run) -> None:
    program = run("--ws-url", service.url, "--no-sound", "--max-cost", "1")

    program.expect("--max-cost has no effect: what gpt-realtime-2.1 costs is not known here")
