"""Where we run, as far as it matters for how a person gets to the pages."""

import getpass
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit


def tunnel_hint(url: str, environ: Mapping[str, str]) -> str:
    """How to use the link from another computer, for whoever is logged in from there."""
    connection = environ.get("SSH_CONNECTION", "").split()
    display = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    if not connection and display:
        return ""
    port = urlsplit(url).port
    host = connection[2] if len(connection) > 2 else socket.gethostname()
    return (
        f"From another computer:  ssh -L {port}:127.0.0.1:{port} {getpass.getuser()}@{host}\n"
        "then open the link there."
    )


def has_display(environ: Mapping[str, str]) -> bool:
    """Whether a browser could show itself here."""
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
