"""Regions are what is connected, whatever its shape."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from webvdi.framebuffer import TileMask
from webvdi.managed.regions import grown, region_sizes


def sizes_by_flooding(mask: TileMask) -> list[int]:
    """On the same cells, of 2x2 tiles, one at a time."""
    left = {(row // 2, column // 2) for row, column in np.argwhere(mask).tolist()}
    region_of: dict[tuple[int, int], int] = {}
    while left:
        number, ready = len(region_of), [left.pop()]
        while ready:
            row, column = ready.pop()
            region_of[row, column] = number
            around = {(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)} & left
            left -= around
            ready += around
    regions = [region_of[row // 2, column // 2] for row, column in np.argwhere(mask).tolist()]
    return [regions.count(region) for region in regions]


@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    st.integers(0, 2**32 - 1),
    st.floats(0.02, 0.6),
)
def test_regions_are_connected_tiles(mask: TileMask, seed: int, share: float) -> None:
    mask |= np.random.default_rng(seed).random(mask.shape) < share / 2
    sizes = region_sizes(mask)
    assert not sizes[~mask].any()
    assert sizes[mask].tolist() == sizes_by_flooding(mask)


def test_a_spiral_is_one_region() -> None:
    mask = np.zeros((61, 61), np.bool_)
    for turn in range(0, 30, 5):
        low, high = turn, 60 - turn
        mask[low, low : high + 1] = mask[low : high + 1, high] = True
        mask[high, low : high + 1] = mask[low + 5 : high + 1, low] = True
        mask[low + 5, low : low + 6] = True
    assert (region_sizes(mask)[mask] == mask.sum()).all()


def test_a_mask_grows_by_one_tile_in_all_directions() -> None:
    mask = np.zeros((5, 6), np.bool_)
    mask[0, 0] = mask[3, 3] = True
    expected = np.zeros((5, 6), np.bool_)
    expected[0:2, 0:2] = expected[2:5, 2:5] = True
    assert np.array_equal(grown(mask), expected)
