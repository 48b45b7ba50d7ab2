"""Fences."""

import pytest

from unit.rfb.server_bytes import heard_bytewise, opened, u32
from webvdi.base.errors import RemoteProtocolError

REQUEST = 1 << 31


def fence(flags: int, payload: bytes) -> bytes:
    return b"\xf8\0\0\0" + u32(flags) + bytes([len(payload)]) + payload


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(64))])
def test_a_request_comes_back_with_the_flags_that_are_known(payload: bytes) -> None:
    protocol = opened()
    assert heard_bytewise(protocol, fence(REQUEST | 0x7FFFFFFF, payload)) == []
    assert protocol.data_to_send() == fence(0b111, payload)


def test_an_answer_is_not_answered() -> None:
    protocol = opened()
    assert heard_bytewise(protocol, fence(1, b"who asked?")) == []
    assert protocol.data_to_send() == b""


def test_a_payload_beyond_its_bound() -> None:
    with pytest.raises(RemoteProtocolError, match="65 bytes; 64 are the most"):
        heard_bytewise(opened(), fence(REQUEST, bytes(65)))
