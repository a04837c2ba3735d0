"""What a conversation costs, worked out turn by turn as the service counts it; pure, and priced by the program's meter.

With every turn the model reads the whole conversation again. What it read the turn before is cheap, since it is cached;
so each turn pays the full price for what is new, the cached price for all that was said before, and the full price for
everything again when the beginning has changed: in a new session, or after the oldest was dropped from a full context.
Where the service's manual leaves a choice, the dearer reading is taken, as `voice.usage` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from voice.turns.restore import MAX_CHARACTERS, MAX_TURNS
from voice.usage import Meter, Spent

USER_TOKENS = 10
"""Audio tokens of a second of the user: one for 100 ms (the service's guide to costs)."""
ASSISTANT_TOKENS = 20
"""Of a second of the assistant: one for 50 ms. Read again it counts as many here; the guide does not say."""
TEXT_SHARE = 41 / 147
"""Text tokens, the transcript and what frames it, to an audio token of an answer: of an answer seen of the service."""
CHARACTERS = 15
"""Written down, of a second of speech: 150 words of 6 characters a minute."""
CHARACTERS_PER_TOKEN = 4
"""Of English, by the rule of thumb of the service's manual."""
CACHE_STEP = 64
"""Tokens: what is cached was seen to be a multiple of this."""
CACHE_LEAST = 1024
"""Tokens: a shorter beginning is not cached, says the guide; shorter ones were seen to be."""
TRANSCRIPTION = "gpt-transcribe"
"""The program's default."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The user speaks, then the assistant; s."""

    user: float
    assistant: float


@dataclass(frozen=True, slots=True)
class Service:
    """A model, and how its session is set up."""

    model: str
    context: int
    """Tokens that it reads at most."""
    instructions: int
    """Tokens of instructions and tools, which it reads first."""
    retention_ratio: float = 1.0
    """How much of a full context is kept when the oldest is dropped, as in ``--retention-ratio``."""
    caches: bool = True
    """False for what it would cost if no turn found the one before in the cache."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one turn, or of several."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio)

    @property
    def total(self) -> int:
        """Of both kinds."""
        return self.text + self.audio


class Session:
    """One session of the service: what it reads, writes and has cached. `meter` is given what it uses."""

    def __init__(self, service: Service, meter: Meter, restored: int = 0) -> None:
        """Begin anew, with `restored` tokens of text of what was said before."""
        self._service = service
        self._meter = meter
        self._instructions = Tokens(text=service.instructions)
        self._items = deque([Tokens(text=restored)])
        self._read_before = Tokens()

    def exchange(self, exchange: Exchange) -> None:
        """Let the user say something and the assistant answer."""
        self._items.append(Tokens(audio=round(exchange.user * USER_TOKENS)))
        self._truncate()
        spoken = round(exchange.assistant * ASSISTANT_TOKENS)
        answer = Tokens(text=round(spoken * TEXT_SHARE), audio=spoken)
        self._meter.add_response(_usage(self._context, self._cached(), answer))
        self._meter.add_transcription({"type": "duration", "seconds": exchange.user})
        self._read_before = self._context
        self._items.append(answer)

    @property
    def _context(self) -> Tokens:
        return sum(self._items, self._instructions)

    def _truncate(self) -> None:
        if self._context.total <= self._service.context:
            return
        while self._context.total > self._service.context * self._service.retention_ratio:
            self._items.popleft()
        self._read_before = self._instructions  # all behind them has moved

    def _cached(self) -> Tokens:
        """Of what is read now, what was read before; a broken step is taken off the sound, which is dearer."""
        whole = self._read_before.total // CACHE_STEP * CACHE_STEP
        if whole < CACHE_LEAST or not self._service.caches:
            return Tokens()
        text = min(self._read_before.text, whole)
        return Tokens(text, whole - text)


def _usage(read: Tokens, cached: Tokens, written: Tokens) -> dict[str, Any]:
    """As the service tells it in ``response.done``."""
    return {
        "input_tokens": read.total,
        "output_tokens": written.total,
        "input_token_details": {
            "text_tokens": read.text,
            "audio_tokens": read.audio,
            "cached_tokens": cached.total,
            "cached_tokens_details": {"text_tokens": cached.text, "audio_tokens": cached.audio},
        },
        "output_token_details": {"text_tokens": written.text, "audio_tokens": written.audio},
    }


def restored_tokens(exchanges: Iterable[Exchange]) -> int:
    """Of text, when a new session is told of these, oldest first, as `voice.turns.restore` does."""
    turns = [seconds for each in exchanges for seconds in (each.user, each.assistant)]
    characters = sum(round(seconds * CHARACTERS) for seconds in turns[-MAX_TURNS:])
    return min(characters, MAX_CHARACTERS) // CHARACTERS_PER_TOKEN


def conversation(service: Service, exchange: Exchange, count: int, *, bouts: int = 1) -> Spent:
    """So many exchanges, in equal bouts between which the assistant sleeps: each is a new session, told of the last."""
    meter = Meter(service.model, TRANSCRIPTION)
    each = count // bouts
    for bout in range(bouts):
        session = Session(service, meter, restored_tokens(repeat(exchange, bout * each)))
        for _ in range(each):
            session.exchange(exchange)
    return meter.spent
