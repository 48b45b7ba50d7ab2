"""From a mask of tiles to few rectangles.

A browser pays for each rectangle (a decode, a draw call), so a handful of larger ones beats
many exact ones; but pixels that did not change cost bytes.  Runs in a tile row are joined with
equal runs in the rows below; what is still more than *limit* rectangles is joined coarsely.
"""

import numpy as np

from webvdi.framebuffer.grid import TileMask, bounds, pixels_of
from webvdi.framebuffer.rect import Rect

MAX_RECTS = 64
"""Beyond this many rectangles one update would cost a browser more in calls than in pixels."""

_COARSE = 8
"""Tiles a side of the cells in which a very scattered mask is joined."""


def rects_of(mask: TileMask, width: int, height: int, *, limit: int = MAX_RECTS) -> list[Rect]:
    """Disjoint pixel rectangles that cover all true tiles, clipped to *width* x *height*."""
    whole = bounds(mask)
    if whole is None:
        return []
    part = mask[whole.y : whole.bottom, whole.x : whole.right]
    rects = [whole] if part.all() else _joined(part, whole, limit)
    screen = Rect(0, 0, width, height)
    return [pixels_of(rect).intersect(screen) for rect in rects]


def _joined(part: TileMask, whole: Rect, limit: int) -> list[Rect]:
    """At most *limit* rectangles of tiles for a *part* of a mask, *whole* saying which."""
    rects = _runs(part, whole, limit)
    if rects is None:
        rects = _runs(filled_cells(part, _COARSE, _COARSE), whole, limit)
    return [whole] if rects is None else rects


def _runs(part: TileMask, whole: Rect, limit: int) -> list[Rect] | None:
    """Horizontal runs of true tiles, equal runs in consecutive rows joined; None if too many."""
    padded = np.zeros((part.shape[0], part.shape[1] + 1), np.bool_)
    padded[:, :-1] = part
    # Where a run starts and where it has ended, in turns: the false tile after each row keeps
    # the rows apart.
    flat = padded.reshape(-1)
    edges = (np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist()
    if flat[0]:
        edges.insert(0, 0)
    if len(edges) > 2 * limit * part.shape[0]:
        return None  # even if every run were joined in all rows
    done: list[tuple[int, int, int, int]] = []
    growing: dict[tuple[int, int], tuple[int, int]] = {}  # columns, and the rows so far
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        row, start = divmod(first, padded.shape[1])
        columns = (start, end - row * padded.shape[1])
        top, bottom = growing.get(columns, (row, row))
        if bottom != row:
            done.append((top, bottom, *columns))
            top = row
        growing[columns] = (top, row + 1)
        if len(done) + len(growing) > limit:
            return None
    done += [(*rows, *columns) for columns, rows in growing.items()]
    return [
        Rect(whole.x + left, whole.y + top, right - left, bottom - top)
        for top, bottom, left, right in sorted(done, key=lambda r: (r[0], r[2]))
    ]


def filled_cells(mask: TileMask, height: int, width: int) -> TileMask:
    """The mask with every cell of *height* x *width* tiles filled that holds a true one."""
    rows, columns = mask.shape
    by_row = np.logical_or.reduceat(mask, np.arange(0, rows, height), axis=0)
    cells = np.logical_or.reduceat(by_row, np.arange(0, columns, width), axis=1)
    return spread_cells(cells, height, width, rows, columns)


def spread_cells(cells: TileMask, height: int, width: int, rows: int, columns: int) -> TileMask:
    """A mask of cells of *height* x *width* tiles as one of *rows* x *columns* tiles."""
    return np.repeat(np.repeat(cells, height, axis=0), width, axis=1)[:rows, :columns]
