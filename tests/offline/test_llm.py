"""A brain behind an OpenAI-compatible server."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offline.brain import FunctionCall, GivenUp, TextDelta, Turn
from offline.chat import LlmError, messages
from offline.llm import LlmBrain
from tests.certificate import make
from tests.offline.llmserver import LlmServer, chunk, words


def user(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


HELLO = Turn((user("hello"),))


def test_words_are_streamed_and_the_first_listed_model_is_asked(llm: LlmServer) -> None:
    llm.script = [chunk(role="assistant", content=""), chunk(content="Good "), chunk(content="day."), "[DONE]"]

    parts = list(LlmBrain(llm.url).reply(HELLO))

    assert parts == [TextDelta("Good "), TextDelta("day.")]
    path, key, body = llm.requests.get_nowait()
    assert (path, key) == ("/v1/chat/completions", "Bearer none")
    assert body == {"model": "small-model", "stream": True, "messages": [{"role": "user", "content": "hello"}]}


def test_key_model_and_path_are_those_given(llm: LlmServer) -> None:
    llm.script = [chunk(content="Hi.")]
    list(LlmBrain(f"{llm.url}/api/v3/", model="big", key="secret").reply(HELLO))

    path, key, body = llm.requests.get_nowait()
    assert (path, key, body["model"]) == ("/api/v3/chat/completions", "Bearer secret", "big")


def test_a_word_arrives_before_the_next_is_made(llm: LlmServer) -> None:
    go_on = threading.Event()
    llm.script = [chunk(content="One"), go_on, chunk(content=" two")]
    answer = LlmBrain(llm.url).reply(HELLO)

    assert next(answer) == TextDelta("One")
    go_on.set()
    assert list(answer) == [TextDelta(" two")]


def test_closing_the_answer_hangs_up(llm: LlmServer) -> None:
    go_on = threading.Event()
    llm.script = [chunk(content="One"), go_on, *[chunk(content="more" * 20_000)] * 200]
    answer = LlmBrain(llm.url).reply(HELLO)
    next(answer)

    answer.close()
    go_on.set()

    assert llm.hung_up.wait(5)


@pytest.mark.parametrize("headers_first", [True, False], ids=["response begun", "no response yet"])
@pytest.mark.parametrize("thoughts", [[], [chunk(content="<think>hm")]], ids=["silent", "thinking"])
def test_an_answer_that_is_given_up_hangs_up_at_once(
    llm: LlmServer, thoughts: list[str | threading.Event], headers_first: bool
) -> None:
    go_on = threading.Event()
    llm.headers_first = headers_first
    llm.script = [*thoughts, go_on, *[chunk(content="more" * 20_000)] * 200]
    turn = replace(HELLO, given_up=GivenUp())
    parts: list[TextDelta | FunctionCall] = []
    thread = threading.Thread(target=lambda: parts.extend(LlmBrain(llm.url, "m").reply(turn)))
    thread.start()
    assert llm.asked.acquire(timeout=5)

    turn.given_up.set()
    thread.join(3)  # well within its patience
    go_on.set()

    assert not thread.is_alive()
    assert parts == []
    assert llm.hung_up.wait(5)


def test_over_tls_an_answer_is_streamed_and_given_up_as_well(
    llm: LlmServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, context = make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    llm.socket = context.wrap_socket(llm.socket, server_side=True)
    go_on = threading.Event()
    llm.script = [chunk(content="One"), go_on]
    turn = replace(HELLO, given_up=GivenUp())
    answer = LlmBrain(llm.url.replace("http:", "https:"), "m").reply(turn)

    assert next(answer) == TextDelta("One")
    given_up = threading.Timer(0.3, turn.given_up.set)  # while the next word is waited for
    given_up.start()
    began = time.monotonic()
    assert list(answer) == []
    took = time.monotonic() - began
    go_on.set()
    given_up.join()
    assert took < 5


def test_an_answer_that_is_given_up_before_it_begins_is_none(llm: LlmServer) -> None:
    turn = replace(HELLO, given_up=GivenUp())
    turn.given_up.set()
    llm.script = [chunk(content="Hi.")]

    assert list(LlmBrain(llm.url, "m").reply(turn)) == []


@pytest.mark.parametrize("sign", [": alive\n\n", chunk(content="<think>hm"), chunk(content="")])
def test_signs_of_life_are_no_words(llm: LlmServer, sign: str) -> None:
    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(0.05)

    llm.script = [sign, Pause()] * 100
    began = time.monotonic()

    with pytest.raises(LlmError, match="takes too long"):
        list(LlmBrain(llm.url, "m", patience_s=0.4).reply(HELLO))
    assert time.monotonic() - began < 2.5


def test_each_word_gives_the_next_its_time(llm: LlmServer) -> None:
    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(0.1)

    llm.script = [chunk(content="word "), Pause()] * 15

    assert words(LlmBrain(llm.url, "m", patience_s=1.0).reply(HELLO)) == "word " * 15


def test_a_conversation_too_long_for_the_model_goes_on_with_its_later_part(llm: LlmServer) -> None:
    llm.refusal = lambda body: "the request exceeds the available context size" if len(body["messages"]) > 4 else ""
    llm.script = [chunk(content="Hi.")]
    items = [{**user(f"question {number}"), "id": f"i{number}"} for number in range(9)]
    brain = LlmBrain(llm.url, "m")

    assert words(brain.reply(Turn(tuple(items[:8])))) == "Hi."
    assert llm.requests.qsize() == 2
    llm.requests.queue.clear()
    llm.refusal = lambda _: ""
    assert words(brain.reply(Turn(tuple(items)))) == "Hi."

    body = llm.requests.get_nowait()[2]
    assert [message["content"] for message in body["messages"]] == [f"question {number}" for number in range(4, 9)]
    assert llm.requests.empty()


def test_what_no_shorter_conversation_mends_is_told_and_nothing_is_left_out_for_it(llm: LlmServer) -> None:
    llm.refusal = lambda _: "the model does not support tools"
    items = [{**user(f"question {number}"), "id": f"i{number}"} for number in range(8)]
    brain = LlmBrain(llm.url, "m")

    with pytest.raises(LlmError, match="does not support tools"):
        list(brain.reply(Turn(tuple(items))))
    llm.requests.queue.clear()
    llm.refusal, llm.script = lambda _: "", [chunk(content="Hi.")]
    list(brain.reply(Turn(tuple(items))))
    assert len(llm.requests.get_nowait()[2]["messages"]) == 8


def test_the_conversation_is_sent_with_instructions_and_tools(llm: LlmServer) -> None:
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
    llm.script = [chunk(content="Hi.")]

    list(LlmBrain(llm.url).reply(Turn(items, (tool,), "Be brief.", forced)))

    body = llm.requests.get_nowait()[2]
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
        [call("add", '{"a": 1}', index=0, id="x"), call("list", "{}", index=0, id="y")],
        [call("add", '{"a"', index=0), call(None, ": 1}", index=0), call("list", "", index=0)],
        [call("add", '{"a"', index=0, id="x"), call("add", ": 1}", index=0, id="x"), call("list", index=1, id="y")],
    ],
    ids=[
        "pieces",
        "whole",
        "nameless",
        "objects",
        "pieces without an index",
        "one index for all",
        "one index and no id",
        "name and id again",
    ],
)
def test_calls_are_put_together_however_they_come(llm: LlmServer, script: list[str]) -> None:
    llm.script = [chunk(content="Wait. "), *script, "[DONE]"]

    assert list(LlmBrain(llm.url).reply(HELLO)) == [
        TextDelta("Wait. "),
        FunctionCall("add", '{"a": 1}'),
        FunctionCall("list", "{}"),
    ]


def test_thoughts_are_not_said(llm: LlmServer) -> None:
    llm.script = [chunk(content="<think>hm</thi"), chunk(content="nk>\n\nIt is.")]

    assert words(LlmBrain(llm.url).reply(HELLO)) == "It is."


def test_of_thoughts_that_begin_without_a_mark_the_first_answer_may_be_late_to_know(llm: LlmServer) -> None:
    llm.script = [chunk(content="Let me think. "), chunk(content="They greet.</think>"), chunk(content="Hello.")]
    brain = LlmBrain(llm.url)

    assert words(brain.reply(HELLO)) == "Let me think. Hello."
    assert words(brain.reply(HELLO)) == "Hello."


def test_of_thoughts_that_begin_without_a_mark_is_known_once_the_model_is_loaded(llm: LlmServer) -> None:
    llm.script = [chunk(content="Let me think. "), chunk(content="They greet.</think>"), chunk(content="Hello.")]
    brain = LlmBrain(llm.url)
    brain.warm()
    _join("offline model")

    assert words(brain.reply(HELLO)) == "Hello."
    llm.script = [chunk(content="Plain "), chunk(content="words.")]
    assert words(brain.reply(HELLO)) == "Plain words."


@pytest.mark.parametrize("thought", [{"content": "<think>"}, {"reasoning_content": "Hm"}, {"reasoning": "Hm"}])
def test_loading_does_not_wait_for_thoughts_that_are_marked(llm: LlmServer, thought: dict[str, str]) -> None:
    go_on = threading.Event()
    llm.script = [chunk(**thought), go_on, *[chunk(content="more" * 20_000)] * 200]
    LlmBrain(llm.url).warm()

    assert llm.asked.acquire(timeout=5)
    _join("offline model")
    go_on.set()
    assert llm.hung_up.wait(5)


def _join(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(5)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    "script",
    [
        [],
        ["[DONE]"],
        [chunk(content=""), "[DONE]"],
        [chunk(content="<think>hm")],
        [chunk(content="<think>hm</think> \n")],
        [chunk(reasoning_content="The user")],
    ],
)
def test_an_answer_without_a_word_is_told(llm: LlmServer, script: list[str | threading.Event]) -> None:
    llm.script = [chunk(role="assistant"), *script]

    with pytest.raises(LlmError, match="without a word"):
        list(LlmBrain(llm.url).reply(HELLO))


def test_halves_of_a_character_are_passed_on(llm: LlmServer) -> None:
    llm.script = [
        '{"choices": [{"delta": {"content": "\\ud83c"}}]}',
        '{"choices": [{"delta": {"content": "\\udf89"}}]}',
    ]

    assert words(LlmBrain(llm.url).reply(HELLO)) == "\ud83c\udf89"


def test_an_answer_that_is_no_stream_is_read(llm: LlmServer) -> None:
    message = {"role": "assistant", "content": "Hi.", "tool_calls": [{"id": "x", "function": {"name": "add"}}]}
    llm.plain = json.dumps({"choices": [{"message": message}]}, indent=2).encode()

    assert list(LlmBrain(llm.url).reply(HELLO)) == [TextDelta("Hi."), FunctionCall("add", "{}")]


def test_content_in_parts_is_read(llm: LlmServer) -> None:
    llm.script = [chunk(content=[{"type": "text", "text": "Hi"}, {"type": "thinking", "thinking": []}])]

    assert words(LlmBrain(llm.url).reply(HELLO)) == "Hi"


def test_a_refusal_is_one_sentence_with_the_servers_reason(llm: LlmServer) -> None:
    llm.status, llm.failure = 404, b'{"error": {"message": "model not found"}}'

    with pytest.raises(LlmError, match="refused with HTTP 404: model not found"):
        list(LlmBrain(llm.url, "x").reply(HELLO))


def test_a_failure_in_mid_stream_is_told(llm: LlmServer) -> None:
    llm.script = [chunk(content="One"), json.dumps({"error": {"message": "out of memory"}})]
    answer = LlmBrain(llm.url).reply(HELLO)
    next(answer)

    with pytest.raises(LlmError, match="out of memory"):
        next(answer)


@pytest.mark.parametrize(
    "event",
    ["{nonsense", "null", "[]", "7", '{"choices": 1}', '{"choices": [null]}', chunk(content=1), chunk(tool_calls=1)],
)
def test_nonsense_is_told(llm: LlmServer, event: str) -> None:
    llm.script = [event]

    with pytest.raises(LlmError, match="no JSON"):
        list(LlmBrain(llm.url).reply(HELLO))


def test_a_page_in_place_of_an_answer_is_told(llm: LlmServer) -> None:
    llm.plain = b"<html>\n<p>data: log in</p>\n</html>"

    with pytest.raises(LlmError, match="no JSON"):
        list(LlmBrain(llm.url).reply(HELLO))


def test_a_model_that_can_only_embed_is_not_asked(llm: LlmServer) -> None:
    llm.models = {"data": [{"id": "nomic-embed-text:latest"}, {"id": "llama3.2"}]}
    llm.script = [chunk(content="Hi.")]

    list(LlmBrain(llm.url).reply(HELLO))
    assert llm.requests.get_nowait()[2]["model"] == "llama3.2"


def test_no_model_is_told(llm: LlmServer) -> None:
    llm.models = {"data": []}

    with pytest.raises(LlmError, match="lists no language model"):
        list(LlmBrain(llm.url).reply(HELLO))


def test_no_server_is_told() -> None:
    with pytest.raises(LlmError, match="cannot be reached"):
        list(LlmBrain("http://127.0.0.1:1", "x").reply(HELLO))


def test_proxies_of_the_environment_are_left_alone(llm: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    llm.script = [chunk(content="Hi.")]

    assert words(LlmBrain(llm.url).reply(HELLO)) == "Hi."


def test_without_instructions_there_is_no_system_message() -> None:
    assert messages(HELLO) == [{"role": "user", "content": "hello"}]


def tool_call(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "name": "f", "arguments": "{}", "call_id": call_id}


def output(call_id: str, text: str = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def assistant(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ((user("a"), tool_call("x"), user("b")), ["a", "x", "x: Not finished yet: the result follows.", "b"]),
        (
            (user("a"), tool_call("x"), user("b"), assistant("c"), output("x")),
            ["a", "b", "c", "x", "x: done"],
        ),
        (
            (user("a"), tool_call("x"), tool_call("y"), output("y"), output("x", "two")),
            ["a", "xy", "x: two", "y: done"],
        ),
        (
            (user("a"), tool_call("x"), tool_call("y"), output("y")),
            ["a", "xy", "x: Not finished yet: the result follows.", "y: done"],
        ),
        ((output("x"), user("a")), ["a"]),
    ],
    ids=["asked while at work", "late", "in any order", "one is late", "call forgotten"],
)
def test_every_call_is_followed_by_its_output(items: tuple[dict[str, Any], ...], told: list[str]) -> None:
    found = messages(Turn(items))

    assert [_in_short(message) for message in found] == told


def _in_short(message: dict[str, Any]) -> str:
    if message["role"] == "tool":
        return f"{message['tool_call_id']}: {message['content']}"
    return message["content"] or "".join(call["id"] for call in message["tool_calls"])


def test_the_model_is_loaded_before_it_is_asked(llm: LlmServer) -> None:
    llm.script = [chunk(content="H"), "[DONE]"]
    LlmBrain(llm.url).warm()

    _, _, body = llm.requests.get(timeout=5)
    assert (body["model"], body["max_tokens"]) == ("small-model", 200)
