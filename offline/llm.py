"""A brain behind an OpenAI-compatible ``/v1/chat/completions``: Ollama, llama.cpp's server, LM Studio, vLLM."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from offline.brain import FunctionCall, GivenUp, TextDelta, Turn
from offline.chat import Calls, LlmError, deltas, messages, tool_fields
from offline.exchange import Answer, RefusedError, exchange
from offline.thoughts import Thoughts

PATIENCE_S = 20.0
"""For the first word of an answer, thoughts and all, and between two: a middling model is loaded from disk meanwhile,
and a person who talks will not wait for longer."""
_LOAD_S = 300.0
"""For the same before anybody has asked: a large model on a slow disk."""
_LOAD_TOKENS = 200
"""Enough for most thoughts about a greeting."""


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model] = Field(min_length=1)


class LlmBrain:
    """Lets a language model answer; any thread may call. `model` "" takes the first that the server lists.

    Where a server refuses a conversation that has grown too long for its model, older items are left out from then on.
    """

    def __init__(self, url: str, model: str = "", key: str = "", patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._url = _base(url)
        self._model = model
        self._key = key
        self._starts: set[str] = set()  # ids of the items before which all is left out
        self._unmarked = False  # whether the model's thoughts begin without a mark

    def warm(self) -> None:
        """Let the server load the model, in the background, for a first answer that comes in time.

        What the model says to a greeting shows whether it thinks without a mark.
        """
        threading.Thread(target=self._load, name="offline model", daemon=True).start()

    def reply(self, turn: Turn) -> Generator[TextDelta | FunctionCall, None, None]:
        """Yield the answer while it is made, calls of functions last; raises LlmError.

        Closing it hangs up, and so does `Turn.given_up`, even while the model is silent.
        """
        try:
            yield from self._answer(turn)
        except LlmError:
            if not turn.given_up:
                raise

    def _answer(self, turn: Turn) -> Iterator[TextDelta | FunctionCall]:
        calls = Calls()
        with self._asked(turn, self._patience_s) as answer:
            thoughts = Thoughts(unmarked=self._unmarked)
            for delta in deltas(answer.lines()):
                text = thoughts.feed(delta.text)
                self._unmarked = self._unmarked or thoughts.unmarked
                if text:
                    yield TextDelta(text)
                if delta.tool_calls:
                    calls.add(delta.tool_calls)
                if text or delta.tool_calls:
                    answer.deadline = time.monotonic() + self._patience_s
        if text := thoughts.rest():
            yield TextDelta(text)
        if not thoughts.spoken and not calls.whole():
            raise LlmError(f"The language model at {self._url} answered without a word.")
        yield from calls.whole()

    def _load(self) -> None:
        content = [{"type": "input_text", "text": "Say only: hello."}]
        greeting = Turn(({"type": "message", "role": "user", "content": content},))
        with suppress(LlmError), self._asked(greeting, _LOAD_S, max_tokens=_LOAD_TOKENS) as answer:
            thoughts = Thoughts()
            for delta in deltas(answer.lines()):
                thoughts.feed(delta.text)
                if thoughts.inside or delta.reasoning or delta.reasoning_content:
                    return  # it says when it thinks, and need not think to the end
                self._unmarked = self._unmarked or thoughts.unmarked

    @contextmanager
    def _asked(self, turn: Turn, patience_s: float, **more: int) -> Iterator[Answer]:
        """Ask, with as much of the conversation as the server takes; raises LlmError."""
        deadline = time.monotonic() + patience_s
        model = self._chosen_model(turn.given_up, deadline)
        items = self._since_start(turn.items)
        with ExitStack() as line:
            while True:
                shorter = replace(turn, items=items)
                body = {"model": model, "stream": True, "messages": messages(shorter), **tool_fields(turn), **more}
                asking = exchange(self._url, "chat/completions", self._key, body, turn.given_up, deadline)
                try:
                    answer = line.enter_context(asking)
                    break
                except RefusedError as error:
                    if error.status != HTTPStatus.BAD_REQUEST or len(items) < 2:  # noqa: PLR2004 - no two halves
                        raise
                    items = _later_half(items)
            if len(items) < len(turn.items) and "id" in items[0]:
                self._starts.add(str(items[0]["id"]))
            yield answer

    def _since_start(self, items: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
        """Leave out what had to be left out before: so the server need not read the rest anew at every turn."""
        starts = [place for place, item in enumerate(items) if item.get("id") in self._starts]
        return tuple(items[starts[-1] if starts else 0 :])

    def _chosen_model(self, given_up: GivenUp, deadline: float) -> str:
        if not self._model:
            with exchange(self._url, "models", self._key, None, given_up, deadline) as answer:
                listed = b"".join(answer.lines())
            try:
                names = [model.id for model in _Models.model_validate_json(listed).data]
            except ValidationError as error:
                raise LlmError(f"The server at {self._url} lists no language model: name one.") from error
            # Ollama lists what makes embeddings among the others, and such a model cannot talk.
            self._model = next((name for name in names if "embed" not in name.lower()), names[0])
        return self._model


def _later_half(items: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return at most the later half, from a request of the user's on if there is one in it."""
    later = tuple(items[len(items) // 2 :])
    return later[next((place for place, item in enumerate(later) if item.get("role") == "user"), 0) :]


def _base(url: str) -> str:
    """Return the address that paths are added to; a bare host means its ``/v1``."""
    url = url.rstrip("/").removesuffix("/chat/completions")
    return url if urlsplit(url).path else f"{url}/v1"
