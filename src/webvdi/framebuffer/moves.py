"""Moves: parts of a picture that are elsewhere in the next one, and what they do to tiles."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer.grid import TILE, TileMask, covered
from webvdi.framebuffer.rect import Rect


@dataclass(frozen=True, slots=True)
class Move:
    """A copy within the picture, as RFB's CopyRect (RFC 6143 section 7.7.2).

    All pixels are read before any is written: source and destination may overlap.
    """

    rect: Rect
    """The destination, to the pixel."""
    from_x: int
    from_y: int

    @property
    def source(self) -> Rect:
        """Where the pixels come from."""
        return Rect(self.from_x, self.from_y, self.rect.width, self.rect.height)

    @property
    def distance(self) -> tuple[int, int]:
        """How far the pixels go, to the right and down."""
        return self.rect.x - self.from_x, self.rect.y - self.from_y


def moved(mask: TileMask, move: Move) -> TileMask:
    """A mask of what is true of tiles (stale, lossy), after *move* has carried it along.

    A tile of the destination is true if one that it draws from is, or if it is covered only in
    part and was true before; all others stay as they were.  Tiles cut off at the picture's right
    and lower edges count as covered in part.
    """
    result = mask.copy()
    if not move.rect.area:
        return result
    rows = _Span.of(move.rect.y, move.rect.height, move.from_y)
    columns = _Span.of(move.rect.x, move.rect.width, move.from_x)
    source = mask[covered(move.source)]
    carried = columns.drawn(rows.drawn(source, 0), 1)
    target = result[covered(move.rect)]
    if rows.cut_first:
        carried[0] |= target[0]
    if rows.cut_last:
        carried[-1] |= target[-1]
    if columns.cut_first:
        carried[:, 0] |= target[:, 0]
    if columns.cut_last:
        carried[:, -1] |= target[:, -1]
    target[...] = carried
    return result


@dataclass(frozen=True, slots=True)
class _Span:
    """One axis of a move: for each tile of the destination, the tiles that it draws from."""

    first: npt.NDArray[np.intp]
    """The first of them, counted from the source's first tile."""
    last: npt.NDArray[np.intp]
    """The last of them: the same, or the one after it."""
    cut_first: bool
    cut_last: bool
    """Whether the destination covers its first and its last tile only in part."""

    @classmethod
    def of(cls, start: int, length: int, source: int) -> "_Span":
        end = start + length
        edges = np.arange(start // TILE, -(-end // TILE) + 1) * TILE
        edges[0], edges[-1] = start, end
        offset = source - start
        first = (edges[:-1] + offset) // TILE - source // TILE
        last = (edges[1:] + offset - 1) // TILE - source // TILE
        return cls(first, last, start % TILE != 0, end % TILE != 0)

    def drawn(self, tiles: TileMask, axis: int) -> TileMask:
        """Whether any of the tiles drawn from is true."""
        return tiles.take(self.first, axis) | tiles.take(self.last, axis)
