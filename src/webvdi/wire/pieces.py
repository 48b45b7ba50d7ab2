"""The payloads of pieces that have a shape of their own: runs of tiles, and sheets.

The other codecs' payloads are files of their formats or a few bytes; those that make them know
how.  Nothing here draws; sizes are in pixels unless they are said to be in tiles.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.fields import Reader
from webvdi.wire.to_viewer import Codec, Piece

TILE = 16
"""Width and height of a tile; the last ones of a screen are cut off by its edges."""

SLOTS = 16384
"""Places in a viewer's cache: 16 MiB of pixels."""

MAX_RUN = 255
"""Tiles of one run: its count is a byte."""

_RUN = struct.Struct(">HHHB")
_PART = struct.Struct(">6H")


@dataclass(frozen=True, slots=True)
class Run:
    """*count* tiles from (*column*, *row*) rightwards, and as many slots from *slot* on."""

    column: int
    row: int
    slot: int
    count: int


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of the screen, and where its pixels are in the sheet."""

    x: int
    y: int
    width: int
    height: int
    sheet_x: int
    sheet_y: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """Many rectangles in one picture file."""

    picture: Codec
    """PNG or JPEG."""
    parts: tuple[Part, ...]
    file: bytes


def encode_runs(runs: Iterable[Run]) -> bytes:
    """The payload of a *cached* or *keep* piece."""
    return b"".join(_RUN.pack(r.column, r.row, r.slot, r.count) for r in runs)


def decode_runs(payload: bytes) -> tuple[Run, ...]:
    """The runs of a *cached* or *keep* piece.

    Raises RemoteProtocolError for none at all, bytes left over, an empty run, or slots that a
    viewer does not have.
    """
    if not payload or len(payload) % _RUN.size:
        raise RemoteProtocolError(f"a piece of tiles has {len(payload)} bytes; a run has 7")
    runs = tuple(Run(*fields) for fields in _RUN.iter_unpack(payload))
    for run in runs:
        if not run.count:
            raise RemoteProtocolError("a run of tiles is empty")
        if run.slot + run.count > SLOTS:
            raise RemoteProtocolError(
                f"a run of tiles reaches slot {run.slot + run.count - 1}; {SLOTS - 1} is the last"
            )
    return runs


def piece_of_runs(codec: Codec, runs: Iterable[Run], width: int, height: int) -> Piece:
    """A *cached* or *keep* piece for a screen of *width* by *height* pixels.

    Its rectangle is the box around the runs' tiles, cut off at the screen's edges.
    """
    runs = tuple(runs)
    left = min(run.column for run in runs) * TILE
    top = min(run.row for run in runs) * TILE
    right = min(width, max(run.column + run.count for run in runs) * TILE)
    bottom = min(height, max(run.row + 1 for run in runs) * TILE)
    return Piece(codec, left, top, right - left, bottom - top, encode_runs(runs))


def encode_sheet(sheet: Sheet) -> bytes:
    """The payload of a *sheet* piece, for tests and native sessions; ``codecs`` makes its own."""
    head = struct.pack(">BH", sheet.picture, len(sheet.parts))
    parts = (_PART.pack(p.x, p.y, p.width, p.height, p.sheet_x, p.sheet_y) for p in sheet.parts)
    return head + b"".join(parts) + sheet.file


def decode_sheet(payload: bytes) -> Sheet:
    """A *sheet* piece's parts and picture file, which is not looked into.

    Raises RemoteProtocolError for a picture that is neither PNG nor JPEG, no part at all, or an
    empty one.
    """
    reader = Reader(payload, "a sheet")
    picture = reader.u8()
    if picture not in (Codec.PNG, Codec.JPEG):
        raise RemoteProtocolError(f"a sheet's picture is {picture}; 3 (PNG) or 4 (JPEG) can be")
    count = reader.u16()
    parts = tuple(Part(*fields) for fields in _PART.iter_unpack(reader.take(count * _PART.size)))
    if not parts or any(part.width == 0 or part.height == 0 for part in parts):
        raise RemoteProtocolError("a sheet has no parts, or empty ones")
    return Sheet(Codec(picture), parts, reader.rest(len(payload)))
