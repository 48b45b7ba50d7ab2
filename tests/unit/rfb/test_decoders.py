"""decode(encode(picture)) is the picture, for each encoding and however the bytes are cut."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.rfb import encoders, server_bytes
from webvdi.framebuffer import Pixels
from webvdi.rfb.encodings import Encoding

Encoder = Callable[[Pixels, encoders.Choose], bytes]


def encoder_of(encoding: Encoding) -> Encoder:
    """A fresh server's encoder; it keeps its zlib streams from call to call."""
    deflater = encoders.Deflater()
    zlib = encoders.Deflater()
    tight = encoders.TightServer()
    by_encoding: dict[Encoding, Encoder] = {
        Encoding.RAW: lambda pixels, choose: encoders.raw(pixels),
        Encoding.RRE: lambda pixels, choose: encoders.rre(pixels),
        Encoding.CORRE: lambda pixels, choose: encoders.corre(pixels),
        Encoding.HEXTILE: encoders.hextile,
        Encoding.ZLIB: lambda pixels, choose: encoders.zlib_raw(pixels, zlib),
        Encoding.ZRLE: lambda pixels, choose: encoders.zrle(pixels, choose, deflater),
        Encoding.TIGHT: tight.any,
        Encoding.TIGHT_PNG: encoders.tight_png,
    }
    return by_encoding[encoding]


PAINTING = [encoding for encoding in Encoding if encoding != Encoding.COPY_RECT]


@pytest.mark.parametrize("encoding", PAINTING)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_encoded_is_what_is_painted(encoding: Encoding, data: st.DataObject) -> None:
    height = data.draw(st.integers(1, 70), "height")
    width = data.draw(st.integers(1, 140), "width")
    encode = encoder_of(encoding)
    seed = data.draw(st.integers(0, 2**32 - 1), "seed")
    rng = np.random.default_rng(seed)

    def choose(count: int) -> int:
        return int(rng.integers(count))

    protocol = server_bytes.opened(width + 5, height + 3)
    # Several updates, since streams and colours live on from rectangle to rectangle.
    for colours in data.draw(st.lists(st.sampled_from([1, 2, 4, 9, 100, 300]), min_size=1)):
        pixels = encoders.picture(height, width, colours=colours, seed=choose(1 << 30))
        body = encode(pixels, choose)
        message = server_bytes.update(server_bytes.rectangle(5, 3, width, height, encoding, body))
        result = server_bytes.painted(server_bytes.heard(protocol, message), width + 5, height + 3)
        np.testing.assert_array_equal(result[3:, 5:], pixels)
        assert not result[:3].any()
        assert not result[:, :5].any()


@pytest.mark.parametrize("encoding", PAINTING)
def test_bytes_may_come_one_by_one(encoding: Encoding) -> None:
    rng = np.random.default_rng(7)
    encode = encoder_of(encoding)
    pixels = encoders.picture(66, 70, colours=12, seed=5)
    body = encode(pixels, lambda count: int(rng.integers(count)))
    message = server_bytes.update(server_bytes.rectangle(0, 0, 70, 66, encoding, body))
    at_once = server_bytes.heard(server_bytes.opened(70, 66), message)
    bytewise = server_bytes.heard_bytewise(server_bytes.opened(70, 66), message)
    assert server_bytes.comparable(bytewise) == server_bytes.comparable(at_once)
    np.testing.assert_array_equal(server_bytes.painted(bytewise, 70, 66), pixels)


@pytest.mark.parametrize("size", [(0, 0), (0, 7), (7, 0)])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (Encoding.RAW, b""),
        (Encoding.COPY_RECT, bytes(4)),
        (Encoding.RRE, bytes(8)),
        (Encoding.CORRE, bytes(8)),
        (Encoding.HEXTILE, b""),
        (Encoding.ZLIB, encoders.zrle_of(b"", encoders.Deflater())),
        (Encoding.TIGHT_PNG, b"\x80rgb"),
        (Encoding.TIGHT_PNG, b"\xa0\x00"),
        (Encoding.ZRLE, encoders.zrle_of(b"", encoders.Deflater())),
        (Encoding.TIGHT, b"\x80rgb"),
        (Encoding.TIGHT, b"\x00"),
        (Encoding.TIGHT, b"\x40\x02"),
        (Encoding.TIGHT, b"\x40\x01\x01rgbRGB"),
        (Encoding.TIGHT, b"\x40\x01\x02rgbRGBrgb"),
    ],
)
def test_an_empty_rectangle_paints_nothing(
    size: tuple[int, int], encoding: Encoding, body: bytes
) -> None:
    message = server_bytes.update(server_bytes.rectangle(1, 1, *size, encoding, body))
    events = server_bytes.heard(server_bytes.opened(), message + b"\2")
    assert [type(event).__name__ for event in events] == ["UpdateEnded", "Bell"]
