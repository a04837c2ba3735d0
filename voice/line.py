"""The line to the service: one connection after the other, so that there is always one that counts.

A connection has a thread *receive*, which may block while connecting (each step has a time limit), on the socket
(woken by `Connection.stop`), while it waits for a quiet moment, between two attempts, and while the conversation sleeps
(all woken by `Line.stop`). The thread whose connection counts is the *keeper*: when that is lost, it makes the next.
Before the service's limit of 60 minutes another thread makes a *successor*, which takes over at a quiet moment and is
the keeper from then on; the connection before is *retired*, and closed once the successor is ready.

The lock is the session's. `Hearer` is called with it held, so no decision falls between a change here and the other's
knowing of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from voice.connection import Connection
from voice.errors import AssistantError, ConnectionLostError
from voice.events import ErrorReported, MalformedEventError, ServerEvent, SessionCreated, decode

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
"""s between two attempts to connect, at random up to the first, doubled with each, up to the longest: nobody wants to
wait longer once the network is back, and a service that comes back is not to be met by everybody at once."""
STEADY_SECONDS = 5.0
"""A connection that is lost earlier after it was ready is one more failed attempt: the pauses go on to grow."""
SESSION_SECONDS = 3600.0
"""What the service allows. What it says itself counts, unless the computer's clock makes nonsense of it."""
SHORTEST_SESSION = 600.0
"""Less than this is nonsense for one that has just begun."""
ROLL_OVER_SHARE = 11 / 12
"""After 55 of 60 minutes the next session is prepared; the rest is for finding a quiet moment."""
NEXT_ROLL_OVER = 20.0
"""s until a successor is tried again that could not be made, or found no quiet moment."""
QUIET_TIMEOUT = 15.0
"""s that a successor waits for a quiet moment: less than the 20 s in which the service expects a pong."""


class Hearer(Protocol):
    """Whom the line tells; called with the lock held, none may block."""

    def is_quiet(self) -> bool:
        """Whether another connection can take over."""

    def taken_up(self, connection: Connection, *, rolls_over: bool) -> None:
        """From now on this connection counts, in place of another one (`rolls_over`) or of none."""

    def lost(self, error: ConnectionLostError, *, was_ready: bool) -> None:
        """No connection counts any more."""

    def hear(self, event: ServerEvent) -> None:
        """The service said this."""

    def malformed(self, error: MalformedEventError) -> None:
        """The service sent something that is no event."""

    def end(self, error: AssistantError | None) -> None:
        """There will be no connection any more; not with the lock held."""


class Line:
    """From `start` to `stop`."""

    def __init__(self, lock: threading.RLock, hearer: Hearer, *, retry_seconds: float) -> None:
        """When the connection is lost, it is tried for `retry_seconds` to make another."""
        self._lock = lock
        self._hearer = hearer
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition(lock)
        self._current: Connection | None = None  # the one that counts
        self._retired: list[Connection] = []
        self._open: dict[Connection, bool] = {}  # all but the retired, and whether each may take over from another
        self._keeper: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self._roll_over: threading.Timer | None = None
        self._ready_at: float | None = None  # since when the current one is
        self._persists = False  # in making another when one is lost: once one was ready, or after a sleep
        self._prepared = threading.Event()  # `open` was called, or `stop`
        self._stopping = threading.Event()
        self._awake = threading.Event()  # connections are made
        self._awake.set()

    # Called by the session ------------------------------------------------------------------------------------------

    def start(self, connect: Callable[[], Connection]) -> None:
        """Begin to connect; `connect` makes a connection that is not yet connected. What the service says waits."""
        self._connect = connect
        self._spawn(keeps=True)

    def open(self) -> None:
        """Let the hearer hear what the service says."""
        self._prepared.set()

    def ready(self) -> None:
        """Note that the service has taken our settings. Requires the lock."""
        self._ready_at, self._persists = time.monotonic(), True
        if self._current is not None:
            self._current.be_patient()

    def changed(self) -> None:
        """Look again whether it is quiet. Requires the lock."""
        self._changed.notify_all()

    def wait_for(self, reached: Callable[[], bool], timeout: float | None = None) -> None:
        """Wait until `reached` says yes after something has `changed`, or the end comes. Requires the lock."""
        self._changed.wait_for(lambda: reached() or self._stopping.is_set(), timeout)

    def hang_up(self) -> Connection | None:
        """Give up the connection that counts, to be stopped without the lock; the next is made. Requires the lock."""
        given_up, self._current, self._ready_at = self._current, None, None
        if given_up is not None:
            self._open.pop(given_up, None)
        self._changed.notify_all()
        return given_up

    def doze(self) -> Connection | None:
        """As `hang_up`, but no connection is made before `wake`. Requires the lock."""
        self._awake.clear()
        self._persists = True
        return self.hang_up()

    def wake(self) -> None:
        """Make connections again."""
        self._awake.set()

    def stop(self, until: float) -> None:
        """End all connections and threads, by the time `until` (monotonic)."""
        with self._lock:
            self._stopping.set()
            self._changed.notify_all()
            connections = [*self._open, *self._retired]
            threads = [*self._threads, *filter(None, [self._roll_over])]
            if self._roll_over is not None:
                self._roll_over.cancel()
        self._prepared.set()
        self._awake.set()
        for connection in connections:
            connection.stop()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))

    # Threads: receive -----------------------------------------------------------------------------------------------

    def _spawn(self, *, keeps: bool = False) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            thread = threading.Thread(target=self._stay_connected, name="receive", daemon=True)
            self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
            if keeps:
                self._keeper = thread
            thread.start()

    def _stay_connected(self) -> None:
        """Read one connection, and as the keeper those that replace it when it is lost."""
        try:
            self._awake.wait()
            self._read_first()
            while self._is_keeper():
                self._awake.wait()
                self._retry()
        except AssistantError as error:
            if not self._stopping.is_set():
                self._hearer.end(error)
        except Exception as error:
            log.exception("receive")
            self._hearer.end(AssistantError(f"this is a bug in the program: {error!r}"))

    def _is_keeper(self) -> bool:
        return self._keeper is threading.current_thread() and not self._stopping.is_set()

    def _is_resting(self) -> bool:
        """Whether no connection is wanted now."""
        return self._stopping.is_set() or not self._awake.is_set()

    def _read_first(self) -> None:
        """Read a connection. Its loss is an error only at the program's start, where the user is told at once."""
        try:
            self._read(succeeds=True)
        except AssistantError as error:
            if self._is_keeper() and not (self._persists and isinstance(error, ConnectionLostError)):
                raise
            log.info("no connection: %s", error)
            if not self._is_keeper():  # a successor that came to nothing, while another one still counts
                self._plan_successor(NEXT_ROLL_OVER)

    def _retry(self) -> None:
        """Attempt until a connection has been steady, the end comes or patience does."""
        import tenacity  # noqa: PLC0415 - its import takes longer than all that a conversation needs without a loss

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ConnectionLostError),
            wait=tenacity.wait_random_exponential(FIRST_PAUSE, LONGEST_PAUSE),
            stop=tenacity.stop_after_delay(self._retry_seconds) | tenacity.stop_when_event_set(self._stopping),
            sleep=tenacity.sleep_using_event(self._stopping),
            reraise=True,
        )
        retrying(self._attempt)

    def _attempt(self) -> None:
        if self._is_keeper():
            self._read(succeeds=False)

    def _read(self, *, succeeds: bool) -> None:
        """Make a connection and read it to its end; it may take over from another one if it `succeeds` that.

        Raises:
            ConnectionLostError: it has not been steady.

        """
        connection = self._new_connection(succeeds=succeeds)
        try:
            connection.connect()
            self._prepared.wait()
            for message in connection.messages():
                self._receive(connection, message)
                self._close_retired()
        except ConnectionLostError as error:
            if not self._lose(connection, error):
                raise
        finally:
            with self._lock:
                self._open.pop(connection, None)
            connection.stop()
            self._close_retired()

    def _new_connection(self, *, succeeds: bool) -> Connection:
        with self._lock:
            if self._stopping.is_set():
                raise ConnectionLostError("stopped")
            connection = self._connect()
            self._open[connection] = succeeds
            return connection

    def _receive(self, connection: Connection, message: str | bytes) -> None:
        try:
            event = decode(message)
        except MalformedEventError as error:
            with self._lock:
                self._hearer.malformed(error)
            return
        log.debug("<- %s", event)
        if isinstance(event, SessionCreated):
            self._take_up(connection, event)
            return
        with self._lock:
            # What comes on no taken-up connection is a refusal, unless it is a rest of the one before.
            if connection is self._current or (self._current is None and isinstance(event, ErrorReported)):
                self._hearer.hear(event)

    def _take_up(self, connection: Connection, created: SessionCreated) -> None:
        """Let this connection count from now on; in place of another one not before a quiet moment."""
        with self._lock:
            if connection is self._current or connection not in self._open:
                return  # said twice
            if self._open[connection]:
                self._changed.wait_for(self._may_take_over, QUIET_TIMEOUT)
            elif self._current is not None:
                raise ConnectionLostError("another connection was faster")
            if self._is_resting() or not self._may_take_over():
                raise ConnectionLostError("there was no quiet moment to take over")
            before, self._current, self._ready_at = self._current, connection, None
            if before is not None:
                self._open.pop(before, None)
                self._retired.append(before)
            self._keeper = threading.current_thread()
            self._hearer.taken_up(connection, rolls_over=before is not None)
        self._plan_successor(_seconds_left(created) * ROLL_OVER_SHARE)

    def _may_take_over(self) -> bool:
        return self._current is None or self._stopping.is_set() or self._hearer.is_quiet()

    def _lose(self, connection: Connection, error: ConnectionLostError) -> bool:
        """Take note of a connection's end; False when it had not been steady."""
        with self._lock:
            if self._is_resting() or connection not in self._open:
                return True  # we have done with it
            if connection is not self._current:
                return False  # it has never counted
            ready_at, self._ready_at, self._current = self._ready_at, None, None
            self._hearer.lost(error, was_ready=ready_at is not None)
            self._changed.notify_all()
        return ready_at is not None and time.monotonic() - ready_at >= STEADY_SECONDS

    def _close_retired(self) -> None:
        with self._lock:
            if self._current is not None and self._ready_at is None:
                return  # the successor is not ready
            retired, self._retired = self._retired, []
        for connection in retired:
            connection.stop()

    # Rolling over ---------------------------------------------------------------------------------------------------

    def _plan_successor(self, seconds: float) -> None:
        with self._lock:
            if self._roll_over is not None:
                self._roll_over.cancel()
            if self._stopping.is_set():
                return
            self._roll_over = threading.Timer(seconds, self._make_successor)
            self._roll_over.name, self._roll_over.daemon = "roll-over", True
            self._roll_over.start()

    def _make_successor(self) -> None:
        if self._current is not None:  # else the next one is being made anyway
            self._spawn()


def _seconds_left(created: SessionCreated) -> float:
    """How long the session lasts."""
    now, expires_at = time.time(), created.session.get("expires_at")
    if isinstance(expires_at, int | float) and now + SHORTEST_SESSION <= expires_at <= now + SESSION_SECONDS:
        return expires_at - now
    return SESSION_SECONDS
