"""What the next update of a viewer holds, and in which order.

In an update come, in this order: the moves that are pending; tiles that the browser keeps; then
encoded pieces for as many of the other stale tiles as the link affords.  A viewer that has it all
may be sent what rests and is lossy once more, exactly; one that has that too may be asked to keep
what it shows.  A plan names pixels and does not hold any: viewers that lack the same on links
alike have the same plan, and share what is encoded for it.

Nothing here knows viewers, links or clocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from webvdi.codecs import Content, expected_bytes
from webvdi.codecs.choice import MIN_JPEG_AREA
from webvdi.framebuffer import TILE, Move, Rect, TileMask, covered, rects_of
from webvdi.framebuffer.grid import bounds, pixels_of
from webvdi.wire.pieces import Run

TILE_AREA = TILE * TILE

MAX_UPDATE_AREA = 4 << 20
"""Pixels of one update.  Even noise stays below the link's bound on a frame: lossless PNG takes
3 bytes a pixel at worst.  A larger screen comes in several updates."""

MAX_PIECE_AREA = 1 << 20
"""Pixels of one picture file: several are encoded, and decoded, side by side."""

MAX_RECTS = 512
"""Rectangles of one update: a browser draws each in microseconds, but not in none."""

SMALL_TILES = 48
"""A region of so few tiles goes before larger ones: what a person does just now is small."""

FEW_TILES = 24
"""So few tiles are sent without loss, whatever they show, and nobody looks at what it is."""

_ALONE_AREA = 256 * 256
"""A rectangle of this size is a picture of its own; smaller ones share a sheet."""

_FEW_RECTS = 2
"""So few rectangles are pieces of their own, however small."""

_PHOTOS_ALONE = 6
"""So many photographs, the largest, are pictures of their own."""

_CELL_ROWS, _CELL_COLUMNS = 2, 4
"""In a large ragged region gaps of this size are closed: a rectangle costs more than they do."""

_CLOSING = 1.25
"""So much larger the update may become by that, where it is as large as the link affords."""

_MOSTLY = 0.6
"""Where so much of a box is drawn in any case, all of it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """Pixels to be encoded together: one rectangle, or several as a sheet."""

    rects: tuple[Rect, ...]
    quality: int | None
    """Of JPEG; None: lossless."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One update."""

    exact: TileMask
    """Tiles that it makes right without loss."""
    lossy: TileMask | None = None
    """Tiles that it makes right but for the loss of JPEG; None: there are none."""
    moves: tuple[Move, ...] = ()
    cached: tuple[Run, ...] = ()
    jobs: tuple[Job, ...] = ()
    kept: tuple[Run, ...] = ()
    cursor: int = 0
    """The tile from which the next plan goes on, where not everything fitted."""

    @property
    def touched(self) -> TileMask:
        """All tiles that it draws in."""
        touched = self.exact.copy() if self.lossy is None else self.exact | self.lossy
        for move in self.moves:
            touched[covered(move.rect)] = True
        return touched


@dataclass(frozen=True, slots=True)
class Means:
    """What the link affords."""

    size_bytes: int
    """The update should stay below this."""
    quality: int | None
    """Of JPEG for photographic content; None: no loss."""
    area: int
    """Pixels that the update may have, at most."""
    moves: bool = False
    """Whether what is sent is seen for a moment only."""


class Draft:
    """Chooses among tiles, and makes jobs of them, on a screen of *width* x *height* pixels."""

    def __init__(
        self, width: int, height: int, kinds: npt.NDArray[np.uint8] | None, means: Means
    ) -> None:
        """*kinds* is the ``Content`` of the tiles in question; None where they are few."""
        self._width = width
        self._height = height
        self._kinds = kinds
        self._means = means

    def jobs(
        self, mask: TileMask, cursor: int
    ) -> tuple[tuple[Job, ...], TileMask, TileMask | None, int]:
        """Jobs for as many tiles of *mask* as can be.

        Answers them, the tiles that they draw exactly and with loss, and the new cursor.
        """
        if self._kinds is None:
            rects, exact = self._rects(mask)
            return tuple(_jobs(rects, None)), exact, None, 0
        photo = None
        if self._means.quality is not None:
            photo = mask & self._photographic()
        mask, cursor = self._affordable(mask, photo, cursor)
        soft: list[Rect] = []
        if photo is not None:
            least = 0 if self._means.moves else MIN_JPEG_AREA
            soft = [r for r in self._exactly(photo & mask) if r.area >= least][:MAX_RECTS]
        lossy = None
        if soft:
            lossy = _mask_of(soft, mask)
            mask = mask & ~lossy
        closed = self._closed(mask)
        if lossy is not None:
            closed &= ~lossy
        sharp, exact = self._rects(closed)
        jobs = (*_jobs(sharp, None), *_jobs(soft, self._means.quality))
        return jobs, exact, lossy, cursor

    def _photographic(self) -> TileMask:
        """Tiles that may be lossy: photographs, and while things move also what is beside them.

        A window that is dragged over a photograph has parts of it in all tiles along its sides.
        """
        assert self._kinds is not None
        photo: TileMask = self._kinds == Content.PHOTO
        if self._means.moves and photo.any():
            photo |= _grown(photo) & (self._kinds == Content.TEXT)
        return photo

    def _affordable(
        self, mask: TileMask, photo: TileMask | None, cursor: int
    ) -> tuple[TileMask, int]:
        """The tiles of *mask* that fit into the update; at least a few."""
        assert self._kinds is not None
        costs = _costs(None)[self._kinds]
        if photo is not None:
            costs[photo] = _costs(self._means.quality)[Content.PHOTO]
        tiles = np.flatnonzero(mask)
        most = self._means.area // TILE_AREA
        if len(tiles) <= most and costs.ravel()[tiles].sum() <= self._means.size_bytes:
            return mask, 0
        tiles = self._in_order(mask, tiles, cursor)
        total = np.cumsum(costs.ravel()[tiles])
        fitting = int(np.searchsorted(total, self._means.size_bytes, "right"))
        count = min(max(SMALL_TILES, fitting), most, len(tiles))
        chosen = np.zeros(mask.shape, np.bool_)
        chosen.ravel()[tiles[:count]] = True
        return chosen, (int(tiles[count - 1]) + 1) % mask.size

    def _in_order(
        self, mask: TileMask, tiles: npt.NDArray[np.intp], cursor: int
    ) -> npt.NDArray[np.intp]:
        """Small regions first, then all from tile *cursor* on, so that each gets its turn."""
        large = mask.copy()
        for rect in self._exactly(mask):
            if rect.area <= SMALL_TILES * TILE_AREA:
                large[covered(rect)] = False
        small = np.flatnonzero(mask & ~large)
        if len(small) > len(tiles) // 2:  # it is all small: nothing goes first
            small, large = small[:0], mask
        rest = np.flatnonzero(large)
        turn = int(np.searchsorted(rest, cursor))
        return np.concatenate((small, rest[turn:], rest[:turn]))

    def _closed(self, mask: TileMask) -> TileMask:
        """A large mask with small gaps filled, where that costs next to nothing.

        What fills a gap is drawn anew although it was right; so it must be small without loss.
        """
        assert self._kinds is not None
        box = bounds(mask)
        if box is None or int(mask.sum()) <= SMALL_TILES:
            return mask
        area = covered(pixels_of(box))
        closed = mask.copy()
        cheap = (self._kinds[area] == Content.FLAT) | (self._kinds[area] == Content.TEXT)
        filled = _cells(mask[area])
        if filled.mean() >= _MOSTLY:
            filled[...] = True
        closed[area] |= filled & cheap
        if int(closed.sum()) * TILE_AREA > self._means.area:
            return mask
        costs = _costs(None)[self._kinds]
        most = max(self._means.size_bytes, _CLOSING * costs[mask].sum())
        return closed if costs[closed].sum() <= most else mask

    def _rects(self, mask: TileMask) -> tuple[list[Rect], TileMask]:
        rects = self._exactly(mask)
        if len(rects) <= MAX_RECTS:
            return rects, mask
        return rects[:MAX_RECTS], _mask_of(rects[:MAX_RECTS], mask)

    def _exactly(self, mask: TileMask) -> list[Rect]:
        """Rectangles that cover *mask* and nothing else, however many."""
        return rects_of(mask, self._width, self._height, limit=mask.size)


def _jobs(rects: list[Rect], quality: int | None) -> Iterator[Job]:
    """Large rectangles alone, in strips; the others together, if they are more than a few."""
    alone, together = _parted(rects, lossy=quality is not None)
    for rect in alone:
        yield from (Job((strip,), quality) for strip in _strips(rect))
    sheet: list[Rect] = []
    area = 0
    for rect in together:
        if sheet and area + rect.area > MAX_PIECE_AREA:
            yield Job(tuple(sheet), quality)
            sheet, area = [], 0
        sheet.append(rect)
        area += rect.area
    if sheet:
        yield Job(tuple(sheet), quality)


def _parted(rects: list[Rect], *, lossy: bool) -> tuple[list[Rect], list[Rect]]:
    """Which rectangles are pictures of their own, and which share a sheet."""
    if lossy:  # a sheet has colour at full resolution, which takes more
        by_size = sorted(rects, key=lambda rect: -rect.area)
        alone = [rect for rect in by_size[:_PHOTOS_ALONE] if rect.area >= MIN_JPEG_AREA]
    elif len(rects) <= _FEW_RECTS:
        alone = rects
    else:
        alone = [rect for rect in rects if rect.area >= _ALONE_AREA]
    kept = set(alone)
    return alone, [rect for rect in rects if rect not in kept]


def _strips(rect: Rect) -> Iterator[Rect]:
    """*rect* in strips of whole tile rows, none larger than a piece may be."""
    count = -(-rect.area // MAX_PIECE_AREA)
    rows = -(-rect.height // TILE)
    height = max(1, -(-rows // count)) * TILE
    for y in range(rect.y, rect.bottom, height):
        yield Rect(rect.x, y, rect.width, min(height, rect.bottom - y))


def _mask_of(rects: Iterable[Rect], like: TileMask) -> TileMask:
    mask = np.zeros(like.shape, np.bool_)
    for rect in rects:
        mask[covered(rect)] = True
    return mask


def _grown(mask: TileMask) -> TileMask:
    """The mask and all tiles next to it."""
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def _cells(mask: TileMask) -> TileMask:
    """The mask with every small cell filled that holds a true tile."""
    rows, columns = mask.shape
    by_row = np.logical_or.reduceat(mask, np.arange(0, rows, _CELL_ROWS), axis=0)
    cells = np.logical_or.reduceat(by_row, np.arange(0, columns, _CELL_COLUMNS), axis=1)
    filled = np.repeat(np.repeat(cells, _CELL_ROWS, axis=0), _CELL_COLUMNS, axis=1)
    return filled[:rows, :columns]


@cache
def _costs(quality: int | None) -> npt.NDArray[np.float64]:
    """Bytes that a tile is expected to take, by ``Content``; nothing, where that is not known."""
    costs = np.zeros(256)
    costs[list(Content)] = [expected_bytes(kind, TILE_AREA, quality) for kind in Content]
    return costs
