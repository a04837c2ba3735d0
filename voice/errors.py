"""What can go wrong, by whose fault; every message is one line that says what to do next.

    AssistantError            anything the user is told in one line           exit status 1
    +-- SettingError          a bad option, environment name or .env line     exit status 2
    +-- ServiceRefusedError   the service said no: key, model, quota          exit status 3
    +-- DeviceError           the sound device asked for cannot be used       exit status 4
    +-- ConnectionLostError   the network or the peer went away               exit status 1

Any other exception is a bug of this program.
"""


class AssistantError(Exception):
    """Something the user is told in one line; ``str()`` is that line."""

    exit_status = 1


class SettingError(AssistantError):
    """The user gave a value that cannot be used, or the service rejected one."""

    exit_status = 2


class ServiceRefusedError(AssistantError):
    """The service will not serve this key, model or account; trying again does not help."""

    exit_status = 3


class DeviceError(AssistantError):
    """The sound device that was asked for is not there or cannot be opened."""

    exit_status = 4


class ConnectionLostError(AssistantError):
    """No connection, or it broke; trying again may help."""
