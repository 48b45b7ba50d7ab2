"""What of the picture one viewer has: which tiles are stale, which are lossy, what has yet to move.

The picture goes forward in frames (``framebuffer.frames``).  A viewer that is not sent each of
them falls behind, and a *sight* says by how much: it holds for a viewer that has drawn everything
it was sent, so that

    its canvas, once the *pending* moves are made, equals the picture wherever nothing is stale,
    exactly so wherever nothing is lossy either.

Moves carry staleness and lossiness along with the pixels.  Nothing grows: where more moves are
pending than pay, they are dropped, and the tiles that they would have drawn become stale.
"""

import numpy as np

from webvdi.framebuffer import TILE, Frame, Move, Rect, TileMask, covered, moved
from webvdi.framebuffer.grid import grid_shape

MAX_PENDING = 16
"""Moves that a viewer may lag behind.  Each costs its browser a copy on the canvas; it will have
been long ago that the pixels which so many moves carry were sent."""


class Sight:
    """Masks of a viewer, of the shape of the picture's tiles."""

    __slots__ = ("_screen", "any_lossy", "any_stale", "lossy", "pending", "stale")

    def __init__(self, width: int, height: int) -> None:
        """Nothing of the picture, of so many pixels, is known to the viewer."""
        rows, columns = grid_shape(width, height)
        self._screen = Rect(0, 0, width, height)
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
        if len(self.pending) > MAX_PENDING:
            self.drop_moves()

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
        if self.pending and self._joins(self.pending[-1], move):
            return
        self.pending.append(move)

    def _joins(self, last: Move, move: Move) -> bool:
        """Make one move of two that follow each other, where that loses next to nothing."""
        joined = joint(last, move)
        if joined is None:
            return False
        left_out = np.zeros(self.stale.shape, np.bool_)
        left_out[covered(last.rect)] = True
        left_out[covered(move.rect)] = True
        left_out[self._within(joined.rect)] = False
        if len(self.pending) <= MAX_PENDING // 2 and (left_out & ~self.stale).any():
            return False
        self.stale |= left_out
        self.any_stale = self.any_stale or bool(left_out.any())
        self.pending.pop()
        if (joined.from_x, joined.from_y) != (joined.rect.x, joined.rect.y):
            self.pending.append(joined)
        return True

    def _within(self, rect: Rect) -> tuple[slice, slice]:
        """The tiles that lie wholly in *rect*, as far as they are on the screen."""
        bottom = rect.bottom if rect.bottom < self._screen.bottom else rect.bottom + TILE - 1
        right = rect.right if rect.right < self._screen.right else rect.right + TILE - 1
        top, left = -(-rect.y // TILE), -(-rect.x // TILE)
        return slice(top, max(top, bottom // TILE)), slice(left, max(left, right // TILE))

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
