"""Function calls of the model: each is run once, and answered in order when its response has ended; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from voice.events import Item
from voice.shown import ToolUse
from voice.turns.transcript import Entry

MAX_CALLS = 64
"""That run, or whose response has not ended: a model calls a few; more are no work but a flood."""


@dataclass(slots=True)
class _Batch:
    """The calls of one response, in order; an output is None until it is there."""

    outputs: dict[str, str | None] = field(default_factory=dict)
    ended: bool = False
    goes_on: bool = True
    """Whether the model is to go on once the outputs are in."""

    @property
    def is_complete(self) -> bool:
        return self.ended and None not in self.outputs.values()


class Calls:
    """Calls that run, and calls whose outputs the service has not been sent."""

    def __init__(self) -> None:
        self._batches: dict[str, _Batch] = {}  # by response, in order
        self._running: dict[str, Entry] = {}  # by call_id

    @property
    def running(self) -> bool:
        """Whether any function is at work."""
        return bool(self._running)

    def begin(self, item: Item, response_id: str) -> Entry | None:
        """Enter a call of a response; None when it has been entered before, is not whole, or is one too many."""
        batch = self._batches.get(response_id, _Batch())
        if not item.call_id or item.status not in {"completed", None} or item.call_id in batch.outputs:
            return None
        if sum(len(other.outputs) for other in self._batches.values()) + len(self._running) >= MAX_CALLS:
            return None
        self._batches[response_id] = batch
        batch.outputs[item.call_id] = None
        tool = ToolUse(item.name or "", item.arguments or "", "")
        entry = Entry(item.id or item.call_id, "tool", response_id=response_id, tool=tool)
        self._running[item.call_id] = entry
        return entry

    def finish(self, call_id: str, output: str) -> ToolUse | None:
        """Take an output; one of a call that is not running is left aside.

        A call that the service does not know any more is given back: nobody will ask for its output.
        """
        entry = self._running.pop(call_id, None)
        if entry is None or entry.tool is None:
            return None
        entry.tool = ToolUse(entry.tool.name, entry.tool.arguments, output)
        entry.settled = True
        if (batch := self._batches.get(entry.response_id or "")) is None:
            return entry.tool
        batch.outputs[call_id] = output
        return None

    def interrupt(self) -> None:
        """Note that the user does not want to hear of any of them."""
        for batch in self._batches.values():
            batch.goes_on = False

    def disconnect(self) -> bool:
        """Note that the service has forgotten all calls, those that run go on; whether an output is unanswered."""
        unanswered = any(
            output is not None for batch in self._batches.values() if batch.goes_on for output in batch.outputs.values()
        )
        self._batches.clear()
        return unanswered

    def forget(self) -> None:
        """Note that nobody wants the outputs any more."""
        self._batches.clear()
        self._running.clear()

    def begin_response(self, response_id: str) -> None:
        """Note that a response runs: all others have ended, whatever the service said of them."""
        for other, batch in self._batches.items():
            batch.ended = batch.ended or other != response_id

    def end_response(self, response_id: str, *, goes_on: bool) -> None:
        """Note that a response has ended: its calls may be answered."""
        if batch := self._batches.get(response_id):
            batch.ended, batch.goes_on = True, batch.goes_on and goes_on

    def take_complete(self) -> Iterator[tuple[dict[str, str], bool]]:
        """Outputs by call_id, and whether the model is to go on, of every response whose calls have all returned."""
        for response_id, batch in list(self._batches.items()):
            if batch.is_complete:
                del self._batches[response_id]
                if batch.outputs:
                    yield {call_id: output or "" for call_id, output in batch.outputs.items()}, batch.goes_on
