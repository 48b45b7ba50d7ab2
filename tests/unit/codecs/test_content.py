"""What regions show is told by their tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import Rgb, pixels_of
from webvdi.codecs import Content, contents, encode, expected_bytes

FLAT, TEXT, PHOTO = Content.FLAT, Content.TEXT, Content.PHOTO


def tiles_of(rgb: Rgb) -> list[list[int]]:
    got: list[list[int]] = contents(pixels_of(rgb)).tolist()
    return got


@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_flat_is_exact(
    width: int, height: int, colours: int, seed: int, data: st.DataObject
) -> None:
    """A tile is flat exactly if all its pixels are equal, also where the edge cuts it."""
    tiles = pictures.of_colours(-(-width // 16), -(-height // 16), colours, seed)
    rgb = np.repeat(np.repeat(tiles, 16, axis=0), 16, axis=1)[:height, :width].copy()
    for _ in range(data.draw(st.integers(0, 3))):
        y = data.draw(st.integers(0, height - 1))
        x = data.draw(st.integers(0, width - 1))
        rgb[y, x] ^= 1
    got = contents(pixels_of(rgb))
    assert got.shape == tiles.shape[:2]
    assert got.dtype == np.uint8
    for row in range(got.shape[0]):
        for column in range(got.shape[1]):
            tile = rgb[16 * row : 16 * row + 16, 16 * column : 16 * column + 16].reshape(-1, 3)
            assert (int(got[row, column]) == FLAT) is (len(np.unique(tile, axis=0)) == 1)


def test_photographs_and_text_are_told_apart() -> None:
    left, right = pictures.photograph(160, 96), pictures.text(160, 96)
    got = contents(pixels_of(np.hstack([left, right])))
    assert (got[:, :10] == PHOTO).mean() > 0.95
    assert (got[:, 10:] == TEXT).mean() > 0.95


def test_noise_is_photographic() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    assert tiles_of(noise) == [[PHOTO] * 4] * 4


@pytest.mark.parametrize("turned", [False, True])
def test_a_gradient_is_not(turned: bool) -> None:
    """It is equal in one direction, and takes few bytes without loss."""
    ramp = np.arange(128, dtype=np.uint8)[None, :, None].repeat(128, 0).repeat(3, 2)
    rgb = np.ascontiguousarray(ramp.transpose(1, 0, 2) if turned else ramp)
    assert tiles_of(rgb) == [[TEXT] * 8] * 8


def test_an_icon_alone_is_no_photograph() -> None:
    rgb = np.full((80, 80, 3), 230, np.uint8)
    rgb[32:48, 32:48] = pictures.photograph(16, 16)
    expected = [[FLAT] * 5 for _ in range(5)]
    expected[2][2] = TEXT
    assert tiles_of(rgb) == expected


def test_writing_on_a_photograph_goes_with_it() -> None:
    rgb = pictures.photograph(112, 112)
    rgb[48:64, 48:64] = pictures.text(16, 16)
    assert tiles_of(rgb) == [[PHOTO] * 7] * 7


def test_a_flat_tile_in_a_photograph_stays_flat() -> None:
    rgb = pictures.photograph(112, 112)
    rgb[48:64, 48:64] = 255
    expected = [[PHOTO] * 7 for _ in range(7)]
    expected[3][3] = FLAT
    assert tiles_of(rgb) == expected


def test_a_view_into_a_larger_picture() -> None:
    whole = pixels_of(np.hstack([pictures.photograph(96, 96), pictures.text(96, 96)]))
    part = whole[16:80, 32:181]
    assert np.array_equal(contents(part), contents(part.copy()))


@pytest.mark.parametrize("quality", [30, 40, 55, 70, 80, 85, 90, 95])
def test_bytes_of_a_photograph_are_foretold(quality: int) -> None:
    pixels = pixels_of(pictures.photograph(320, 320))
    told = expected_bytes(PHOTO, 320 * 320, quality)
    assert told / 3 < len(encode(pixels, quality).payload) < told * 3


def test_bytes_without_loss_are_foretold() -> None:
    """Text of two colours takes a tenth of other text; what a session shows, it has to learn."""
    photo, text = pictures.photograph(320, 320), pictures.text(320, 320)
    for content, rgb, times in ((PHOTO, photo, 3), (TEXT, text, 12)):
        told = expected_bytes(content, 320 * 320, None)
        assert told / times < len(encode(pixels_of(rgb)).payload) < told * 3


def test_expected_bytes_grow_with_area_and_quality() -> None:
    assert expected_bytes(PHOTO, 1000, 30) < expected_bytes(PHOTO, 1000, 31)
    assert expected_bytes(PHOTO, 1000, 95) < expected_bytes(PHOTO, 1000, None)
    assert expected_bytes(TEXT, 1000, 50) == expected_bytes(TEXT, 1000, None)
    assert expected_bytes(TEXT, 1000, None) < expected_bytes(TEXT, 2000, None)
    assert expected_bytes(FLAT, 256, None) < expected_bytes(TEXT, 256, None)
