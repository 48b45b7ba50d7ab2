"""Screenshots as browsers want them."""

import zlib

import pytest

from webvdi.broker.pictures import as_png
from webvdi.vmm.errors import MonitorLost


def test_a_ppm_becomes_a_png_of_the_same_pixels() -> None:
    png = as_png(b"P6\n2 1\n255\n" + bytes([255, 0, 0, 1, 2, 3]))
    start = png.index(b"IDAT") + 4
    length = int.from_bytes(png[start - 8 : start - 4], "big")
    assert zlib.decompress(png[start : start + length])[1:] == bytes([255, 0, 0, 1, 2, 3])


def test_a_png_stays_as_it_is() -> None:
    assert as_png(b"\x89PNG\r\n\x1a\nrest") == b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize("picture", [b"", b"GIF89a", b"P6 2 1 255\n\0\0", b"P6 9999999 1 255\n"])
def test_what_is_no_picture_is_named(picture: bytes) -> None:
    with pytest.raises(MonitorLost, match="picture"):
        as_png(picture)
