"""Rectangles cover exactly what they must, and stay few."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from webvdi.framebuffer import TILE, Rect, rects_of

masks = hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def painted(rects: list[Rect], width: int, height: int) -> npt.NDArray[np.int64]:
    count = np.zeros((height, width), np.int64)
    for r in rects:
        count[r.y : r.bottom, r.x : r.right] += 1
    return count


@given(masks)
def test_every_true_tile_once_and_no_other(mask: npt.NDArray[np.bool_]) -> None:
    width, height = mask.shape[1] * TILE - 3, mask.shape[0] * TILE - 5
    rects = rects_of(mask, width, height, limit=1000)
    expected = np.repeat(np.repeat(mask, TILE, 0), TILE, 1)[:height, :width]
    assert np.array_equal(painted(rects, width, height), expected)


@given(masks, st.integers(1, 6))
def test_a_limit_is_kept_and_nothing_is_missed(mask: npt.NDArray[np.bool_], limit: int) -> None:
    width, height = mask.shape[1] * TILE, mask.shape[0] * TILE
    rects = rects_of(mask, width, height, limit=limit)
    assert len(rects) <= limit
    expected = np.repeat(np.repeat(mask, TILE, 0), TILE, 1)
    covered = painted(rects, width, height)
    assert (covered[expected] == 1).all()
    assert covered.max() <= 1


def test_a_full_screen_is_one_rectangle() -> None:
    assert rects_of(np.ones((68, 120), np.bool_), 1920, 1080) == [Rect(0, 0, 1920, 1080)]


def test_a_checkerboard_stays_bounded() -> None:
    mask = np.indices((68, 120)).sum(axis=0) % 2 == 0
    assert len(rects_of(mask, 1920, 1080)) <= 64


def test_what_is_scattered_far_and_wide_becomes_its_bounds() -> None:
    mask = np.zeros((200, 200), np.bool_)
    mask[8::16, 8::16] = True
    assert rects_of(mask, 3200, 3200, limit=10) == [Rect(128, 128, 2832, 2832)]
