"""Whether the tests with a sound card know when the computer stands still."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from tests.stumbles import LATE, Watch, watching


def test_the_worst_since_a_moment_is_told() -> None:
    watch = Watch()
    watch.note(1.0, 0.3)
    watch.note(2.0, 0.1)
    watch.note(3.0, 0.2)

    assert watch.worst(0.0) == 0.3
    assert watch.worst(1.5) == 0.2
    assert watch.worst(3.5) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="processors cannot be chosen here")
def test_one_that_was_stopped_for_a_moment_tells_so() -> None:
    with watching() as watch:
        began = time.monotonic()
        deadline = began + 20
        while not watch.worst(began) > 0.1:  # what is stopped while it starts tells nothing: once more
            assert time.monotonic() < deadline
            os.kill(watch.pids[-1], signal.SIGSTOP)
            threading.Event().wait(0.1 + 2 * LATE)
            os.kill(watch.pids[-1], signal.SIGCONT)
            threading.Event().wait(LATE)
