"""Pictures of a screen: taken from the X server and from a page, and compared."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks import x11

Rgb = npt.NDArray[np.uint8]
"""height × width × (R, G, B)."""

TILE = 16


def of_display(display: int) -> Rgb:
    """What an X server's first screen shows, without the pointer."""
    connection = x11.XConnection(display)
    size = connection.screen.width, connection.screen.height
    connection.send(x11.get_image(connection.screen.root, (0, 0, *size)))
    data = np.frombuffer(connection.reply(), np.uint8, offset=32)[: 4 * size[0] * size[1]]
    connection.close()
    return np.ascontiguousarray(data.reshape(size[1], size[0], 4)[:, :, 2::-1])


def of_data_url(url: str) -> Rgb:
    """A PNG file as a canvas gives it."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


def digest(rgb: Rgb) -> str:
    """What ``page_frames.js`` finds for this picture; for comparing, not against anybody."""
    wide = rgb.reshape(-1, 3).astype(np.uint32)
    pixels = (wide[:, 0] | wide[:, 1] << 8 | wide[:, 2] << 16) + np.uint32(1)
    i = np.arange(len(pixels), dtype=np.uint32)
    one = pixels * ((2 * i + 1) * np.uint32(0x9E3779B1))
    two = pixels * ((i ^ i >> 7) * np.uint32(0x85EBCA6B) | np.uint32(1))
    return f"{one.sum(dtype=np.uint32)} {two.sum(dtype=np.uint32)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Between what is shown and what should be."""

    pixels: int
    """That differ."""
    largest: int
    """Of any channel of any pixel, 0 to 255."""

    @classmethod
    def between(cls, one: Rgb, other: Rgb) -> "Difference":
        """Raises ValueError for pictures of different sizes."""
        if one.shape != other.shape:
            raise ValueError(f"pictures of {one.shape} and {other.shape}")
        apart = np.abs(one.astype(np.int16) - other).max(axis=2)
        return cls(int(np.count_nonzero(apart)), int(apart.max()))


def lossless_bytes(shown: Rgb, wanted: Rgb) -> int:
    """The size of a small PNG file with what *shown* lacks of *wanted*, by tiles; 0 for nothing.

    What a gateway must send at least, about, to make the picture exact.
    """
    wrong = np.any(shown != wanted, axis=2)
    if not wrong.any():
        return 0
    height, width = wrong.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), bool)
    padded[:height, :width] = wrong
    tiles = padded.reshape(rows, TILE, columns, TILE).any(axis=(1, 3))
    mask = tiles.repeat(TILE, 0).repeat(TILE, 1)[:height, :width]
    needed = Image.fromarray(np.where(mask[:, :, None], wanted, 0).astype(np.uint8))
    file = io.BytesIO()
    needed.save(file, "PNG", compress_level=9)
    return file.tell()
