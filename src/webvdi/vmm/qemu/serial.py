"""The guest's serial port, written to: what waits is bounded, and the line is shared.

QEMU serves one client of this socket at a time, so the line is held only while there is
something to say, and a moment longer; then people and tools may have it.
"""

import asyncio
import contextlib
import fcntl
import logging
import socket
import struct
import termios
from pathlib import Path

from webvdi.base.tasks import TaskOwner
from webvdi.vmm.engine import MAX_SERIAL_BYTES
from webvdi.vmm.errors import SerialFull

logger = logging.getLogger(__name__)

HOLD_S = 0.5
"""After the last byte was read, in case that more is typed."""
TICK_S = 0.02
SIOCOUTQ = termios.TIOCOUTQ
"""unix(7): how much of what was sent the other side has not read yet."""
LINE_BYTES = 4096
"""Of socket buffer, the least that the kernel gives: the rest waits here, where it counts."""


class SerialLine:
    """The way to one machine's serial port."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        """Of the machine, for messages."""
        self._path = path
        self._waiting = bytearray()
        self._tasks = TaskOwner(f"serial {name}")
        self._writing: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        """Queue *data*; never waits.

        Raises :class:`~webvdi.vmm.errors.SerialFull`, and queues nothing, where too much would
        be waiting.
        """
        if len(self._waiting) + len(data) > MAX_SERIAL_BYTES:
            raise SerialFull(self.name)
        self._waiting += data
        if self._writing is None or self._writing.done():
            self._writing = self._tasks.start(self._write(), name="write")

    async def close(self) -> None:
        """Drop what waits; the next :meth:`write` begins anew."""
        self._waiting.clear()
        await self._tasks.close()
        self._writing = None

    async def _write(self) -> None:
        """Send until nothing waits and the guest has read everything."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.setblocking(False)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LINE_BYTES)
                await _connect(line, self._path)
                await self._converse(line)
        except OSError as error:
            # The machine ended, or is about to: its guest reads nothing any more.
            logger.debug("! %s: the serial line was lost: %s", self.name, error)
            self._waiting.clear()

    async def _converse(self, line: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        free_at = loop.time() + HOLD_S
        while loop.time() < free_at:
            with contextlib.suppress(BlockingIOError):
                # Its words are in the log; unread here they would stop the guest.
                if not line.recv(1 << 16):
                    raise ConnectionResetError("QEMU hung up")
            with contextlib.suppress(BlockingIOError):
                sent = line.send(self._waiting) if self._waiting else 0
                del self._waiting[:sent]
            if self._waiting or _unread(line):
                free_at = loop.time() + HOLD_S
            await asyncio.sleep(TICK_S)


async def _connect(line: socket.socket, path: Path) -> None:
    """Connect, waiting for room in QEMU's queue of one.  Raises :class:`OSError`."""
    while True:
        try:
            line.connect(str(path))
        except BlockingIOError:
            await asyncio.sleep(TICK_S)
        else:
            return


def _unread(line: socket.socket) -> int:
    """Bytes, with the kernel's overhead, that the other side has not read yet."""
    found = fcntl.ioctl(line, SIOCOUTQ, struct.pack("i", 0))
    count: int = struct.unpack("i", found)[0]
    return count
