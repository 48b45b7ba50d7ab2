"""Pieces of updates that tests draw: noise, so that a single wrong pixel shows."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from support.viewer import Rgb
from webvdi.wire.pieces import Part, Run, Sheet, encode_sheet, piece_of_runs
from webvdi.wire.to_viewer import Codec, Piece


def noise(width: int, height: int, seed: int) -> Rgb:
    """Pixels of which hardly two are alike."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def file(pixels: Rgb, kind: str = "PNG", *, colours: int | None = None) -> bytes:
    """A picture file; with *colours*, of a palette of so many."""
    image = Image.fromarray(pixels)
    out = io.BytesIO()
    (image.quantize(colours) if colours else image).save(out, kind)
    return out.getvalue()


def png(x: int, y: int, pixels: Rgb, *, colours: int | None = None) -> Piece:
    """*pixels* at a place."""
    height, width = pixels.shape[:2]
    return Piece(Codec.PNG, x, y, width, height, file(pixels, colours=colours))


def fill(x: int, y: int, width: int, height: int, rgb: bytes) -> Piece:
    """One colour."""
    return Piece(Codec.FILL, x, y, width, height, rgb)


def copy(x: int, y: int, width: int, height: int, source: tuple[int, int]) -> Piece:
    """Pixels from another place."""
    payload = b"".join(number.to_bytes(2, "big") for number in source)
    return Piece(Codec.COPY, x, y, width, height, payload)


def sheet(parts: Iterable[Part], pixels: Rgb, kind: Codec = Codec.PNG) -> Piece:
    """Parts of one picture file."""
    parts = tuple(parts)
    left, top = min(p.x for p in parts), min(p.y for p in parts)
    right = max(p.x + p.width for p in parts)
    bottom = max(p.y + p.height for p in parts)
    payload = encode_sheet(Sheet(kind, parts, file(pixels, kind.name)))
    return Piece(Codec.SHEET, left, top, right - left, bottom - top, payload)


class Scribbler:
    """Draws at random on a screen, exactly: every codec but JPEG, and only what is allowed."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._width, self._height = width, height
        self._columns, self._rows = -(-width // 16), -(-height // 16)
        self._kept: list[int] = []

    def background(self) -> Piece:
        """All of it."""
        return png(0, 0, noise(self._width, self._height, self._below(1 << 30)))

    def pieces(self, count: int) -> tuple[Piece, ...]:
        """The next ones."""
        ways = (self._fill, self._copy, self._png, self._palette, self._sheet, self._keep)
        return tuple(
            (self._cached if self._kept and self._below(4) == 0 else ways[self._below(6)])()
            for _ in range(count)
        )

    def _below(self, bound: int) -> int:
        return int(self._random.integers(bound))

    def _rect(self) -> tuple[int, int, int, int]:
        width, height = 1 + self._below(self._width), 1 + self._below(self._height)
        x, y = self._below(self._width - width + 1), self._below(self._height - height + 1)
        return x, y, width, height

    def _fill(self) -> Piece:
        x, y, width, height = self._rect()
        return fill(x, y, 1 + width // 3, 1 + height // 3, self._random.bytes(3))

    def _copy(self) -> Piece:
        x, y, width, height = self._rect()
        source = self._below(self._width - width + 1), self._below(self._height - height + 1)
        return copy(x, y, width, height, source)

    def _png(self) -> Piece:
        x, y, width, height = self._rect()
        return png(x, y, noise(1 + width // 2, 1 + height // 2, self._below(1 << 30)))

    def _palette(self) -> Piece:
        x, y, width, height = self._rect()
        pixels = noise(1 + width // 2, 1 + height // 2, self._below(1 << 30))
        return png(x, y, pixels, colours=(2, 4, 16, 200)[self._below(4)])

    def _sheet(self) -> Piece:
        x, y, width, height = self._rect()
        left = self._below(width)
        parts = [Part(x + left, y, width - left, height, 3, 1)]
        if left:
            parts.append(Part(x, y, left, height, 0, 2))
        return sheet(parts, noise(width + 3, height + 2, self._below(1 << 30)))

    def _runs(self, slots: list[int]) -> list[Run]:
        return [
            Run(column, self._below(self._rows), slot, 1 + self._below(self._columns - column))
            for slot in slots
            for column in [self._below(self._columns)]
        ]

    def _keep(self) -> Piece:
        """Also over the end of a row of the cache, every 128 slots."""
        slots = [self._below(80) * 113 for _ in range(1 + self._below(5))]
        runs = self._runs(slots)
        self._kept += [run.slot + i for run in runs for i in range(run.count)]
        return piece_of_runs(Codec.KEEP, runs, self._width, self._height)

    def _cached(self) -> Piece:
        kept = set(self._kept)
        slots = [self._kept[self._below(len(self._kept))] for _ in range(1 + self._below(5))]
        runs = [
            Run(r.column, r.row, r.slot, next(n for n in range(r.count, 0, -1) if _all(kept, r, n)))
            for r in self._runs(slots)
        ]
        return piece_of_runs(Codec.CACHED, runs, self._width, self._height)


def _all(kept: set[int], run: Run, count: int) -> bool:
    return kept.issuperset(range(run.slot, run.slot + count))
