"""What is known of tiles is as old as they are."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.codecs import Content, contents
from webvdi.codecs.content import own_contents
from webvdi.framebuffer import Frame, Pixels, Rect
from webvdi.managed import tiles as tiles_module
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


def test_only_what_is_near_a_mask_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the box around it: that is the whole screen where its corners change."""
    areas = []

    def judged(pixels: Pixels) -> npt.NDArray[np.uint8]:
        areas.append(pixels.shape[0] * pixels.shape[1])
        return own_contents(pixels)

    monkeypatch.setattr(tiles_module, "own_contents", judged)
    tiles = Tiles(180, 320)
    mask = np.zeros((180, 320), np.bool_)
    mask[:4, :4] = mask[-4:, -4:] = True
    kinds = tiles.look_at(mask, np.zeros((2880, 5120, 4), np.uint8))
    assert (kinds[mask] == Content.FLAT).all()
    assert sum(areas) <= 2 * (6 * 16) ** 2
    tiles.look_at(mask, np.zeros((2880, 5120, 4), np.uint8))
    assert len(areas) == 2


@given(st.integers(0, 2**32 - 1))
def test_what_tiles_are_does_not_depend_on_what_was_looked_at_when(seed: int) -> None:
    random = np.random.default_rng(seed)
    tiles = Tiles(8, 9)
    picture = np.zeros((8 * 16 - 5, 9 * 16 - 3, 4), np.uint8)
    everything = np.ones((8, 9), np.bool_)
    for number in range(6):
        changed = random.random((8, 9)) < random.random()
        for row, column in np.argwhere(changed).tolist():
            tile = picture[16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
            tile[...] = random.integers(0, 256, tile.shape if random.random() < 0.7 else 4)
        tiles.advance(Frame(number, changed, (), changed, resized=False), now=0.0)
        mask = random.random((8, 9)) < 0.3
        assert np.array_equal(tiles.look_at(mask, picture)[mask], contents(picture)[mask])
    assert np.array_equal(tiles.look_at(everything, picture), contents(picture))
