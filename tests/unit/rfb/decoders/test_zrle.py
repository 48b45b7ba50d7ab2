"""ZRLE beyond what an honest encoder sends."""

import zlib

import pytest

from unit.rfb.encoders import Deflater, zrle_of
from unit.rfb.server_bytes import heard, opened, rectangle, u32, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.decoders.zrle import max_size
from webvdi.rfb.encodings import Encoding

RGB = b"rgb"


def receive(tiles: bytes, width: int = 4, height: int = 4) -> None:
    body = zrle_of(tiles, Deflater())
    heard(opened(), update(rectangle(0, 0, width, height, Encoding.ZRLE, body)))


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (b"", "cut short"),
        (b"\0" + bytes(47), "cut short"),
        (b"\1rg", "cut short"),
        (b"\2" + RGB + RGB + b"\0\0\0", "cut short"),
        (b"\3" + 3 * RGB + b"\xff" * 4, "beyond the 3"),
        (b"\x11", "unknown kind 17"),
        (b"\x7f", "unknown kind 127"),
        (b"\x81", "unknown kind 129"),
        (b"\x80" + RGB, "cut short"),
        (b"\x80" + RGB + b"\x0e", "cut short"),
        (b"\x80" + RGB + b"\xff", "cut short"),
        (b"\x80" + RGB + b"\x10", "overruns"),
        (b"\x80" + RGB + b"\xff\x00", "overruns"),
        (b"\x82" + RGB + RGB + b"\x81", "cut short"),
        (b"\x82" + RGB + RGB + b"\x01" * 15, "cut short"),
        (b"\x82" + RGB + RGB + b"\x81\x10", "overruns"),
        (b"\x82" + RGB + RGB + b"\x82\x0f", "beyond the 2"),
    ],
)
def test_broken_tiles(tiles: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        receive(tiles)


def test_more_data_than_tiles_can_hold() -> None:
    receive(b"\1" + RGB + bytes(max_size(4, 4) - 4))
    with pytest.raises(RemoteProtocolError, match="more than the"):
        receive(b"\1" + RGB + bytes(max_size(4, 4) - 3))
    with pytest.raises(RemoteProtocolError, match="more than the"):
        receive(bytes(500_000))


def test_more_compressed_data_than_tiles_can_need() -> None:
    body = u32(100_000)
    with pytest.raises(RemoteProtocolError, match="announced 100000 bytes"):
        heard(opened(), update(rectangle(0, 0, 4, 4, Encoding.ZRLE, body)))


def test_what_is_no_zlib_data() -> None:
    body = u32(4) + b"junk"
    with pytest.raises(RemoteProtocolError, match="cannot be decompressed"):
        heard(opened(), update(rectangle(0, 0, 4, 4, Encoding.ZRLE, body)))


def test_a_stream_that_has_ended_brings_no_more_tiles() -> None:
    protocol = opened()
    data = zlib.compress(b"\1" + RGB)
    message = update(rectangle(0, 0, 4, 4, Encoding.ZRLE, u32(len(data)) + data))
    heard(protocol, message)
    with pytest.raises(RemoteProtocolError, match="cut short"):
        heard(protocol, message)
