"""Palettes are found exactly, however the colours lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import Rgb, pixels_of
from webvdi.codecs import palette
from webvdi.codecs.palette import MAX_COLOURS, Indexed, indexed


def rgb_of(picture: Indexed) -> Rgb:
    words = picture.colours[picture.indices]
    return np.dstack([words >> 16, words >> 8, words]).astype(np.uint8)


def found(rgb: Rgb) -> Indexed:
    picture = indexed(pixels_of(rgb))
    assert picture is not None
    assert len(picture.colours) <= MAX_COLOURS
    assert np.array_equal(rgb_of(picture), rgb)
    return picture


@settings(max_examples=100)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 256), st.integers(0, 2**32 - 1))
def test_any_picture_of_few_colours(width: int, height: int, colours: int, seed: int) -> None:
    found(pictures.of_colours(width, height, colours, seed))


@pytest.mark.parametrize("colours", [1, 2, 3, 255, 256])
@pytest.mark.parametrize("width", [20, 777])
def test_each_colour_is_in_the_palette_once(colours: int, width: int) -> None:
    rgb = pictures.with_every_colour(width, 130, colours, seed=colours)
    assert len(found(rgb).colours) == colours


@pytest.mark.parametrize("side", [17, 24, 500])
def test_257_colours_are_too_many(side: int) -> None:
    assert indexed(pixels_of(pictures.with_every_colour(side, side, 257, seed=3))) is None


@pytest.mark.parametrize("place", [(0, 0), (0, 999), (699, 0), (699, 999), (351, 502)])
def test_a_colour_of_a_single_pixel_is_found(place: tuple[int, int]) -> None:
    rgb = np.full((700, 1000, 3), (9, 8, 7), np.uint8)
    rgb[place] = (0, 0, 1)
    assert len(found(rgb).colours) == 2


def test_black_and_the_colour_of_the_empty_slot_are_told_apart() -> None:
    rgb = np.full((64, 64, 3), 200, np.uint8)
    rgb[9, 9], rgb[9, 11], rgb[50, 3] = (0, 0, 0), (0, 0, 1), (1, 2, 3)
    assert len(found(rgb).colours) == 4


def test_colours_that_come_late_are_found_one_by_one() -> None:
    rgb = np.full((3000, 200, 3), 255, np.uint8)
    for n in range(40):
        rgb[75 * n, (37 * n) % 200] = (n, 0, 2 * n)
    assert len(found(rgb).colours) == 41


def test_the_search_for_rare_colours_ends() -> None:
    """Each block has a colour of its own: more rounds than a picture of few colours deserves."""
    blocks = palette._MAX_ROUNDS + 2
    rgb = np.zeros((blocks * palette._BLOCK // 64, 64, 3), np.uint8)
    rgb[:: palette._BLOCK // 64, 5, 0] = np.arange(1, blocks + 1)
    assert indexed(pixels_of(rgb)) is None


def test_colours_without_slots_of_their_own_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(palette, "_MULTIPLIERS", (np.uint32(0), np.uint32(1)))
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[::2, 0], rgb[1::2, 3] = (0, 0, 1), (0, 0, 2)  # 1 and 2 shifted away: all in slot 0
    assert indexed(pixels_of(rgb)) is None


def test_another_multiplier_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    good = palette._MULTIPLIERS[0]
    monkeypatch.setattr(palette, "_MULTIPLIERS", (np.uint32(0), good))
    assert len(found(pictures.with_every_colour(300, 300, 200, seed=8)).colours) == 200


def test_the_fourth_byte_does_not_matter() -> None:
    rgb = pictures.with_every_colour(90, 90, 30, seed=1)
    pixels = pixels_of(rgb)
    pixels[:, :, 3] = np.random.default_rng(2).integers(0, 256, (90, 90), np.uint8)
    picture = indexed(pixels)
    assert picture is not None
    assert np.array_equal(rgb_of(picture), rgb)
    assert len(picture.colours) == 30


def test_a_view_into_a_larger_picture() -> None:
    whole = pixels_of(pictures.with_every_colour(400, 300, 77, seed=5))
    part = whole[20:200, 33:301]
    picture = indexed(part)
    assert picture is not None
    assert np.array_equal(rgb_of(picture), part[:, :, 2::-1])
