"""The tiles over a picture, against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from webvdi.framebuffer import MAX_AREA, MAX_SIDE, TILE, Rect, TileMask, check_size, covered
from webvdi.framebuffer.grid import PixelMask, blank_pixel_mask, bounds, count_by_tile, whole_tiles

masks = hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@st.composite
def pixel_masks(draw: st.DrawFn) -> PixelMask:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    share = draw(st.sampled_from([0, 0.01, 0.5, 1]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return random.random((rows * TILE, columns * TILE)) < share


@given(pixel_masks(), st.integers(0, 3), st.integers(0, 3))
def test_pixels_are_counted_by_tile(mask: PixelMask, top: int, left: int) -> None:
    whole = np.zeros((mask.shape[0] + top * TILE, mask.shape[1] + left * TILE), np.bool_)
    part = whole[top * TILE :, left * TILE :]
    part[...] = mask
    rows, columns = mask.shape[0] // TILE, mask.shape[1] // TILE
    expected = mask.reshape(rows, TILE, columns, TILE).sum(axis=(1, 3))
    assert np.array_equal(count_by_tile(part), expected)


@given(masks)
def test_bounds_are_the_smallest_that_hold_all(mask: TileMask) -> None:
    found = bounds(mask)
    rows, columns = np.nonzero(mask)
    if found is None:
        assert not len(rows)
        return
    assert (found.y, found.bottom) == (rows.min(), rows.max() + 1)
    assert (found.x, found.right) == (columns.min(), columns.max() + 1)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40), st.integers(1, 40))
def test_a_rectangle_covers_the_tiles_of_its_pixels(
    x: int, y: int, width: int, height: int
) -> None:
    rows, columns = covered(Rect(x, y, width, height))
    touched = {(r // TILE, c // TILE) for r in range(y, y + height) for c in range(x, x + width)}
    assert touched == {
        (r, c) for r in range(rows.start, rows.stop) for c in range(columns.start, columns.stop)
    }


def test_whole_tiles_are_the_pixels_of_what_is_covered() -> None:
    mask = blank_pixel_mask(70, 50)
    assert mask.shape == (64, 80)
    mask[whole_tiles(covered(Rect(20, 15, 1, 2)))] = True
    assert count_by_tile(mask).tolist() == [
        [0, 256, 0, 0, 0],
        [0, 256, 0, 0, 0],
        [0] * 5,
        [0] * 5,
    ]


def test_a_picture_has_a_bound_on_its_pixels_and_on_its_sides() -> None:
    check_size(1, 1)
    check_size(MAX_SIDE, MAX_AREA // MAX_SIDE)
    with pytest.raises(ValueError, match=str(MAX_AREA)):
        check_size(MAX_SIDE, MAX_AREA // MAX_SIDE + 1)
    with pytest.raises(ValueError, match=str(MAX_SIDE)):
        check_size(MAX_SIDE + 1, 1)
