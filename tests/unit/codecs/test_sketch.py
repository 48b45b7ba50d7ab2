"""Sketches are small, sharp, and keep their ground."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import pixels_of
from unit.managed import written
from webvdi.codecs.png import encode_png
from webvdi.codecs.sketch import sketched
from webvdi.framebuffer import TILE, Pixels


def tiles(pixels: Pixels) -> list[Pixels]:
    height, width = pixels.shape[:2]
    return [
        pixels[y : y + TILE, x : x + TILE]
        for y in range(0, height, TILE)
        for x in range(0, width, TILE)
    ]


def colours(pixels: Pixels) -> list[int]:
    found: list[int] = np.unique(np.ascontiguousarray(pixels).view(np.uint32)).tolist()
    return found


@settings(max_examples=60)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_any_tile_has_three_colours_at_most_and_one_of_its_own(
    width: int, height: int, many: int, seed: int
) -> None:
    pixels = pixels_of(pictures.of_colours(width, height, many, seed))
    before = pixels.copy()
    sketch = sketched(pixels)
    assert sketch.shape == pixels.shape
    assert np.array_equal(pixels, before)
    assert (sketch[:, :, 3] == 255).all()
    for drawn, meant in zip(tiles(sketch), tiles(pixels), strict=True):
        assert len(colours(drawn)) <= 3
        assert set(colours(drawn)) & set(colours(meant)), "the ground is lost"
        if len(colours(meant)) == 1:
            assert np.array_equal(drawn, meant)


def test_black_and_white_is_exact() -> None:
    pixels = pixels_of(pictures.text(200, 150))
    assert np.array_equal(sketched(pixels), pixels)


def test_what_hardly_differs_from_the_ground_is_ground() -> None:
    rgb = np.full((16, 16, 3), 120, np.uint8)
    rgb[4:6] += 9
    assert len(colours(sketched(pixels_of(rgb)))) == 1


def test_dark_and_light_ink_stand_on_one_ground() -> None:
    rgb = np.full((16, 16, 3), (200, 200, 190), np.uint8)
    rgb[2:5], rgb[9:11] = (255, 0, 0), 255
    rgb[5] = (210, 170, 160)  # between: nearer to the ground
    sketch = sketched(pixels_of(rgb))[:, :, 2::-1]
    assert np.array_equal(sketch[3, 3], (255, 0, 0))
    assert np.array_equal(sketch[10, 3], (255, 255, 255))
    assert np.array_equal(sketch[5, 3], (200, 200, 190))
    assert np.array_equal(sketch[0, 0], (200, 200, 190))


@pytest.mark.parametrize("seed", [1, 2])
def test_text_takes_a_fraction_of_what_it_does_exactly(seed: int) -> None:
    text = written.coloured(960, 544, seed)
    sketch = encode_png(sketched(text), thorough=True)
    assert len(sketch) <= len(encode_png(text, thorough=True)) / 3
