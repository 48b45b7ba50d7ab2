"""Rectangles drawn together look as if they were drawn one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from webvdi.rfb.decoders import subrects


@given(seed=st.integers(0, 2**32 - 1), scratch=st.sampled_from([64, 640, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_as_one_by_one(seed: int, scratch: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 60))
    x, y = rng.integers(0, 40, count), rng.integers(0, 30, count)
    widths = np.minimum(rng.integers(0, 20, count), 40 - x)
    heights = np.minimum(rng.integers(0, 20, count), 30 - y)
    colours = rng.integers(0, 1 << 24, count).astype(np.uint32)
    expected = np.zeros((30, 40), np.uint32)
    for i in range(count):
        expected[y[i] : y[i] + heights[i], x[i] : x[i] + widths[i]] = colours[i]
    picture = np.zeros((30, 40), np.uint32)
    before, subrects.MAX_SCRATCH_PIXELS = subrects.MAX_SCRATCH_PIXELS, scratch  # type: ignore[misc]
    try:
        subrects.draw_subrects(picture, x, y, widths, heights, colours)
    finally:
        subrects.MAX_SCRATCH_PIXELS = before  # type: ignore[misc]
    np.testing.assert_array_equal(picture, expected)
