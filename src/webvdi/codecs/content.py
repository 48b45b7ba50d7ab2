"""What a region shows, tile by tile, and about how many bytes that takes.

Judged by neighbouring pixels: text, interfaces and drawings have many that are equal, photographs
hardly any.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from webvdi.codecs.palette import Words
from webvdi.codecs.sketch import SKETCH
from webvdi.framebuffer import TILE, Pixels, TileMask


class Content(IntEnum):
    """What a tile shows."""

    FLAT = 0
    """One colour, exactly."""
    TEXT = 1
    """Text, an interface, a drawing: sharp, of few colours, small without loss."""
    PHOTO = 2
    """A photograph, video, noise: large without loss, and loses little by JPEG."""


_EQUAL_IN_PHOTO = 0.4
"""Text and interfaces have 70-99 % equal neighbours in a row, photographs 2-30 %."""

_SAMPLED = 4
"""Every so manieth row is judged."""


def contents(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """The :class:`Content` of each 16x16 tile, shape (tile rows, tile columns).

    The region starts on a tile's bound; its last row and column of tiles may be cut short.  A
    single photographic tile among others counts as text: JPEG of so little never pays.
    """
    return joined(own_contents(pixels))


def own_contents(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """As :func:`contents`, each tile judged by itself; flat tiles are final."""
    words = pixels.view(np.uint32)[:, :, 0]
    above = _unlike_above(words)
    flat = (above == 0) & ~_changing_first_row(words)
    tiles = np.full(flat.shape, Content.TEXT, np.uint8)
    tiles[_rarely_equal(words, above)] = Content.PHOTO
    tiles[flat] = Content.FLAT
    return tiles


def joined(own: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Contents, from what each tile is by itself and what those next to it are."""
    tiles = np.full(own.shape, Content.TEXT, np.uint8)
    tiles[_joined(own == Content.PHOTO)] = Content.PHOTO
    tiles[own == Content.FLAT] = Content.FLAT
    return tiles


def is_photographic(pixels: Pixels) -> bool:
    """Whether there are more photographic tiles than tiles of text."""
    counts = np.bincount(contents(pixels).ravel(), minlength=len(Content))
    return bool(counts[Content.PHOTO] > counts[Content.TEXT])


def _unlike_above(words: Words) -> npt.NDArray[np.uint16]:
    """How many pixels of each tile differ from the one above in the same tile."""
    height, width = words.shape
    unlike = np.zeros((-(-height // TILE) * TILE, -(-width // TILE) * TILE), np.uint8)
    np.not_equal(words[1:], words[:-1], out=unlike[1:height, :width].view(np.bool_))
    unlike[::TILE] = 0
    return _sums(unlike, TILE)


def _changing_first_row(words: Words) -> TileMask:
    """Tiles of which the first row is not of one colour."""
    first = words[::TILE]
    rows, width = first.shape
    unlike = np.zeros((rows, -(-width // TILE) * TILE), np.uint8)
    np.not_equal(first[:, 1:], first[:, :-1], out=unlike[:, 1:width].view(np.bool_))
    unlike[:, ::TILE] = 0
    changing: TileMask = np.bitwise_or.reduce(unlike.reshape(rows, -1, TILE), axis=2) != 0
    return changing


def _rarely_equal(words: Words, unlike_above: npt.NDArray[np.uint16]) -> TileMask:
    """Tiles in which few pixels equal the one on their left, and few the one above."""
    height, width = words.shape
    sampled = words[::_SAMPLED]
    per_tile = TILE // _SAMPLED
    beside = np.zeros((-(-height // TILE) * per_tile, -(-width // TILE) * TILE), np.uint8)
    here = beside[: len(sampled), 1:width].view(np.bool_)
    np.not_equal(sampled[:, 1:], sampled[:, :-1], out=here)
    rows, columns = _counts(height, TILE)[:, None], _counts(width, TILE)[None, :]
    beside[:, ::TILE] = 0  # what is on the left of a tile says nothing of it
    pairs_beside = _counts(len(sampled), per_tile)[:, None] * (columns - 1)
    rare = 1 - _EQUAL_IN_PHOTO
    rarely: TileMask = np.greater(_sums(beside, per_tile), rare * pairs_beside)
    rarely &= unlike_above > rare * (rows - 1) * columns
    return rarely


def _sums(unlike: npt.NDArray[np.uint8], per_tile: int) -> npt.NDArray[np.uint16]:
    """How many there are in each tile, of which *per_tile* rows are there (at most 16)."""
    rows = len(unlike) // per_tile
    eights = np.add.reduce(unlike.view(np.uint64).reshape(rows, per_tile, -1), axis=1)
    by_column = eights.view(np.uint8).reshape(rows, -1, TILE)
    sums: npt.NDArray[np.uint16] = by_column.sum(axis=2, dtype=np.uint16)
    return sums


def _counts(length: int, step: int) -> npt.NDArray[np.int64]:
    """How many of *length* things are in each run of *step*."""
    starts = np.arange(0, length, step)
    return np.minimum(step, length - starts)


def _joined(photo: TileMask) -> TileMask:
    """Without single tiles, and with single holes filled."""
    if not photo.any():
        return photo
    padded = np.zeros((photo.shape[0] + 2, photo.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = photo
    by_row = padded[:-2] + padded[1:-1] + padded[2:]
    around = by_row[:, :-2] + by_row[:, 1:-1] + by_row[:, 2:]
    joined: TileMask = (photo & (around >= 3)) | (around >= 6)
    return joined


_TEXT_BYTES = 0.3
_SKETCH_BYTES = 0.07
_PHOTO_BYTES = 1.7
_JPEG_BYTES = (
    (30, 0.085),
    (50, 0.115),
    (70, 0.15),
    (80, 0.2),
    (85, 0.23),
    (89, 0.27),
    (90, 0.35),
    (95, 0.5),
)
"""By quality.  Measured on text, pages and photographs; single pictures take a third of it to
twice as much."""


def expected_bytes(content: Content, pixels: int, quality: int | None) -> int:
    """About what encoding so many pixels takes, headers aside.

    *quality* is JPEG's; None: without loss; ``SKETCH``: as a sketch.
    """
    if content == Content.FLAT:
        return 0
    if quality == SKETCH:
        return round(_SKETCH_BYTES * pixels)
    if content == Content.TEXT:
        return round(_TEXT_BYTES * pixels)
    if quality is None:
        return round(_PHOTO_BYTES * pixels)
    qualities, sizes = zip(*_JPEG_BYTES, strict=True)
    return round(float(np.interp(quality, qualities, sizes)) * pixels)
