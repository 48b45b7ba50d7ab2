"""Hextile beyond what an honest encoder sends."""

import numpy as np
import pytest

from unit.rfb.server_bytes import heard, heard_bytewise, opened, painted, rectangle, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Pixels
from webvdi.rfb.encodings import Encoding

RED, BLUE = b"\0\0\xff\0", b"\xff\0\0\0"


def tile(width: int, height: int, body: bytes) -> bytes:
    return update(rectangle(0, 0, width, height, Encoding.HEXTILE, body))


def drawn(width: int, height: int, body: bytes) -> Pixels:
    return painted(heard_bytewise(opened(), tile(width, height, body)), width, height)


def test_later_rectangles_lie_on_earlier_ones() -> None:
    body = b"\x1a" + RED + b"\2" + BLUE + b"\x00\x22" + RED + b"\x11\x00"
    picture = drawn(4, 4, body)
    expected = np.zeros((4, 4, 4), np.uint8)
    expected[:, :, 2] = 255
    expected[0:3, 0:3] = (255, 0, 0, 0)
    expected[1, 1] = (0, 0, 255, 0)
    np.testing.assert_array_equal(picture, expected)


def test_colours_live_on_to_the_next_tile() -> None:
    body = b"\x0e" + RED + BLUE + b"\1\x00\x00" + b"\x08\1\x00\x00" + b"\0"
    picture = drawn(40, 1, body)
    assert picture[0, 0].tobytes() == picture[0, 16].tobytes() == BLUE
    assert picture[0, 1].tobytes() == picture[0, 17].tobytes() == picture[0, 39].tobytes() == RED


def test_very_many_rectangles_are_drawn_in_portions() -> None:
    one = b"\x1a" + RED + b"\xff" + b"".join(BLUE + bytes([i, 0]) for i in range(255))
    picture = painted(heard(opened(64 * 16, 16), tile(64 * 16, 16, one * 64)), 64 * 16, 16)
    # Place 255, the pixel at (15, 15), is the only one left out of each tile.
    assert (picture[15, 15::16] == (0, 0, 255, 0)).all()
    assert (picture == (0, 0, 255, 0)).all(axis=2).sum() == 64


def test_no_rectangles_may_be_announced() -> None:
    assert drawn(2, 2, b"\x0a" + RED + b"\0")[1, 1].tobytes() == RED


@pytest.mark.parametrize("place", [b"\x30\x10", b"\x03\x01", b"\xf0\x00", b"\x00\x40"])
def test_a_rectangle_that_reaches_out_of_its_tile(place: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="out of its tile"):
        heard(opened(), tile(4, 4, b"\x0e" + RED + BLUE + b"\1" + place))
