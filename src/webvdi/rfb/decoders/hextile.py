"""Hextile: tiles of 16x16 pixels, each a background with rectangles on it (RFC 6143 §7.7.4)."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Rect
from webvdi.rfb.decoders.subrects import draw_subrects
from webvdi.rfb.events import Painted
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Bytes, Parser
from webvdi.rfb.pixels import Words, as_pixels

SIDE: Final = 16

RAW: Final = 1
BACKGROUND: Final = 2
FOREGROUND: Final = 4
SUBRECTS: Final = 8
COLOURED: Final = 16

_COLOUR_BYTES: Final = 4


_RECORD: Final = np.dtype([("colour", "<u4"), ("place", "u1"), ("extent", "u1")])
"""A coloured rectangle as it travels: x, y and width - 1, height - 1 in four bits each."""

_MAX_PENDING: Final = 4096
"""Rectangles drawn together; each has 256 pixels at most, so the scratch memory is bounded."""


_Records: TypeAlias = npt.NDArray[np.void]


class HextileDecoder:
    """Draws one row of tiles at a time."""

    def decode(self, rect: Rect, _link: Link, /) -> Parser[None]:
        """``Painted`` for each row of tiles."""
        # Both colours live on from tile to tile until the rectangle ends.
        background = foreground = 0
        for y in range(rect.y, rect.bottom if rect.width else rect.y, SIDE):
            rows = min(SIDE, rect.bottom - y)
            row: Words = np.empty((rows, rect.width), np.uint32)
            subrects = _Subrects(row)
            for x in range(0, rect.width, SIDE):
                tile = row[:, x : x + SIDE]
                flags = (yield 1)[0]
                if flags & RAW:
                    raw = yield tile.size * _COLOUR_BYTES
                    tile[...] = np.frombuffer(raw, "<u4").reshape(tile.shape)
                    continue
                if flags & BACKGROUND:
                    background = int.from_bytes((yield _COLOUR_BYTES), "little")
                if flags & FOREGROUND:
                    foreground = int.from_bytes((yield _COLOUR_BYTES), "little")
                tile[...] = background
                if flags & SUBRECTS:
                    count = (yield 1)[0]
                    if flags & COLOURED:
                        subrects.add_coloured(x, (yield count * _RECORD.itemsize))
                    else:
                        subrects.add(x, (yield count * 2), foreground)
            subrects.draw()
            yield Painted(Rect(rect.x, y, rect.width, rows), as_pixels(row))


class _Subrects:
    """The rectangles on the tiles of one row, collected so that many are drawn at once."""

    def __init__(self, row: Words) -> None:
        self._row = row
        self._records: list[_Records] = []
        self._tiles: list[int] = []
        """The left edge of each tile in ``_records``."""
        self._pending = 0

    def add(self, x: int, data: Bytes, foreground: int) -> None:
        """Rectangles of the tile at *x*, all in one colour."""
        places = np.frombuffer(data, np.uint8).reshape(-1, 2)
        records = np.empty(len(places), _RECORD)
        records["colour"] = foreground
        records["place"] = places[:, 0]
        records["extent"] = places[:, 1]
        self._add(x, records)

    def add_coloured(self, x: int, data: Bytes) -> None:
        """Rectangles of the tile at *x*, each in its own colour."""
        self._add(x, np.frombuffer(data, _RECORD))

    def _add(self, x: int, records: _Records) -> None:
        self._records.append(records)
        self._tiles.append(x)
        self._pending += len(records)
        if self._pending >= _MAX_PENDING:
            self.draw()

    def draw(self) -> None:
        """Draw what was added, in its order."""
        if not self._pending:
            return
        records = np.concatenate(self._records)
        tile_x = np.repeat(self._tiles, [len(part) for part in self._records])
        self._records, self._tiles, self._pending = [], [], 0
        rows, columns = self._row.shape
        x = tile_x + (records["place"] >> 4)
        y = (records["place"] & 15).astype(np.intp)
        widths = (records["extent"] >> 4).astype(np.intp) + 1
        heights = (records["extent"] & 15).astype(np.intp) + 1
        right_edges = np.minimum(tile_x + SIDE, columns)
        if (x + widths > right_edges).any() or (y + heights > rows).any():
            raise RemoteProtocolError(
                "the display server sent a Hextile rectangle that reaches out of its tile"
            )
        draw_subrects(self._row, x, y, widths, heights, records["colour"])
