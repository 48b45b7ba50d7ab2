"""RRE and CoRRE: a background with one-coloured rectangles on it (RFC 6143 §7.7.3, rfbproto)."""

from typing import Final

import numpy as np
import numpy.typing as npt

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.decoders.subrects import draw_subrects
from webvdi.rfb.events import Painted
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u32
from webvdi.rfb.pixels import Words, as_pixels

_COLOUR_BYTES: Final = 4
_PLACES: Final = ("x", "y", "width", "height")

_RRE_RECORD: Final = np.dtype([("colour", "<u4"), *((name, ">u2") for name in _PLACES)])
_CORRE_RECORD: Final = np.dtype([("colour", "<u4"), *((name, "u1") for name in _PLACES)])

_RECORDS_AT_ONCE: Final = 1024
"""Rectangles read together, so that a great number of them needs no great memory."""


class _RectanglesDecoder:
    """What both encodings share; they differ in how a rectangle's place is written."""

    name: str
    record: "np.dtype[np.void]"

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted`` once, since rectangles may lie anywhere."""
        count = yield from take_u32()
        background = int.from_bytes((yield _COLOUR_BYTES), "little")
        # The rectangles are parts of the whole (rfbproto), so there are no more than its pixels.
        if count > rect.area:
            raise RemoteProtocolError(
                f"the display server announced {count} {self.name} rectangles in "
                f"{rect.width}x{rect.height} pixels"
            )
        if not rect.area:
            return
        picture: Words = np.full((rect.height, rect.width), background, np.uint32)
        room = rect.area
        while count:
            part = min(count, _RECORDS_AT_ONCE)
            records = np.frombuffer((yield part * self.record.itemsize), self.record)
            room -= self._draw(picture, records)
            if room < 0:
                raise RemoteProtocolError(
                    f"the display server sent {self.name} rectangles that are larger together "
                    f"than the {rect.width}x{rect.height} pixels which they make up"
                )
            count -= part
        yield Painted(rect, as_pixels(picture))

    def _draw(self, picture: Words, records: npt.NDArray[np.void]) -> int:
        """Draw and count pixels."""
        rows, columns = picture.shape
        x, y, widths, heights = (records[name].astype(np.intp) for name in _PLACES)
        if (x + widths > columns).any() or (y + heights > rows).any():
            raise RemoteProtocolError(
                f"the display server sent an {self.name} rectangle outside of the picture that "
                "it is part of"
            )
        draw_subrects(picture, x, y, widths, heights, records["colour"])
        return int((widths * heights).sum())


class RreDecoder(_RectanglesDecoder):
    """Places of 16 bits."""

    name = "RRE"
    record = _RRE_RECORD


class CorreDecoder(_RectanglesDecoder):
    """Places of 8 bits."""

    name = "CoRRE"
    record = _CORRE_RECORD
