"""What a move makes of a mask, against a model that knows each pixel."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from webvdi.framebuffer import TILE, Move, Rect, TileMask, moved

ROWS, COLUMNS = 5, 6
WIDTH, HEIGHT = COLUMNS * TILE, ROWS * TILE

masks = hnp.arrays(np.bool_, (ROWS, COLUMNS))


@st.composite
def moves(draw: st.DrawFn) -> Move:
    width, height = draw(st.integers(1, WIDTH)), draw(st.integers(1, HEIGHT))
    across, down = st.integers(0, WIDTH - width), st.integers(0, HEIGHT - height)
    return Move(Rect(draw(across), draw(down), width, height), draw(across), draw(down))


def by_pixel(mask: TileMask) -> npt.NDArray[np.bool_]:
    return np.repeat(np.repeat(mask, TILE, 0), TILE, 1)


def by_tile(pixels: npt.NDArray[np.bool_]) -> TileMask:
    tiles: TileMask = np.asarray(pixels.reshape(ROWS, TILE, COLUMNS, TILE).any(axis=(1, 3)))
    return tiles


@given(masks, moves())
def test_a_tile_is_true_if_any_of_its_pixels_may_be(mask: TileMask, move: Move) -> None:
    pixels, rect, source = by_pixel(mask), move.rect, move.source
    carried = pixels[source.y : source.bottom, source.x : source.right].copy()
    pixels[rect.y : rect.bottom, rect.x : rect.right] = carried
    before = mask.copy()
    assert np.array_equal(moved(mask, move), by_tile(pixels))
    assert np.array_equal(mask, before)


@given(masks)
def test_what_goes_nowhere_and_what_is_empty_change_nothing(mask: TileMask) -> None:
    for move in (Move(Rect(0, 0, WIDTH, HEIGHT), 0, 0), Move(Rect(5, 5, 0, 9), 0, 0)):
        assert np.array_equal(moved(mask, move), mask)


def test_a_tile_cut_off_by_the_edge_counts_as_covered_in_part() -> None:
    mask = np.array([[False], [True]])
    move = Move(Rect(0, 8, 16, 16), 0, 0)  # of a picture of 16x24
    assert moved(mask, move).tolist() == [[False], [True]]


def test_a_source_lies_where_the_pixels_come_from() -> None:
    assert Move(Rect(3, 4, 10, 20), 7, 0).source == Rect(7, 0, 10, 20)
