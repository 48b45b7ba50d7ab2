"""Framebuffer updates as a whole."""

import pytest

from unit.rfb.server_bytes import heard, heard_bytewise, opened, rectangle, u16, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.encodings import Encoding, PseudoEncoding
from webvdi.rfb.events import Bell, UpdateEnded

LAST = rectangle(0, 0, 0, 0, PseudoEncoding.LAST_RECT)


def test_an_update_of_nothing() -> None:
    assert heard_bytewise(opened(), update()) == [UpdateEnded()]


def test_the_last_rectangle_may_come_earlier_than_counted() -> None:
    empty = rectangle(0, 0, 0, 0, Encoding.RAW)
    data = b"\0\0" + u16(0xFFFF) + empty + empty + LAST + b"\2"
    assert heard_bytewise(opened(), data) == [UpdateEnded(), Bell()]


@pytest.mark.parametrize("place", [(64, 0, 1, 1), (0, 48, 1, 1), (60, 40, 5, 8), (60, 40, 4, 9)])
@pytest.mark.parametrize("encoding", [*Encoding])
def test_a_rectangle_outside(place: tuple[int, int, int, int], encoding: Encoding) -> None:
    with pytest.raises(RemoteProtocolError, match="outside its 64x48 screen"):
        heard(opened(64, 48), update(rectangle(*place, encoding)))


def test_an_unknown_encoding() -> None:
    with pytest.raises(RemoteProtocolError, match="encoding -999"):
        heard(opened(), update(rectangle(0, 0, 1, 1, -999)))
