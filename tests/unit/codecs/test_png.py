"""PNG files are exact, and of the form that fits."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import Rgb, image, pixels_of
from unit.managed import written
from webvdi.codecs.png import encode_png


def chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    """A PNG file's chunks, their checksums checked."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(file):
        size, kind = struct.unpack_from(">I4s", file, at)
        data = file[at + 8 : at + 8 + size]
        (crc,) = struct.unpack_from(">I", file, at + 8 + size)
        assert crc == zlib.crc32(kind + data)
        found.append((kind, data))
        at += 12 + size
    return found


def encoded(rgb: Rgb) -> bytes:
    file = encode_png(pixels_of(rgb))
    assert np.array_equal(image(file), rgb)
    assert np.array_equal(image(encode_png(pixels_of(rgb), thorough=True)), rgb)
    return file


@settings(max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_any_picture_is_exact(width: int, height: int, colours: int, seed: int) -> None:
    encoded(pictures.of_colours(width, height, colours, seed))


@settings(max_examples=30)
@given(st.integers(1, 90), st.integers(1, 140), st.integers(0, 2**32 - 1))
def test_any_photograph_is_exact(width: int, height: int, seed: int) -> None:
    encoded(pictures.photograph(width, height, seed))


@pytest.mark.parametrize(
    ("colours", "bits"), [(2, 1), (3, 2), (4, 2), (16, 4), (17, 8), (256, 8), (257, None)]
)
def test_depth_and_kind(colours: int, bits: int | None) -> None:
    """None: full colours."""
    got = chunks(encoded(pictures.with_every_colour(101, 77, colours, seed=2)))
    depth, kind = struct.unpack_from(">BB", got[0][1], 8)
    names = [name for name, _ in got]
    if bits is None:
        assert (depth, kind) == (8, 2)
        assert names == [b"IHDR", b"IDAT", b"IEND"]
    else:
        assert kind == 3
        assert depth >= bits
        assert names == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
        assert len(got[1][1]) == 3 * colours


def test_nothing_tells_a_browser_to_change_colours_or_to_be_transparent() -> None:
    for rgb in (pictures.text(50, 50), pictures.photograph(50, 50)):
        assert {kind for kind, _ in chunks(encoded(rgb))} <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}


def test_more_time_makes_text_smaller_and_photographs_too() -> None:
    photo = pixels_of(pictures.photograph(640, 400))
    for pixels, at_most in ((written.coloured(640, 400), 0.95), (photo, 0.99)):
        assert len(encode_png(pixels, thorough=True)) <= at_most * len(encode_png(pixels))


def test_text_above_a_photograph_is_exact() -> None:
    """Bands of rows are filtered differently; a filtered one may begin under an unfiltered one."""
    text, photo = pictures.text(300, 70), pictures.photograph(300, 100)
    for rgb in (np.vstack([text, photo]), np.vstack([photo, text]), np.vstack([text, photo, text])):
        encoded(np.ascontiguousarray(rgb))


def test_a_view_into_a_larger_picture() -> None:
    whole = pixels_of(pictures.photograph(200, 150))
    part = whole[10:140, 30:170]
    assert np.array_equal(image(encode_png(part)), part[:, :, 2::-1])
