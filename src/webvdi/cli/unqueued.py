"""Browsers' connections on which little waits: what a browser does not take stays unsent.

Pixels that wait in a socket's buffers grow old there, and what a session has sent it cannot send
anew.  A session sends little ahead of acknowledgements; but where a browser stalls, or its link
becomes slow all at once, even that should not lie here.  On its way to a browser a message meets
these buffers; each is bounded, so that a full one stops the reading of the one before:

=========================================  ==========================================
the worker's socket to the web process     ``managed.connection``: ``SEND_BUFFER_BYTES``
the reader of the Fabricator's link        ``link.viewer_face``: ``READ_AHEAD_BYTES``
the WebSocket's transport                  one message, and ``MAX_UNWRITTEN_BYTES``
the kernel's TCP buffer, not yet sent      ``MAX_UNSENT_BYTES``
=========================================  ==========================================
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:  # a private module, for a name that only types need
    from uvicorn._types import ASGISendEvent

MAX_UNSENT_BYTES: Final = 64 << 10
"""Bytes that TCP may hold before it could send them; enough for the next thing it does."""

MAX_UNWRITTEN_BYTES: Final = 32 << 10
"""A message is written once no more of it than this waits for the kernel."""


def bound_unsent(listening: socket.socket) -> None:
    """Keep TCP's unsent bytes few on all connections accepted by *listening* (tcp(7))."""
    if listening.family in (socket.AF_INET, socket.AF_INET6):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)


class UnqueuedWebSocket(WebSocketsSansIOProtocol):
    """Uvicorn's, but that sending takes until the message is written, not until there is room.

    So whoever sends one message after another has but one under way.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the transport's bounds, where those of TLS would be half a megabyte."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=MAX_UNWRITTEN_BYTES)

    async def send(self, message: "ASGISendEvent") -> None:
        """Send, and wait until the kernel has most of it; raises as uvicorn's."""
        await super().send(message)
        await self.writable.wait()
