"""What is known of tiles is as old as they are."""

import numpy as np

from webvdi.codecs import Content
from webvdi.framebuffer import Frame, Rect
from webvdi.managed.tiles import UNKNOWN, Tiles


def frame(number: int, *places: tuple[int, int]) -> Frame:
    changed = np.zeros((4, 5), np.bool_)
    for place in places:
        changed[place] = True
    return Frame(number, changed, (), changed, resized=False)


def test_a_tile_rests_from_its_last_change_on() -> None:
    tiles = Tiles(4, 5)
    tiles.advance(frame(1, (0, 0), (1, 1)), now=10.0)
    tiles.advance(frame(2, (1, 1)), now=10.2)
    rested = tiles.rested(10.3, 0.25)
    assert rested[0, 0]
    assert rested[3, 3], "never changed"
    assert not rested[1, 1]


def test_a_version_is_that_of_the_newest_tile() -> None:
    tiles = Tiles(4, 5)
    tiles.advance(frame(1, (0, 0)), now=0.0)
    tiles.advance(frame(7, (1, 1)), now=0.0)
    assert tiles.version((Rect(0, 0, 16, 16),)) == 1
    assert tiles.version((Rect(0, 0, 32, 32),)) == 7
    assert tiles.version((Rect(0, 0, 16, 16), Rect(16, 16, 16, 16))) == 7


def test_contents_are_looked_at_once_and_again_where_something_changed() -> None:
    tiles = Tiles(4, 5)
    picture = np.zeros((60, 75, 4), np.uint8)
    everything = np.ones((4, 5), np.bool_)
    assert (tiles.look_at(everything, picture) == Content.FLAT).all()
    picture[:] = np.random.default_rng(1).integers(0, 256, picture.shape, np.uint8)
    assert (tiles.look_at(everything, picture) == Content.FLAT).all()
    tiles.advance(frame(1, (0, 0), (0, 1), (1, 0), (1, 1)), now=0.0)
    assert tiles.kinds[1, 1] == UNKNOWN
    kinds = tiles.look_at(everything, picture)
    assert kinds[1, 1] == Content.PHOTO


def test_only_the_box_around_a_mask_is_looked_at() -> None:
    tiles = Tiles(4, 5)
    mask = np.zeros((4, 5), np.bool_)
    mask[1, 1] = mask[2, 3] = True
    kinds = tiles.look_at(mask, np.zeros((60, 75, 4), np.uint8))
    assert (kinds[1:3, 1:4] == Content.FLAT).all()
    assert (kinds == UNKNOWN).sum() == 4 * 5 - 2 * 3
