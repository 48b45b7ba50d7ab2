"""One viewer's connection, as the Managed Server holds it: frames in, frames out."""

import asyncio
import socket
from typing import Protocol

from webvdi.base.errors import RemoteProtocolError
from webvdi.link.frames import MAX_FROM_VIEWER_BYTES, FrameReader, frame
from webvdi.wire.from_viewer import FromViewer, decode_from_viewer
from webvdi.wire.to_viewer import Farewell, PackedUpdate, Reason, ToViewer, encode_to_viewer

MAX_UNSENT_BYTES = 24 << 20
"""Updates are bounded by acks; whoever lets this much of anything pile up reads nothing."""

SEND_BUFFER_BYTES = 64 << 10
"""Of the kernel, which doubles it for what it keeps beside the bytes (socket(7)).  What is in it,
a browser that does not read has not got, and yet it cannot be sent anew."""

FAREWELL_S = 1.0
"""How long a viewer may take to read why it has to go."""


class ConnectionOwner(Protocol):
    """Who is told what a connection brings."""

    def received(self, connection: "ViewerConnection", message: FromViewer) -> None:
        """A message came."""

    def ended(self, connection: "ViewerConnection") -> None:
        """The connection is gone; said once."""


class ViewerConnection(asyncio.Protocol):
    """Bytes to messages and back; knows nothing of sessions."""

    def __init__(self, owner: ConnectionOwner, rest: bytes) -> None:
        self._owner = owner
        self._frames = FrameReader(MAX_FROM_VIEWER_BYTES)
        self._rest = rest
        self._transport: asyncio.Transport | None = None
        self._over = False
        """Whether farewell was said: what comes now is passed over, and nothing more is said."""
        self.gone = asyncio.Event()
        """Set when nothing is left of the connection."""

    @classmethod
    async def adopt(
        cls, connection: socket.socket, owner: ConnectionOwner, rest: bytes
    ) -> "ViewerConnection":
        """Serve a connection accepted elsewhere; *rest* was read from it already.

        The caller attaches the viewer and then calls :meth:`start`.
        """
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: cls(owner, rest), sock=connection)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold still until the viewer is attached."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.pause_reading()

    def start(self) -> None:
        """Begin to deliver messages."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self.data_received(self._rest)

    def data_received(self, data: bytes) -> None:
        """Hand each whole message to the owner; a broken one ends the connection."""
        if self._over:
            return
        try:
            for message in self._frames.feed(data):
                self._take(message)
        except RemoteProtocolError as error:
            self.farewell(Reason.PROTOCOL_ERROR, str(error))

    def _take(self, message: bytes) -> None:
        if not self._over:  # it may be, by what came before in the same bytes
            self._owner.received(self, decode_from_viewer(message))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — asyncio's name
        """Tell the owner."""
        self._transport = None
        self.gone.set()
        self._owner.ended(self)

    def send(self, message: ToViewer | PackedUpdate) -> None:
        """Send one message, if the connection still stands and farewell was not said."""
        transport = self._transport
        if self._over or transport is None or transport.is_closing():
            return
        transport.write(frame(encode_to_viewer(message)))
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            transport.abort()

    def farewell(self, reason: Reason, message: str) -> None:
        """Say why, and close once that was read.

        To close at once, with something of the viewer's unread, would be a reset to the viewer,
        and a reset throws away what it has not read: these very words.  Only the first counts.
        """
        if self._over:
            return
        self.send(Farewell(reason, message))
        transport = self._transport
        self._over = True
        if transport is None or transport.is_closing():
            return
        transport.resume_reading()
        transport.write_eof()
        asyncio.get_running_loop().call_later(FAREWELL_S, transport.abort)
