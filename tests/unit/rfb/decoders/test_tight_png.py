"""Tight PNG's own rules; the pictures themselves are in test_png.py."""

import numpy as np
import pytest
import simplejpeg

from unit.rfb import encoders
from unit.rfb.server_bytes import heard, opened, rectangle, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.encodings import Encoding
from webvdi.rfb.events import Painted


@pytest.mark.parametrize("control", [0x00, 0x40, 0xB0, 0xF0])
def test_there_are_no_other_kinds(control: int) -> None:
    with pytest.raises(RemoteProtocolError, match=f"unknown kind {control >> 4}"):
        heard(opened(), update(rectangle(0, 0, 4, 4, Encoding.TIGHT_PNG, bytes([control]))))


def test_jpeg_as_in_tight() -> None:
    data = simplejpeg.encode_jpeg(np.full((8, 8, 3), 90, np.uint8), quality=90)
    body = b"\x90" + encoders.compact_length(len(data)) + data
    events = heard(opened(), update(rectangle(0, 0, 8, 8, Encoding.TIGHT_PNG, body)))
    assert isinstance(events[0], Painted)
    assert abs(int(events[0].pixels[3, 3, 0]) - 90) < 3
