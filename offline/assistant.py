"""The assistant of this computer: its organs put together, and served for as long as somebody talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from offline.brain import Brain
from offline.matcher import Matcher
from offline.organs import Organs
from offline.recognizer import Recognizer
from offline.server import Server
from offline.synthesizer import Synthesizer
from offline.vad import VoiceDetector


class Settings(Protocol):
    """What it wants to know of the program's settings."""

    @property
    def local_llm_url(self) -> str:
        """A server that speaks OpenAI's chat protocol, such as ``http://localhost:11434/v1``; "" for none."""

    @property
    def local_llm_model(self) -> str:
        """The model to ask for; "" for the first that the server offers."""

    @property
    def local_llm_key(self) -> str:
        """The key, if it needs one."""


@contextmanager
def start(settings: Settings, port: int = 0) -> Iterator[str]:
    """Serve until the ``with`` block ends; gives the address, ``ws://127.0.0.1:PORT/v1/realtime``. 0 is a free port."""
    with closing(Recognizer()) as recognizer:
        recognizer.warm()
        organs = Organs(
            brain=_brain(settings), recognizer=recognizer, synthesizer=Synthesizer(), detector=VoiceDetector
        )
        with Server(organs, port) as server:
            yield server.url


def _brain(settings: Settings) -> Brain:
    if not settings.local_llm_url:
        return Matcher()
    from offline.fallback import Fallback  # noqa: PLC0415 - what it needs is loaded only by those who have a model
    from offline.llm import LlmBrain  # noqa: PLC0415 - as above

    model = LlmBrain(settings.local_llm_url, settings.local_llm_model, settings.local_llm_key)
    model.warm()
    return Fallback(model, Matcher())
