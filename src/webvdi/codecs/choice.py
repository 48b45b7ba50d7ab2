"""Which codec for which pixels.

The rules, in order: one colour → fill; small and of few colours → indexed; else PNG, with the
row filter that fits.  A region may first go out as JPEG if it is photographic and large enough
that this pays; it is refined to lossless once it rests (that decision is the session's).
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from webvdi.codecs.indexed import encode_indexed
from webvdi.codecs.jpeg import encode_jpeg
from webvdi.codecs.png import encode_png
from webvdi.framebuffer import Pixels


class Kind(Enum):
    """What the bytes of an :class:`Encoded` are."""

    FILL = "fill"
    INDEXED = "indexed"
    PNG = "png"
    JPEG = "jpeg"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pixels as a browser takes them."""

    kind: Kind
    payload: bytes

    @property
    def lossy(self) -> bool:
        """Whether decoding gives other pixels than were encoded."""
        return self.kind is Kind.JPEG


SMALL_AREA = 96 * 96
"""Pixels up to which looking for a palette costs less than an image decode in the browser."""

MIN_JPEG_AREA = 64 * 64
"""Below this JPEG's header and the later refinement outweigh what it saves."""

_MAX_INDEXED_BYTES = 4096
"""Indices are not compressed; beyond this PNG is smaller by more than it is slower."""

_PHOTO_EQUAL_NEIGHBOURS = 0.4
"""Text and interfaces have 70-99 % equal neighbours in a row, photographs 2-30 %."""


def encode_lossless(pixels: Pixels) -> Encoded:
    """Encode so that decoding gives exactly these pixels."""
    if _one_colour(pixels):
        blue, green, red = pixels[0, 0, :3].tolist()
        return Encoded(Kind.FILL, bytes((red, green, blue)))
    if pixels.shape[0] * pixels.shape[1] <= SMALL_AREA:
        packed = encode_indexed(pixels)
        if packed is not None and len(packed) <= _MAX_INDEXED_BYTES:
            return Encoded(Kind.INDEXED, packed)
    return Encoded(Kind.PNG, encode_png(pixels, smooth=is_photographic(pixels)))


def encode_lossy(pixels: Pixels, quality: int) -> Encoded:
    """Encode quickly and small: photographic content as JPEG, anything else lossless."""
    area = pixels.shape[0] * pixels.shape[1]
    if area >= MIN_JPEG_AREA and is_photographic(pixels):
        return Encoded(Kind.JPEG, encode_jpeg(pixels, quality))
    return encode_lossless(pixels)


def is_photographic(pixels: Pixels) -> bool:
    """Whether neighbours are rarely equal; judged on every eighth row."""
    if pixels.shape[1] < 2:
        return False
    rows = pixels[::8].view(np.uint32)[:, :, 0]
    equal = float(np.mean(rows[:, 1:] == rows[:, :-1]))
    return equal < _PHOTO_EQUAL_NEIGHBOURS


def _one_colour(pixels: Pixels) -> bool:
    words = pixels.view(np.uint32)[:, :, 0]
    return bool(words[0, 0] == words[-1, -1]) and bool((words == words[0, 0]).all())
