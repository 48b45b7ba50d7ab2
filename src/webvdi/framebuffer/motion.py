"""Motion search: which parts of a new picture are copies of parts of the old one.

Virtual machines report changed pixels and nothing else, so that scrolls and dragged windows are
guessed at and then proved.  Landmarks (:mod:`webvdi.framebuffer.landmarks`) vote for
displacements.  For the one with most votes the two pictures are compared at that distance; where
tiles come right that were wrong, a rectangle is put around them, then widened to the pixel.  What
it makes right is counted, and if that pays, the move is taken and the rest is searched again.

All moves draw from the *old* picture, though they are applied one after the other: no source
meets the destination of a move before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer.grid import (
    MAX_SIDE,
    TILE,
    PixelMask,
    Pixels,
    TileMask,
    Words,
    blank_pixel_mask,
    bounds,
    count_by_tile,
    covered,
    pixel_slices,
    pixels_of,
    whole_tiles,
    words,
)
from webvdi.framebuffer.landmarks import Votes, votes
from webvdi.framebuffer.moves import Move
from webvdi.framebuffer.rect import Rect

MAX_MOVES = 16
"""Moves of one frame."""

MIN_CHANGED = 48
"""With fewer changed tiles than this, sending them costs less than the search."""

MIN_GAIN = 12
"""Tiles that a move must make right, on balance."""

MIN_VOTES = 6
"""Fewer are no reason to compare: a landmark has up to three votes."""

_MARGIN = 4 * TILE
"""Pixels in which a side of a move is looked for, from one tile inside of what came right on."""

_HARM = 3
"""What a pixel that is wrong after a move weighs against one that was wrong before: where
everything is new, some pixels come right by chance, but not three in four."""

_EXPECTED = 2
"""Comparisons of the whole area for what is expected."""

_FEW = 16
"""What is expected is compared no more once one tile in so many is left of those that changed: a
scroll that goes now by one line and now by two is found by the first of both distances."""

_SAMPLED = np.cumsum(np.random.default_rng(17).integers(8, 24, MAX_SIDE // 8))
"""The rows that are looked at to see what may be expected, drawn by lot once and for all: in even
steps they might keep step with lines of text, and meet nothing but the space between."""

_PROMISING = 0.15
"""Share of the differing pixels, in these rows, from which a distance is tried."""

_EFFORT = 4
"""Comparisons of the whole area that a search may cost."""


def find_moves(old: Pixels, new: Pixels, changed: TileMask) -> tuple[Move, ...]:
    """Moves that, applied in order to *old*, make many of the *changed* tiles equal to *new*.

    The pictures are of one size; *changed* says which tiles differ.
    """
    before, after = words(np.ascontiguousarray(old)), words(np.ascontiguousarray(new))
    wrong = blank_pixel_mask(new.shape[1], new.shape[0])
    np.not_equal(before, after, out=wrong[: new.shape[0], : new.shape[1]])
    return explain(before, after, changed, wrong)


def explain(
    old: Words,
    new: Words,
    changed: TileMask,
    wrong: PixelMask,
    expected: Sequence[Move] = (),
    scratch: PixelMask | None = None,
) -> tuple[Move, ...]:
    """As :func:`find_moves`, where the pixels that differ are known.

    *wrong* says which do, and is changed into which still do after the moves.  *expected* moves
    are tried first, and if they explain most, no others are looked for.  *scratch*, of the shape
    of *wrong*, may hold anything within the picture and is false outside.
    """
    area = bounds(changed)
    count = int(np.count_nonzero(changed))
    if area is None or count < MIN_CHANGED:
        return ()
    trial = np.zeros_like(wrong) if scratch is None else scratch
    search = _Search(old, new, changed, area, wrong, trial)
    promising = search.promising(expected)
    if promising:
        search.expect(promising)
        if search.left <= count // 4:
            return tuple(search.moves)
        # What repeats seems to move by any of its periods: a little of that must not stand in
        # the way of what explains it all.
        search.undo()
    search.run(votes(old, new, changed, area))
    return tuple(search.moves)


@dataclass(frozen=True, slots=True)
class _Run:
    """Tiles ``start <= n < end`` along an axis."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class _Search:
    """The search within *area* (in tiles)."""

    def __init__(
        self,
        old: Words,
        new: Words,
        changed: TileMask,
        area: Rect,
        wrong: PixelMask,
        trial: PixelMask,
    ) -> None:
        self.moves: list[Move] = []
        self._old, self._new, self._wrong = old, new, wrong
        self._area = area
        self._tiles = pixel_slices(pixels_of(area))
        self._pixels = pixels_of(area).intersect(Rect(0, 0, new.shape[1], new.shape[0]))
        self._trial = trial
        """The pixels that are wrong at the distance that is being tried."""
        self._unchanged = ~changed[pixel_slices(area)]
        self._right = self._unchanged.copy()
        """The area's tiles that need nothing more."""
        self._few = self.left // _FEW

    @property
    def left(self) -> int:
        """How many tiles are still wrong."""
        return int(np.count_nonzero(~self._right))

    def promising(self, moves: Sequence[Move]) -> list[Move]:
        """Those whose distances explain something in a sample of rows, the best ones first.

        A scroll by one line now and two lines then keeps to few distances, but not to one.
        """
        shares = {d: self._share(*d) for d in {move.distance for move in moves}}
        best = sorted((d for d in shares if shares[d] >= _PROMISING), key=lambda d: -shares[d])
        return [move for d in best[:_EXPECTED] for move in moves if move.distance == d]

    def _share(self, dx: int, dy: int) -> float:
        """How much of what differs would come right at a distance, in a sample of rows."""
        reach = self._reach(dx, dy)
        if not reach.area:
            return 0.0
        first, last = np.searchsorted(_SAMPLED, (reach.y, reach.bottom))
        rows, columns = _SAMPLED[first:last], slice(reach.x, reach.right)
        source = self._old[rows - dy, reach.x - dx : reach.right - dx]
        wrong = self._wrong[rows, columns]
        right = self._new[rows, columns] == source
        return int(np.count_nonzero(right & wrong)) / max(1, int(np.count_nonzero(wrong)))

    def expect(self, moves: Sequence[Move]) -> None:
        """Try moves like some that there were before, by distance in their order."""
        for dx, dy in dict.fromkeys(move.distance for move in moves):
            if self.left <= self._few:
                return
            right = self._compare(dx, dy)
            for move in moves:
                columns = self._columns(move.rect)
                if move.distance == (dx, dy) and columns is not None:
                    self._grow(dx, dy, right, columns)

    def _columns(self, rect: Rect) -> _Run | None:
        """The area's columns of tiles that *rect* touches."""
        start = max(rect.x // TILE - self._area.x, 0)
        end = min(-(-rect.right // TILE) - self._area.x, self._area.width)
        return _Run(start, end) if start < end else None

    def undo(self) -> None:
        """Take back all moves.  Comparing once more is dearer than a copy, but rarely needed."""
        if self.moves:
            there = pixel_slices(self._pixels)
            np.not_equal(self._new[there], self._old[there], out=self._wrong[there])
            self.moves, self._right = [], self._unchanged.copy()

    def run(self, found: Votes) -> None:
        """Try the displacements that were voted for, until nothing pays any more."""
        for _ in range(_EFFORT):
            found = self._unexplained(found)
            leading = _leader(found)
            if leading is None:
                return
            chosen = (found.dx == leading[0]) & (found.dy == leading[1])
            self._try(*leading, found.only(chosen))
            found = found.only(~chosen)

    def _unexplained(self, found: Votes) -> Votes:
        """The votes of landmarks in tiles that are not right yet."""
        rows, columns = found.y // TILE - self._area.y, found.x // TILE - self._area.x
        return found.only(~self._right[rows, columns])

    def _try(self, dx: int, dy: int, found: Votes) -> None:
        """Take the moves by (*dx*, *dy*) that pay, if there are any."""
        right = self._compare(dx, dy)
        paid = True
        while paid and len(found.x) and len(self.moves) < MAX_MOVES:
            columns = found.x // TILE - self._area.x
            paid = self._grow(dx, dy, right, _Run(int(columns.min()), int(columns.max()) + 1))
            found = self._unexplained(found)

    def _grow(self, dx: int, dy: int, right: TileMask, columns: _Run) -> bool:
        """Take the best move by (*dx*, *dy*) about some *columns*; answer whether there is one.

        *right* says which tiles it makes right.
        """
        tiles = _best_rectangle(right.astype(np.int8) - self._right, columns)
        if tiles is None:
            return False
        whole = Rect(tiles.x + self._area.x, tiles.y + self._area.y, tiles.width, tiles.height)
        reach = self._reach(dx, dy)
        rect = self._fitted(pixels_of(whole).intersect(reach), reach)
        return self._take(Move(rect, rect.x - dx, rect.y - dy))

    def _reach(self, dx: int, dy: int) -> Rect:
        """The pixels of the area that have a source at a distance."""
        return self._pixels.intersect(Rect(dx, dy, self._new.shape[1], self._new.shape[0]))

    def _compare(self, dx: int, dy: int) -> TileMask:
        """Find which pixels are wrong at a distance, and say which tiles are right.

        Without a source, all are wrong.
        """
        reach = self._reach(dx, dy)
        there = pixel_slices(reach)
        source = Rect(reach.x - dx, reach.y - dy, reach.width, reach.height)
        self._trial[pixel_slices(self._pixels)] = True
        np.not_equal(self._new[there], self._old[pixel_slices(source)], out=self._trial[there])
        right: TileMask = count_by_tile(self._trial[self._tiles]) == 0
        return right

    def _fitted(self, rect: Rect, reach: Rect) -> Rect:
        """*rect*, of whole tiles, with each side where most pixels come right by the move."""
        left, right, top, bottom = rect.x, rect.right, rect.y, rect.bottom
        rows = slice(top, bottom)
        inside = min(TILE, (rect.width - 1) // 2)
        left, right = left + inside, right - inside
        left -= self._worth((rows, slice(max(reach.x, left - _MARGIN), left)), 1, backwards=True)
        right += self._worth((rows, slice(right, min(reach.right, right + _MARGIN))), 1)
        columns = slice(left, right)
        inside = min(TILE, (rect.height - 1) // 2)
        top, bottom = top + inside, bottom - inside
        top -= self._worth((slice(max(reach.y, top - _MARGIN), top), columns), 0, backwards=True)
        bottom += self._worth((slice(bottom, min(reach.bottom, bottom + _MARGIN)), columns), 0)
        return Rect(left, top, right - left, bottom - top)

    def _worth(self, strip: tuple[slice, slice], axis: int, *, backwards: bool = False) -> int:
        """How many lines of a strip, from its start or its end, the move makes right on balance."""
        across = 1 - axis
        mended = np.count_nonzero(self._wrong[strip], axis=across)
        gains = mended - _HARM * np.count_nonzero(self._trial[strip], axis=across)
        sums = np.cumsum(gains[::-1] if backwards else gains)
        best = int(sums.argmax()) if len(sums) else 0
        return best + 1 if len(sums) and sums[best] > 0 else 0

    def _take(self, move: Move) -> bool:
        """Add a move if it pays and an order is left for it; answer whether."""
        place = _place(move, self.moves)
        if place is None:
            return False
        there = pixel_slices(move.rect)
        saved = self._wrong[there].copy()
        self._wrong[there] = self._trial[there]
        rows, columns = covered(move.rect)
        right = count_by_tile(self._wrong[whole_tiles((rows, columns))]) == 0
        tiles = (
            slice(rows.start - self._area.y, rows.stop - self._area.y),
            slice(columns.start - self._area.x, columns.stop - self._area.x),
        )
        if np.count_nonzero(right) - np.count_nonzero(self._right[tiles]) < MIN_GAIN:
            self._wrong[there] = saved
            return False
        self._right[tiles] = right
        self.moves.insert(place, move)
        return True


def _leader(found: Votes) -> tuple[int, int] | None:
    """The displacement with most votes; None if none has enough."""
    if len(found.x) < MIN_VOTES:
        return None
    pairs, counts = np.unique((found.dy << 32) + found.dx, return_counts=True)
    best = int(counts.argmax())
    if counts[best] < MIN_VOTES:
        return None
    dy = (int(pairs[best]) + (1 << 31)) >> 32
    return int(pairs[best]) - (dy << 32), dy


def _best_rectangle(gains: npt.NDArray[np.int8], columns: _Run) -> Rect | None:
    """A rectangle of tiles with much gain, found from the *columns* where some was expected.

    Best rows and best columns in turns: not always the very best, but the sums never fall.
    """
    found = None
    for _ in range(4):
        rows = _best_run(gains[:, columns.start : columns.end].sum(axis=1))
        if rows is not None:
            columns = _best_run(gains[rows.start : rows.end].sum(axis=0)) or columns
            found = Rect(columns.start, rows.start, columns.length, rows.length)
    return found


def _best_run(gains: npt.NDArray[np.int64]) -> _Run | None:
    """The shortest run with the largest sum; None if no sum is above 0 (Kadane's problem)."""
    sums = np.concatenate(([0], np.cumsum(gains)))
    lowest = np.minimum.accumulate(sums)
    rises = sums - lowest
    end = int(rises.argmax())
    if rises[end] <= 0:
        return None
    start = end - int((sums[end::-1] == lowest[end]).argmax())
    return _Run(start, end)


def _place(move: Move, moves: list[Move]) -> int | None:
    """Where in the order *move* can go, so that all draw from the old picture; late if it can.

    Put before others, it must not be painted over by them.
    """
    for place in range(len(moves), -1, -1):
        earlier, later = moves[:place], moves[place:]
        if not any(_meet(move.source, other.rect) for other in earlier) and not any(
            _meet(move.rect, other.source) or _meet(move.rect, other.rect) for other in later
        ):
            return place
    return None


def _meet(a: Rect, b: Rect) -> bool:
    return a.intersect(b).area > 0
