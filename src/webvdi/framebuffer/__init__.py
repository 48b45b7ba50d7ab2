"""Pixels at rest: rectangles, the mirror with its tile versions, cursors.  Pure (ARCHITECTURE.md).

A pixel is four bytes B, G, R, X in memory (a little-endian ``0xXXRRGGBB``), X always 255 in a
mirror, so that two pictures are equal exactly if their bytes are.
"""

from webvdi.framebuffer.cursor import Cursor
from webvdi.framebuffer.mirror import MAX_SIDE, TILE, Framebuffer, Pixels, TileMask
from webvdi.framebuffer.rect import Rect
from webvdi.framebuffer.scale import fitting, scaled
from webvdi.framebuffer.tiles import first_tiles, rects_of

__all__ = [
    "MAX_SIDE",
    "TILE",
    "Cursor",
    "Framebuffer",
    "Pixels",
    "Rect",
    "TileMask",
    "first_tiles",
    "fitting",
    "rects_of",
    "scaled",
]
