"""Tight beyond what the property test's encoder sends."""

import numpy as np
import pytest
import simplejpeg

from unit.rfb.encoders import Deflater, TightServer, compact_length, picture, rgb
from unit.rfb.server_bytes import heard, heard_bytewise, opened, painted, rectangle, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Pixels
from webvdi.rfb.encodings import Encoding


def tight(width: int, height: int, body: bytes) -> bytes:
    return update(rectangle(0, 0, width, height, Encoding.TIGHT, body))


def jpeg(width: int, height: int, quality: int = 90) -> tuple[bytes, Pixels]:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2] = x, y, 255 - x
    return simplejpeg.encode_jpeg(rgb(pixels), quality), pixels


def test_jpeg_comes_close_to_the_picture() -> None:
    data, pixels = jpeg(60, 40)
    body = b"\x90" + compact_length(len(data)) + data
    result = painted(heard_bytewise(opened(), tight(60, 40, body)), 60, 40)
    error = np.mean((result.astype(float) - pixels) ** 2)
    assert 10 * np.log10(255**2 / error) > 35


def test_jpeg_of_another_size() -> None:
    data, _ = jpeg(60, 40)
    body = b"\x90" + compact_length(len(data)) + data
    with pytest.raises(RemoteProtocolError, match="60x40 pixels for a rectangle of 40x40"):
        heard(opened(), tight(40, 40, body))


@pytest.mark.parametrize("cut", [0, 2, 100, 200])
def test_jpeg_that_is_none(cut: int) -> None:
    data = jpeg(60, 40)[0][:cut]
    body = b"\x90" + compact_length(len(data)) + data
    with pytest.raises(RemoteProtocolError, match="JPEG"):
        heard(opened(), tight(60, 40, body))


@pytest.mark.parametrize("size", [3, 200, 20_000])
def test_lengths_of_one_two_and_three_bytes(size: int) -> None:
    width = max(size // 100, 1)
    height = size // width
    pixels = picture(height, width, seed=size)
    body = TightServer().copy(pixels)
    result = painted(heard_bytewise(opened(256, 256), tight(width, height, body)), width, height)
    np.testing.assert_array_equal(result, pixels)


def test_a_fill_of_a_large_screen_comes_in_bands() -> None:
    message = update(rectangle(0, 0, 4096, 4096, Encoding.TIGHT, b"\x80\x10\x20\x30"))
    bands = heard(opened(4096, 4096), message)[:-1]
    assert len(bands) == 64
    assert painted(bands, 4096, 4096)[4095, 4095].tolist() == [0x30, 0x20, 0x10, 0]


def compressed(data: bytes) -> bytes:
    body = Deflater().deflate(data)
    return compact_length(len(body)) + body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xa0", "unknown kind 10"),
        (b"\xf0", "unknown kind 15"),
        (b"\x40\x03", "unknown Tight filter 3"),
        (b"\x00" + compressed(bytes(47)), "47 bytes instead of 48"),
        (b"\x00" + compressed(bytes(49)), "more than the 48"),
        (b"\x00\xff\xff\x7f", "announced 2097151 bytes of Tight"),
        (b"\x00\x04junk", "cannot be decompressed"),
        (b"\x40\x01\x02rgbrgbrgb" + compressed(b"\0" * 15 + b"\3"), "beyond the 3"),
        (b"\x40\x01\x00rgb" + b"\0\0\0\x10", "beyond the 1"),
    ],
)
def test_broken_rectangles(body: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        heard(opened(), tight(4, 4, body))


def test_a_stream_goes_on_until_it_is_reset() -> None:
    server, protocol = TightServer(), opened()
    pixels = picture(8, 8)
    first, second = server.copy(pixels, 2), server.copy(pixels, 2)
    heard(protocol, tight(8, 8, first) + tight(8, 8, second))
    reset = server.reset(2)
    third = server.copy(pixels, 2)
    with pytest.raises(RemoteProtocolError):
        heard(protocol, tight(8, 8, third))
    protocol = opened()
    heard(protocol, tight(8, 8, first) + tight(8, 8, bytes([third[0] | reset, *third[1:]])))
