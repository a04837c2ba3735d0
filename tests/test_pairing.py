"""Pairing: a constant lag, whatever the devices lose."""

from __future__ import annotations

from voice.hardware.pairing import MAX_WAITING, WINDOW, Pairing

SILENCE = b"--"


def _block(number: int) -> bytes:
    return number.to_bytes(2, "big")


BLOCK = 0.01
"""s."""


class _Devices:
    """Two devices in step, the loudspeaker three blocks ahead."""

    def __init__(self) -> None:
        self.pairing = Pairing(SILENCE, BLOCK)
        self.now = 0.0
        self.played = 0
        self.slips = 0
        for _ in range(3):
            self.play()

    def play(self) -> None:
        self.played += 1
        self.pairing.put(_block(self.played), self.now)

    def hear(self) -> bytes:
        block, slipped = self.pairing.take(self.now)
        self.slips += slipped
        return block

    def tick(self, count: int) -> bytes:
        block = SILENCE
        for _ in range(count):
            self.now += BLOCK
            self.play()
            block = self.hear()
        return block


def test_the_lag_is_constant() -> None:
    devices = _Devices()

    assert [devices.tick(1) for _ in range(500)] == [_block(number) for number in range(1, 501)]
    assert devices.slips == 0


def test_callbacks_that_swap_their_order_are_no_slip() -> None:
    devices = _Devices()
    devices.tick(2 * WINDOW)
    for _ in range(2 * WINDOW):  # from now on the microphone's comes first, by a hair
        devices.now += BLOCK
        devices.hear()
        devices.play()

    assert devices.slips == 0


def test_blocks_that_the_loudspeaker_lost_are_replaced_by_silence() -> None:
    devices = _Devices()
    devices.tick(2 * WINDOW)
    for _ in range(2):  # an underrun: heard goes on, nothing is asked for
        devices.hear()
        devices.now += BLOCK

    assert devices.tick(3 * WINDOW) == _block(devices.played - 3)
    assert devices.slips == 1


def test_blocks_that_the_microphone_lost_are_left_out() -> None:
    devices = _Devices()
    devices.tick(2 * WINDOW)
    for _ in range(4):  # an overrun: playing goes on, nothing is heard
        devices.now += BLOCK
        devices.play()

    assert devices.tick(3 * WINDOW) == _block(devices.played - 3)
    assert devices.slips == 1


def test_nothing_played_is_silence() -> None:
    assert Pairing(SILENCE, BLOCK).take(0) == (SILENCE, False)


def test_without_a_loudspeaker_there_is_nothing_to_slip() -> None:
    pairing = Pairing(SILENCE, BLOCK)

    assert not any(pairing.take(number * BLOCK)[1] for number in range(1000))
    assert pairing.slips == 0


def test_a_loudspeaker_that_has_stalled_for_long_has_slipped_once() -> None:
    devices = _Devices()
    devices.tick(2 * WINDOW)
    for _ in range(1000):
        devices.now += BLOCK
        devices.hear()
    stalled = devices.slips

    assert devices.tick(3 * WINDOW) == _block(devices.played - 3)
    assert (stalled, devices.slips) == (0, 1)


def test_it_does_not_grow_when_the_microphone_has_stopped() -> None:
    pairing = Pairing(SILENCE, BLOCK)
    for number in range(1000):
        pairing.put(_block(number), number * BLOCK)

    assert pairing.take(10)[0] == _block(1000 - MAX_WAITING)
