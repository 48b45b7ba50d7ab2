"""Frames: what has become of the picture since it was last looked at.

The mirror changes all the time.  A *commit* compares it with the picture as of the last commit,
where it was touched, and says what differs, and how much of that is only moved.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from webvdi.framebuffer.grid import (
    Pixels,
    TileMask,
    blank_pixel_mask,
    count_by_tile,
    covered,
    pixel_slices,
    whole_tiles,
    words,
)
from webvdi.framebuffer.mirror import Framebuffer
from webvdi.framebuffer.motion import explain
from webvdi.framebuffer.moves import Move
from webvdi.framebuffer.rect import Rect
from webvdi.framebuffer.tiles import rects_of

_REMEMBERED = 3
"""Frames whose moves are expected again."""

_MAX_PARTS = 16
"""Rectangles that are compared, each for itself."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The step from one picture to the next.  The masks are read only."""

    number: int
    """1, 2, 3 ..."""
    changed: TileMask
    """Tiles that differ from the frame before."""
    moves: tuple[Move, ...]
    """Parts of the frame before that are elsewhere now, to be copied in this order."""
    wrong: TileMask
    """Tiles that differ once the moves are applied to the frame before."""
    resized: bool
    """Whether the frame before is no base to this one: the first, or one of a new size."""


class Frames:
    """The frames of one mirror.  It is the one reader of what the mirror notes as touched."""

    def __init__(self, mirror: Framebuffer) -> None:
        self.number = 0
        """Of the last frame."""
        self.picture: Pixels = mirror.pixels.copy()
        """As of the last frame; read only for others.  After a resize another array."""
        self._mirror = mirror
        self._sizings = 0
        """The mirror's, at the last frame."""
        self._lately: deque[tuple[Move, ...]] = deque(maxlen=_REMEMBERED)
        """The moves of the last frames, the newest first: what moves mostly goes on."""
        self._wrong = blank_pixel_mask(mirror.width, mirror.height)
        """Scratch, all false between commits."""
        self._trial = blank_pixel_mask(mirror.width, mirror.height)
        """Scratch of the search for moves; takes no memory before there was one (calloc)."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.picture.shape[1], self.picture.shape[0]

    def commit(self) -> Frame | None:
        """Make the mirror's picture the next frame; None if nothing has changed."""
        if self._sizings != self._mirror.sizings:
            return self._begin_anew()
        touched = rects_of(self._mirror.touched, *self.size, limit=_MAX_PARTS)
        if not touched:
            return None
        self._mirror.touched.fill(False)
        changed = self._compare(touched)
        frame = self._frame(changed) if changed.any() else None
        if frame is not None and frame.moves:
            self._wrong.fill(False)  # they may have made pixels wrong that were not touched
        else:
            for rect in touched:
                self._wrong[pixel_slices(rect)] = False
        return frame

    def _begin_anew(self) -> Frame:
        """The first frame of a size: all of it is new."""
        self._sizings = self._mirror.sizings
        self._mirror.touched.fill(False)
        self.picture = self._mirror.pixels.copy()
        self._wrong, self._trial = blank_pixel_mask(*self.size), blank_pixel_mask(*self.size)
        self.number += 1
        everything = np.ones_like(self._mirror.touched)
        everything.setflags(write=False)
        return Frame(self.number, everything, (), everything, resized=True)

    def _compare(self, parts: list[Rect]) -> TileMask:
        """Find which pixels differ, and say which tiles."""
        old, new = words(self.picture), words(self._mirror.pixels)
        changed = np.zeros_like(self._mirror.touched)
        for rect in parts:
            pixels, tiles = pixel_slices(rect), covered(rect)
            np.not_equal(new[pixels], old[pixels], out=self._wrong[pixels])
            changed[tiles] = count_by_tile(self._wrong[whole_tiles(tiles)]) != 0
        return changed

    def _frame(self, changed: TileMask) -> Frame:
        """Take over what has changed; the pixels that differ are known."""
        old, new = words(self.picture), words(self._mirror.pixels)
        moves = explain(old, new, changed, self._wrong, self._expected(), self._trial)
        self._lately.appendleft(moves)
        wrong = changed
        if moves:
            wrong = count_by_tile(self._wrong) != 0
        for rect in rects_of(changed, *self.size):
            pixels = pixel_slices(rect)
            old[pixels] = new[pixels]
        self.number += 1
        changed.setflags(write=False)
        wrong.setflags(write=False)
        return Frame(self.number, changed, moves, wrong, resized=False)

    def _expected(self) -> tuple[Move, ...]:
        """The moves of the last frames, for each distance those that went so far last."""
        expected: list[Move] = []
        for moves in self._lately:
            known = {move.distance for move in expected}
            expected += [move for move in moves if move.distance not in known]
        return tuple(expected)

    def snapshot(self, rect: Rect) -> Pixels:
        """A copy of the picture's pixels at *rect*, safe to hand to a thread."""
        if not rect.fits(*self.size):
            raise ValueError(f"{rect} is outside the {self.size[0]}x{self.size[1]} picture")
        return self.picture[rect.y : rect.bottom, rect.x : rect.right].copy()
