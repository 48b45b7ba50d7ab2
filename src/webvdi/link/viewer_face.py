"""A client of the viewer face: what a Fabricator holds for each viewer."""

import asyncio
import logging
from pathlib import Path
from typing import Self

from webvdi.base.errors import WebvdiError
from webvdi.link.frames import MAX_TO_VIEWER_BYTES, PREAMBLE, frame

logger = logging.getLogger(__name__)

READ_AHEAD_BYTES = 32 << 10
"""Beyond a message that is being received, twice this is read, and what comes with it: asyncio
reads up to 256 KiB at once."""


class ServerUnavailable(WebvdiError):
    """The Managed Server cannot be reached just now."""


class ViewerLink:
    """One viewer's connection to the Managed Server; opaque messages both ways.

    Reading is left to the caller, so a browser that does not take its messages stops the reading,
    and the session sees it: little is queued in between.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connect to the viewer face at *path*.  Raises :class:`ServerUnavailable`."""
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=READ_AHEAD_BYTES)
        except OSError as error:
            raise ServerUnavailable(
                "the Managed Server is not running just now; it is being restarted"
            ) from error
        writer.write(PREAMBLE)
        return cls(reader, writer)

    async def send(self, message: bytes) -> None:
        """Send one message.  Raises OSError when the connection is gone."""
        self._writer.write(frame(message))
        await self._writer.drain()

    async def receive(self) -> bytes | None:
        """The next message, None at the end."""
        try:
            length = int.from_bytes(await self._reader.readexactly(4), "big")
            if length > MAX_TO_VIEWER_BYTES:
                logger.error("the session sent a frame of %d bytes; that is a bug of ours", length)
                return None
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            return None

    def close(self) -> None:
        """Close at once; the session keeps what was not acknowledged."""
        self._writer.close()
