"""What a parcel has to do with, so that nothing else may be drawn there before it."""

import numpy as np

from webvdi.framebuffer import Move, Rect, TileMask
from webvdi.managed.costs import Costs
from webvdi.managed.parcel import Parcel
from webvdi.managed.plan import Plan
from webvdi.wire.pieces import Run

SHAPE = (6, 8)


def tile(row: int, column: int) -> TileMask:
    mask = np.zeros(SHAPE, np.bool_)
    mask[row, column] = True
    return mask


def parcel(plan: Plan) -> Parcel:
    return Parcel(plan, (), 8 * 16, 6 * 16, Costs())


def involved(of: Parcel) -> set[tuple[int, int]]:
    every = ((row, column) for row in range(SHAPE[0]) for column in range(SHAPE[1]))
    return {at for at in every if of.involves(tile(*at))}


def test_a_parcel_involves_what_it_draws() -> None:
    assert involved(parcel(Plan(tile(1, 2)))) == {(1, 2)}
    assert involved(parcel(Plan(tile(1, 2), tile(5, 7)))) == {(1, 2), (5, 7)}


def test_it_involves_where_moves_come_from_and_where_they_go() -> None:
    move = Move(Rect(0, 0, 20, 16), 70, 33)
    assert involved(parcel(Plan(np.zeros(SHAPE, np.bool_), moves=(move,)))) == {
        *((0, 0), (0, 1)),
        *((2, 4), (2, 5), (3, 4), (3, 5)),
    }


def test_it_involves_what_it_has_kept() -> None:
    runs = (Run(3, 2, 0, 2), Run(7, 5, 9, 1))
    kept = Plan(np.zeros(SHAPE, np.bool_), kept=runs)
    assert involved(parcel(kept)) == {(2, 3), (2, 4), (5, 7)}
