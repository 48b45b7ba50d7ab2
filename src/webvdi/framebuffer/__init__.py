"""Pixels at rest: the mirror, the frames made of it, and what moved between two; cursors.

Pure (ARCHITECTURE.md).  A pixel is four bytes B, G, R, X in memory (a little-endian
``0xXXRRGGBB``), X always 255 in a mirror, so that two pictures are equal exactly if their bytes
are.
"""

from webvdi.framebuffer.cursor import Cursor
from webvdi.framebuffer.frames import Frame, Frames
from webvdi.framebuffer.grid import MAX_AREA, MAX_SIDE, TILE, Pixels, TileMask, check_size, covered
from webvdi.framebuffer.mirror import Framebuffer
from webvdi.framebuffer.motion import MAX_MOVES, find_moves
from webvdi.framebuffer.moves import Move, moved
from webvdi.framebuffer.rect import Rect
from webvdi.framebuffer.scale import fitting, scaled
from webvdi.framebuffer.tiles import rects_of

__all__ = [
    "MAX_AREA",
    "MAX_MOVES",
    "MAX_SIDE",
    "TILE",
    "Cursor",
    "Frame",
    "Framebuffer",
    "Frames",
    "Move",
    "Pixels",
    "Rect",
    "TileMask",
    "check_size",
    "covered",
    "find_moves",
    "fitting",
    "moved",
    "rects_of",
    "scaled",
]
