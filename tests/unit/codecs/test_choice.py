"""What is encoded decodes to the same pixels, and the choice fits the content."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from webvdi.codecs import Encoded, Kind, encode_lossless, encode_lossy, is_photographic
from webvdi.framebuffer import Pixels


def picture(rgb: npt.NDArray[np.uint8]) -> Pixels:
    """Pixels of the mirror's layout from (h, w, 3) R, G, B."""
    return np.ascontiguousarray(np.dstack([rgb[:, :, ::-1], np.full(rgb.shape[:2], 255, np.uint8)]))


def decoded(encoded: Encoded, width: int, height: int) -> npt.NDArray[np.uint8]:
    """R, G, B as a browser would see them."""
    match encoded.kind:
        case Kind.FILL:
            return np.full((height, width, 3), np.frombuffer(encoded.payload, np.uint8), np.uint8)
        case Kind.INDEXED:
            return unpacked(encoded.payload, width, height)
        case Kind.PNG | Kind.JPEG:
            return np.asarray(Image.open(io.BytesIO(encoded.payload)).convert("RGB"))


def unpacked(payload: bytes, width: int, height: int) -> npt.NDArray[np.uint8]:
    """The indexed codec, read as the reference describes it, bit by bit."""
    count = payload[0] + 1
    palette = np.frombuffer(payload, np.uint8, 3 * count, 1).reshape(count, 3)
    bits = next(b for b in (1, 2, 4, 8) if count <= 1 << b)
    stride = -(-width * bits // 8)
    rows = np.frombuffer(payload, np.uint8, offset=1 + 3 * count).reshape(height, stride)
    indices = [
        [int(row[i * bits // 8]) >> (8 - bits - i * bits % 8) & ((1 << bits) - 1)]
        for row in rows
        for i in range(width)
    ]
    rgb: npt.NDArray[np.uint8] = palette[np.array(indices).reshape(height, width)]
    return rgb


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_lossless_is_exact(width: int, height: int, colours: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 3), np.uint8)
    rgb = palette[random.integers(0, colours, (height, width))]
    assert np.array_equal(decoded(encode_lossless(picture(rgb)), width, height), rgb)


@pytest.mark.parametrize("smooth", [False, True])
def test_large_pictures_are_exact(smooth: bool) -> None:
    random = np.random.default_rng(7)
    rgb = np.zeros((200, 300, 3), np.uint8)
    if smooth:
        rgb[:] = np.cumsum(random.integers(0, 5, rgb.shape), axis=1).astype(np.uint8)
    else:
        rgb[20:40, 30:200] = random.integers(0, 256, (20, 170, 3), np.uint8)
    pixels = picture(rgb)
    assert is_photographic(pixels) is smooth
    encoded = encode_lossless(pixels)
    assert encoded.kind is Kind.PNG
    assert np.array_equal(decoded(encoded, 300, 200), rgb)


def test_one_colour_is_a_fill() -> None:
    pixels = picture(np.full((50, 60, 3), (1, 2, 3), np.uint8))
    assert encode_lossless(pixels) == Encoded(Kind.FILL, b"\x01\x02\x03")


def test_equal_corners_do_not_make_a_fill() -> None:
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[50, 50] = 255
    encoded = encode_lossless(picture(rgb))
    assert encoded.kind is not Kind.FILL
    assert np.array_equal(decoded(encoded, 100, 100), rgb)


def test_photographs_go_lossy_and_close() -> None:
    y, x = np.mgrid[0:128, 0:128]
    rgb = np.dstack([x * 2, y * 2, (x + y)]).astype(np.uint8)
    encoded = encode_lossy(picture(rgb), 85)
    assert encoded.kind is Kind.JPEG
    assert encoded.lossy
    error = decoded(encoded, 128, 128).astype(int) - rgb
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 35


def test_text_stays_lossless_when_lossy_is_allowed() -> None:
    rgb = np.full((128, 128, 3), 255, np.uint8)
    rgb[::9, ::7] = 0
    assert not encode_lossy(picture(rgb), 85).lossy


def test_a_single_column_is_not_photographic() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (90, 1, 3), np.uint8)
    encoded = encode_lossy(picture(rgb), 85)
    assert np.array_equal(decoded(encoded, 1, 90), rgb)
