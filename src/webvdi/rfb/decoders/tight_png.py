"""Tight PNG (rfbproto): the fills and JPEG of Tight, and PNG pictures for the rest."""

from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.decoders.tight import FILL, JPEG, compact_length, fill, jpeg
from webvdi.rfb.events import Painted
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u8
from webvdi.rfb.png import decode_png

PNG: Final = 10


class TightPngDecoder:
    """Has no zlib streams: a PNG picture stands for itself."""

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted``."""
        kind = (yield from take_u8()) >> 4
        if kind == FILL:
            yield from fill(rect)
        elif kind == JPEG:
            yield from jpeg(rect)
        elif kind == PNG:
            data = yield (yield from compact_length())
            if rect.area:
                yield Painted(rect, decode_png(data, rect.width, rect.height))
        else:
            raise RemoteProtocolError(
                f"the display server sent a Tight PNG rectangle of the unknown kind {kind}"
            )
