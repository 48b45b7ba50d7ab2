"""Draws the demo desktop's wallpaper: layered hills under an evening sky.

Flat colours and a vertical gradient look calm and cost next to nothing to send to a browser.
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 1920, 1200  # pixels; the guest scales it to its screen
_SKY = (
    (0.00, (24, 32, 72)),
    (0.45, (86, 84, 150)),
    (0.72, (232, 150, 140)),
    (1.0, (255, 206, 150)),
)
# Each hill: height of its line (share of the picture), waves as (share, periods, phase), colour.
_HILLS = (
    (0.60, ((0.050, 1.3, 0.4), (0.018, 3.7, 1.1)), (122, 98, 150)),
    (0.69, ((0.045, 1.7, 2.6), (0.015, 4.3, 0.2)), (88, 78, 136)),
    (0.78, ((0.050, 1.1, 4.4), (0.014, 5.1, 2.0)), (58, 60, 112)),
    (0.88, ((0.040, 1.5, 1.0), (0.012, 3.9, 3.0)), (34, 42, 84)),
)
_SUN = (0.68, 0.47, 0.055, (255, 226, 188))  # centre x, y; radius; colour

Picture = npt.NDArray[np.float64]


def draw_wallpaper(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return the picture as a PNG file of *width* × *height* pixels."""
    return _png(np.rint(_draw(width, height)).astype(np.uint8))


def _draw(width: int, height: int) -> Picture:
    rows = np.linspace(0.0, 1.0, height)
    stops = [at for at, _ in _SKY]
    sky = np.stack(
        [np.interp(rows / 0.75, stops, [colour[i] for _, colour in _SKY]) for i in range(3)], axis=1
    )
    # Whole rows of one colour compress to almost nothing.
    picture = np.repeat(np.rint(sky)[:, None, :], width, axis=1)
    y, x = np.mgrid[0:height, 0:width]
    at_x, at_y, radius, colour = _SUN
    distance = np.hypot(x - at_x * width, y - at_y * height)
    picture = _over(picture, radius * height - distance, colour)
    for level, waves, colour in _HILLS:
        line = np.full(width, level)
        for share, periods, phase in waves:
            line += share * np.sin(np.arange(width) / width * periods * 2 * np.pi + phase)
        picture = _over(picture, y - line[None, :] * height, colour)
    return picture


def _over(picture: Picture, depth: Picture, colour: tuple[int, int, int]) -> Picture:
    """Paint *colour* where *depth* (pixels inside the edge) is positive, with a smooth edge."""
    cover = np.clip(depth + 0.5, 0.0, 1.0)[:, :, None]
    return picture * (1.0 - cover) + np.array(colour) * cover


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Encode 8-bit RGB (PNG specification, third edition; filter type 1, Sub, on every row)."""
    height, width, _ = pixels.shape
    filtered = pixels.copy()
    filtered[:, 1:] -= pixels[:, :-1]
    rows = np.concatenate(
        [np.ones((height, 1), np.uint8), filtered.reshape(height, width * 3)], axis=1
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
