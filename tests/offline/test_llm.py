"""A brain behind an OpenAI-compatible server."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from offline.brain import FunctionCall, TextDelta, Turn
from offline.llm import LlmBrain, LlmError, messages
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
    ],
    ids=["pieces", "whole", "nameless", "objects", "pieces without an index"],
)
def test_calls_are_put_together_however_they_come(llm: LlmServer, script: list[str]) -> None:
    llm.script = [chunk(content="Wait. "), *script, "[DONE]"]

    assert list(LlmBrain(llm.url).reply(HELLO)) == [
        TextDelta("Wait. "),
        FunctionCall("add", '{"a": 1}'),
        FunctionCall("list", "{}"),
    ]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_thoughts_are_not_said(llm: LlmServer, size: int) -> None:
    text = "<think>hm <b> </thin\n</think>\n\nIt is 3 < 4.<think>again</think> Right.<"
    llm.script += [chunk(content=text[at : at + size]) for at in range(0, len(text), size)]

    assert words(LlmBrain(llm.url).reply(HELLO)) == "It is 3 < 4. Right.<"


def test_a_thought_that_never_ends_is_not_said(llm: LlmServer) -> None:
    llm.script = [chunk(content="<think>hm")]

    assert list(LlmBrain(llm.url).reply(HELLO)) == []


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


def test_nonsense_is_told(llm: LlmServer) -> None:
    llm.script = ["{nonsense"]

    with pytest.raises(LlmError, match="no JSON"):
        list(LlmBrain(llm.url).reply(HELLO))


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


def test_the_model_is_loaded_before_it_is_asked(llm: LlmServer) -> None:
    llm.script = [chunk(content="H"), "[DONE]"]
    LlmBrain(llm.url).warm()

    _, _, body = llm.requests.get(timeout=5)
    assert (body["model"], body["max_tokens"]) == ("small-model", 1)
