"""What of the picture one viewer has: which tiles are stale, which are lossy, what has yet to move.

The picture goes forward in frames (``framebuffer.frames``).  A viewer that is not sent each of
them falls behind, and a *sight* says by how much: it holds for a viewer that has drawn everything
it was sent, so that

    its canvas, once the *pending* moves are made, equals the picture wherever nothing is stale,
    exactly so wherever nothing is lossy either.

Moves carry staleness and lossiness along with the pixels.  Nothing grows: where more moves are
pending than pay, the smallest are dropped, and the tiles that they would have drawn become stale.
"""

from collections.abc import Iterator

import numpy as np

from webvdi.framebuffer import Frame, Move, Rect, TileMask, covered, moved
from webvdi.framebuffer.grid import grid_shape

MAX_PENDING = 16
"""Moves that a viewer may lag behind.  Each costs its browser a copy on the canvas; it will have
been long ago that the pixels which so many moves carry were sent."""


class Sight:
    """Masks of a viewer, of the shape of the picture's tiles."""

    __slots__ = ("any_lossy", "any_stale", "lossy", "pending", "stale")

    def __init__(self, width: int, height: int) -> None:
        """Nothing of the picture, of so many pixels, is known to the viewer."""
        rows, columns = grid_shape(width, height)
        self.stale: TileMask = np.ones((rows, columns), np.bool_)
        self.any_stale = True
        """Whether any tile is stale; kept, as it is asked for all the time."""
        self.lossy: TileMask = np.zeros((rows, columns), np.bool_)
        self.any_lossy = False
        self.pending: list[Move] = []
        """In the order in which they are to be made."""

    @property
    def behind(self) -> bool:
        """Whether something of the picture has not been sent at all."""
        return self.any_stale or bool(self.pending)

    # ------------------------------------------------------------ the picture goes forward

    def advance(self, frame: Frame) -> None:
        """The picture became *frame*, of the same size as before."""
        for move in frame.moves:
            self._move(move)
        if frame.moves and self.any_lossy:
            self.any_lossy = bool(self.lossy.any())
        self.stale |= frame.wrong
        self.any_stale = bool(self.stale.any())
        while len(self.pending) > MAX_PENDING:
            self._drop_one()

    def overlook(self, frame: Frame) -> None:
        """As :meth:`advance`, for a viewer that does not look: cheaper, and nothing is pending."""
        self.drop_moves()
        self.stale |= frame.changed
        self.any_stale = True

    def drop_moves(self) -> None:
        """Make no move that is pending: what they would have drawn is stale."""
        if not self.pending:
            return
        for move in self.pending:
            self.stale[covered(move.rect)] = True
        self.any_stale = True
        self.pending.clear()

    def _move(self, move: Move) -> None:
        if self.any_lossy:
            self.lossy = moved(self.lossy, move)
        if self.any_stale:
            self.stale = moved(self.stale, move)
            if self.stale[covered(move.rect)].all():
                return  # it would draw nothing that stays
        if not self._joins(move):
            self.pending.append(move)

    def _joins(self, move: Move) -> bool:
        """Make one move of *move* and an earlier one, where that loses next to nothing.

        Several areas may scroll at once: *move* goes back past those with which it has nothing
        to do.
        """
        for index in reversed(range(len(self.pending))):
            joined = joint(self.pending[index], move)
            if joined is not None:
                return self._join(index, move, joined)
            if not _commute(self.pending[index], move):
                return False
        return False

    def _join(self, index: int, move: Move, joined: Move) -> bool:
        """Put *joined* in the place of a pending move and of *move*, unless too much is lost."""
        left_out = np.zeros(self.stale.shape, np.bool_)
        for rect in (self.pending[index].rect, move.rect):
            for part in _around(joined.rect, rect):
                left_out[covered(part)] = True
        for later in self.pending[index + 1 :]:
            left_out = _carried(left_out, later)
        lost = np.count_nonzero(left_out & ~self.stale)
        if lost and (
            len(self.pending) <= MAX_PENDING // 2
            or 2 * lost > np.count_nonzero(~self.stale[covered(joined.rect)])
        ):
            return False
        self.stale |= left_out
        self.any_stale = self.any_stale or bool(left_out.any())
        still = (joined.from_x, joined.from_y) == (joined.rect.x, joined.rect.y)
        self.pending[index : index + 1] = [] if still else [joined]
        return True

    def _drop_one(self) -> None:
        """Do not make the smallest move, nor those that draw only from what it would have drawn."""
        smallest = min(self.pending, key=lambda move: move.rect.area)
        wrong = np.zeros(self.stale.shape, np.bool_)
        kept = []
        for move in self.pending:
            if move is smallest:
                wrong[covered(move.rect)] = True
                continue
            wrong = _carried(wrong, move)
            if not wrong[covered(move.rect)].all():
                kept.append(move)
        self.pending = kept
        self.stale |= wrong
        self.any_stale = True

    # ------------------------------------------------------------ the viewer is sent something

    def sent(self, exact: TileMask, lossy: TileMask | None) -> None:
        """All pending moves went out, and then the tiles of *exact* and *lossy* (disjoint)."""
        self.pending.clear()
        self.stale[exact] = False
        if lossy is not None:
            self.stale[lossy] = False
        self.any_stale = bool(self.stale.any())
        if self.any_lossy or lossy is not None:
            self.lossy[exact] = False
            if lossy is not None:
                self.lossy |= lossy
            self.any_lossy = bool(self.lossy.any())

    def lost(self, touched: TileMask) -> None:
        """Updates that drew in the tiles of *touched* never arrived.

        Where none of them drew, the canvas is as was believed; so moves that would draw from where
        they did are dropped too.
        """
        self.drop_moves()
        self.stale |= touched
        self.any_stale = True


def joint(last: Move, move: Move) -> Move | None:
    """The move that makes *last* and then *move*, as far as both have a part in it.

    None if they have none together.
    """
    dx, dy = move.from_x - move.rect.x, move.from_y - move.rect.y
    there = last.rect
    both = move.rect.intersect(Rect(there.x - dx, there.y - dy, there.width, there.height))
    if not both.area:
        return None
    return Move(
        both,
        both.x + dx + last.from_x - there.x,
        both.y + dy + last.from_y - there.y,
    )


def _commute(one: Move, other: Move) -> bool:
    """Whether the order of two moves makes no difference."""
    return not (
        one.rect.intersect(other.rect).area
        or one.rect.intersect(other.source).area
        or one.source.intersect(other.rect).area
    )


def _around(hole: Rect, rect: Rect) -> Iterator[Rect]:
    """Rectangles that hold what is in *rect* and not in *hole*."""
    inner = rect.intersect(hole)
    if not inner.area:
        yield rect
        return
    if inner.y > rect.y:
        yield Rect(rect.x, rect.y, rect.width, inner.y - rect.y)
    if inner.bottom < rect.bottom:
        yield Rect(rect.x, inner.bottom, rect.width, rect.bottom - inner.bottom)
    if inner.x > rect.x:
        yield Rect(rect.x, inner.y, inner.x - rect.x, inner.height)
    if inner.right < rect.right:
        yield Rect(inner.right, inner.y, rect.right - inner.right, inner.height)


def _carried(mask: TileMask, move: Move) -> TileMask:
    """As :func:`moved`; most moves have nothing to do with what is in *mask*."""
    if mask[covered(move.source)].any() or mask[covered(move.rect)].any():
        return moved(mask, move)
    return mask
