"""What is known of each tile of the picture, once for all viewers: its age and its content."""

import numpy as np
import numpy.typing as npt

from webvdi.codecs.content import joined, own_contents
from webvdi.framebuffer import Frame, Pixels, Rect, TileMask, covered, rects_of
from webvdi.managed.regions import grown

UNKNOWN = 255
"""Instead of a ``Content``: nobody has looked at the tile since it changed."""


_MAX_LOOKS = 16
"""Rectangles that are judged apart: each takes as long as a few hundred tiles more would."""


class Tiles:
    """Arrays of the shape of the picture's tiles (rows, columns)."""

    def __init__(self, rows: int, columns: int) -> None:
        self.changed_in: npt.NDArray[np.uint32] = np.zeros((rows, columns), np.uint32)
        """The number of the frame in which each tile last changed."""
        self._changed_at: npt.NDArray[np.float64] = np.full((rows, columns), -np.inf)
        self.kinds: npt.NDArray[np.uint8] = np.full((rows, columns), UNKNOWN, np.uint8)
        """The ``Content`` of each tile, as far as it has been looked at."""
        self._own = self.kinds.copy()
        """What each tile is by itself."""

    def advance(self, frame: Frame, now: float) -> None:
        """The picture became *frame*, of the same size as before."""
        changed = frame.changed
        self.changed_in[changed] = frame.number
        self._changed_at[changed] = now
        self._own[changed] = UNKNOWN
        self.kinds[grown(changed)] = UNKNOWN  # a tile's content depends on those next to it

    def rested(self, now: float, for_s: float) -> TileMask:
        """The tiles that have not changed, nor moved, for so long."""
        return self._changed_at <= now - for_s

    def look_at(self, mask: TileMask, picture: Pixels) -> npt.NDArray[np.uint8]:
        """The ``Content`` of each tile of *picture*, known at least in and next to *mask*.

        What a tile is said to be depends on the picture alone, not on what was looked at with it.
        """
        unknown = grown(mask) & (self.kinds == UNKNOWN)
        if unknown.any():
            height, width = picture.shape[:2]
            missing = grown(unknown) & (self._own == UNKNOWN)
            for rect in rects_of(missing, width, height, limit=_MAX_LOOKS):
                part = picture[rect.y : rect.bottom, rect.x : rect.right]
                self._own[covered(rect)] = own_contents(part)
            self.kinds[unknown] = joined(self._own)[unknown]
        return self.kinds

    def version(self, rects: tuple[Rect, ...]) -> int:
        """The newest frame that changed something in tile-aligned *rects*."""
        return max(int(self.changed_in[covered(rect)].max()) for rect in rects)
