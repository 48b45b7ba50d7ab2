"""A viewer in Python: speaks the viewer protocol, keeps the picture, acknowledges.

What the JavaScript viewer does, written a second time from the reference, so that tests compare
pictures without a browser where a browser is not the point.  As strict as the other one: what it
refuses, this one refuses.
"""

import io
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.from_viewer import Ack, FromViewer, encode_from_viewer
from webvdi.wire.pieces import SLOTS, TILE, Part, Run, decode_runs, decode_sheet
from webvdi.wire.to_viewer import (
    Codec,
    Desktop,
    Farewell,
    Machine,
    Piece,
    ToViewer,
    Update,
    Welcome,
    decode_to_viewer,
)

Rgb = npt.NDArray[np.uint8]


class TileCache:
    """Tiles kept in numbered slots; survives connections and sizes."""

    def __init__(self) -> None:
        self._slots = np.zeros((0, TILE, TILE, 3), np.uint8)
        self._kept = np.zeros(SLOTS, np.bool_)

    def keep(self, slot: int, pixels: Rgb) -> None:
        """Keep a tile; where the screen's edge cut it off, it is black."""
        if not len(self._slots):
            self._slots = np.zeros((SLOTS, TILE, TILE, 3), np.uint8)
        self._slots[slot] = 0
        self._slots[slot, : pixels.shape[0], : pixels.shape[1]] = pixels
        self._kept[slot] = True

    def tile(self, slot: int) -> Rgb:
        """A kept tile.  Raises RemoteProtocolError where none was kept."""
        if not self._kept[slot]:
            raise RemoteProtocolError(f"slot {slot} is drawn, and was never kept")
        kept: Rgb = self._slots[slot]
        return kept


@dataclass
class Picture:
    """What a viewer shows, and what it heard."""

    rgb: Rgb = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))
    last_update: int = 0
    lossy_updates: int = 0
    payload_bytes: int = 0
    welcome: Welcome | None = None
    machine: Machine | None = None
    farewell: Farewell | None = None
    heard: list[ToViewer] = field(default_factory=list)
    cache: TileCache = field(default_factory=TileCache)
    codecs: dict[Codec, int] = field(default_factory=dict)
    """Pieces of each codec."""

    def take(self, data: bytes) -> list[FromViewer]:
        """Apply one message; the answers it calls for.  Raises RemoteProtocolError."""
        message = decode_to_viewer(data)
        match message:
            case Update():
                for piece in message.pieces:
                    self._draw(piece)
                self.last_update = message.update
                self.lossy_updates += bool(message.lossy)
                return [Ack(message.update)]
            case Desktop(width, height):
                self.rgb = np.zeros((height, width, 3), np.uint8)
            case Welcome():
                self.welcome = message
            case Machine():
                self.machine = message
            case Farewell():
                self.farewell = message
            case _:
                pass
        self.heard.append(message)
        return []

    def _draw(self, piece: Piece) -> None:
        self.payload_bytes += len(piece.payload)
        self.codecs[piece.codec] = self.codecs.get(piece.codec, 0) + 1
        area = _cut(self.rgb, piece.x, piece.y, piece.width, piece.height)
        match piece.codec:
            case Codec.KEEP | Codec.CACHED:
                self._tiles(piece)
            case Codec.SHEET:
                self._sheet(piece)
            case _:
                area[...] = self._pixels(piece)

    def _pixels(self, piece: Piece) -> Rgb:
        match piece.codec:
            case Codec.FILL:
                return np.frombuffer(piece.payload, np.uint8)
            case Codec.INDEXED:
                return _indexed(piece)
            case Codec.COPY:
                x, y = (int.from_bytes(piece.payload[i : i + 2], "big") for i in (0, 2))
                return _cut(self.rgb, x, y, piece.width, piece.height).copy()
            case Codec.PNG | Codec.JPEG:
                pixels = _decoded(piece.codec, piece.payload)
                if pixels.shape[:2] != (piece.height, piece.width):
                    raise RemoteProtocolError("a picture of another size than its piece")
                return pixels
            case _:
                raise RemoteProtocolError(f"there is no decoder for {piece.codec.name}")

    def _tiles(self, piece: Piece) -> None:
        for run in decode_runs(piece.payload):
            for slot, place in _places(self.rgb, run, piece):
                if piece.codec is Codec.KEEP:
                    self.cache.keep(slot, place)
                else:
                    height, width = place.shape[:2]
                    place[...] = self.cache.tile(slot)[:height, :width]

    def _sheet(self, piece: Piece) -> None:
        sheet = decode_sheet(piece.payload)
        pixels = _decoded(sheet.picture, sheet.file)
        drawn = np.zeros(self.rgb.shape[:2], np.bool_)
        for part in sheet.parts:
            if not _within(piece, part.x, part.y, part.x + part.width, part.y + part.height):
                raise RemoteProtocolError("a sheet's part lies outside its piece")
            place = _place(part)
            assert not drawn[place].any(), "parts of a sheet overlap"
            drawn[place] = True
            self.rgb[place] = _cut(pixels, part.sheet_x, part.sheet_y, part.width, part.height)


def _cut(pixels: Rgb, x: int, y: int, width: int, height: int) -> Rgb:
    """A view of a rectangle.  Raises RemoteProtocolError where it is not all there."""
    if y + height > pixels.shape[0] or x + width > pixels.shape[1]:
        raise RemoteProtocolError(f"{width}x{height} at {x},{y} is outside the picture")
    return pixels[y : y + height, x : x + width]


def _within(piece: Piece, left: int, top: int, right: int, bottom: int) -> bool:
    return (
        piece.x <= left
        and piece.y <= top
        and right <= piece.x + piece.width
        and bottom <= piece.y + piece.height
    )


def _places(rgb: Rgb, run: Run, piece: Piece) -> list[tuple[int, Rgb]]:
    """The slots of a run and views of the tiles they stand for, cut off at the screen's edges."""
    height, width = rgb.shape[:2]
    top, left = run.row * TILE, run.column * TILE
    last = left + (run.count - 1) * TILE
    right, bottom = min(last + TILE, width), min(top + TILE, height)
    if last >= width or top >= height or not _within(piece, left, top, right, bottom):
        raise RemoteProtocolError("a run of tiles lies outside its piece or the screen")
    return [
        (run.slot + i, rgb[top:bottom, left + i * TILE : min(left + (i + 1) * TILE, width)])
        for i in range(run.count)
    ]


def _place(part: Part) -> tuple[slice, slice]:
    return slice(part.y, part.y + part.height), slice(part.x, part.x + part.width)


def _decoded(codec: Codec, file: bytes) -> Rgb:
    kind = "PNG" if codec is Codec.PNG else "JPEG"
    return np.asarray(Image.open(io.BytesIO(file), formats=(kind,)).convert("RGB"))


def _indexed(piece: Piece) -> Rgb:
    count = piece.payload[0] + 1
    palette = np.frombuffer(piece.payload, np.uint8, 3 * count, 1).reshape(count, 3)
    bits = next(b for b in (1, 2, 4, 8) if count <= 1 << b)
    packed = np.frombuffer(piece.payload, np.uint8, offset=1 + 3 * count)
    rows = np.unpackbits(packed.reshape(piece.height, -1), axis=1)
    grouped = rows[:, : piece.width * bits].reshape(piece.height, piece.width, bits)
    indices = np.packbits(grouped, axis=2)[:, :, 0] >> (8 - bits)
    rgb: Rgb = palette[indices]
    return rgb


def encoded(messages: list[FromViewer]) -> list[bytes]:
    """The bytes of messages."""
    return [encode_from_viewer(m) for m in messages]
