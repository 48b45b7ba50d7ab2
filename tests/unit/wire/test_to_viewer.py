"""What a session may not send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.to_viewer import (
    Codec,
    PackedUpdate,
    Piece,
    Update,
    decode_to_viewer,
    encode_to_viewer,
    pack_pieces,
)


@given(st.binary(max_size=64))
def test_any_bytes_give_a_message_or_a_protocol_error(data: bytes) -> None:
    try:
        decode_to_viewer(data)
    except RemoteProtocolError:
        return


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\x01", "unknown type 0x01"),
        (b"\x85\x63\x00\x00", "99"),
        (b"\x83\x00\x00\x00\x01\x00\x00\x01\x2a" + bytes(12), "42"),
        (b"\x8f\x00\x01\x00\x00\x00\x01\x04\x00\x00\x00\x00", "4 is not"),
        (b"\x8f\x00\x01\x00\x00\x00\x01\x03\x00\x08\x00\x00", "the colour 8"),
        (b"\x8f\x00\x02\x00\x00\x00\x01\x03\x00\x07\x00\x00", "cut short"),
    ],
)
def test_what_is_refused_is_named(data: bytes, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says):
        decode_to_viewer(data)


@pytest.mark.parametrize("codec", [Codec.PNG, Codec.JPEG])
def test_a_picture_that_no_viewer_takes_is_not_sent(codec: Codec) -> None:
    pack_pieces([Piece(codec, 0, 0, 8192, 8192, b"")])
    with pytest.raises(ValueError, match="8192x8193 pixels; 67108864 are the most"):
        pack_pieces([Piece(codec, 0, 0, 8192, 8193, b"")])


def test_pieces_that_cannot_be_counted_are_not_sent() -> None:
    with pytest.raises(ValueError, match="65536 pieces; 65535 are the most"):
        pack_pieces([Piece(Codec.FILL, 0, 0, 1, 1, b"rgb")] * 65536)


def test_an_update_whose_pieces_are_packed_once_is_the_same_bytes() -> None:
    pieces = (Piece(Codec.FILL, 1, 2, 3, 4, b"rgb"), Piece(Codec.PNG, 5, 6, 7, 8, b"png"))
    packed = pack_pieces(pieces)
    for number, lossy in ((1, False), (77, True)):
        assert encode_to_viewer(PackedUpdate(number, lossy, packed)) == encode_to_viewer(
            Update(number, lossy, pieces)
        )
