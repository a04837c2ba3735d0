"""Conversations at random, with the connection lost at any moment: nothing hangs, nothing that was said is forgotten.

No socket and no thread: the rules of the scripted service answer what the conversation sends, late, as the network
does. The user's sound is counted, so that what a new connection hears again is what a real one would hear.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.reply import Event, Reply
from tests.rules import Rules
from voice.buffer import AudioBuffer
from voice.conversation import Conversation
from voice.effects import (
    ClearAudio,
    Effect,
    End,
    EndOfSound,
    Microphone,
    Offline,
    PauseAudio,
    Play,
    ResumeAudio,
    RunTool,
    Send,
    TryAgain,
    Undoubted,
)
from voice.events import InputCommit, ResponseCreate, decode, encode
from voice.shown import ToolUse, Turn

BENIGN = {
    "response_cancel_not_active",
    "conversation_already_has_active_response",
    "item_delete_invalid_item_id",
    "item_truncate_invalid_item_id",
}
STEPS = 150
MS = 48
"""Bytes of sound."""


@dataclass
class Speech:
    """Something the user says aloud."""

    text: str
    begins: int
    """ms since the program began."""
    noise: bool = False
    state: str = "unheard"
    """As the present connection sees it: unheard, begun, ended, made (an item) or written."""
    item_id: str = ""


@dataclass
class World:
    """One conversation, its service and its user."""

    chance: random.Random
    by_hand: bool
    confirms: bool
    rules: Rules | None = None
    inbox: deque[Event] = field(default_factory=deque)
    now: int = 0
    began: int = 0
    """When the sound that the connection has heard began."""
    again_from: int | None = None
    speeches: list[Speech] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    turns: list[Turn | ToolUse] = field(default_factory=list)
    owed: bool = False
    """Whether the service is going to answer."""
    retry: bool = False
    judging: bool = False
    serial: int = 0

    def __post_init__(self) -> None:
        self.buffer = AudioBuffer()
        self.conversation = Conversation(by_hand=self.by_hand, confirms=self.confirms)

    # Effects

    def do(self, effects: list[Effect]) -> None:  # noqa: C901, PLR0912 - one flat match over the kinds of effects
        for effect in effects:
            match effect:
                case Send(event) if self.rules is not None:
                    self._answer(event, self.rules)
                case Offline(again_from):
                    self.again_from = again_from
                case Play(sound):
                    self.buffer.append(sound.item_id, sound.delta)
                case EndOfSound(item_id):
                    self.buffer.end(item_id)
                case ClearAudio():
                    self.do(self.conversation.playback_cut(self.buffer.clear_audio_buffer()))
                case PauseAudio():
                    self.judging = True
                    self.buffer.pause()
                case Undoubted():
                    self.judging = False
                case ResumeAudio():
                    self.buffer.resume()
                case RunTool(call_id):
                    self.tools.append(call_id)
                case TryAgain():
                    self.retry = True
                case Turn() | ToolUse():
                    self.turns.append(effect)
                case End():
                    raise AssertionError(effect)
                case Microphone() | _:
                    pass

    def _answer(self, event: object, rules: Rules) -> None:
        if isinstance(event, InputCommit):
            rules._buffered_ms = 1000  # the sound itself is not sent here
        answers = rules.answer(json.loads(encode(event)))  # type: ignore[arg-type]
        for answer in answers:
            assert answer["type"] != "error" or answer["error"]["code"] in BENIGN, answer
        if isinstance(event, InputCommit):
            for speech in self.speeches:
                if speech.state == "ended":
                    speech.state, speech.item_id = "made", answers[0]["item_id"]
        if isinstance(event, ResponseCreate) and not answers:
            self.owed = True
        self._say(answers)

    def _say(self, events: list[Event]) -> None:
        assert self.rules is not None
        for event in events:
            self.rules.sent(event)
        self.inbox += events

    def _id(self, what: str) -> str:
        self.serial += 1
        return f"{what}_{self.serial}"

    # What may happen

    def deliver(self) -> None:
        if not self.inbox:
            return
        event = self.inbox.popleft()
        if event["type"] == "input_audio_buffer.speech_stopped" and self.judging:  # which takes less long than a word
            noise = next(speech.noise for speech in self.speeches if speech.item_id == event["item_id"])
            self.do(self.conversation.voice_not_heard() if noise else self.conversation.voice_heard())
        self.do(self.conversation.receive(decode(json.dumps(event))))

    def lose(self) -> None:
        if self.rules is None:
            return
        self.rules = None
        self.inbox.clear()
        self.owed = False
        self.do(self.conversation.disconnected())
        self.began = self.now if self.again_from is None else self.began + self.again_from
        for speech in self.speeches:
            if speech.begins >= self.began:  # by hand it has ended all the same, but the one that goes on
                speech.state = "ended" if self.by_hand and not self._holds(speech) else "unheard"

    def _is_heard(self) -> bool:
        return not self.speeches or self.speeches[-1].state in {"made", "written"}

    def _holds(self, speech: Speech) -> bool:
        return speech is self.speeches[-1] and self.conversation.microphone.state == "open"

    def connect(self) -> None:
        if self.rules is None:
            self.rules = Rules(self._id("sess"), "m")
            self.do(self.conversation.configure({"type": "realtime"}))
            self.do(self.conversation.sound_kept(self.now - self.began))

    def speak(self) -> None:
        # The text of an older turn is not waited for.
        if all(s.state == "written" for s in self.speeches[:-1]) and self._is_heard():
            self.speeches.append(Speech(self._id("said"), self.now, noise=self.confirms and self.chance.random() < 0.3))
            self.now += 200
            if self.by_hand:
                self.do(self.conversation.talk())

    def hear(self) -> None:
        """The service, or the user by hand, comes a step further with what was said."""
        speech = next((speech for speech in self.speeches if speech.state not in {"made", "written"}), None)
        if speech is None:
            return
        if self.by_hand:
            if self._holds(self.speeches[-1]):
                self.speeches[-1].state = "ended"
                self.do(self.conversation.end_talk())
            return
        if self.rules is None or not self.conversation._ready:
            return
        start = speech.begins - self.began
        about = {"item_id": speech.item_id}
        if speech.state == "unheard":
            speech.state, speech.item_id = "begun", self._id("item")
            event = {"type": "input_audio_buffer.speech_started", "audio_start_ms": start, "item_id": speech.item_id}
            self._say([event])
            if self.rules.reply and not self.confirms:
                self._say(self.rules.reply.cancelled("turn_detected"))
        elif speech.state == "begun":
            speech.state = "ended"
            self._say([{"type": "input_audio_buffer.speech_stopped", "audio_end_ms": start + 100, **about}])
        else:
            speech.state = "made"
            self._say(self.rules.committed(speech.item_id))
            if self.rules.reply or self.rules._requested:
                error = {"type": "x", "code": "conversation_already_has_active_response", "message": "m"}
                self._say([{"type": "error", "error": error}])
            else:
                self.rules._requested = self.owed = True

    def write(self) -> None:
        item_id = next((speech.item_id for speech in self.speeches if speech.state == "made"), None)
        if item_id is None or self.rules is None:
            return
        together = [speech for speech in self.speeches if speech.state == "made" and speech.item_id == item_id]
        for speech in together:
            speech.state = "written"
        text = " ".join(speech.text for speech in together)
        name = "conversation.item.input_audio_transcription.completed"
        self._say([{"type": name, "item_id": item_id, "transcript": text}])

    def answer(self) -> None:
        """The service comes a step further with its answer."""
        rules = self.rules
        if rules is None:
            return
        if rules.reply is None:
            if self.owed:
                self.owed = False
                rules.reply = Reply(self._id("resp"))
                self._say(rules.reply.created())
            return
        reply = rules.reply
        if reply._open:
            kinds: list[Callable[[], list[Event]]] = [lambda: reply.audio(bytes(40 * MS)), reply.close]
        else:
            kinds = [
                lambda: [*reply.message(self._id("item"), rules.last_item()), *reply.transcript("some words more")],
                lambda: reply.call(self._id("item"), "tool", "{}", self._id("call")),
                reply.done,
                lambda: reply.done("failed", {"type": "failed", "error": {"type": "server_error", "message": "m"}}),
            ]
        self._say(self.chance.choices(kinds, [2, 1] if reply._open else [4, 1, 4, 0.5])[0]())

    def play(self) -> None:
        self.buffer.read(480)
        self.do(self.conversation.playback_finished(self.buffer.take_finished()))

    def type(self) -> None:
        self.typed.append(self._id("typed"))
        self.do(self.conversation.say(self.typed[-1], in_turn=self.chance.random() < 0.5))

    def interrupt(self) -> None:
        self.do(self.conversation.interrupt())

    def finish_tool(self) -> None:
        if self.tools:
            self.do(self.conversation.tool_finished(self.tools.pop(0), "output"))

    def try_again(self) -> None:
        if self.retry:
            self.retry = False
            self.do(self.conversation.retry())

    def come_to_rest(self) -> None:
        """Let everything that is under way come to its end, and nothing new begin."""
        self.connect()
        for _ in range(3000):
            heard = all(speech.state == "written" for speech in self.speeches)
            if heard and not self.inbox and self.conversation.quiet:
                return
            for step in (self.deliver, self.hear, self.write, self.answer, self.play, self.finish_tool, self.try_again):
                step()


@pytest.mark.parametrize("seed", range(300))
@pytest.mark.parametrize("mode", ["hands-free", "confirms", "by hand"])
def test_a_loss_at_any_moment_leaves_nothing_behind(mode: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    world = World(chance, by_hand=mode == "by hand", confirms=mode == "confirms")
    world.connect()
    moves = [world.deliver, world.hear, world.answer, world.play, world.write, world.finish_tool, world.try_again]
    rare = [world.speak, world.type, world.interrupt, world.lose, world.connect]
    for _ in range(STEPS):
        world.now += 10
        chance.choices([*moves, *rare], [8, 4, 6, 4, 1, 1, 1, 1.5, 0.5, 0.2, 0.7, 3])[0]()
    world.come_to_rest()

    said = [turn.text for turn in world.turns if isinstance(turn, Turn) and turn.role == "you"]
    assert world.conversation.quiet, (world.conversation._responses.__dict__, world.conversation._floor.__dict__)
    assert world.conversation.transcript.open == ()
    assert [text for text in world.typed if text not in said] == []
    unwritten = said.count("(could not be written down)")
    words = " ".join(said).split()
    lost = {speech.item_id for speech in world.speeches if speech.text not in words and not speech.noise}
    assert len(lost) <= unwritten
