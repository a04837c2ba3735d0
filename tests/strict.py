"""Events checked as the service checks them: the official SDK's models, and no field that they do not know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

Event = dict[str, Any]


def _members(union: Any) -> tuple[type[BaseModel], ...]:
    members: tuple[type[BaseModel], ...] = get_args(get_args(union)[0])
    return members


def _kind(model: type[BaseModel]) -> str:
    name: str = get_args(model.model_fields["type"].annotation)[0]
    return name


SERVER_EVENT_NAMES = frozenset(_kind(model) for model in _members(RealtimeServerEvent))
CLIENT_EVENT_NAMES = frozenset(_kind(model) for model in _members(RealtimeClientEvent))
"""Those of the API."""
READ_ONLY = {"session.id", "session.object", "session.expires_at"}
"""The service sends these; the SDK types `session` with the model of a request, which lacks them."""


def parse_client(event: Mapping[str, Any]) -> BaseModel:
    """Give the SDK's value of what a client sends; AssertionError names the path of what is wrong or unknown."""
    return _parse(event, _models(RealtimeClientEvent), allowed=frozenset())


def parse_server(event: Mapping[str, Any]) -> BaseModel:
    """Give the SDK's value of what a server sends; AssertionError names the path of what is wrong or unknown."""
    return _parse(event, _models(RealtimeServerEvent), allowed=frozenset(READ_ONLY))


@cache
def _models(union: Any) -> dict[str, TypeAdapter[BaseModel]]:
    return {_kind(member): TypeAdapter(member) for member in _members(union)}


def _parse(event: Mapping[str, Any], models: dict[str, TypeAdapter[BaseModel]], allowed: frozenset[str]) -> BaseModel:
    kind = event.get("type")
    if kind not in models:
        raise AssertionError(f"type: no such event: {kind!r}")
    try:
        value = models[kind].validate_json(json.dumps(event), strict=True)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise AssertionError(f"{kind}: " + "; ".join(problems)) from error
    if unknown := sorted(set(_unknown(value, "")) - allowed):
        raise AssertionError(f"{kind}: unknown field {', '.join(unknown)}")
    return value


def _unknown(value: object, path: str) -> Iterator[str]:
    """Paths of all fields that the models let through without knowing them."""
    if isinstance(value, BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _unknown(element, f"{path}{index}.")
