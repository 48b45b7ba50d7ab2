"""The wire's codecs read as docs/reference/viewer-protocol.md describes them, images by Pillow."""

import io
import struct

import numpy as np
import numpy.typing as npt
from PIL import Image

from webvdi.codecs import Encoded, Kind
from webvdi.framebuffer import Pixels, Rect

Rgb = npt.NDArray[np.uint8]
"""Shape (height, width, 3): R, G, B."""


def pixels_of(rgb: Rgb) -> Pixels:
    """Pixels of the mirror's layout."""
    return np.ascontiguousarray(np.dstack([rgb[:, :, ::-1], np.full(rgb.shape[:2], 255, np.uint8)]))


def image(file: bytes) -> Rgb:
    """An image file's pixels."""
    with Image.open(io.BytesIO(file)) as opened:
        return np.asarray(opened.convert("RGB"))


def decoded(encoded: Encoded, width: int, height: int) -> Rgb:
    """R, G, B as a browser would see them."""
    match encoded.kind:
        case Kind.FILL:
            return np.full((height, width, 3), np.frombuffer(encoded.payload, np.uint8), np.uint8)
        case Kind.INDEXED:
            return unpacked(encoded.payload, width, height)
        case Kind.PNG | Kind.JPEG:
            return image(encoded.payload)
        case Kind.SHEET:
            raise AssertionError("a sheet is not one rectangle")


def unpacked(payload: bytes, width: int, height: int) -> Rgb:
    """The indexed codec, bit by bit."""
    count = payload[0] + 1
    palette = np.frombuffer(payload, np.uint8, 3 * count, 1).reshape(count, 3)
    bits = next(b for b in (1, 2, 4, 8) if count <= 1 << b)
    stride = -(-width * bits // 8)
    rows = np.frombuffer(payload, np.uint8, offset=1 + 3 * count).reshape(height, stride)
    indices = [
        [int(row[i * bits // 8]) >> (8 - bits - i * bits % 8) & ((1 << bits) - 1)]
        for row in rows
        for i in range(width)
    ]
    rgb: Rgb = palette[np.array(indices).reshape(height, width)]
    return rgb


def sheet_parts(payload: bytes) -> tuple[int, list[tuple[Rect, Rgb]]]:
    """A sheet's picture codec, and its parts."""
    codec, count = struct.unpack_from(">BH", payload)
    picture = image(payload[3 + 12 * count :])
    parts = []
    for n in range(count):
        x, y, width, height, left, top = struct.unpack_from(">6H", payload, 3 + 12 * n)
        part = picture[top : top + height, left : left + width]
        assert part.shape == (height, width, 3), "a part reaches out of its sheet"
        parts.append((Rect(x, y, width, height), part))
    return codec, parts


def image_size(payload: bytes) -> tuple[int, int]:
    """Width and height of a sheet's picture."""
    _, count = struct.unpack_from(">BH", payload)
    with Image.open(io.BytesIO(payload[3 + 12 * count :])) as opened:
        return opened.size
