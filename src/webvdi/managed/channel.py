"""Between router and worker: JSON messages, each with at most one file descriptor.

A SOCK_SEQPACKET socketpair keeps message boundaries and carries descriptors (SCM_RIGHTS), so an
accepted connection moves into the worker whole.  Nobody else can reach it.

==============  ==============================================  =================
router says     with                                            and
==============  ==============================================  =================
``open``        session, title, endpoint, generation, password
``tell``        session, state, detail
``attach``      session, role, subject, name, share, until,     the connection
                rest (base64)
``resume``      session, key, last_update, rest                 the connection
``revoke``      share
``picture``     session, number, width, height, known
``power``       session, number, order
``close``       session, message
==============  ==============================================  =================

==================  ================================================  =============
worker says         with                                              and
==================  ================================================  =============
``endpoint_lost``   session, generation, message
``people``          session, people (viewer, name, role, controls,
                    since of each)
``idle``            session, admitted (how many connections it got)
``power``           session, offered
``ordered``         number, done
``picture``         number, and as the control face answers           the data
==================  ================================================  =============
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

MAX_MESSAGE_BYTES = 128 << 10
"""Bound of one message; the largest tells of all viewers of a session, with their names."""


class Channel:
    """One end of a socketpair, on the event loop."""

    def __init__(
        self,
        end: socket.socket,
        on_message: Callable[[dict[str, Any], int | None], None],
        on_end: Callable[[], None],
    ) -> None:
        """*on_message* owns the descriptor that it may get."""
        end.setblocking(False)
        self._socket = end
        self._on_message = on_message
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(end, self._readable)
        self._open = True

    def send(self, message: Mapping[str, Any], fd: int | None = None) -> bool:
        """Send; False if the other end is gone or does not keep up (then nothing was sent)."""
        if not self._open:
            return False
        data = json.dumps(dict(message)).encode()
        try:
            socket.send_fds(self._socket, [data], [] if fd is None else [fd])
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
        self._on_message(json.loads(data), fds[0] if fds else None)


def socketpair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends; room for many messages at once."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return ends


def in_memory(data: bytes) -> int:
    """A descriptor of *data*, for what is too large for a message (Linux memfd)."""
    fd = os.memfd_create("webvdi")
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    return fd


def from_memory(fd: int, bound: int) -> bytes:
    """What :func:`in_memory` put there; the descriptor is closed.  ValueError over *bound*."""
    with os.fdopen(fd, "rb") as file:
        size = os.fstat(fd).st_size
        if size > bound:
            raise ValueError(f"a worker sent {size} bytes; {bound} is the most")
        file.seek(0)
        return file.read(size)
