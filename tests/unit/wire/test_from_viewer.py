"""What a viewer may not send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.from_viewer import (
    MAX_CLIPBOARD_BYTES,
    MAX_NOTCHES,
    MAX_TEXT_BYTES,
    Text,
    Wheel,
    decode_from_viewer,
    encode_from_viewer,
)


@given(st.binary(max_size=64))
def test_any_bytes_give_a_message_or_a_protocol_error(data: bytes) -> None:
    try:
        message = decode_from_viewer(data)
    except RemoteProtocolError:
        return
    assert encode_from_viewer(message) == data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\x7f", "unknown type 0x7f"),
        (b"\x01\x01\x00\x00\x00" + bytes(12), "version 1"),
        (b"\x01\x03\x09\x00\x00" + bytes(12), "credential kind 9"),
        (b"\x03\x02", "0 or 1"),
        (b"\x07\x05" + bytes(4), "unknown action 5"),
        (b"\x15\x00\x00\x00\x01\xff", "UTF-8"),
        (b"\x15\x00\x00\x00\x01" + b"a" * (MAX_TEXT_BYTES + 1), "4096 is the most"),
        (b"\x16\x00\x00\x00\x01" + b"a" * (MAX_CLIPBOARD_BYTES + 1), "is the most"),
        (encode_from_viewer(Wheel(1, 0, 0, 0, MAX_NOTCHES + 1)), "notches"),
    ],
)
def test_what_is_refused_is_named(data: bytes, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says):
        decode_from_viewer(data)


def test_text_may_be_as_long_as_its_bound() -> None:
    text = Text(1, "a" * MAX_TEXT_BYTES)
    assert decode_from_viewer(encode_from_viewer(text)) == text
