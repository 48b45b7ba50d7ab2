"""The mirror: our copy of a machine's framebuffer, and which of its tiles changed when.

Each 16x16 tile carries the *version* at which its pixels last really changed.  A viewer that
remembers, per tile, the version it was sent is behind exactly where its number is smaller; no
list of rectangles is kept for anyone.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer.rect import Rect

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width, 4), bytes B, G, R, X."""

TileMask: TypeAlias = npt.NDArray[np.bool_]
"""Shape (tile rows, tile columns): one answer a tile."""

TILE = 16
"""Side of a damage tile in pixels; QEMU itself compares in steps of 16."""

MAX_SIDE = 16384
"""Bound on width and height (RFB allows 65535): a peer cannot make us allocate more than 1 GiB."""

OPAQUE = np.uint32(0xFF000000)


class Framebuffer:
    """A picture of *width* x *height* pixels with versions per tile."""

    def __init__(self, width: int, height: int) -> None:
        self.version = 1
        """Counts changes; grows by one with every commit that changed something."""
        self._allocate(width, height)

    def _allocate(self, width: int, height: int) -> None:
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise ValueError(f"a framebuffer side is 1 to {MAX_SIDE} pixels, not {width}x{height}")
        self.width = width
        self.height = height
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)
        self.pixels[:, :, 3] = 255
        rows, columns = -(-height // TILE), -(-width // TILE)
        self.versions: npt.NDArray[np.uint32] = np.full((rows, columns), self.version, np.uint32)

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self.width, self.height)

    def resize(self, width: int, height: int) -> None:
        """Take a new size; the picture starts black and every tile is new."""
        self.version += 1
        self._allocate(width, height)

    def put(self, rect: Rect, pixels: Pixels) -> bool:
        """Write *pixels* (of *rect*'s size) at *rect*; answer whether anything really changed.

        Servers report more than they change (QEMU in 16-pixel steps), so the new pixels are
        compared with the old, and only tiles that differ become new.  *pixels* is scratch to
        this call: its X bytes are overwritten.
        """
        self._check(rect)
        new = _words(pixels)
        np.bitwise_or(new, OPAQUE, out=new)
        old = _words(self.pixels[rect.y : rect.bottom, rect.x : rect.right])
        differs = new != old
        if not differs.any():
            return False
        old[...] = new
        self._touch(rect, differs)
        return True

    def copy(self, rect: Rect, source_x: int, source_y: int) -> bool:
        """Copy the pixels at (*source_x*, *source_y*) to *rect*; they may overlap."""
        source = Rect(source_x, source_y, rect.width, rect.height)
        self._check(source)
        moved = self.pixels[source.y : source.bottom, source.x : source.right].copy()
        return self.put(rect, moved)

    def snapshot(self, rect: Rect) -> Pixels:
        """A copy of the pixels at *rect*, safe to hand to a thread."""
        self._check(rect)
        return np.ascontiguousarray(self.pixels[rect.y : rect.bottom, rect.x : rect.right]).copy()

    def _check(self, rect: Rect) -> None:
        if not rect.fits(self.width, self.height):
            raise ValueError(f"{rect} is outside the {self.width}x{self.height} framebuffer")

    def _touch(self, rect: Rect, differs: npt.NDArray[np.bool_]) -> None:
        """Give the tiles in which *differs* holds a new version."""
        self.version += 1
        row_starts = _tile_starts(rect.y, rect.height)
        column_starts = _tile_starts(rect.x, rect.width)
        by_row = np.logical_or.reduceat(differs, row_starts, axis=0)
        by_tile = np.logical_or.reduceat(by_row, column_starts, axis=1)
        top, left = rect.y // TILE, rect.x // TILE
        area = self.versions[top : top + by_tile.shape[0], left : left + by_tile.shape[1]]
        area[by_tile] = self.version


def _words(pixels: Pixels) -> npt.NDArray[np.uint32]:
    """The same memory, a pixel a 32-bit word."""
    return pixels.view(np.uint32)[:, :, 0]


def _tile_starts(start: int, length: int) -> npt.NDArray[np.intp]:
    """Offsets from *start* at which a new tile begins, 0 first."""
    first = TILE - start % TILE
    return np.concatenate(([0], np.arange(first, length, TILE))).astype(np.intp)
