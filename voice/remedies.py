"""What to do about trouble that has another cure on every platform."""

from __future__ import annotations

import sys
from typing import Final, Literal

Trouble = Literal["pyaudio", "no device", "no access", "muted", "quiet", "loud", "stuck", "no voice"]

_REMEDIES: Final[dict[Trouble, dict[str, str]]] = {
    "pyaudio": {
        "linux": "install the system's PortAudio (Debian: apt install portaudio19-dev python3-dev gcc), "
        "then python -m pip install --force-reinstall pyaudio",
        "darwin": "brew install portaudio, then python -m pip install --force-reinstall pyaudio",
        "win32": "python -m pip install --force-reinstall pyaudio",
    },
    "no device": {
        "linux": "is one plugged in, and does the sound server run (systemctl --user status pipewire pulseaudio)? "
        "PortAudio reaches it through ALSA (Debian: apt install libasound2-plugins or pipewire-alsa)",
        "darwin": "is one plugged in and chosen in System Settings > Sound?",
        "win32": "is one plugged in and enabled in Settings > System > Sound?",
    },
    "no access": {
        "linux": "you may not use the sound card: sudo usermod -aG audio $USER, then log in again",
    },
    "muted": {
        "linux": "unmute it (its own switch, or pavucontrol > Input Devices, or alsamixer)",
        "darwin": "allow your terminal program in System Settings > Privacy & Security > Microphone, then start it "
        "again; else unmute it in System Settings > Sound > Input",
        "win32": "allow desktop apps in Settings > Privacy & security > Microphone; else unmute it in "
        "Settings > System > Sound",
    },
    "quiet": {
        "linux": "raise its level (pavucontrol > Input Devices, or alsamixer)",
        "darwin": "raise it in System Settings > Sound > Input",
        "win32": "raise it in Settings > System > Sound > Input",
    },
    "loud": {
        "linux": "lower its level (pavucontrol > Input Devices, or alsamixer)",
        "darwin": "lower it in System Settings > Sound > Input",
        "win32": "lower it in Settings > System > Sound > Input, and turn its boost off",
    },
    "stuck": {
        "linux": "start the sound server again (systemctl --user restart pipewire wireplumber, or pulseaudio -k)",
        "darwin": "sudo killall coreaudiod, which starts it anew",
        "win32": "start the service Windows Audio again (services.msc), or plug the device out and in",
    },
    "no voice": {
        "linux": "install one (Debian: apt install flite), or python -m pip install espeakng-loader",
        "darwin": "brew install espeak-ng, or python -m pip install espeakng-loader",
        "win32": "python -m pip install espeakng-loader",
    },
}


def remedy(trouble: Trouble, platform: str = sys.platform) -> str:
    """What to do, in words for this platform; systems that are none of the three are nearest to Linux."""
    cures = _REMEDIES[trouble]
    return cures.get(platform, cures["linux"])
