"""Pointer shapes."""

import pytest

from unit.rfb.server_bytes import heard, heard_bytewise, opened, rectangle, s32, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Cursor
from webvdi.rfb.encodings import PseudoEncoding
from webvdi.rfb.events import CursorShape, UpdateEnded

CURSOR, ALPHA = PseudoEncoding.CURSOR, PseudoEncoding.CURSOR_WITH_ALPHA


def test_a_mask_hides_pixels() -> None:
    # Nine pixels wide: a row of the mask has two bytes.
    pixels = b"".join(bytes([1 + i, 2, 3, 99]) for i in range(18))
    mask = b"\x80\x00" + b"\x00\x80"
    data = update(rectangle(8, 1, 9, 2, CURSOR, pixels + mask))
    events = heard_bytewise(opened(), data)
    rgba = bytes([3, 2, 1, 255]) + bytes(16 * 4) + bytes([3, 2, 18, 255])
    assert events == [CursorShape(Cursor(9, 2, 8, 1, rgba)), UpdateEnded()]


def test_alpha_is_taken_out_of_the_colours() -> None:
    pixels = bytes([255, 128, 0, 255, 64, 32, 16, 128, 0, 0, 0, 0, 200, 0, 0, 100])
    data = update(rectangle(0, 0, 4, 1, ALPHA, s32(0) + pixels))
    straight = bytes([255, 128, 0, 255, 128, 64, 32, 128, 0, 0, 0, 0, 255, 0, 0, 100])
    assert heard_bytewise(opened(), data)[0] == CursorShape(Cursor(4, 1, 0, 0, straight))


def test_qemu_swaps_red_and_blue() -> None:
    data = update(rectangle(0, 0, 1, 1, ALPHA, s32(0) + bytes([10, 20, 30, 255])))
    events = heard(opened(name="QEMU"), data)
    assert events[0] == CursorShape(Cursor(1, 1, 0, 0, bytes([30, 20, 10, 255])))


@pytest.mark.parametrize("encoding", [CURSOR, ALPHA])
@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_pointer_without_pixels_is_hidden(size: tuple[int, int], encoding: int) -> None:
    body = s32(0) if encoding == ALPHA else b""
    data = update(rectangle(3, 3, *size, encoding, body))
    (shape, _) = heard(opened(), data)
    assert isinstance(shape, CursorShape)
    assert shape.cursor.rgba == b""


def test_a_hot_spot_outside_moves_to_the_edge() -> None:
    data = update(rectangle(9, 7, 1, 1, ALPHA, s32(0) + bytes(4)))
    assert heard(opened(), data)[0] == CursorShape(Cursor(1, 1, 0, 0, bytes(4)))


@pytest.mark.parametrize("encoding", [CURSOR, ALPHA])
@pytest.mark.parametrize("size", [(1025, 1), (1, 1025)])
def test_a_pointer_beyond_its_bound(size: tuple[int, int], encoding: int) -> None:
    with pytest.raises(RemoteProtocolError, match="1024 a side"):
        heard(opened(), update(rectangle(0, 0, *size, encoding)))


def test_alpha_comes_raw_only() -> None:
    with pytest.raises(RemoteProtocolError, match="encoding 7"):
        heard(opened(), update(rectangle(0, 0, 1, 1, ALPHA, s32(7))))
