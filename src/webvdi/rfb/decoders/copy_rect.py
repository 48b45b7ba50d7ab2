"""CopyRect: pixels that were elsewhere before (RFC 6143 §7.7.2)."""

import struct
from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.events import Copied
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser

_SOURCE: Final = struct.Struct(">HH")


class CopyRectDecoder:
    """Has no pixels of its own."""

    def decode(self, rect: Rect, link: Link, /) -> Parser[None]:
        """``Copied``, from within the framebuffer."""
        x, y = _SOURCE.unpack((yield _SOURCE.size))
        if not Rect(x, y, rect.width, rect.height).fits(link.width, link.height):
            raise RemoteProtocolError(
                f"the display server copied {rect.width}x{rect.height} pixels from ({x}, {y}), "
                f"outside its {link.width}x{link.height} screen"
            )
        if rect.area:
            yield Copied(rect, x, y)
