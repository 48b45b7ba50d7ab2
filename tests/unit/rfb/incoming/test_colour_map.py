"""Colour maps mean nothing to us."""

from unit.rfb.server_bytes import heard_bytewise, opened, u16
from webvdi.rfb.events import Bell


def test_entries_are_passed_over() -> None:
    for count in (0, 3, 1000):
        data = b"\1\0" + u16(0, count) + bytes(6 * count) + b"\2"
        assert heard_bytewise(opened(), data) == [Bell()]
