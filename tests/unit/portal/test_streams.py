"""Event streams are counted."""

import pytest

from webvdi.base.errors import Refused
from webvdi.portal.streams import MAX_STREAMS, Streams


def test_each_has_so_many_and_gets_them_back() -> None:
    streams = Streams()
    held = [streams.one("a") for _ in range(MAX_STREAMS)]
    for one in held:
        one.__enter__()
    with pytest.raises(Refused, match=str(MAX_STREAMS)), streams.one("a"):
        pass
    with streams.one("b"):
        pass
    for one in held:
        one.__exit__(None, None, None)
    with streams.one("a"):
        pass
    assert not streams._open
