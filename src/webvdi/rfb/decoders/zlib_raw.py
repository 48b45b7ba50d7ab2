"""Zlib: Raw through one zlib stream (rfbproto: zlib Encoding)."""

import numpy as np

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.decoders.raw import bands
from webvdi.rfb.events import Painted
from webvdi.rfb.inflate import Inflater, max_compressed
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u32

_PIXEL_BYTES = 4


class ZlibDecoder:
    """Keeps the zlib stream that goes through all rectangles."""

    def __init__(self) -> None:
        self._inflater = Inflater()

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted`` for each band, top to bottom."""
        size = rect.area * _PIXEL_BYTES
        length = yield from take_u32()
        if length > max_compressed(size):
            raise RemoteProtocolError(
                f"the display server announced {length} bytes of Zlib for "
                f"{rect.width}x{rect.height} pixels, which need far fewer"
            )
        data = self._inflater.inflate((yield length), size)
        if len(data) < size:
            raise RemoteProtocolError(
                f"the display server sent a Zlib rectangle of {len(data)} bytes instead of {size}"
            )
        if not rect.area:
            return
        whole = np.frombuffer(data, np.uint8).reshape(rect.height, rect.width, _PIXEL_BYTES)
        for band in bands(rect):
            # A copy, since pixels handed out are written to.
            yield Painted(band, whole[band.y - rect.y : band.bottom - rect.y].copy())
