"""Many rectangles in one picture, so that a browser decodes one image instead of many.

Parts stand on shelves, the highest first, and deflate finds what repeats among all of them.  In
a JPEG each part has blocks of its own, filled up with its own edges, so that nothing of one part
gets into another.  Where colour has half the resolution, decoders take each colour sample's
neighbours into account, so there a part has a border of its own edges all around.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from webvdi.codecs.encoded import Encoded, Kind
from webvdi.codecs.jpeg import FULL_COLOUR_QUALITY, encode_jpeg
from webvdi.codecs.png import encode_png
from webvdi.framebuffer import Pixels, Rect

SHEET_WIDTH = 2048
"""Sheets are no wider, unless a part is."""

_MAX_BORDERS = 1.25
"""A full colour resolution takes a JPEG's encoder 1.6 times as long and 1.3 times as many bytes;
beyond so many times the area, borders cost more."""

_PNG, _JPEG = 3, 4
"""The codec of the picture in the sheet, as on the wire."""

MAX_PARTS = 0xFFFF
"""Of a sheet: the wire counts them in 16 bits."""

MAX_AREA = 1 << 26
"""Pixels of a sheet: viewers refuse larger ones.  Updates hold far less (``managed.plan``)."""

_MAX_SIDE = 0xFFFF
"""Of a sheet: the wire says in 16 bits where in it a part is."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """What parts are laid out on."""

    step: int
    """Parts' cells begin and end on multiples of it."""
    border: int
    """Pixels of its own edge on each side of a part."""

    def cell(self, rect: Rect) -> tuple[int, int]:
        """Width and height that a part takes."""
        step, borders = self.step, 2 * self.border
        return (
            -(-(rect.width + borders) // step) * step,
            -(-(rect.height + borders) // step) * step,
        )

    def area(self, rects: Sequence[Rect]) -> int:
        """What parts take together."""
        return sum(width * height for width, height in map(self.cell, rects))


_EXACT = _Grid(1, 0)
_FULL_COLOUR = _Grid(8, 0)
_HALF_COLOUR = _Grid(16, 2)


@dataclass(frozen=True, slots=True)
class Packing:
    """Where parts stand in a sheet."""

    width: int
    height: int
    places: tuple[tuple[int, int], ...]
    """x and y of each part's top left corner, in the parts' order."""


def encode_sheet(
    parts: Sequence[tuple[Rect, Pixels]], quality: int | None = None, *, thorough: bool = False
) -> Encoded:
    """Several rectangles that do not overlap, each with its pixels, in one picture.

    Without *quality* the picture is a PNG and exact, with it (30 to 95) a JPEG of that quality.
    *thorough* takes more time for fewer bytes of PNG.
    Raises ``ValueError`` if there are no parts, too many, one of another size than its pixels, or
    more of them than fit into a sheet.
    """
    _check(parts)
    rects = [rect for rect, _ in parts]
    grid = _EXACT if quality is None else _jpeg_grid(rects, quality)
    packing = pack([grid.cell(rect) for rect in rects])
    _check_size(packing)
    sheet = _drawn(parts, packing, grid)
    if quality is None:
        codec, file = _PNG, encode_png(sheet, thorough=thorough)
    else:
        codec, file = _JPEG, encode_jpeg(sheet, quality, full_colour=grid is _FULL_COLOUR)
    places = [(x + grid.border, y + grid.border) for x, y in packing.places]
    return Encoded(Kind.SHEET, sheet_payload(codec, rects, places, file), lossy=quality is not None)


def pack(sizes: Sequence[tuple[int, int]]) -> Packing:
    """Places for cells of *sizes* (width, height), on shelves."""
    side = int(sum(width * height for width, height in sizes) ** 0.5) + 1
    limit = max(min(SHEET_WIDTH, side), *(width for width, _ in sizes))
    places = [(0, 0)] * len(sizes)
    x = y = shelf = right = 0
    for index in sorted(range(len(sizes)), key=lambda i: -sizes[i][1]):
        width, height = sizes[index]
        if x + width > limit:
            x, y = 0, y + shelf
        if x == 0:
            shelf = height
        places[index] = (x, y)
        x += width
        right = max(right, x)
    return Packing(right, y + shelf, tuple(places))


def sheet_payload(
    codec: int, rects: Sequence[Rect], places: Sequence[tuple[int, int]], file: bytes
) -> bytes:
    """The bytes of the wire's *sheet* codec: where the parts of the picture *file* belong."""
    head = struct.pack(">BH", codec, len(rects))
    table = [(r.x, r.y, r.width, r.height, *at) for r, at in zip(rects, places, strict=True)]
    return head + np.array(table, ">u2").tobytes() + file


def _check(parts: Sequence[tuple[Rect, Pixels]]) -> None:
    if not 0 < len(parts) <= MAX_PARTS:
        raise ValueError(f"a sheet has 1 to {MAX_PARTS} parts, not {len(parts)}")
    for rect, pixels in parts:
        if pixels.shape[:2] != (rect.height, rect.width):
            raise ValueError(f"{rect} does not fit pixels of shape {pixels.shape}")


def _check_size(packing: Packing) -> None:
    """Before memory is taken for it."""
    width, height = packing.width, packing.height
    if max(width, height) > _MAX_SIDE or width * height > MAX_AREA:
        raise ValueError(
            f"a sheet of {width}x{height} pixels; {MAX_AREA} in all, and {_MAX_SIDE} a side, are "
            "the most: encode its parts in several"
        )


def _jpeg_grid(rects: Sequence[Rect], quality: int) -> _Grid:
    """The one that takes less time and fewer bytes."""
    full = quality >= FULL_COLOUR_QUALITY or (
        _HALF_COLOUR.area(rects) > _MAX_BORDERS * _FULL_COLOUR.area(rects)
    )
    return _FULL_COLOUR if full else _HALF_COLOUR


def _drawn(parts: Sequence[tuple[Rect, Pixels]], packing: Packing, grid: _Grid) -> Pixels:
    """The sheet's pixels; what no part covers has the colour of the first part's corner."""
    sheet = np.empty((packing.height, packing.width, 4), np.uint8)
    sheet.view(np.uint32)[:] = parts[0][1][:1, :1].view(np.uint32)
    for (rect, pixels), (x, y) in zip(parts, packing.places, strict=True):
        width, height = grid.cell(rect)
        cell = sheet[y : y + height, x : x + width]
        if (width, height) == (rect.width, rect.height):
            cell[:] = pixels
        else:
            _fill(cell, pixels, grid.border)
    return sheet


def _fill(cell: Pixels, pixels: Pixels, border: int) -> None:
    """Draw *pixels* into *cell*, *border* from its corner, and their edges around them."""
    right, bottom = border + pixels.shape[1], border + pixels.shape[0]
    cell[border:bottom, border:right] = pixels
    cell[border:bottom, :border] = pixels[:, :1]
    cell[border:bottom, right:] = pixels[:, -1:]
    cell[:border] = cell[border]
    cell[bottom:] = cell[bottom - 1]
