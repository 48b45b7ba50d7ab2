"""The bell."""

from unit.rfb.server_bytes import heard, opened
from webvdi.rfb.events import Bell


def test_each_bell_is_heard() -> None:
    assert heard(opened(), b"\2\2") == [Bell(), Bell()]
