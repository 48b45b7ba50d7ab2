"""The server's clipboard."""

import pytest

from unit.rfb.server_bytes import heard, heard_bytewise, opened, s32
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.client_messages import MAX_CUT_TEXT_BYTES
from webvdi.rfb.events import Bell, CutText


def test_text_in_latin_1() -> None:
    data = b"\3\0\0\0" + s32(5) + "Grüße".encode("latin-1") + b"\2"
    assert heard_bytewise(opened(), data) == [CutText("Grüße"), Bell()]


def test_text_of_the_most_bytes_and_of_one_more() -> None:
    for size, events in ((MAX_CUT_TEXT_BYTES, 2), (MAX_CUT_TEXT_BYTES + 1, 1)):
        said = heard(opened(), b"\3\0\0\0" + s32(size) + b"x" * size + b"\2")
        assert len(said) == events
        assert said[-1] == Bell()


def test_an_extended_message() -> None:
    with pytest.raises(RemoteProtocolError, match="extended clipboard"):
        heard(opened(), b"\3\0\0\0" + s32(-4))
