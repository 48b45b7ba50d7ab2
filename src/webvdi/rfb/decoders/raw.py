"""Raw: the pixels as they are (RFC 6143 §7.7.1)."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from webvdi.framebuffer import Pixels, Rect
from webvdi.rfb.events import Painted
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, Span

BAND_PIXELS: Final = 1 << 18
"""A band of 1 MiB stays in the processor's cache until it is compared with the mirror."""


def bands(rect: Rect) -> Iterator[Rect]:
    """*rect*, which holds pixels, in pieces of whole rows, top to bottom."""
    rows = max(1, BAND_PIXELS // rect.width)
    for y in range(rect.y, rect.bottom, rows):
        yield Rect(rect.x, y, rect.width, min(rows, rect.bottom - y))


class RawDecoder:
    """Hands out pixels where they were received, a band of rows at a time."""

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted`` for each band, top to bottom."""
        if rect.area <= BAND_PIXELS:
            if rect.area:  # some servers send hundreds of small ones: they take the short way
                span = Span(rect.area * 4)
                yield span
                yield Painted(rect, _pixels(rect, span))
            return
        for band in bands(rect):
            span = Span(band.area * 4)
            yield span
            yield Painted(band, _pixels(band, span))


def _pixels(rect: Rect, span: Span) -> Pixels:
    return np.ndarray((rect.height, rect.width, 4), np.uint8, span.memory)
