"""What an encoder hands back."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What the bytes of an :class:`Encoded` are."""

    FILL = "fill"
    INDEXED = "indexed"
    PNG = "png"
    JPEG = "jpeg"
    SHEET = "sheet"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pixels as a browser takes them."""

    kind: Kind
    payload: bytes
    """What the wire carries for a piece of this codec (docs/reference/viewer-protocol.md)."""
    lossy: bool = False
    """Whether decoding may give other pixels than were encoded."""
