"""ServerFence (rfbproto): the server asks when we have got so far."""

from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb import client_messages
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, skip, take_u8, take_u32

MAX_PAYLOAD_BYTES: Final = 64

_REQUEST: Final = 1 << 31
_KNOWN: Final = 0b111
"""BlockBefore, BlockAfter and SyncNext: messages are taken strictly in order, so all hold."""


def parse_fence(link: Link) -> Parser[None]:
    """Answer a request; answers come only to what we never ask."""
    yield from skip(3)
    flags = yield from take_u32()
    size = yield from take_u8()
    if size > MAX_PAYLOAD_BYTES:
        raise RemoteProtocolError(
            f"the display server sent a fence with {size} bytes; {MAX_PAYLOAD_BYTES} are the most"
        )
    payload = bytes((yield size))
    if flags & _REQUEST:
        link.send(client_messages.client_fence(flags & _KNOWN, payload))
