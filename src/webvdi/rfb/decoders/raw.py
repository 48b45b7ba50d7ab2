"""Raw: the pixels as they are (RFC 6143 §7.7.1)."""

from typing import Final

import numpy as np

from webvdi.framebuffer import Rect
from webvdi.rfb.events import Painted
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser

BAND_PIXELS: Final = 1 << 18
"""A band of 1 MiB stays in the processor's cache until it is compared with the mirror."""


class RawDecoder:
    """Receives pixels where they are handed out, a band of rows at a time."""

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted`` for each band, top to bottom."""
        if not rect.area:
            return
        rows = max(1, BAND_PIXELS // rect.width)
        for y in range(rect.y, rect.bottom, rows):
            band = Rect(rect.x, y, rect.width, min(rows, rect.bottom - y))
            pixels = np.empty((band.height, band.width, 4), np.uint8)
            yield pixels.data.cast("B")
            yield Painted(band, pixels)
