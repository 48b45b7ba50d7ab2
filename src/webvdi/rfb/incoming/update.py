"""FramebufferUpdate (RFC 6143 §7.6.1)."""

import struct
from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.encodings import PseudoEncoding
from webvdi.rfb.events import UpdateEnded
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, skip, take_u16
from webvdi.rfb.pseudo import PSEUDO_ENCODINGS

_HEADER: Final = struct.Struct(">HHHHi")


def parse_update(link: Link) -> Parser[None]:
    """Rectangles and pseudo-rectangles, then ``UpdateEnded``."""
    link.updating = True
    yield from skip(1)
    count = yield from take_u16()
    for _ in range(count):
        x, y, width, height, encoding = _HEADER.unpack((yield _HEADER.size))
        # rfbproto: LastRect ends an update whose number of rectangles was not known.
        if encoding == PseudoEncoding.LAST_RECT:
            break
        yield from _parse_rectangle(Rect(x, y, width, height), encoding, link)
    link.updating = False
    yield UpdateEnded()


def _parse_rectangle(rect: Rect, encoding: int, link: Link) -> Parser[None]:
    decoder = link.decoders.get(encoding)
    if decoder is not None:
        _check_place(rect, link)
        yield from decoder.decode(rect, link)
        return
    parse = PSEUDO_ENCODINGS.get(encoding)
    if parse is None:
        # Its length is not known either, so nothing after it could be read.
        raise RemoteProtocolError(
            f"the display server sent a rectangle in encoding {encoding}, which nobody asked for"
        )
    yield from parse(rect, link)


def _check_place(rect: Rect, link: Link) -> None:
    if not rect.fits(link.width, link.height):
        raise RemoteProtocolError(
            f"the display server painted {rect.width}x{rect.height} pixels at "
            f"({rect.x}, {rect.y}), outside its {link.width}x{link.height} screen"
        )
