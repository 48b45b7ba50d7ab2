"""What the next update of a viewer holds, and in which order.

In an update come, in this order: the moves that are pending; tiles that the browser keeps; then
encoded pieces for as many of the other stale tiles as the link affords.  A viewer that has it all
may be sent what rests and is lossy once more, exactly; one that has that too may be asked to keep
what it shows.  A plan names pixels and does not hold any: viewers that lack the same on links
alike have the same plan, and share what is encoded for it.

Nothing here knows viewers, links or clocks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from webvdi.codecs import SKETCH, Content, expected_bytes
from webvdi.codecs.choice import MIN_JPEG_AREA
from webvdi.framebuffer import TILE, Move, Rect, TileMask, covered, rects_of
from webvdi.framebuffer.grid import bounds, pixels_of
from webvdi.framebuffer.tiles import filled_cells, spread_cells
from webvdi.managed.costs import AS_EXPECTED, NO_BYTES, RECT_BYTES, Bytes, Factors
from webvdi.managed.regions import grown, region_sizes
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

TINY_TILES = 8
"""And one of so few, such as a key's echo, before other small ones."""

FEW_TILES = 24
"""So few tiles are sent without loss, whatever they show, and nobody looks at what it is."""

_ALONE_AREA = 256 * 256
"""A rectangle of this size is a picture of its own; smaller ones share a sheet."""

_PART_HEIGHT = 128
"""What shares a sheet is cut into parts of this height at most: one that is high beside one that
is wide would make it as large as the screen, and nearly empty."""

_FEW_RECTS = 2
"""So few rectangles are pieces of their own, however small."""

_PHOTOS_ALONE = 6
"""So many photographs, the largest, are pictures of their own."""

_CELL_ROWS, _CELL_COLUMNS = 2, 4
"""In a large ragged region gaps of this size are closed: a rectangle costs more than they do."""

_SKETCHED_MOVING, _SKETCHED_STILL = 0.5, 2.0
"""What would take more than so many times what an update may take is sketched, where bytes cost
more than time does: while things move, so that they are seen moving; a still picture only if its
sketch is there long before it would be."""

_MOST_FILLED = 0.25
"""Bytes of text that fill gaps, by those of what is drawn in any case."""


class Turn(NamedTuple):
    """The tiles from which the next plan goes on, where not everything fitted."""

    first: int = 0
    """Among what goes first, because it is small."""
    rest: int = 0
    """Among all else."""


FROM_THE_TOP: Final = Turn()


@dataclass(frozen=True, slots=True)
class Job:
    """Pixels to be encoded together: one rectangle, or several as a sheet."""

    rects: tuple[Rect, ...]
    quality: int | None
    """Of JPEG; None: lossless; ``SKETCH``: a sketch."""
    thorough: bool = False
    """See ``EncodeKey``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One update."""

    exact: TileMask
    """Tiles that it makes right without loss."""
    lossy: TileMask | None = None
    """Tiles that it makes right but for the loss of JPEG or of a sketch; None: there are none."""
    moves: tuple[Move, ...] = ()
    cached: tuple[Run, ...] = ()
    jobs: tuple[Job, ...] = ()
    kept: tuple[Run, ...] = ()
    cursor: Turn = FROM_THE_TOP
    expected: Bytes = NO_BYTES
    """What its lossless jobs should take, were they of any session."""

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
    factors: Factors = AS_EXPECTED
    """Of what is expected of pixels without loss."""
    thorough: bool = False
    """Whether the link is so slow that bytes cost more than time does."""


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
        self.expected = NO_BYTES
        """See ``Plan.expected``; of the jobs made last."""

    def jobs(
        self, mask: TileMask, cursor: Turn
    ) -> tuple[tuple[Job, ...], TileMask, TileMask | None, Turn]:
        """Jobs for as many tiles of *mask* as can be.

        Answers them, the tiles that they draw exactly and with loss, and the new cursor.
        """
        if self._kinds is None:
            rects, exact = self._rects(mask, None)
            return tuple(_jobs(rects, self._exact)), exact, None, FROM_THE_TOP
        photo = None
        if self._means.quality is not None:
            photo = mask & self._photographic()
        costs = self._costs(mask, photo, self._without_loss)
        sketch = self._is_sketched(mask, photo, costs)
        if sketch:
            costs = self._costs(mask, photo, _bytes_by_kind(SKETCH))
        mask, first, cursor = self._affordable(mask, costs, cursor)
        soft = [] if photo is None else self._soft(photo & mask, first)
        lossy = _mask_of(soft, mask) if soft else None
        left = mask if lossy is None else mask & ~lossy
        soft_jobs = _jobs(soft, Job((), self._means.quality))
        if sketch:
            rects, drawn = self._rects(left, first)
            lossy = drawn if lossy is None else drawn | lossy
            jobs = (*_jobs(rects, Job((), SKETCH)), *soft_jobs)
            return jobs, np.zeros_like(mask), lossy, cursor
        closed = self._closed(left, float(costs[mask].sum()))
        if lossy is not None:
            closed &= ~lossy
        sharp, exact = self._rects(closed, first)
        self.expected = self._expected(exact, sharp)
        return (*_jobs(sharp, self._exact), *soft_jobs), exact, lossy, cursor

    @property
    def _exact(self) -> Job:
        """How to draw without loss."""
        return Job((), None, self._means.thorough)

    def _is_sketched(
        self, mask: TileMask, photo: TileMask | None, costs: npt.NDArray[np.float64]
    ) -> bool:
        """Whether what is in *mask*, but for what goes as JPEG, is to be a sketch at first."""
        means = self._means
        if photo is None or not means.thorough:
            return False
        share = _SKETCHED_MOVING if means.moves else _SKETCHED_STILL
        return float(costs[mask & ~photo].sum()) > share * means.size_bytes

    def _soft(self, photo: TileMask, first: TileMask | None) -> list[Rect]:
        """Rectangles of photographic tiles that are drawn with loss."""
        least = 0 if self._means.moves else MIN_JPEG_AREA
        return _some([r for r in self._exactly(photo) if r.area >= least], first)

    def _photographic(self) -> TileMask:
        """Tiles that may be lossy: photographs, and while things move also what is beside them.

        A window that is dragged over a photograph has parts of it in all tiles along its sides.
        """
        assert self._kinds is not None
        photo: TileMask = self._kinds == Content.PHOTO
        if self._means.moves and photo.any():
            photo |= grown(photo) & (self._kinds == Content.TEXT)
        return photo

    def _costs(
        self, mask: TileMask, photo: TileMask | None, by_kind: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Bytes that each tile of *mask* is expected to take; those of *photo* as JPEG."""
        assert self._kinds is not None
        costs = by_kind[self._kinds]
        if photo is not None:
            costs[photo] = _bytes_by_kind(self._means.quality)[Content.PHOTO]
        costs[:, 1:][mask[:, 1:] & ~mask[:, :-1]] += RECT_BYTES
        return costs

    @property
    def _without_loss(self) -> npt.NDArray[np.float64]:
        costs = _bytes_by_kind(None).copy()
        costs[Content.TEXT] *= self._means.factors.text
        costs[Content.PHOTO] *= self._means.factors.photo
        return costs

    def _expected(self, exact: TileMask, rects: list[Rect]) -> Bytes:
        assert self._kinds is not None
        counts = np.bincount(self._kinds[exact], minlength=len(Content))
        by_kind = counts[: len(Content)] * _bytes_by_kind(None)[list(Content)]
        other = RECT_BYTES * len(rects) if len(rects) > _FEW_RECTS else 0
        return Bytes(float(by_kind[Content.TEXT]), float(by_kind[Content.PHOTO]), other)

    def _affordable(
        self, mask: TileMask, costs: npt.NDArray[np.float64], cursor: Turn
    ) -> tuple[TileMask, TileMask | None, Turn]:
        """The tiles of *mask* that fit into the update, at least a few; which of them are first."""
        size_bytes = self._means.size_bytes
        tiles = np.flatnonzero(mask)
        most = self._means.area // TILE_AREA
        if len(tiles) <= most and costs.ravel()[tiles].sum() <= size_bytes:
            return mask, None, FROM_THE_TOP
        small = _in_turn(*_small(mask), cursor.first)
        small = small[: _fitting(costs, small, size_bytes / 2, most // 2)]
        if len(small):
            cursor = cursor._replace(first=(int(small[-1]) + 1) % mask.size)
        first = _mask_with(small, mask)
        rest = np.flatnonzero(mask & ~first)
        turn = int(np.searchsorted(rest, cursor.rest))
        rest = np.concatenate((rest[turn:], rest[:turn]))
        left = size_bytes - float(costs.ravel()[small].sum())
        rest = rest[: _fitting(costs, rest, left, most - len(small), FEW_TILES - len(small))]
        if len(rest):
            cursor = cursor._replace(rest=(int(rest[-1]) + 1) % mask.size)
        return first | _mask_with(rest, mask), first, cursor

    def _closed(self, mask: TileMask, spent: float) -> TileMask:
        """A large mask with small gaps filled, where that costs next to nothing.

        What fills a gap is drawn anew although it was right, or before its turn; so it must be
        flat, or be text of which there is little, and room for it beside what is *spent*, in bytes.
        """
        assert self._kinds is not None
        box = bounds(mask)
        if box is None or int(mask.sum()) <= SMALL_TILES:
            return mask
        area = covered(pixels_of(box))
        kinds, part = self._kinds[area], mask[area]
        gaps = filled_cells(part, _CELL_ROWS, _CELL_COLUMNS) & ~part
        filled = gaps & (kinds == Content.FLAT)
        costs = np.where(gaps & (kinds == Content.TEXT), self._without_loss[Content.TEXT], 0.0)
        room = min(self._means.size_bytes - spent, _MOST_FILLED * spent)
        filled |= _cheapest(costs, room)
        closed = mask.copy()
        closed[area] |= filled
        return closed if int(closed.sum()) * TILE_AREA <= self._means.area else mask

    def _rects(self, mask: TileMask, first: TileMask | None) -> tuple[list[Rect], TileMask]:
        rects = self._exactly(mask)
        if len(rects) <= MAX_RECTS:
            return rects, mask
        rects = _some(rects, first)
        return rects, _mask_of(rects, mask)

    def _exactly(self, mask: TileMask) -> list[Rect]:
        """Rectangles that cover *mask* and nothing else, however many."""
        return rects_of(mask, self._width, self._height, limit=mask.size)


def _jobs(rects: list[Rect], like: Job) -> Iterator[Job]:
    """Large rectangles alone, in strips; the others together, if they are more than a few."""
    alone, together = _parted(rects, jpeg=bool(like.quality))
    for rect in alone:
        yield from (replace(like, rects=(strip,)) for strip in _strips(rect))
    sheet: list[Rect] = []
    area = 0
    for rect in chain.from_iterable(map(_cut, together)):
        if sheet and area + rect.area > MAX_PIECE_AREA:
            yield replace(like, rects=tuple(sheet))
            sheet, area = [], 0
        sheet.append(rect)
        area += rect.area
    if sheet:
        yield replace(like, rects=tuple(sheet))


def _parted(rects: list[Rect], *, jpeg: bool) -> tuple[list[Rect], list[Rect]]:
    """Which rectangles are pictures of their own, and which share a sheet."""
    if jpeg:  # a sheet has colour at full resolution, which takes more
        by_size = sorted(rects, key=lambda rect: -rect.area)
        alone = [rect for rect in by_size[:_PHOTOS_ALONE] if rect.area >= MIN_JPEG_AREA]
    elif len(rects) <= _FEW_RECTS:
        alone = rects
    else:
        alone = [rect for rect in rects if rect.area >= _ALONE_AREA]
    kept = set(alone)
    return alone, [rect for rect in rects if rect not in kept]


def _cut(rect: Rect) -> Iterator[Rect]:
    """*rect* in parts that are low enough for a sheet."""
    for y in range(rect.y, rect.bottom, _PART_HEIGHT):
        yield Rect(rect.x, y, rect.width, min(_PART_HEIGHT, rect.bottom - y))


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


def _mask_with(tiles: npt.NDArray[np.intp], like: TileMask) -> TileMask:
    mask = np.zeros(like.shape, np.bool_)
    mask.reshape(-1)[tiles] = True
    return mask


def _some(rects: list[Rect], first: TileMask | None) -> list[Rect]:
    """As many as an update may have, those that hold tiles of *first* before others."""
    if len(rects) > MAX_RECTS and first is not None:
        rects = sorted(rects, key=lambda rect: not first[covered(rect)].any())
    return rects[:MAX_RECTS]


def _small(mask: TileMask) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The tiles of small regions, and the size of each one's region."""
    sizes = region_sizes(mask)
    tiles = np.flatnonzero(mask & (sizes <= SMALL_TILES))
    return tiles, sizes.reshape(-1)[tiles]


def _in_turn(
    tiles: npt.NDArray[np.intp], sizes: npt.NDArray[np.intp], cursor: int
) -> npt.NDArray[np.intp]:
    """Those of tiny regions first; otherwise all from tile *cursor* on."""
    return tiles[np.lexsort((tiles, tiles < cursor, sizes > TINY_TILES))]


def _fitting(
    costs: npt.NDArray[np.float64],
    tiles: npt.NDArray[np.intp],
    size_bytes: float,
    most: int,
    least: int = 1,
) -> int:
    """How many of *tiles*, from the first on, fit; *least*, though they may not."""
    total = np.cumsum(costs.reshape(-1)[tiles])
    fitting = int(np.searchsorted(total, size_bytes, "right"))
    return max(0, min(max(1, least, fitting), most, len(tiles)))


def _cheapest(costs: npt.NDArray[np.float64], room: float) -> TileMask:
    """The tiles of *costs* in those cells that cost the least, as many as there is *room* for."""
    rows, columns = costs.shape
    by_row = np.add.reduceat(costs, np.arange(0, rows, _CELL_ROWS), axis=0)
    cells = np.add.reduceat(by_row, np.arange(0, columns, _CELL_COLUMNS), axis=1)
    order = np.argsort(cells, axis=None, kind="stable")
    fitting = np.zeros(cells.size, np.bool_)
    fitting[order] = np.cumsum(cells.reshape(-1)[order]) <= room
    fits = spread_cells(fitting.reshape(cells.shape), _CELL_ROWS, _CELL_COLUMNS, rows, columns)
    chosen: TileMask = fits & (costs > 0)
    return chosen


@cache
def _bytes_by_kind(quality: int | None) -> npt.NDArray[np.float64]:
    """Bytes that a tile is expected to take, by ``Content``; nothing, where that is not known."""
    costs = np.zeros(256)
    costs[list(Content)] = [expected_bytes(kind, TILE_AREA, quality) for kind in Content]
    return costs
