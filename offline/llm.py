"""A brain behind an OpenAI-compatible ``/v1/chat/completions``: Ollama, llama.cpp's server, LM Studio, vLLM.

What such servers get wrong is put up with here: ids that are missing, arguments whole in one piece or not text at all,
and thoughts between ``<think>`` and ``</think>`` in what should be said.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests

from offline.brain import FunctionCall, TextDelta, Turn, said

_CONNECT_S = 5.0
"""A server on this computer or the next answers at once."""
PATIENCE_S = 20.0
"""For the first piece of an answer and between two: a middling model is loaded from disk meanwhile, and a person who
talks will not wait for longer."""
_LOAD_S = 300.0
"""For the same before anybody has asked: a large model on a slow disk."""
_OPEN, _CLOSE = "<think>", "</think>"


class LlmError(Exception):
    """The language model did not answer; the message says why, in a sentence for the user."""


class LlmBrain:
    """Lets a language model answer; any thread may call. `model` "" takes the first that the server lists."""

    def __init__(self, url: str, model: str = "", key: str = "", patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._url = _base(url)
        self._model = model
        self._headers = {"Authorization": f"Bearer {key or 'none'}"}  # some servers insist on any key

    def warm(self) -> None:
        """Let the server load the model, in the background, for a first answer that comes in time."""
        threading.Thread(target=self._load, name="offline model", daemon=True).start()

    def reply(self, turn: Turn) -> Generator[TextDelta | FunctionCall, None, None]:
        """Yield the answer while it is made, calls of functions last; raises LlmError. Closing it hangs up."""
        body = {"model": self._chosen_model(), "stream": True, "messages": messages(turn)}
        if turn.tools:
            body |= {"tools": [_declared(tool) for tool in turn.tools], "tool_choice": _choice(turn.tool_choice)}
        calls = _Calls()
        thoughts = _ThoughtFilter()
        try:
            with self._request("POST", "chat/completions", json=body, stream=True) as response:
                for delta in _deltas(response):
                    calls.add(delta.get("tool_calls") or ())
                    if text := thoughts.feed(delta.get("content") or ""):
                        yield TextDelta(text)
        except requests.RequestException as error:
            raise LlmError(f"The connection to the language model at {self._url} broke: {_reason(error)}.") from error
        if text := thoughts.rest():
            yield TextDelta(text)
        yield from calls.whole()

    def _chosen_model(self) -> str:
        if not self._model:
            with self._request("GET", "models") as response:
                try:
                    self._model = str(response.json()["data"][0]["id"])
                except (ValueError, LookupError, TypeError) as error:
                    raise LlmError(f"The server at {self._url} lists no language model: name one.") from error
        return self._model

    def _load(self) -> None:
        greeting = [{"role": "user", "content": "Hello."}]
        with suppress(LlmError):
            body = {"model": self._chosen_model(), "max_tokens": 1, "messages": greeting}
            self._request("POST", "chat/completions", _LOAD_S, json=body).close()

    def _request(
        self,
        method: str,
        path: str,
        patience_s: float | None = None,
        **options: Any,  # noqa: ANN401 - as requests
    ) -> requests.Response:
        """Return a response that is well, for use in `with`; raises LlmError."""
        try:
            with requests.Session() as session:
                # A proxy for the internet knows nothing of this server, and .netrc would replace the key.
                session.trust_env = False
                response = session.request(
                    method,
                    f"{self._url}/{path}",
                    headers=self._headers,
                    timeout=(_CONNECT_S, patience_s or self._patience_s),
                    **options,
                )
        except requests.RequestException as error:
            raise LlmError(f"The language model at {self._url} cannot be reached: {_reason(error)}.") from error
        if not response.ok:
            with response:
                message = (
                    f"The language model at {self._url} refused with HTTP {response.status_code}: {_fault(response)}"
                )
                raise LlmError(message)
        return response


def messages(turn: Turn) -> list[dict[str, Any]]:
    """Return a conversation as this protocol writes it; neighbouring calls become one message."""
    found: list[dict[str, Any]] = [{"role": "system", "content": turn.instructions}] if turn.instructions else []
    for item in turn.items:
        kind = item.get("type")
        if kind == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            if not (found and "tool_calls" in found[-1]):
                found.append({"role": "assistant", "content": None, "tool_calls": []})
            found[-1]["tool_calls"].append({"id": item["call_id"], "type": "function", "function": function})
        elif kind == "function_call_output":
            found.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
        elif text := said(item):
            found.append({"role": item["role"], "content": text})
    return found


class _Calls:
    """Calls of functions, put together from pieces."""

    def __init__(self) -> None:
        self._calls: dict[object, tuple[str, str]] = {}  # name and arguments so far, by index or id

    def add(self, pieces: Iterable[Mapping[str, Any]]) -> None:
        for piece in pieces:
            function = piece.get("function") or {}
            key = piece.get("index", piece.get("id"))
            if key is None:  # nameless: a name begins another call, without one it goes on
                key = len(self._calls) if function.get("name") else len(self._calls) - 1
            name, arguments = self._calls.get(key, ("", ""))
            more = function.get("arguments") or ""
            self._calls[key] = (
                name or function.get("name") or "",
                arguments + (more if isinstance(more, str) else json.dumps(more, ensure_ascii=False)),
            )

    def whole(self) -> Iterator[FunctionCall]:
        return (FunctionCall(name, arguments.strip() or "{}") for name, arguments in self._calls.values() if name)


class _ThoughtFilter:
    """Drops what a model only thinks, wherever its marks are cut in two."""

    def __init__(self) -> None:
        self._pending = ""
        self._is_thought = False
        self._has_spoken = False

    def feed(self, text: str) -> str:
        """Return what may be said by now."""
        self._pending += text
        spoken = ""
        while True:
            mark = _CLOSE if self._is_thought else _OPEN
            before, found, after = self._pending.partition(mark)
            if not found:
                break
            spoken += "" if self._is_thought else before
            self._pending, self._is_thought = after, not self._is_thought
        held = next(n for n in range(len(mark) - 1, -1, -1) if self._pending.endswith(mark[:n]))
        ready, self._pending = self._pending[: len(self._pending) - held], self._pending[len(self._pending) - held :]
        return self._trimmed(spoken + ("" if self._is_thought else ready))

    def rest(self) -> str:
        """Return what is left at the end: the beginning of a mark that was none."""
        return "" if self._is_thought else self._trimmed(self._pending)

    def _trimmed(self, text: str) -> str:
        """Drop the blank lines between thoughts and words."""
        text = text if self._has_spoken else text.lstrip()
        self._has_spoken = self._has_spoken or bool(text)
        return text


def _deltas(response: requests.Response) -> Iterator[Mapping[str, Any]]:
    """Yield the changes of the first choice from a stream of server-sent events; raises LlmError."""
    # One byte at a time: with any larger chunk a word would wait until the chunk is full.
    for line in response.iter_lines(chunk_size=1):
        if not line.startswith(b"data:"):
            continue
        data = line[len(b"data:") :].strip()
        if data == b"[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise LlmError("The language model sent what is no JSON.") from error
        if event.get("error"):
            raise LlmError(f"The language model failed: {_message(event['error'])}")
        if event.get("choices"):
            yield event["choices"][0].get("delta") or {}


def _declared(tool: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("name", "description", "parameters")
    return {"type": "function", "function": {key: tool[key] for key in wanted if tool.get(key) is not None}}


def _choice(choice: str | Mapping[str, Any]) -> str | dict[str, Any]:
    return choice if isinstance(choice, str) else {"type": "function", "function": {"name": choice.get("name")}}


def _base(url: str) -> str:
    """Return the address that paths are added to; a bare host means its ``/v1``."""
    url = url.rstrip("/").removesuffix("/chat/completions")
    return url if urlsplit(url).path else f"{url}/v1"


def _fault(response: requests.Response) -> str:
    try:
        return _message(response.json()["error"])
    except (ValueError, LookupError, TypeError):
        return response.text.strip()[:200] or str(response.reason)


def _message(error: Any) -> str:  # noqa: ANN401 - any JSON value
    return str(error.get("message", error)) if isinstance(error, Mapping) else str(error)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it takes too long"
    if isinstance(error, requests.ConnectionError):
        return "nobody answers there, or the answer stopped half-way"
    return str(error)
