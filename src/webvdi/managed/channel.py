"""Between router and worker: JSON messages, each with at most one file descriptor.

A SOCK_SEQPACKET socketpair keeps message boundaries and carries descriptors (SCM_RIGHTS), so an
accepted connection moves into the worker whole.  Nobody else can reach it.

==============  ==============================================  =================
router says     with                                            and
==============  ==============================================  =================
``open``        session, title, endpoint, generation, password
``tell``        session, state, detail
``attach``      session, role, rest (base64)                    the connection
``resume``      session, key, last_update, rest                 the connection
``close``       session, message
==============  ==============================================  =================

The worker says ``endpoint_lost`` (session, generation, message).
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

MAX_MESSAGE_BYTES = 64 << 10
"""Bound of one message; the largest holds what was read of a connection before it moved."""


class Channel:
    """One end of a socketpair, on the event loop."""

    def __init__(
        self,
        end: socket.socket,
        on_message: Callable[[dict[str, Any], socket.socket | None], None],
        on_end: Callable[[], None],
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._on_message = on_message
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(end, self._readable)
        self._open = True

    def send(self, message: Mapping[str, Any], connection: socket.socket | None = None) -> bool:
        """Send; False if the other end is gone or does not keep up (then nothing was sent)."""
        if not self._open:
            return False
        data = json.dumps(dict(message)).encode()
        fds = [] if connection is None else [connection.fileno()]
        try:
            socket.send_fds(self._socket, [data], fds)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End it; the other side sees the end."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._socket, MAX_MESSAGE_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self.close()
            self._on_end()
            return
        connection = socket.socket(fileno=fds[0]) if fds else None
        if connection is not None:
            connection.setblocking(False)
        self._on_message(json.loads(data), connection)


def socketpair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends; room for many messages at once."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return ends
