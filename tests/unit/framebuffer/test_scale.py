"""Smaller pictures: the exact average of what each pixel covers."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from webvdi.framebuffer import Pixels, fitting, scaled


def weights(n: int, count: int) -> list[list[Fraction]]:
    """How much of each of *n* pixels each of *count* covers; the definition, in fractions."""
    edges = [Fraction(i * n, count) for i in range(count + 1)]
    return [
        [max(Fraction(0), min(end, Fraction(k + 1)) - max(start, Fraction(k))) for k in range(n)]
        for start, end in pairwise(edges)
    ]


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Pixels, int, int]:
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    pixels = draw(arrays(np.uint8, (height, width, 4)))
    return pixels, draw(st.integers(1, width)), draw(st.integers(1, height))


@given(jobs())
def test_every_pixel_is_the_average_of_its_area_rounded_once(job: tuple[Pixels, int, int]) -> None:
    pixels, width, height = job
    rows, columns = weights(pixels.shape[0], height), weights(pixels.shape[1], width)
    area = Fraction(pixels.shape[0] * pixels.shape[1], width * height)
    result = scaled(pixels, width, height)
    assert (result[:, :, 3] == 255).all()
    for y, x, channel in np.ndindex(height, width, 3):
        total = sum(
            by_row * by_column * int(pixels[r, c, channel])
            for r, by_row in enumerate(rows[y])
            if by_row
            for c, by_column in enumerate(columns[x])
            if by_column
        )
        assert result[y, x, channel] == int(total / area + Fraction(1, 2))


def test_the_largest_screen_overflows_nothing() -> None:
    white = np.full((1, 16384, 4), 255, np.uint8)
    assert (scaled(white, 16383, 1) == 255).all()
    assert (scaled(white.transpose(1, 0, 2), 1, 16383) == 255).all()


def test_the_same_size_is_the_same_picture() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (7, 5, 4), np.uint8)
    assert np.array_equal(scaled(pixels, 5, 7)[:, :, :3], pixels[:, :, :3])


def test_nothing_is_made_larger() -> None:
    with pytest.raises(ValueError, match="only smaller"):
        scaled(np.zeros((4, 4, 4), np.uint8), 5, 4)


@pytest.mark.parametrize(
    ("size", "space", "fits"),
    [
        ((1280, 800), (320, 200), (320, 200)),
        ((1920, 1080), (320, 200), (320, 180)),
        ((600, 1200), (320, 200), (100, 200)),
        ((64, 48), (320, 200), (64, 48)),
        ((16384, 2), (320, 200), (320, 1)),
    ],
)
def test_a_picture_fits_its_space_in_its_own_shape(
    size: tuple[int, int], space: tuple[int, int], fits: tuple[int, int]
) -> None:
    assert fitting(*size, *space) == fits
