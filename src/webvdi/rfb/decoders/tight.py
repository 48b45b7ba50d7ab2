"""Tight: fills, JPEG, and filtered pixels through one of four zlib streams (rfbproto)."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import simplejpeg

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Pixels, Rect
from webvdi.rfb.decoders.gradient import undo_gradient
from webvdi.rfb.events import Painted
from webvdi.rfb.inflate import Inflater, max_compressed
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Bytes, Parser, take_u8
from webvdi.rfb.pixels import Words, as_pixels, words_of_rgb

STREAMS: Final = 4

FILL: Final = 8
JPEG: Final = 9
EXPLICIT_FILTER: Final = 4
"""Bit of the compression control's upper half (below FILL): a filter's number follows."""

COPY_FILTER: Final = 0
PALETTE_FILTER: Final = 1
GRADIENT_FILTER: Final = 2

MIN_COMPRESSED: Final = 12
"""Fewer bytes than this are sent as they are."""

BAND_PIXELS: Final = 1 << 18
"""A fill is painted in bands of so many pixels, since a few bytes can fill a whole screen."""

_PIXEL_BYTES: Final = 3


class TightDecoder:
    """Keeps the four zlib streams."""

    def __init__(self) -> None:
        self._inflaters = [Inflater() for _ in range(STREAMS)]

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted``."""
        control = yield from take_u8()
        for stream in range(STREAMS):
            if control & (1 << stream):
                self._inflaters[stream] = Inflater()
        kind = control >> 4
        if kind == FILL:
            yield from fill(rect)
        elif kind == JPEG:
            yield from jpeg(rect)
        elif kind < FILL:
            yield from self._basic(rect, kind)
        else:
            raise RemoteProtocolError(
                f"the display server sent a Tight rectangle of the unknown kind {kind}"
            )

    def _basic(self, rect: Rect, kind: int) -> Parser[None]:
        """Pixels through a filter and a zlib stream."""
        filter_number = COPY_FILTER
        if kind & EXPLICIT_FILTER:
            filter_number = yield from take_u8()
        undo_filter = _FILTERS.get(filter_number)
        if undo_filter is None:
            raise RemoteProtocolError(
                f"the display server used the unknown Tight filter {filter_number}"
            )
        words = yield from undo_filter(rect, self._inflaters[kind & (STREAMS - 1)])
        if rect.area:
            yield Painted(rect, as_pixels(words))


def fill(rect: Rect) -> Parser[None]:
    """One colour."""
    colour = words_of_rgb((yield _PIXEL_BYTES) + b"\0", 0, 1)[0]
    rows = max(1, BAND_PIXELS // max(rect.width, 1))
    for y in range(rect.y, rect.bottom if rect.width else rect.y, rows):
        band = Rect(rect.x, y, rect.width, min(rows, rect.bottom - y))
        yield Painted(band, as_pixels(np.full((band.height, band.width), colour, np.uint32)))


def jpeg(rect: Rect) -> Parser[None]:
    """A JPEG picture of the rectangle's size."""
    data = yield (yield from compact_length())
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        if (width, height) != (rect.width, rect.height):
            raise RemoteProtocolError(
                f"the display server sent a JPEG picture of {width}x{height} pixels for a "
                f"rectangle of {rect.width}x{rect.height}"
            )
        pixels: Pixels = simplejpeg.decode_jpeg(data, "BGRX")
    except ValueError as error:
        raise RemoteProtocolError(
            f"the display server sent a JPEG picture that cannot be read: {error}"
        ) from error
    yield Painted(rect, pixels)


def _copy(rect: Rect, inflater: Inflater) -> Parser[Words]:
    """Nothing was done to the pixels."""
    data = yield from _inflated(inflater, rect.area * _PIXEL_BYTES)
    return words_of_rgb(data + b"\0", 0, rect.area).reshape(rect.height, rect.width)


def _gradient(rect: Rect, inflater: Inflater) -> Parser[Words]:
    data = yield from _inflated(inflater, rect.area * _PIXEL_BYTES)
    return undo_gradient(data, rect.width, rect.height)


def _palette(rect: Rect, inflater: Inflater) -> Parser[Words]:
    """Indices of 8 bits, or of one bit where there are two colours at most."""
    count = (yield from take_u8()) + 1
    palette = words_of_rgb((yield count * _PIXEL_BYTES) + b"\0", 0, count)
    if count <= 2:
        row_bytes = (rect.width + 7) // 8
        data = yield from _inflated(inflater, row_bytes * rect.height)
        packed = np.frombuffer(data, np.uint8).reshape(rect.height, row_bytes)
        indices = np.unpackbits(packed, axis=1)[:, : rect.width]
    else:
        data = yield from _inflated(inflater, rect.area)
        indices = np.frombuffer(data, np.uint8).reshape(rect.height, rect.width)
    if rect.area and int(indices.max()) >= count:
        raise RemoteProtocolError(
            f"the display server used a colour beyond the {count} of its Tight palette"
        )
    return palette[indices]


_FILTERS: Final[Mapping[int, Callable[[Rect, Inflater], Parser[Words]]]] = {
    COPY_FILTER: _copy,
    PALETTE_FILTER: _palette,
    GRADIENT_FILTER: _gradient,
}


def _inflated(inflater: Inflater, size: int) -> Parser[Bytes]:
    """Exactly *size* bytes, which came compressed unless they are very few."""
    if size < MIN_COMPRESSED:
        return (yield size)
    length = yield from compact_length()
    if length > max_compressed(size):
        raise RemoteProtocolError(
            f"the display server announced {length} bytes of Tight for {size} bytes of pixels"
        )
    data = inflater.inflate((yield length), size)
    if len(data) < size:
        raise RemoteProtocolError(
            f"the display server sent a Tight rectangle of {len(data)} bytes instead of {size}"
        )
    return data


def compact_length() -> Parser[int]:
    """A number of 22 bits in one to three bytes, lowest first (rfbproto: compact length)."""
    low = yield from take_u8()
    length = low & 0x7F
    if low & 0x80:
        middle = yield from take_u8()
        length |= (middle & 0x7F) << 7
        if middle & 0x80:
            length |= (yield from take_u8()) << 14
    return length
