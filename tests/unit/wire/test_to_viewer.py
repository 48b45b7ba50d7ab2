"""What a session may not send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.to_viewer import decode_to_viewer


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
