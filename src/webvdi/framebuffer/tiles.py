"""From a mask of tiles to few rectangles.

A browser pays for each rectangle (a decode, a draw call), so a handful of larger ones beats
many exact ones; but pixels that did not change cost bytes.  Runs in a tile row are joined with
equal runs in the rows below; what is still more than *limit* rectangles is joined coarsely.
"""

import numpy as np

from webvdi.framebuffer.mirror import TILE, TileMask
from webvdi.framebuffer.rect import Rect

MAX_RECTS = 64
"""Beyond this many rectangles one update would cost a browser more in calls than in pixels."""

_COARSE = 8
"""Tiles a side of the cells in which a very scattered mask is joined."""


def rects_of(mask: TileMask, width: int, height: int, *, limit: int = MAX_RECTS) -> list[Rect]:
    """Disjoint pixel rectangles that cover all true tiles, clipped to *width* x *height*."""
    rects = _runs(mask)
    if len(rects) > limit:
        rects = _runs(_coarsened(mask))
    if len(rects) > limit:
        rects = [_bounds(mask)]
    bounds = Rect(0, 0, width, height)
    return [
        Rect(r.x * TILE, r.y * TILE, r.width * TILE, r.height * TILE).intersect(bounds)
        for r in rects
    ]


def first_tiles(mask: TileMask, area: int) -> tuple[TileMask, bool]:
    """The mask's first rows of tiles that hold at most *area* pixels, and whether that is all.

    At least one row is kept.  The bound is on the rows' full width, so that joining rectangles
    coarsely cannot exceed it by more than their cells do.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    row_area = mask.shape[1] * TILE * TILE
    end = int(rows[0]) + max(1, area // row_area) if len(rows) else 0
    if not len(rows) or rows[-1] < end:
        return mask, True
    first = mask.copy()
    first[end:] = False
    return first, False


def _runs(mask: TileMask) -> list[Rect]:
    """Horizontal runs of true tiles, equal runs in consecutive rows joined; in tile units."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    edges = np.diff(padded, axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    done: list[Rect] = []
    growing: dict[tuple[int, int], Rect] = {}
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        above = growing.get((start, end))
        if above is not None and above.bottom == row:
            growing[start, end] = Rect(start, above.y, end - start, above.height + 1)
        else:
            if above is not None:
                done.append(above)
            growing[start, end] = Rect(start, row, end - start, 1)
    return sorted([*done, *growing.values()], key=lambda r: (r.y, r.x))


def _coarsened(mask: TileMask) -> TileMask:
    """The mask with every 8x8 cell filled that holds a true tile."""
    rows, columns = mask.shape
    by_row = np.logical_or.reduceat(mask, np.arange(0, rows, _COARSE), axis=0)
    cells = np.logical_or.reduceat(by_row, np.arange(0, columns, _COARSE), axis=1)
    return np.repeat(np.repeat(cells, _COARSE, axis=0), _COARSE, axis=1)[:rows, :columns]


def _bounds(mask: TileMask) -> Rect:
    rows = np.nonzero(mask.any(axis=1))[0]
    columns = np.nonzero(mask.any(axis=0))[0]
    top, left = int(rows[0]), int(columns[0])
    return Rect(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
