"""A brain behind an OpenAI-compatible server, here a small one on loopback that says what it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest

from offline.brain import FunctionCall, TextDelta, Turn
from offline.fallback import APOLOGY, REST_S, Fallback
from offline.llm import LlmBrain, LlmError, messages
from offline.matcher import Matcher


def chunk(**delta: object) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta}]})


class LlmServer(ThreadingHTTPServer):
    """Streams `script`, one event an item; a `threading.Event` in it holds the stream until it is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[str | threading.Event] = []
        self.status, self.failure = 200, b""
        self.models: dict[str, list[dict[str, str]]] = {"data": [{"id": "small-model"}, {"id": "other"}]}
        self.requests: Queue[tuple[str, str, dict[str, Any]]] = Queue()
        self.hung_up = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: LlmServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._send(200, json.dumps(self.server.models).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.put((self.path, self.headers["Authorization"], body))
        if self.server.status != 200:
            self._send(self.server.status, self.server.failure)
            return
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for event in self.server.script:
                if isinstance(event, threading.Event):
                    event.wait(10)
                else:
                    self.wfile.write(f"data: {event}\n\n".encode())
            return
        self.server.hung_up.set()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01], name="llm server")
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def user(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


HELLO = Turn((user("hello"),))


def words(parts: Iterable[TextDelta | FunctionCall]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def test_words_are_streamed_and_the_first_listed_model_is_asked(server: LlmServer) -> None:
    server.script = [chunk(role="assistant", content=""), chunk(content="Good "), chunk(content="day."), "[DONE]"]

    parts = list(LlmBrain(server.url).reply(HELLO))

    assert parts == [TextDelta("Good "), TextDelta("day.")]
    path, key, body = server.requests.get_nowait()
    assert (path, key) == ("/v1/chat/completions", "Bearer none")
    assert body == {"model": "small-model", "stream": True, "messages": [{"role": "user", "content": "hello"}]}


def test_key_model_and_path_are_those_given(server: LlmServer) -> None:
    list(LlmBrain(f"{server.url}/api/v3/", model="big", key="secret").reply(HELLO))

    path, key, body = server.requests.get_nowait()
    assert (path, key, body["model"]) == ("/api/v3/chat/completions", "Bearer secret", "big")


def test_a_word_arrives_before_the_next_is_made(server: LlmServer) -> None:
    go_on = threading.Event()
    server.script = [chunk(content="One"), go_on, chunk(content=" two")]
    answer = LlmBrain(server.url).reply(HELLO)

    assert next(answer) == TextDelta("One")
    go_on.set()
    assert list(answer) == [TextDelta(" two")]


def test_closing_the_answer_hangs_up(server: LlmServer) -> None:
    go_on = threading.Event()
    server.script = [chunk(content="One"), go_on, *[chunk(content="more" * 20_000)] * 200]
    answer = LlmBrain(server.url).reply(HELLO)
    next(answer)

    answer.close()
    go_on.set()

    assert server.hung_up.wait(5)


def test_the_conversation_is_sent_with_instructions_and_tools(server: LlmServer) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "name": "get_weather", "description": "Weather.", "parameters": parameters}
    items = (
        user("weather in paris and rome"),
        {"type": "function_call", "name": "get_weather", "arguments": '{"city": "Paris"}', "call_id": "a"},
        {"type": "function_call", "name": "get_weather", "arguments": '{"city": "Rome"}', "call_id": "b"},
        {"type": "function_call_output", "call_id": "a", "output": "Cold."},
        {"type": "function_call_output", "call_id": "b", "output": "Warm."},
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Cold, warm."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": "thanks"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]},
    )
    forced = {"type": "function", "name": "get_weather"}

    list(LlmBrain(server.url).reply(Turn(items, (tool,), "Be brief.", forced)))

    body = server.requests.get_nowait()[2]
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "user",
    ]
    assert [call["id"] for call in body["messages"][2]["tool_calls"]] == ["a", "b"]
    assert body["tools"] == [
        {"type": "function", "function": {key: tool[key] for key in ("name", "description", "parameters")}}
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}


def call(name: object = None, arguments: object = None, **fields: object) -> str:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return chunk(tool_calls=[{**fields, "function": function}])


@pytest.mark.parametrize(
    "script",
    [
        [
            call("add", "", index=0, id="x"),
            call(None, '{"a"', index=0),
            call(None, ": 1}", index=0),
            call("list", "", index=1),
        ],
        [call("add", '{"a": 1}', index=0), call("list", "{}", index=1)],
        [call("add", '{"a": 1}'), call("list")],
        [call("add", {"a": 1}, id="x"), call("list", {}, id="y")],
        [call("add", '{"a"'), call(None, ": 1}"), call("list", None)],
    ],
    ids=["pieces", "whole", "nameless", "objects", "pieces without an index"],
)
def test_calls_are_put_together_however_they_come(server: LlmServer, script: list[str]) -> None:
    server.script = [chunk(content="Wait. "), *script, "[DONE]"]

    assert list(LlmBrain(server.url).reply(HELLO)) == [
        TextDelta("Wait. "),
        FunctionCall("add", '{"a": 1}'),
        FunctionCall("list", "{}"),
    ]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_thoughts_are_not_said(server: LlmServer, size: int) -> None:
    text = "<think>hm <b> </thin\n</think>\n\nIt is 3 < 4.<think>again</think> Right.<"
    server.script += [chunk(content=text[at : at + size]) for at in range(0, len(text), size)]

    assert words(LlmBrain(server.url).reply(HELLO)) == "It is 3 < 4. Right.<"


def test_a_thought_that_never_ends_is_not_said(server: LlmServer) -> None:
    server.script = [chunk(content="<think>hm")]

    assert list(LlmBrain(server.url).reply(HELLO)) == []


def test_a_refusal_is_one_sentence_with_the_servers_reason(server: LlmServer) -> None:
    server.status, server.failure = 404, b'{"error": {"message": "model not found"}}'

    with pytest.raises(LlmError, match="refused with HTTP 404: model not found"):
        list(LlmBrain(server.url, "x").reply(HELLO))


def test_a_failure_in_mid_stream_is_told(server: LlmServer) -> None:
    server.script = [chunk(content="One"), json.dumps({"error": {"message": "out of memory"}})]
    answer = LlmBrain(server.url).reply(HELLO)
    next(answer)

    with pytest.raises(LlmError, match="out of memory"):
        next(answer)


def test_nonsense_is_told(server: LlmServer) -> None:
    server.script = ["{nonsense"]

    with pytest.raises(LlmError, match="no JSON"):
        list(LlmBrain(server.url).reply(HELLO))


def test_no_model_is_told(server: LlmServer) -> None:
    server.models = {"data": []}

    with pytest.raises(LlmError, match="lists no language model"):
        list(LlmBrain(server.url).reply(HELLO))


def test_no_server_is_told() -> None:
    with pytest.raises(LlmError, match="cannot be reached"):
        list(LlmBrain("http://127.0.0.1:1", "x").reply(HELLO))


def test_proxies_of_the_environment_are_left_alone(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    server.script = [chunk(content="Hi.")]

    assert words(LlmBrain(server.url).reply(HELLO)) == "Hi."


def test_without_instructions_there_is_no_system_message() -> None:
    assert messages(HELLO) == [{"role": "user", "content": "hello"}]


def test_the_model_is_loaded_before_it_is_asked(server: LlmServer) -> None:
    server.script = [chunk(content="H"), "[DONE]"]
    LlmBrain(server.url).warm()

    _, _, body = server.requests.get(timeout=5)
    assert (body["model"], body["max_tokens"]) == ("small-model", 1)


# Without the model

GREETING = "Hello. What can I do for you?"


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_commands_answer_for_a_model_that_is_down_which_is_said_once(server: LlmServer) -> None:
    clock = Clock()
    brain = Fallback(LlmBrain(server.url), Matcher(), clock)
    server.status, server.failure = 503, b"loading"

    assert words(brain.reply(HELLO)) == APOLOGY + GREETING
    assert words(brain.reply(HELLO)) == GREETING
    assert server.requests.qsize() == 1, "it is left alone for a while"

    clock.seconds += REST_S
    assert words(brain.reply(HELLO)) == GREETING
    assert server.requests.qsize() == 2

    server.status, server.script = 200, [chunk(content="Here I am."), "[DONE]"]
    clock.seconds += REST_S
    assert words(brain.reply(HELLO)) == "Here I am."
    server.status = 503
    assert words(brain.reply(HELLO)) == APOLOGY + GREETING


def test_commands_answer_where_nobody_listens() -> None:
    with LlmServer() as gone:
        url = gone.url

    assert words(Fallback(LlmBrain(url, "any"), Matcher()).reply(HELLO)) == APOLOGY + GREETING


def test_commands_answer_for_a_model_that_is_slow(server: LlmServer) -> None:
    late = threading.Event()
    server.script = [late, chunk(content="Sorry, I am late.")]

    answer = words(Fallback(LlmBrain(server.url, patience_s=0.3), Matcher()).reply(HELLO))
    late.set()

    assert answer == APOLOGY + GREETING


def test_half_an_answer_is_not_followed_by_another(server: LlmServer) -> None:
    server.script = [chunk(content="One"), json.dumps({"error": "out of memory"})]
    answer = Fallback(LlmBrain(server.url), Matcher()).reply(HELLO)

    assert next(answer) == TextDelta("One")
    with pytest.raises(LlmError, match="out of memory"):
        next(answer)
