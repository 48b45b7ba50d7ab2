"""RRE and CoRRE beyond what an honest encoder sends."""

import struct

import numpy as np
import pytest

from unit.rfb.server_bytes import heard, opened, painted, rectangle, u32, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.encodings import Encoding

COLOUR = b"bgr\0"
PLACE = {Encoding.RRE: ">4sHHHH", Encoding.CORRE: ">4sBBBB"}
BOTH = pytest.mark.parametrize("encoding", [Encoding.RRE, Encoding.CORRE])


def receive(
    encoding: Encoding, *subrects: tuple[int, int, int, int], count: int | None = None
) -> object:
    records = b"".join(struct.pack(PLACE[encoding], COLOUR, *place) for place in subrects)
    body = u32(len(subrects) if count is None else count) + bytes(4) + records
    events = heard(opened(8, 6), update(rectangle(0, 0, 8, 6, encoding, body)))
    return painted(events, 8, 6)


@BOTH
def test_a_part_is_drawn_where_it_belongs(encoding: Encoding) -> None:
    expected = np.zeros((6, 8, 4), np.uint8)
    expected[1:4, 2:7] = list(COLOUR)
    np.testing.assert_array_equal(receive(encoding, (2, 1, 5, 3), (0, 0, 0, 4)), expected)


@BOTH
@pytest.mark.parametrize("place", [(8, 0, 1, 1), (0, 6, 1, 1), (1, 0, 8, 1), (0, 1, 1, 6)])
def test_a_part_outside_of_its_rectangle(
    encoding: Encoding, place: tuple[int, int, int, int]
) -> None:
    with pytest.raises(RemoteProtocolError, match="outside of the picture"):
        receive(encoding, place)


@BOTH
def test_more_parts_than_pixels_are_refused_before_they_are_read(encoding: Encoding) -> None:
    with pytest.raises(RemoteProtocolError, match="announced 49"):
        receive(encoding, count=49)


@BOTH
def test_parts_larger_than_the_whole(encoding: Encoding) -> None:
    with pytest.raises(RemoteProtocolError, match="larger together than the 8x6"):
        receive(encoding, (0, 0, 8, 6), (0, 0, 1, 1))
