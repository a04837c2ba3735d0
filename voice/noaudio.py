"""What stands in for `voice.audio` where no sound is wanted: PyAudio need not even be installed then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voice.health import Health

if TYPE_CHECKING:
    from voice.hardware.devices import Device


class NoAudio:
    """No microphone and no loudspeaker; any thread."""

    microphone: Device | None = None
    speaker: Device | None = None
    health = Health(0, 0, 0, 0)

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
