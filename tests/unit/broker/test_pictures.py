"""Screenshots as browsers want them."""

import io

import pytest
from PIL import Image

from webvdi.broker.pictures import as_png
from webvdi.vmm.errors import MonitorLost


def test_a_ppm_becomes_a_png_of_the_same_pixels() -> None:
    png = as_png(b"P6\n2 1\n255\n" + bytes([255, 0, 0, 1, 2, 3]))
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.convert("RGB").tobytes() == bytes([255, 0, 0, 1, 2, 3])


def test_a_png_stays_as_it_is() -> None:
    assert as_png(b"\x89PNG\r\n\x1a\nrest") == b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize("picture", [b"", b"GIF89a", b"P6 2 1 255\n\0\0", b"P6 9999999 1 255\n"])
def test_what_is_no_picture_is_named(picture: bytes) -> None:
    with pytest.raises(MonitorLost, match="picture"):
        as_png(picture)
