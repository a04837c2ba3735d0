"""What is kept of a conversation: its history, and recordings of both voices."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from voice.archive import Past, load
from voice.config import Config
from voice.feed import Feed
from voice.history import History, markdown
from voice.shown import Notice, ToolUse, Turn
from voice.storage import save

if TYPE_CHECKING:
    from voice.recorder import Recorder


class Records:
    """Of one conversation after the other, from `open` to `close`; any thread, except where it says otherwise."""

    def __init__(self, config: Config, feed: Feed) -> None:
        """Keep what the settings say of the turns that `feed` tells; nothing happens before `open`."""
        self._config = config
        self._feed = feed
        self._folder = config.history_folder
        self._started = datetime.now().astimezone()
        self._history: History | None = None
        self._recorder: Recorder | None = None
        feed.subscribe(Turn, self._note)
        feed.subscribe(ToolUse, self._note)

    def open(self) -> tuple[Turn | ToolUse, ...]:
        """Begin to write, and give what was said before. Raises SettingError when that cannot be found."""
        past = load(self._folder, self._config.resume) if self._config.resume else None
        self._begin_history(past)
        if past is None:
            return ()
        self._tell(f"going on with {past.id}: {len(past.turns)} turns")
        return past.turns

    def begin_anew(self) -> None:
        """Note that another conversation begins; may block for a second."""
        self._started = datetime.now().astimezone()
        before = self._history
        self._begin_history()  # first, for what is said while the one before ends
        if before is not None:
            before.stop()

    def close(self) -> None:
        """Write what is left."""
        self.record(on=False)
        if self._history is not None:
            self._history.stop()

    def save(self, path: Path, turns: tuple[Turn | ToolUse, ...]) -> None:
        """Write these turns to a new Markdown file; raises SettingError."""
        save(path, markdown(turns, self._started))

    @property
    def recording(self) -> bool:
        """Whether both voices are being recorded."""
        return self._recorder is not None and self._recorder.active

    def record(self, *, on: bool) -> None:
        """Begin to record both voices, or end it."""
        if on and not self.recording:
            from voice.recorder import Recorder  # noqa: PLC0415 - few conversations need it

            self._recorder = Recorder(self._config.recordings_folder, self._tell)
            self._recorder.start()
        elif not on and self._recorder is not None:
            self._recorder.stop()

    def hear(self, clean: bytes, played: bytes) -> None:
        """Take 10 ms of both sides; the send thread, which this never blocks."""
        if self._recorder is not None:
            self._recorder.write(clean, played)

    def _begin_history(self, past: Past | None = None) -> None:
        if self._config.history:
            self._history = History(self._folder, tell=self._tell, model=self._config.answers, past=past)
            self._history.start()

    def _note(self, turn: Turn | ToolUse) -> None:
        if self._history is not None:
            self._history.show(turn)

    def _tell(self, text: str) -> None:
        self._feed.show(Notice(text))
