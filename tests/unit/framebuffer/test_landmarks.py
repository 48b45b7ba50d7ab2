"""Landmarks are chosen by what they look like, so that they are chosen again elsewhere."""

import numpy as np
import pytest

from unit.framebuffer.scenes import blank, noise, paint, put, text
from webvdi.framebuffer import Pixels, Rect
from webvdi.framebuffer.grid import grid_shape, words
from webvdi.framebuffer.landmarks import MAX_LANDMARKS, Votes, votes


def cast(old: Pixels, new: Pixels) -> Votes:
    """The votes if everything counts as changed."""
    rows, columns = grid_shape(new.shape[1], new.shape[0])
    everything = np.ones((rows, columns), np.bool_)
    return votes(words(old), words(new), everything, Rect(0, 0, columns, rows))


@pytest.mark.parametrize("size", [(320, 200), (1000, 700), (1920, 1080)])
@pytest.mark.parametrize("by", [(0, -13), (5, 0), (-37, 22)])
def test_most_votes_are_for_how_far_things_have_come(
    size: tuple[int, int], by: tuple[int, int]
) -> None:
    (width, height), (dx, dy) = size, by
    large = text(width + 100, height + 100, 1)
    old = large[50 : 50 + height, 50 : 50 + width].copy()
    new = large[50 - dy : 50 - dy + height, 50 - dx : 50 - dx + width].copy()
    found = cast(old, new)
    right = (found.dx == dx) & (found.dy == dy)
    assert right.sum() >= 30
    assert right.mean() > 0.3
    assert (found.x[right] < width).all()
    assert (found.y[right] < height).all()


@pytest.mark.parametrize("colour", range(0, 0xFFFFFF, 0x030507 * 7))
def test_flat_areas_have_none(colour: int) -> None:
    flat = blank(300, 200, colour)
    assert not len(cast(flat, flat).x)


def test_what_stays_has_no_vote() -> None:
    picture = text(300, 200, 1)
    found = cast(picture, picture)
    assert ((found.dx != 0) | (found.dy != 0)).all()


def test_only_changed_tiles_vote() -> None:
    old = noise(320, 320, 1)
    new = put(old, 0, 16, old[:-16])
    changed = np.zeros((20, 20), np.bool_)
    changed[5:15, 8:18] = True
    found = votes(words(old), words(new), changed, Rect(0, 0, 20, 20))
    assert len(found.x) > 20
    assert changed[found.y // 16, found.x // 16].all()


@pytest.mark.parametrize("changed_row", [None, 10])
def test_where_nothing_changed_that_has_room_for_a_landmark_none_votes(
    changed_row: int | None,
) -> None:
    old, new = noise(320, 165, 1), noise(320, 165, 2)  # the last row of tiles is 5 pixels high
    changed = np.zeros((11, 20), np.bool_)
    if changed_row is not None:
        changed[changed_row] = True
    assert not len(votes(words(old), words(new), changed, Rect(0, 0, 20, 11)).x)


def test_their_number_is_bounded_whatever_the_picture() -> None:
    many = noise(2000, 1500, 1)
    found = cast(many[20:].copy(), many[:-20].copy())
    assert 50 < len(found.x) <= 6 * MAX_LANDMARKS
    stripes = blank(2000, 1500)
    for x in range(0, 2000, 4):
        paint(stripes, Rect(x, 0, 2, 1500), x % 12 * 0x010203)
    assert len(cast(stripes, stripes).x) <= 6 * MAX_LANDMARKS


@pytest.mark.parametrize("size", [(1, 1), (31, 100), (100, 12), (32, 13)])
def test_small_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    cast(noise(*size, 1), noise(*size, 1))
