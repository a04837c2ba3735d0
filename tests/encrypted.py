"""A connection of websockets' server that survives TLS, since it reads in one thread and writes in another."""

from __future__ import annotations

import ssl
from typing import Any

from websockets.sync.server import ServerConnection

from voice.tls import DuplexTLS


class EncryptedConnection(ServerConnection):
    """For `serve(create_connection=...)`; a plain one stays plain."""

    def __init__(self, socket: Any, *arguments: Any, **options: Any) -> None:
        if isinstance(socket, ssl.SSLSocket):
            socket = DuplexSocket(socket)
        super().__init__(socket, *arguments, **options)


class DuplexSocket(DuplexTLS):
    """With what websockets calls."""

    def sendall(self, data: bytes) -> None:
        """Write all of it, as a socket does."""
        while data:
            data = data[self.send(data) :]
