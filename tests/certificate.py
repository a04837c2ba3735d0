"""A certificate for loopback and for what a proxy may lead there, made anew by the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def make(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a self-signed certificate for all of these names; gives its file and a server's context with it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:api.openai.com"
    files = ["-addext", names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context
