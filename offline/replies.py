"""Which responses of a connection are being made. The connection's lock guards it all, except `Replies.join`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from offline.answer import Plan
from offline.brain import Brain, Turn
from offline.conversation import Conversation
from offline.entry import Entry, text_tokens, tokens
from offline.options import ResponseOptions
from offline.organs import Organs
from offline.outbox import Outbox
from offline.reply import Reply
from offline.settings import Settings
from offline.wire import RequestError

_MOST_THREADS = 8
"""Responses at a time, out of band and winding down included: a bound of ours."""


class Replies:
    """At most one response in the conversation, and some beside it, out of band."""

    def __init__(
        self, organs: Organs, lock: threading.Lock, outbox: Outbox, on_answered: Callable[[int], None]
    ) -> None:
        self._organs = organs
        self._lock = lock
        self._outbox = outbox
        self._on_answered = on_answered  # told, with the lock held, how many ms an answer in the conversation plays
        self._running: dict[str, Reply] = {}
        self._threads: list[Reply] = []  # those that are over may take a while to notice

    @property
    def active(self) -> Reply | None:
        """The response in the conversation."""
        return next((reply for reply in self._running.values() if not reply.plan.is_out_of_band), None)

    def add(self, plan: Plan, brain: Brain) -> Reply:
        """Announce a response of this brain's; the caller starts it, with the lock released.

        Raises `RequestError` when the conversation has one already, or too many are running.
        """
        active = self.active
        if active is not None and not plan.is_out_of_band:
            text = (
                f"Conversation already has an active response in progress: {active.answer.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RequestError("conversation_already_has_active_response", text)
        self._threads = [reply for reply in self._threads if not reply.join(0)]
        if len(self._threads) >= _MOST_THREADS:
            raise RequestError("rate_limit_exceeded", f"No more than {_MOST_THREADS} responses at a time.")
        reply = Reply(plan, replace(self._organs, brain=brain), self._lock, self._outbox, self._over)
        self._running[reply.answer.id] = reply
        self._threads.append(reply)
        return reply

    def cancel(self, response_id: str | None) -> None:
        """Cancel the response with this id, None for the conversation's; `RequestError` when it is not running."""
        reply = self.active if response_id is None else self._running.get(response_id)
        if reply is None:
            raise RequestError("response_cancel_not_active", "Cancellation failed: no active response found")
        reply.cancel("client_cancelled")

    def interrupt(self) -> None:
        """Cancel the response in the conversation, if there is one: the user speaks."""
        if self.active is not None:
            self.active.cancel("turn_detected")

    def cancel_all(self) -> None:
        """Cancel every response."""
        for reply in tuple(self._running.values()):
            reply.cancel("client_cancelled")

    def join(self, seconds: float) -> bool:
        """Wait for all threads after `cancel_all`, the lock released; return whether they have ended in time."""
        deadline = time.monotonic() + seconds
        for reply in self._threads:
            reply.join(max(0.0, deadline - time.monotonic()))
        return all(reply.join(0) for reply in self._threads)

    def _over(self, reply: Reply) -> None:
        del self._running[reply.answer.id]
        reply.plan.turn.given_up.set()  # its thread may be waiting for a brain that is silent
        if not reply.plan.is_out_of_band:
            self._on_answered(reply.answer.audio_ms)


def planned(settings: Settings, options: ResponseOptions, conversation: Conversation, entries: Sequence[Entry]) -> Plan:
    """Return how to answer ``entries``; what ``options`` leave open is as in the session. Requires the lock."""
    instructions = settings.instructions if options.instructions is None else options.instructions
    tools = settings.tools if options.tools is None else options.tools
    choice = options.tool_choice or settings.tool_choice
    modalities = options.output_modalities or settings.output_modalities
    voice = options.audio.output.voice or settings.audio.output.voice
    turn = Turn(
        items=tuple(entry.for_brain() for entry in entries),
        tools=tuple(tool.model_dump(exclude_none=True) for tool in tools),
        instructions=instructions,
        tool_choice=choice if isinstance(choice, str) else choice.model_dump(),
    )
    text, audio = tokens(entries)
    text += text_tokens(instructions + "".join(map(str, turn.tools)))
    modality: Literal["audio", "text"] = modalities[0]
    return Plan(
        turn=turn,
        conversation=conversation,
        is_out_of_band=options.conversation == "none",
        input_tokens=(text, audio),
        modality=modality,
        voice=voice if isinstance(voice, str) else voice.model_dump(),
        speed=settings.audio.output.speed,
        max_output_tokens=options.max_output_tokens or settings.max_output_tokens,
        metadata=options.metadata,
    )
