"""CopyRect."""

import pytest

from unit.rfb.server_bytes import heard, heard_bytewise, opened, rectangle, u16, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.encodings import Encoding
from webvdi.rfb.events import Copied, UpdateEnded


def test_a_copy() -> None:
    data = update(rectangle(1, 2, 3, 4, Encoding.COPY_RECT, u16(61, 44)))
    assert heard_bytewise(opened(64, 48), data) == [Copied(Rect(1, 2, 3, 4), 61, 44), UpdateEnded()]


@pytest.mark.parametrize("source", [(62, 44), (61, 45), (65535, 0)])
def test_a_copy_from_outside(source: tuple[int, int]) -> None:
    data = update(rectangle(1, 2, 3, 4, Encoding.COPY_RECT, u16(*source)))
    with pytest.raises(RemoteProtocolError, match="outside its 64x48 screen"):
        heard(opened(64, 48), data)
