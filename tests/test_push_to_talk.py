"""Push to talk on a terminal that tells when a key is released, and on one that does not; the terminal given back."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

from tests.service import Service
from tests.soundcard import SoundCard
from tests.speech import silence
from tests.tty import EVERYTHING, RELEASES, TEXTS, Tty

Open = Callable[..., Tty]
pytestmark = pytest.mark.patient

PUSHED = [1 | RELEASES | EVERYTHING | TEXTS]


@pytest.fixture
def open_tty(tmp_path: Path, service: Service) -> Iterator[Open]:
    with ExitStack() as stack:

        def start(*arguments: str, kitty: bool = False, env: dict[str, str] | None = None) -> Tty:
            tty = Tty(arguments, {"WS_URL": service.url} | (env or {"SOUND": "no"}), tmp_path, kitty=kitty)
            stack.callback(tty.close)
            tty.wait(" ready")
            return tty

        yield start


def talking(service: Service) -> None:
    """Wait until the user's turn has begun: what was sent before is thrown away, and then sound comes."""
    service.wait_for("input_audio_buffer.clear", timeout=10)
    service.wait_for_sound(4800)


def test_the_space_bar_begins_and_ends_a_turn(open_tty: Open, service: Service, card: SoundCard) -> None:
    tty = open_tty("--mode", "push-to-talk", env=card.environment)
    tty.wait("SPACE talks")
    tty.press(" ")
    tty.wait("hearing you")
    talking(service)
    tty.press(" ")
    service.wait_for("input_audio_buffer.commit")
    service.wait_for("response.create")


def test_the_space_bar_is_held(open_tty: Open, service: Service, card: SoundCard) -> None:
    tty = open_tty("--mode", "push-to-talk", kitty=True, env=card.environment)
    tty.wait("hold SPACE to talk")
    assert tty.flags == PUSHED
    tty.press(" ")
    for _ in range(5):
        tty.repeat(" ")
    talking(service)
    assert not service.events("input_audio_buffer.commit")
    tty.release(" ")
    service.wait_for("input_audio_buffer.commit")

    assert len(service.events("input_audio_buffer.clear")) == 1


@pytest.mark.parametrize("kitty", [True, False])
def test_other_keys_are_commands_until_a_line_is_begun(open_tty: Open, service: Service, kitty: bool) -> None:
    tty = open_tty("--mode", "push-to-talk", kitty=kitty)
    tty.wait("hold SPACE" if kitty else "SPACE talks")
    tty.press("Hello, Mr. Quick!\r")  # the first character is no command, so none of the others is
    service.wait_for("response.create")
    reply = service.say(silence(0.1), "Once upon a time", done=False)
    tty.wait("Once upon a time")
    tty.press("c")
    service.wait_for("response.cancel")
    service.finish(reply)
    tty.press("\rcan I say this?\r")  # ENTER begins a line, whose first character may be anything
    tty.wait("can I say this?")
    service.wait_for("conversation.item.create", where=lambda event: "can I say this?" in str(event))
    service.wait_for("response.create")
    service.say(silence(0.1), "You can.")
    tty.wait("You can.")
    tty.press("q")

    assert tty.status() == 0
    assert tty.restored
    said = [event["item"]["content"][0]["text"] for event in service.events("conversation.item.create")]
    assert said == ["Hello, Mr. Quick!", "can I say this?"]


def test_without_a_microphone_it_says_so(open_tty: Open) -> None:
    tty = open_tty("--mode", "push-to-talk")
    tty.wait("SPACE talks")
    tty.press(" ")
    tty.wait("there is no microphone to talk into")


def test_a_terminal_that_goes_away_ends_it(open_tty: Open) -> None:
    tty = open_tty()
    tty.signal(signal.SIGHUP)

    assert tty.status() == 0


def test_m_mutes(open_tty: Open, card: SoundCard) -> None:
    tty = open_tty("--mode", "push-to-talk", env=card.environment)
    tty.wait("SPACE talks")
    tty.press("m")
    tty.wait("muted")


def test_a_turn_of_fixed_length(open_tty: Open, service: Service, card: SoundCard) -> None:
    tty = open_tty("--mode", "push-to-talk", env=card.environment)
    tty.press("/talk 0.5\r")
    talking(service)
    service.wait_for("input_audio_buffer.commit")


def test_the_mode_changes_while_it_runs(open_tty: Open, service: Service, card: SoundCard) -> None:
    tty = open_tty("--mode", "push-to-talk", kitty=True, env=card.environment)
    tty.wait_for_flags(PUSHED)
    tty.press("/mode hands-free\r")
    tty.wait("listening")
    tty.wait_for_flags([])
    tty.press("quick question\r")  # no key is a command now
    service.wait_for("conversation.item.create", where=lambda event: "quick question" in str(event))
    tty.press("/mode push-to-talk\r")
    tty.wait_for_flags(PUSHED)


def interrupt(tty: Tty) -> None:
    tty.press("\x03")


def terminate(tty: Tty) -> None:
    tty.signal(signal.SIGTERM)


def reach(state: str, tty: Tty, service: Service) -> None:
    match state:
        case "typing":
            tty.press("half a li")
            tty.wait("half a li")
        case "completing":
            tty.press("/h")
            tty.wait("what can be typed")
        case "thinking":
            tty.press("hello\r")
            tty.wait(" thinking")
        case "answering":
            tty.press("hello\r")
            service.wait_for("response.create")
            service.say(silence(0.1), "Once upon a time", done=False)
            tty.wait("Once upon a time")
        case "reconnecting":
            service.reset()
            tty.wait("connecting again")


@pytest.mark.parametrize("end", [interrupt, terminate])
@pytest.mark.parametrize("mode", ["hands-free", "push-to-talk"])
@pytest.mark.parametrize("state", ["ready", "typing", "completing", "thinking", "answering", "reconnecting"])
def test_the_terminal_is_given_back_from_every_state(
    open_tty: Open, service: Service, state: str, mode: str, end: Callable[[Tty], None]
) -> None:
    tty = open_tty("--mode", mode, kitty=mode == "push-to-talk")
    if mode == "push-to-talk":
        tty.wait("hold SPACE")
    reach(state, tty, service)
    end(tty)

    assert tty.status() == 0
    assert tty.restored
