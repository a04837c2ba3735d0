"""What a conversation costs, from what the service says it used and a table of prices.

The table, ``prices.json``, is data with its date and source: dollars per million tokens by model, kind of token and
rate, or dollars per minute of what is transcribed. Tokens are counted as integers and priced only when somebody asks,
so nothing drifts and a float is exact enough.

What the service says is not trusted. A count that makes no sense counts as none, and where a part is missing the
dearer reading holds: a limit on what may be spent is rather reached too early.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

MAX_TOKENS = 1_000_000
"""In one count. The largest model reads 128,000 and writes 32,000, so more than this is an error."""
MAX_SECONDS = 3600.0
"""Of one turn: no session of the service lasts longer."""

_READ = ("text", "image", "audio")
"""Kinds of tokens that a model reads, the cheapest first."""
_WRITTEN = ("text", "audio")
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")
"""The date that makes a snapshot's name of a model's."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used so far; ``str()`` is a line for people."""

    input_tokens: int
    """What the model read, every answer anew; `cached_tokens` are a part of it."""
    cached_tokens: int
    output_tokens: int
    dollars: float | None
    """With transcription; None when the model's price is not known."""
    transcription_priced: bool = True
    """False when something was transcribed at a price that is not known, and is missing in `dollars`."""

    def __str__(self) -> str:
        cached = f" ({self.cached_tokens:,} cached)" if self.cached_tokens else ""
        tokens = f"{self.input_tokens + self.output_tokens:,} tokens{cached}"
        if self.dollars is None:
            return tokens
        cents = 2 if self.dollars >= 1 else 4
        missing = "" if self.transcription_priced else " without transcription"
        return f"${self.dollars:,.{cents}f}{missing}, {tokens}"


class Meter:
    """Adds up one run, through all its sessions; any thread, own lock, never held for long."""

    def __init__(self, model: str, transcription_model: str) -> None:
        """Count for these models. A server that is not OpenAI's has prices of its own: call its model ``""``."""
        self._lock = threading.Lock()
        self._price = _price("models", model)
        self._transcription_price = _price("transcription", transcription_model)
        self._tokens: Counter[tuple[str, str]] = Counter()  # by kind and rate
        self._transcribed: Counter[str] = Counter()  # millions of tokens as input and output; minutes
        self._transcription_priced = True

    def add_response(self, usage: object) -> None:
        """Take the ``usage`` of a ``response.done``, whatever it is; null is what a cancelled one has."""
        used = _response_tokens(_mapping(usage))
        with self._lock:
            self._tokens.update(used)

    def add_transcription(self, usage: object) -> None:
        """Take the ``usage`` of an ``input_audio_transcription.completed``, whatever it is."""
        used = _transcribed(_mapping(usage))
        priced = bool(used) and used.keys() <= self._transcription_price.keys()
        with self._lock:
            self._transcription_priced &= priced
            if priced:
                self._transcribed.update(used)

    @property
    def spent(self) -> Spent:
        """What was used so far."""
        with self._lock:
            tokens, transcribed = self._tokens.copy(), self._transcribed.copy()
            transcription_priced = self._transcription_priced
        dollars = None
        if self._price:
            dollars = sum(count * self._price[kind][rate] for (kind, rate), count in tokens.items()) / _MILLION
            dollars += sum(amount * self._transcription_price[unit] for unit, amount in transcribed.items())
        by_rate: Counter[str] = Counter()
        for (_, rate), count in tokens.items():
            by_rate[rate] += count
        return Spent(
            by_rate["input"] + by_rate["cached"], by_rate["cached"], by_rate["output"], dollars, transcription_priced
        )


def prices_date() -> str:
    """The day on which the prices were looked up, as in ``2026-11-21``."""
    return str(_table()["date"])


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
    return table


def _price(group: str, model: str) -> Mapping[str, Any]:
    """Price of a model or of a dated snapshot of it; empty when it is not known, however similar its name."""
    price: Mapping[str, Any] = _table()[group].get(_SNAPSHOT.sub("", model), {})
    return price


# What the service says ----------------------------------------------------------------------------------------------


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _amount(value: object, most: float) -> float | None:
    """Give a number within bounds, or None for anything else; NaN is within none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= most else None


def _tokens(value: object) -> int:
    return int(_amount(value, MAX_TOKENS) or 0)


def _response_tokens(usage: Mapping[str, object]) -> Counter[tuple[str, str]]:
    """Tokens by kind and rate: ``input`` (at the full price), ``cached`` and ``output``."""
    details = _mapping(usage.get("input_token_details"))
    read = _by_kind(details, usage.get("input_tokens"), _READ)
    cached = _cached(details, read)
    written = _by_kind(_mapping(usage.get("output_token_details")), usage.get("output_tokens"), _WRITTEN)
    used = Counter({(kind, "input"): read[kind] - cached[kind] for kind in _READ})
    used.update({(kind, "cached"): count for kind, count in cached.items()})
    used.update({(kind, "output"): count for kind, count in written.items()})
    return used


def _by_kind(details: Mapping[str, object], total: object, kinds: tuple[str, ...]) -> Counter[str]:
    """Tokens by kind; those of which nothing is said but the total are taken for audio, the dearest."""
    counts = Counter({kind: _tokens(details.get(f"{kind}_tokens")) for kind in kinds})
    counts["audio"] += max(0, _tokens(total) - counts.total())
    return counts


def _cached(details: Mapping[str, object], read: Counter[str]) -> Counter[str]:
    """Cached tokens by kind, no more than were read; those without a kind are where they save the least."""
    told = _mapping(details.get("cached_tokens_details"))
    cached = Counter({kind: min(read[kind], _tokens(told.get(f"{kind}_tokens"))) for kind in _READ})
    unknown = max(0, _tokens(details.get("cached_tokens")) - cached.total())
    for kind in _READ:
        more = min(unknown, read[kind] - cached[kind])
        cached[kind] += more
        unknown -= more
    return cached


def _transcribed(usage: Mapping[str, object]) -> dict[str, float]:
    """What was used in the units of the price table; empty when that cannot be told."""
    if usage.get("type") == "duration":
        seconds = _amount(usage.get("seconds"), MAX_SECONDS)
        return {} if seconds is None else {"minute": seconds / 60}
    tokens = {rate: _amount(usage.get(f"{rate}_tokens"), MAX_TOKENS) for rate in ("input", "output")}
    return {rate: count / _MILLION for rate, count in tokens.items() if count is not None}
