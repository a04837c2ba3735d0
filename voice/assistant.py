"""One conversation as one object: what the program starts, and what other programs may use.

::

    from voice import Assistant
    from voice.shown import Turn

    with Assistant(instructions="You are a pirate.") as assistant:
        assistant.subscribe(Turn, lambda turn: print(turn.role, turn.text))
        assistant.send_text("Where is the treasure?")
        assistant.wait()
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import Self

from voice.buffer import AudioBuffer, Delivery
from voice.config import Config
from voice.connection import Connection
from voice.conversation import Conversation
from voice.endpoint import endpoint
from voice.errors import AssistantError, SettingError
from voice.events import Json
from voice.feed import Feed
from voice.limits import Limits
from voice.noaudio import NoAudio
from voice.options import gather
from voice.records import Records
from voice.selftalk import SelfTalk
from voice.session import Session
from voice.settings import session_settings
from voice.shown import Notice, State, StateChanged, ToolUse, Turn, Used, UserSpoke
from voice.sleep import Sleep
from voice.sound import BLOCK_BYTES, SILENCE, Block, Pieces
from voice.status import Status
from voice.stopwatch import AnswerTime, Stopwatch
from voice.tool import Function, Tool
from voice.toolbox import Toolbox
from voice.uplink import MicQueue
from voice.usage import Meter

if TYPE_CHECKING:
    from voice.audio import Audio
    from voice.hardware.devices import Device
    from voice.nearend import NearEnd

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Sound:
    """What is only known once the devices are."""

    audio: Audio | NoAudio
    speaks: bool
    """Whether answers are sound that must be heard."""


class Assistant:
    """A conversation, from `start` to `stop`; any thread may call anything in between.

    What the user does, and how things stand, is nothing before: AssistantError.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        tools: Iterable[Function | Tool] = (),
        deliver: Callable[[bytes], None] | None = None,
        **settings: object,
    ) -> None:
        """Put the parts together; nothing runs before `start`.

        Settings are those of `voice.config.Config`, by their names; they beat the environment and ``.env``. `tools`
        are typed functions with docstrings. `deliver` gets the answers' sound (PCM16 mono at 24 kHz, as it comes)
        instead of a loudspeaker; it may not block, and what it raises is logged.

        Raises:
            SettingError: a setting has a bad value, or a function cannot be a tool.

        """
        if config is not None and settings:
            raise SettingError(f"{', '.join(settings)}: put it into the Config, or give all settings by name")
        self.config = config if config is not None else gather(settings, os.environ)
        self._feed = Feed()
        self._functions = tuple(tools)
        self._audio_buffer = Delivery(deliver) if deliver is not None else AudioBuffer()
        self._mic_queue: MicQueue = SimpleQueue()
        self._sound: _Sound | None = None  # before the start
        self._blocks = Pieces(BLOCK_BYTES)
        self._stack = ExitStack()
        self._state: State = "connecting"
        self._muted = False
        self._records = Records(self.config, self._feed)
        self._began = time.monotonic()
        priced = self.config.is_openai and not self.config.uses_offline_assistant
        names = (self.config.model, self.config.transcription_model) if priced else ("", "")
        self._meter = Meter(*names)
        self.toolbox = Toolbox(())
        self._session = Session(
            self._audio_buffer, self._mic_queue, self._feed.show, retry_seconds=self.config.retry_minutes * 60
        )
        self._sleep = Sleep(self.config, self._session, self._feed)
        self._answer_time = AnswerTime(self._feed)
        self.subscribe(StateChanged, self._note_state)
        self.subscribe(Used, self._note_use)
        self.subscribe(UserSpoke, lambda _: self.toolbox.heard_user())

    # Life -----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, open the devices and begin to talk; returns before the service has answered.

        Raises:
            AssistantError: a device that was asked for cannot be used, a file of tools not be read, and the like.

        """
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()

    def _start(self, stack: ExitStack) -> None:
        config = self.config
        self.toolbox = self._make_toolbox(stack)
        stack.callback(self._records.close)
        past = self._records.open()
        url = stack.enter_context(self._service())
        # The assistant on this computer is told no key and reached through no proxy.
        remote = replace(config, openai_api_key="", proxy_url="") if config.uses_offline_assistant else config
        session = self._session
        stack.callback(session.stop)
        stack.callback(self._sleep.stop)
        self._sleep.prepare()
        connect = partial(Connection, endpoint(remote, url))
        session.start(connect, Stopwatch(self.toolbox, self._feed.show), asleep=bool(config.wake_word))

        delivers = isinstance(self._audio_buffer, Delivery)
        audio = self._make_audio(plays=not delivers)
        stack.callback(audio.stop)
        speaks = (audio.speaker is not None or delivers) and not config.text
        self._sound = _Sound(audio, speaks)
        confirms = config.barge_in == "confirm"
        conversation = Conversation(
            speaks=speaks,
            listens=audio.microphone is not None,
            transcribes=config.transcribes,
            confirms=confirms,
            by_hand=config.by_hand,
            past=past,
        )
        session.begin(self._settings(), conversation)
        session.uplink.listen = self._hear
        self.record(on=config.save_recordings)
        audio.start()
        session.uplink.near_end = self._make_near_end(audio)  # while the devices start, which takes as long
        self._watch_limits(stack)
        self._sleep.start(hears=self.hears)
        if confirms and audio.microphone:
            from voice.judge import Judge  # noqa: PLC0415 - loading its model must not hold up the first sound

            session.uplink.judge = Judge()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the conversation has ended; False when `timeout` s have passed first.

        Raises:
            AssistantError: it ended for a reason that the user should know.

        """
        return self._session.wait(timeout)

    def end(self, error: AssistantError | None = None) -> None:
        """Let `wait` return, or raise this; signal handlers may call it as well."""
        self._session.end(error)

    def stop(self) -> None:
        """End the conversation; every turn is finished as it was heard. Takes a second or two at most."""
        self._stack.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    # To follow it ---------------------------------------------------------------------------------------------------

    def subscribe(self, kind: type[Value], callback: Callable[[Value], None]) -> Callable[[], None]:
        """Be called back with every value of this type; returns what ends that.

        `callback` is called on one of the conversation's threads, which waits for it: it may call everything here
        that neither blocks nor waits. What it raises is logged.

        The types are in `voice.effects` (`Turn`, `ToolUse`, `Partial`, `Notice`, `StateChanged`, `Used`), and
        `voice.events.AudioDelta` for the answers' sound as it comes from the service.
        """
        return self._feed.subscribe(kind, callback)

    def tell(self, text: str) -> None:
        """Show the user a line."""
        self._feed.show(Notice(text))

    @property
    def _started(self) -> _Sound:
        """What there is from the start on; raises AssistantError before it."""
        if self._sound is None:
            raise AssistantError("the assistant has not been started: call start(), or use it in a `with` block")
        return self._sound

    @property
    def _live(self) -> Session:
        """The session, from the start on; before it, what is said would be said to nobody."""
        _ = self._started
        return self._session

    @property
    def status(self) -> Status:
        """How things stand."""
        session, sound = self._session, self._started
        near_end = session.uplink.near_end if sound.audio.microphone else None
        return Status(
            state=self._state,
            model=self.config.answers,
            voice=self.config.voice,
            by_hand=self.config.by_hand,
            muted=self._muted,
            recording=self.recording,
            level=near_end.level if near_end else None,
            erle=near_end.erle if near_end else None,
            delay=near_end.delay if near_end else None,
            waiting_ms=self._audio_buffer.waiting_ms,
            depth_ms=self._audio_buffer.depth_ms,
            first_audio=self._answer_time.seconds,
            seconds=time.monotonic() - self._began,
            spent=self._meter.spent,
            health=sound.audio.health,
            losses=session.losses,
        )

    @property
    def history(self) -> tuple[Turn | ToolUse, ...]:
        """The finished turns, oldest first."""
        return self._session.history

    @property
    def hears(self) -> bool:
        """Whether there is a microphone."""
        return self._started.audio.microphone is not None

    @property
    def devices(self) -> tuple[Device, ...]:
        """The sound devices that are in use."""
        audio = self._started.audio
        return tuple(device for device in (audio.microphone, audio.speaker) if device is not None)

    # What the user does ---------------------------------------------------------------------------------------------

    def send_text(self, text: str, *, in_turn: bool = False) -> None:
        """Say something: it interrupts the answer, or with `in_turn` waits until that was heard.

        With `in_turn` this may block, when a hundred wait already.
        """
        session = self._live
        self.stir()
        session.say(text, in_turn=in_turn)

    def send_audio(self, pcm: bytes) -> None:
        """Say something aloud, PCM16 mono at 24 kHz, in place of a microphone; one thread."""
        for heard in self._blocks.feed(pcm):
            self._mic_queue.put(Block(heard, SILENCE))

    def stir(self) -> None:
        """Note that the user is there, and wake up if need be."""
        self._sleep.stir()

    def interrupt(self) -> None:
        """Stop the answer."""
        self._live.interrupt()

    def mute(self, *, muted: bool) -> None:
        """Let the service hear nothing, or let it hear again."""
        self._live.mute(muted=muted)
        self._muted = muted

    def talk(self) -> None:
        """Begin a turn by hand (push to talk)."""
        session = self._live
        self.stir()
        session.talk()

    def end_talk(self) -> None:
        """End a turn by hand."""
        self._live.end_talk()

    def end_when_idle(self) -> None:
        """End once everything that was asked has been answered."""
        self._live.end_when_idle()

    def wait_until_idle(self, timeout: float) -> None:
        """Wait until all that was asked has been answered and heard, `timeout` s at most."""
        self._live.wait_until_idle(timeout)

    def take_turns(self, *, by_hand: bool) -> None:
        """Begin and end each turn by hand from now on (push to talk), or hands-free."""
        session = self._live
        self.config = replace(self.config, mode="push-to-talk" if by_hand else "hands-free")
        session.take_turns(self._settings(), by_hand=by_hand)

    def change_voice(self, voice: str) -> None:
        """Go on with another voice, in a new session with the service; may block for a second."""
        session = self._live
        self.config = replace(self.config, voice=voice)
        session.renew(self._settings())

    def restart(self) -> None:
        """Begin a new conversation; may block for a second."""
        self._live.renew(self._settings(), forget=True)
        self._records.begin_anew()

    def record(self, *, on: bool) -> None:
        """Begin to record both voices, or end it."""
        self._records.record(on=on)

    @property
    def recording(self) -> bool:
        """Whether both voices are being recorded."""
        return self._records.recording

    def save(self, path: str) -> None:
        """Write the conversation so far to a new Markdown file; raises SettingError."""
        self._records.save(Path(path), self.history)

    # Parts ----------------------------------------------------------------------------------------------------------

    def _service(self) -> AbstractContextManager[str]:
        """Address of who answers: the service, or the assistant on this computer, started for the conversation."""
        if not self.config.uses_offline_assistant:
            return nullcontext(self.config.ws_url)
        if (self.config.tools or self.config.mcp) and not self.config.local_llm_url:
            self.tell(
                "the assistant on this computer calls tools of your own only with a language model: LOCAL_LLM_URL"
            )
        if not self.config.offline:
            self.tell("there is no OPENAI_API_KEY: the assistant on this computer answers (see README.md)")
        from offline.assistant import start  # noqa: PLC0415 - a conversation with the service must not pay for it

        return start(self.config)

    def _make_toolbox(self, stack: ExitStack) -> Toolbox:
        """With the tools of the user's files and of MCP servers."""
        tools = list(self._functions)
        if self.config.tools:
            from voice.toolfiles import load_tools  # noqa: PLC0415 - few conversations need it

            for path in self.config.tools:
                tools += load_tools(path)
        if self.config.mcp:
            from voice.mcp.tools import McpTools  # noqa: PLC0415 - few conversations need it

            servers = McpTools(self.config.mcp, self.tell)
            stack.callback(servers.stop)
            servers.start()
            taken = [str(definition["name"]) for definition in Toolbox(tools).definitions]
            tools += servers.tools(taken)
        return Toolbox(tools, ask=self.tell)

    def _settings(self) -> Json:
        return session_settings(self.config, self.toolbox.definitions, speaks=self._started.speaks)

    def _make_audio(self, *, plays: bool) -> Audio | NoAudio:
        if not self.config.sound:
            return NoAudio()
        from voice.audio import Audio  # noqa: PLC0415 - it needs PyAudio, which no other part does

        return Audio(self._audio_buffer, self._mic_queue, self.config, self._feed.show, plays=plays)

    def _make_near_end(self, audio: Audio | NoAudio) -> NearEnd:
        from voice import echo  # noqa: PLC0415 - loading numpy must not hold up the devices and the connection
        from voice.nearend import NearEnd  # noqa: PLC0415
        from voice.pace import Paced  # noqa: PLC0415

        has_echo = audio.microphone is not None and audio.speaker is not None
        suppressor, shortfall = echo.create(self.config.echo if has_echo else "off")
        if shortfall:
            self.tell(shortfall)
        if not isinstance(suppressor, echo.EchoCanceller):
            return NearEnd(suppressor)
        paced = Paced(suppressor, echo.Mute, self.tell)
        reason = "the sound stumbles so much that the assistant hears itself"
        self.subscribe(Turn, SelfTalk(lambda: audio.health.slips, lambda: paced.give_up(reason)).note)
        return NearEnd(paced)

    def _watch_limits(self, stack: ExitStack) -> None:
        if self.config.max_cost is not None and self._meter.spent.dollars is None:
            self.tell(f"--max-cost has no effect: what {self.config.answers} costs is not known here")
        limits = Limits(
            max_cost=self.config.max_cost,
            max_minutes=self.config.max_minutes,
            cost=lambda: self._meter.spent.dollars,
            finish=self._finish,
            end=self._break_off,
        )
        stack.callback(limits.stop)
        limits.start()

    def _finish(self, reason: str) -> None:
        self.tell(f"{reason}: the conversation ends after this answer")
        self._session.take_leave()

    def _break_off(self) -> None:
        self.tell("the answer does not come to its end: the conversation ends without it")
        self._session.end()

    # What it follows itself -----------------------------------------------------------------------------------------

    def _hear(self, block: Block, clean: bytes) -> None:
        """Take every block, on the send thread."""
        self._records.hear(clean, block.played)
        if not self._muted:
            self._sleep.hear(clean)

    def _note_state(self, changed: StateChanged) -> None:
        self._state = changed.state

    def _note_use(self, used: Used) -> None:
        if used.what == "response":
            self._meter.add_response(used.usage)
        else:
            self._meter.add_transcription(used.usage)
