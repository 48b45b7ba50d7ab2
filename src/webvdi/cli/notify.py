"""Telling systemd how we are: the protocol of sd_notify(3), a datagram a message."""

import os
import socket
from collections.abc import MutableMapping


class Notifier:
    """Speaks to the service manager; says nothing where there is none."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        # Taken out: our children are not the ones to speak for the service.
        self._address = environ.pop("NOTIFY_SOCKET", "")

    @property
    def managed(self) -> bool:
        """Whether a service manager listens."""
        return bool(self._address)

    def ready(self, status: str = "") -> None:
        """We serve, for the first time or again."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Certificates are being read again; :meth:`ready` follows."""
        self._send("RELOADING=1")

    def stopping(self) -> None:
        """We are on our way out."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is in the abstract namespace, where that byte is a NUL.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.sendto(message.encode(), address)
        except OSError:
            return  # a manager that cannot be told is no reason to stop
