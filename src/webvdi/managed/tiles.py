"""What is known of each tile of the picture, once for all viewers: its age and its content."""

import numpy as np
import numpy.typing as npt

from webvdi.codecs import contents
from webvdi.framebuffer import Frame, Pixels, Rect, TileMask, covered
from webvdi.framebuffer.grid import bounds, pixels_of

UNKNOWN = 255
"""Instead of a ``Content``: nobody has looked at the tile since it changed."""


class Tiles:
    """Arrays of the shape of the picture's tiles (rows, columns)."""

    def __init__(self, rows: int, columns: int) -> None:
        self.changed_in: npt.NDArray[np.uint32] = np.zeros((rows, columns), np.uint32)
        """The number of the frame in which each tile last changed."""
        self._changed_at: npt.NDArray[np.float64] = np.full((rows, columns), -np.inf)
        self.kinds: npt.NDArray[np.uint8] = np.full((rows, columns), UNKNOWN, np.uint8)
        """The ``Content`` of each tile, as far as it has been looked at."""

    def advance(self, frame: Frame, now: float) -> None:
        """The picture became *frame*, of the same size as before."""
        changed = frame.changed
        self.changed_in[changed] = frame.number
        self._changed_at[changed] = now
        self.kinds[changed] = UNKNOWN

    def rested(self, now: float, for_s: float) -> TileMask:
        """The tiles that have not changed, nor moved, for so long."""
        return self._changed_at <= now - for_s

    def look_at(self, mask: TileMask, picture: Pixels) -> npt.NDArray[np.uint8]:
        """The ``Content`` of each tile of the picture, known at least in the box around *mask*."""
        unknown = mask & (self.kinds == UNKNOWN)
        if unknown.any():
            box = bounds(mask)
            assert box is not None
            area = pixels_of(box)
            part = picture[area.y : area.bottom, area.x : area.right]
            self.kinds[covered(area)] = contents(part)
        return self.kinds

    def version(self, rects: tuple[Rect, ...]) -> int:
        """The newest frame that changed something in tile-aligned *rects*."""
        return max(int(self.changed_in[covered(rect)].max()) for rect in rects)
