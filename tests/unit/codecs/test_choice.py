"""What is encoded decodes to the same pixels, and the choice fits the content."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import decoded, pixels_of
from webvdi.codecs import Encoded, Kind, encode


@settings(max_examples=100)
@given(st.integers(1, 130), st.integers(1, 130), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_without_a_quality_all_is_exact(width: int, height: int, colours: int, seed: int) -> None:
    rgb = pictures.of_colours(width, height, colours, seed)
    encoded = encode(pixels_of(rgb))
    assert not encoded.lossy
    assert np.array_equal(decoded(encoded, width, height), rgb)


@settings(max_examples=60)
@given(st.integers(1, 130), st.integers(1, 130), st.integers(1, 300), st.integers(30, 95))
def test_what_does_not_say_that_it_is_lossy_is_exact(
    width: int, height: int, colours: int, quality: int
) -> None:
    rgb = pictures.of_colours(width, height, colours, quality)
    encoded = encode(pixels_of(rgb), quality)
    assert encoded.lossy is (encoded.kind is Kind.JPEG)
    got = decoded(encoded, width, height)
    assert got.shape == rgb.shape
    assert encoded.lossy or np.array_equal(got, rgb)


def test_one_colour_is_a_fill() -> None:
    for size in ((1, 1), (60, 50), (1000, 700)):
        rgb = np.full((size[1], size[0], 3), (1, 2, 3), np.uint8)
        for quality in (None, 80):
            assert encode(pixels_of(rgb), quality) == Encoded(Kind.FILL, b"\x01\x02\x03")


@pytest.mark.parametrize("place", [(0, 1), (99, 98), (50, 50), (0, 0), (99, 99)])
def test_one_other_pixel_is_no_fill(place: tuple[int, int]) -> None:
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[place] = 255
    encoded = encode(pixels_of(rgb))
    assert encoded.kind is not Kind.FILL
    assert np.array_equal(decoded(encoded, 100, 100), rgb)


def test_a_letter_needs_no_image_decoder() -> None:
    rgb = np.full((16, 16, 3), 255, np.uint8)
    rgb[3:12, 5], rgb[3, 5:9] = 0, (90, 90, 90)
    encoded = encode(pixels_of(rgb))
    assert encoded.kind is Kind.INDEXED
    assert len(encoded.payload) == 1 + 3 * 3 + 16 * 4


def test_small_noise_goes_as_an_image() -> None:
    """Indices of 8 bits are not compressed."""
    rgb = pictures.with_every_colour(90, 90, 200, seed=1)
    assert encode(pixels_of(rgb)).kind is Kind.PNG


@pytest.mark.parametrize("quality", [30, 50, 85, 95])
def test_photographs_go_lossy_and_close(quality: int) -> None:
    rgb = pictures.photograph(130, 128)
    encoded = encode(pixels_of(rgb), quality)
    assert encoded.kind is Kind.JPEG
    assert encoded.lossy
    assert (
        pictures.psnr(decoded(encoded, 130, 128), rgb) > {30: 30, 50: 31, 85: 33, 95: 36}[quality]
    )


def test_better_quality_takes_more_bytes() -> None:
    pixels = pixels_of(pictures.photograph(256, 256))
    sizes = [len(encode(pixels, quality).payload) for quality in (30, 50, 70, 85, 95)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 3 * sizes[0]


def test_text_stays_exact_when_loss_is_allowed() -> None:
    assert not encode(pixels_of(pictures.text(128, 128)), 85).lossy


def test_a_small_photograph_is_exact_at_once() -> None:
    assert not encode(pixels_of(pictures.photograph(47, 48)), 85).lossy
    assert encode(pixels_of(pictures.photograph(48, 48)), 85).lossy


def test_a_single_column_is_exact() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (5000, 1, 3), np.uint8)
    encoded = encode(pixels_of(rgb), 85)
    assert np.array_equal(decoded(encoded, 1, 5000), rgb)
