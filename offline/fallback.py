"""A language model while it answers, the built-in commands while it does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from offline.brain import Brain, FunctionCall, TextDelta, Turn, said
from offline.chat import LlmError
from offline.llm import LlmBrain

log = logging.getLogger(__name__)

REST_S = 30.0
"""So long the model is not asked again: nobody is to wait for it at every sentence."""
APOLOGY = "The language model does not answer, so for now I know simple commands only. "


@dataclass(slots=True)
class Fallback:
    """Thinks with the one or the other; any thread may call.

    A model that breaks off in mid-sentence is an error as ever, since half an answer cannot be taken back.
    """

    model: LlmBrain
    commands: Brain
    now: Callable[[], float] = time.monotonic
    _rest_until: float = 0.0
    _has_apologised: bool = False

    def reply(self, turn: Turn) -> Generator[TextDelta | FunctionCall, None, None]:
        """Yield the model's answer, or else that of the commands, the first time with an apology; raises LlmError.

        A sound without words is for the commands: a model would make something up.
        """
        if turn.items and turn.items[-1].get("role") == "user" and not said(turn.items[-1]):
            yield from self.commands.reply(turn)
            return
        if self.now() >= self._rest_until:
            has_begun = False
            try:
                for part in self.model.reply(turn):
                    has_begun = True
                    self._has_apologised = False
                    yield part
            except LlmError as error:
                if has_begun:
                    raise
                log.warning("%s", error)
                self._rest_until = self.now() + REST_S
            else:
                return
        if not self._has_apologised:
            self._has_apologised = True
            yield TextDelta(APOLOGY)
        yield from self.commands.reply(turn)
