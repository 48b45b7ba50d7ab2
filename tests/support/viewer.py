"""A viewer in Python: speaks the viewer protocol, keeps the picture, acknowledges.

What the JavaScript viewer does, written a second time from the reference, so that tests compare
pictures without a browser where a browser is not the point.
"""

import io
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from webvdi.wire.from_viewer import Ack, FromViewer, encode_from_viewer
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

    def take(self, data: bytes) -> list[FromViewer]:
        """Apply one message; the answers it calls for."""
        message = decode_to_viewer(data)
        match message:
            case Update():
                for piece in message.pieces:
                    self._draw(piece)
                self.last_update = message.update
                self.lossy_updates += message.lossy
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
        area = self.rgb[piece.y : piece.y + piece.height, piece.x : piece.x + piece.width]
        area[...] = self._pixels(piece)

    def _pixels(self, piece: Piece) -> Rgb:
        match piece.codec:
            case Codec.FILL:
                return np.frombuffer(piece.payload, np.uint8)
            case Codec.INDEXED:
                return _indexed(piece)
            case Codec.COPY:
                x, y = (int.from_bytes(piece.payload[i : i + 2], "big") for i in (0, 2))
                return self.rgb[y : y + piece.height, x : x + piece.width].copy()
            case Codec.PNG | Codec.JPEG:
                return np.asarray(Image.open(io.BytesIO(piece.payload)).convert("RGB"))


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
