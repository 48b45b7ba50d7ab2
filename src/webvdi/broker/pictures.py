"""Screenshots as engines take them, as browsers want them."""

import re

import numpy as np

from webvdi.codecs.png import encode_png
from webvdi.vmm.errors import MonitorLost

_PNG = b"\x89PNG\r\n\x1a\n"
_PPM = re.compile(rb"P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s")
"""The header that QEMU writes (netpbm's ppm(5), without its comments)."""


def as_png(picture: bytes) -> bytes:
    """*picture*, a PNG or a PPM, as PNG.  Raises ``MonitorLost`` where it is neither."""
    if picture.startswith(_PNG):
        return picture
    header = _PPM.match(picture)
    if header is None:
        raise MonitorLost("the engine's screenshot is no picture")
    width, height = int(header[1]), int(header[2])
    body = np.frombuffer(picture, np.uint8, offset=header.end())
    if body.size != width * height * 3:
        raise MonitorLost("the engine's screenshot is only a part of a picture")
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, :3] = body.reshape(height, width, 3)[:, :, ::-1]
    return encode_png(pixels)
