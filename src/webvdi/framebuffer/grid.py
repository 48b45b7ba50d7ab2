"""The grid of tiles that lies over a picture, and what is counted on it.

A picture of ``width`` x ``height`` pixels has ``ceil(height / TILE)`` rows of ``ceil(width /
TILE)`` tiles; those at its right and lower edges may be cut off.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer.rect import Rect

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width, 4), bytes B, G, R, X."""

Words: TypeAlias = npt.NDArray[np.uint32]
"""Shape (height, width): the same memory, a pixel a 32-bit word."""

TileMask: TypeAlias = npt.NDArray[np.bool_]
"""Shape (tile rows, tile columns): one answer a tile."""

PixelMask: TypeAlias = npt.NDArray[np.bool_]
"""Shape (tile rows * TILE, tile columns * TILE), C-contiguous: one answer a pixel, and what lies
outside of the picture is false."""

TileCounts: TypeAlias = npt.NDArray[np.uint64]
"""Shape (tile rows, tile columns): how many of a tile's pixels, 0 to ``TILE * TILE``."""

TILE = 16
"""Side of a damage tile in pixels; QEMU itself compares in steps of 16."""

MAX_SIDE = 16384
"""Bound on a picture's width and on its height (RFB allows 65535)."""

MAX_AREA = 1 << 26
"""Bound on a picture's pixels: two screens of 8K.  The mirror, the last frame and what is noted of
either take some 11 bytes a pixel, so that a peer cannot make us allocate more than 704 MiB."""

_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_SUM_OF_FOUR = np.uint64(0x0001000100010001)
_EIGHT, _FORTY_EIGHT = np.uint64(8), np.uint64(48)


def words(pixels: Pixels) -> Words:
    """The same memory, a pixel a 32-bit word."""
    return pixels.view(np.uint32)[:, :, 0]


def check_size(width: int, height: int) -> None:
    """Raise :class:`ValueError` where a picture of so many pixels is more than we hold, or none."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(
            f"a screen of {width}x{height} pixels; 1 to {MAX_SIDE} a side are possible"
        )
    if width * height > MAX_AREA:
        raise ValueError(f"a screen of {width}x{height} pixels; {MAX_AREA} in all are possible")


def grid_shape(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of tiles of a picture."""
    return -(-height // TILE), -(-width // TILE)


def covered(rect: Rect) -> tuple[slice, slice]:
    """The tiles that a rectangle of pixels touches, as an index into a :data:`TileMask`."""
    return (
        slice(rect.y // TILE, -(-rect.bottom // TILE)),
        slice(rect.x // TILE, -(-rect.right // TILE)),
    )


def pixel_slices(rect: Rect) -> tuple[slice, slice]:
    """A rectangle of pixels as an index into pixels or a :data:`PixelMask`."""
    return slice(rect.y, rect.bottom), slice(rect.x, rect.right)


def whole_tiles(tiles: tuple[slice, slice]) -> tuple[slice, slice]:
    """The pixels of the tiles that :func:`covered` names, as an index into a pixel mask."""
    rows, columns = tiles
    return (
        slice(rows.start * TILE, rows.stop * TILE),
        slice(columns.start * TILE, columns.stop * TILE),
    )


def pixels_of(tiles: Rect) -> Rect:
    """The pixels of a rectangle of tiles; at the edges more than the picture has."""
    return Rect(tiles.x * TILE, tiles.y * TILE, tiles.width * TILE, tiles.height * TILE)


def bounds(mask: TileMask) -> Rect | None:
    """The smallest rectangle, in tiles, that holds all true tiles; None where there are none.

    Searching the mask's bytes takes a microsecond, where numpy takes ten.
    """
    columns = mask.shape[1]
    flat = mask.tobytes()
    first = flat.find(1)
    if first < 0:
        return None
    top, last = first // columns, flat.rfind(1)
    bottom = last // columns + 1
    if bottom - top == 1:
        left, right = first % columns, last % columns
    else:
        shadow = mask[top:bottom].any(axis=0).tobytes()
        left, right = shadow.find(1), shadow.rfind(1)
    return Rect(left, top, right + 1 - left, bottom - top)


def blank_pixel_mask(width: int, height: int) -> PixelMask:
    """Nothing is true."""
    rows, columns = grid_shape(width, height)
    return np.zeros((rows * TILE, columns * TILE), np.bool_)


def count_by_tile(mask: PixelMask) -> TileCounts:
    """How many pixels are true in each tile; *mask* may be any whole tiles of a pixel mask.

    Eight pixels are added at a time, each in its own byte of a word: 16 rows come to 16 at most,
    two words to 32, and the sums of the bytes need 16 bits.
    """
    rows = mask.shape[0] // TILE
    eights = mask.view(np.uint64)
    halves = np.add.reduce(eights.reshape(rows, TILE, -1), axis=1)
    bytewise = halves[:, ::2] + halves[:, 1::2]
    pairs = (bytewise & _EVEN_BYTES) + ((bytewise >> _EIGHT) & _EVEN_BYTES)
    counts: TileCounts = (pairs * _SUM_OF_FOUR) >> _FORTY_EIGHT
    return counts
