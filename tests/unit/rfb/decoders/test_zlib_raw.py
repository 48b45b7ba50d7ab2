"""Zlib beyond what an honest encoder sends."""

import numpy as np
import pytest

from unit.rfb import encoders
from unit.rfb.server_bytes import heard, opened, painted, rectangle, u32, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.encodings import Encoding


def receive(body: bytes) -> None:
    heard(opened(), update(rectangle(0, 0, 4, 4, Encoding.ZLIB, body)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (u32(100_000), "announced 100000 bytes"),
        (u32(4) + b"junk", "cannot be decompressed"),
        (encoders.zrle_of(bytes(63), encoders.Deflater()), "63 bytes instead of 64"),
        (encoders.zrle_of(bytes(65), encoders.Deflater()), "more than the 64 bytes"),
    ],
)
def test_broken_rectangles(body: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        receive(body)


def test_a_tall_picture_comes_in_bands() -> None:
    pixels = encoders.picture(700, 600, seed=4)
    body = encoders.zlib_raw(pixels, encoders.Deflater())
    message = update(rectangle(0, 0, 600, 700, Encoding.ZLIB, body))
    events = heard(opened(600, 700), message)
    assert len(events) == 3
    np.testing.assert_array_equal(painted(events, 600, 700), pixels)
