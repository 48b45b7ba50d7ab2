"""The mirror: our copy of a machine's framebuffer, and which of its tiles were written.

The mirror only notes where something was written that was not there before.  What that came to
is found out when a frame is made of it (:mod:`webvdi.framebuffer.frames`), once for many writes.
"""

import numpy as np

from webvdi.framebuffer.grid import Pixels, TileMask, Words, check_size, covered, grid_shape, words
from webvdi.framebuffer.rect import Rect

OPAQUE = np.uint32(0xFF000000)

_FIRST = 1 << 13
"""Pixels that are compared at first: in most rectangles that change anything, something differs."""

_BAND = 1 << 16
"""Pixels that are compared at a time: old and new ones stay in the processor's cache."""


class Framebuffer:
    """A picture of *width* x *height* pixels that knows where it was written."""

    def __init__(self, width: int, height: int) -> None:
        self.version = 1
        """Counts changes; grows by one with every write that changed something."""
        self.sizings = 0
        """How often the picture was given a size and became black."""
        self._allocate(width, height)

    def _allocate(self, width: int, height: int) -> None:
        check_size(width, height)
        self.width = width
        self.height = height
        self.sizings += 1
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)
        self.pixels[:, :, 3] = 255
        self.touched: TileMask = np.ones(grid_shape(width, height), np.bool_)
        """Tiles that may differ from what they were when this was last cleared by its reader."""

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self.width, self.height)

    def resize(self, width: int, height: int) -> None:
        """Take a new size; the picture starts black and every tile is touched."""
        self.version += 1
        self._allocate(width, height)

    def put(self, rect: Rect, pixels: Pixels) -> bool:
        """Write *pixels* (of *rect*'s size) at *rect*; answer whether anything really changed.

        Servers report more than they change, some the whole screen again and again: up to the
        first band that differs the pixels are only compared.  From there on they are written
        and their tiles touched.  *pixels* is scratch to this call: X bytes may be overwritten.
        """
        self._check(rect)
        new, old = words(pixels), self._at(rect)
        if rect.area > _FIRST:
            return self._put_in_bands(rect, new, old)
        np.bitwise_or(new, OPAQUE, out=new)
        if not (new != old).any():
            return False
        old[...] = new
        self._touch(rect)
        return True

    def _put_in_bands(self, rect: Rect, new: Words, old: Words) -> bool:
        most = max(1, _BAND // rect.width)
        top, end = 0, max(1, _FIRST // rect.width)
        while top < rect.height:
            band = new[top:end]
            np.bitwise_or(band, OPAQUE, out=band)
            if (band != old[top:end]).any():
                np.bitwise_or(new[top:], OPAQUE, out=old[top:])
                self._touch(Rect(rect.x, rect.y + top, rect.width, rect.height - top))
                return True
            top, end = end, end + min(end, most)
        return False

    def copy(self, rect: Rect, source_x: int, source_y: int) -> bool:
        """Copy the pixels at (*source_x*, *source_y*) to *rect*; they may overlap."""
        return self.put(rect, self.snapshot(Rect(source_x, source_y, rect.width, rect.height)))

    def snapshot(self, rect: Rect) -> Pixels:
        """A copy of the pixels at *rect*, safe to hand to a thread."""
        self._check(rect)
        return self.pixels[rect.y : rect.bottom, rect.x : rect.right].copy()

    def _at(self, rect: Rect) -> Words:
        return words(self.pixels[rect.y : rect.bottom, rect.x : rect.right])

    def _check(self, rect: Rect) -> None:
        if not rect.fits(self.width, self.height):
            raise ValueError(f"{rect} is outside the {self.width}x{self.height} framebuffer")

    def _touch(self, rect: Rect) -> None:
        self.version += 1
        self.touched[covered(rect)] = True
