"""ZRLE: tiles of 64x64 pixels with palettes and runs, through zlib (RFC 6143 §7.7.6)."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.decoders.runs import coloured_runs, cut_short, overrun, run_length
from webvdi.rfb.events import Painted
from webvdi.rfb.inflate import Inflater, max_compressed
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u32
from webvdi.rfb.pixels import Words, as_pixels, words_of_bgr

SIDE: Final = 64

RAW: Final = 0
SOLID: Final = 1
MAX_PACKED_PALETTE: Final = 16
PLAIN_RLE: Final = 128
PALETTE_RLE: Final = 130

_LONG_RUN: Final = 0x80
"""Marks a palette index after which a length follows."""

_PIXEL_BYTES: Final = 3
"""CPIXEL: our pixel format uses three of its four bytes."""

_MAX_TILE_OVERHEAD: Final = 1 + 127 * _PIXEL_BYTES
_MAX_PIXEL_BYTES: Final = _PIXEL_BYTES + 1
"""A run of one pixel in plain RLE."""


def max_size(width: int, height: int) -> int:
    """The most bytes that tiles of so many pixels can need before compression."""
    tiles = -(-width // SIDE) * -(-height // SIDE)
    return width * height * _MAX_PIXEL_BYTES + tiles * _MAX_TILE_OVERHEAD


class ZrleDecoder:
    """Keeps the zlib stream that goes through all rectangles."""

    def __init__(self) -> None:
        self._inflater = Inflater()

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted`` for each row of tiles."""
        limit = max_size(rect.width, rect.height)
        size = yield from take_u32()
        if size > max_compressed(limit):
            raise RemoteProtocolError(
                f"the display server announced {size} bytes of ZRLE for "
                f"{rect.width}x{rect.height} pixels, which need far fewer"
            )
        data = self._inflater.inflate((yield size), limit)
        if rect.area:
            yield from _rows_of_tiles(rect, data)


def _rows_of_tiles(rect: Rect, data: bytes) -> Iterator[Painted]:
    tiles = _Tiles(data)
    for y in range(rect.y, rect.bottom, SIDE):
        rows = min(SIDE, rect.bottom - y)
        row: Words = np.empty((rows, rect.width), np.uint32)
        for x in range(0, rect.width, SIDE):
            tiles.draw(row[:, x : x + SIDE])
        yield Painted(Rect(rect.x, y, rect.width, rows), as_pixels(row))


class _Tiles:
    """Reads the tiles of one rectangle, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data + b"\0"  # words_of_bgr looks one byte too far
        self._size = len(data)
        self._position = 0

    def draw(self, tile: Words) -> None:
        """Read the next tile into *tile*."""
        subencoding = self._data[self._take(1)]
        if subencoding == RAW:
            tile[...] = self._colours(tile.size).reshape(tile.shape)
        elif subencoding == SOLID:
            tile[...] = self._colours(1)[0]
        elif subencoding <= MAX_PACKED_PALETTE:
            self._draw_packed(tile, self._colours(subencoding))
        elif subencoding == PLAIN_RLE:
            self._draw_plain_runs(tile)
        elif subencoding >= PALETTE_RLE:
            self._draw_palette_runs(tile, self._colours(subencoding - PLAIN_RLE))
        else:
            raise RemoteProtocolError(
                f"the display server sent a ZRLE tile of the unknown kind {subencoding}"
            )

    def _take(self, size: int) -> int:
        """Where the next *size* bytes are."""
        position = self._position
        if position + size > self._size:
            raise cut_short()
        self._position = position + size
        return position

    def _colours(self, count: int) -> Words:
        return words_of_bgr(self._data, self._take(count * _PIXEL_BYTES), count)

    def _draw_packed(self, tile: Words, palette: Words) -> None:
        """Indices of 1, 2 or 4 bits, each row from a byte of its own on."""
        bits = 1 if len(palette) == 2 else 2 if len(palette) <= 4 else 4
        rows, columns = tile.shape
        row_bytes = (columns * bits + 7) // 8
        packed = np.frombuffer(
            self._data, np.uint8, rows * row_bytes, self._take(rows * row_bytes)
        ).reshape(rows, row_bytes)
        indices = _UNPACKED[bits][packed].reshape(rows, -1)[:, :columns]
        tile[...] = _looked_up(palette, indices)

    def _draw_plain_runs(self, tile: Words) -> None:
        words, self._position = coloured_runs(self._data, self._position, self._size, tile.size)
        tile[...] = words.reshape(tile.shape)

    def _draw_palette_runs(self, tile: Words, palette: Words) -> None:
        """One byte for a single pixel; with its top bit set, a run's length follows."""
        data, position, missing = self._data, self._position, tile.size
        indices = bytearray()
        lengths: list[int] = []
        while missing > 0:
            if position >= self._size:
                raise cut_short()
            code = data[position]
            position += 1
            run = 1
            if code >= _LONG_RUN:
                run, position = run_length(data, position, self._size)
            indices.append(code & ~_LONG_RUN)
            lengths.append(run)
            missing -= run
        if missing < 0:
            raise overrun()
        self._position = position
        words = _looked_up(palette, np.frombuffer(indices, np.uint8))
        tile[...] = np.repeat(words, lengths).reshape(tile.shape)


def _looked_up(palette: Words, indices: npt.NDArray[np.uint8]) -> Words:
    if int(indices.max()) >= len(palette):
        raise RemoteProtocolError(
            f"the display server used a colour beyond the {len(palette)} of its ZRLE palette"
        )
    return palette[indices]


def _unpacking_table(bits: int) -> npt.NDArray[np.uint8]:
    """For each byte, its indices of so many bits, highest first."""
    shifts = np.arange(8 - bits, -1, -bits)
    table = (np.arange(256)[:, None] >> shifts) & ((1 << bits) - 1)
    return table.astype(np.uint8)


_UNPACKED: Final = {bits: _unpacking_table(bits) for bits in (1, 2, 4)}
