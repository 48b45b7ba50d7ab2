"""Which codec for which pixels.

The rules, in order: one colour → fill; small and of few colours → indexed; photographic, large
enough and allowed to be lossy → JPEG; else PNG, with a palette where there are few colours.  What
went out as JPEG is refined to lossless once it rests (that decision is the session's).
"""

from webvdi.codecs.content import is_photographic
from webvdi.codecs.encoded import Encoded, Kind
from webvdi.codecs.indexed import encode_indexed, palette_bytes
from webvdi.codecs.jpeg import encode_jpeg
from webvdi.codecs.palette import indexed
from webvdi.codecs.png import palette_png, rgb_png
from webvdi.framebuffer import Pixels

MIN_JPEG_AREA = 48 * 48
"""Below this JPEG's header (600 bytes) and the later refinement outweigh what it saves."""

SMALL_AREA = 96 * 96
"""Pixels up to which a browser unpacks indices faster than it decodes an image."""

_MAX_INDEXED_BYTES = 4096
"""Indices are not compressed; beyond this PNG is smaller by more than it is slower."""

_MAX_THOROUGH_BYTES = 512
"""The same where bytes cost more than time does."""


def encode(pixels: Pixels, quality: int | None = None, *, thorough: bool = False) -> Encoded:
    """One rectangle's pixels, in the codec that fits them.

    Without *quality* decoding gives exactly these pixels; with it (30 to 95) photographic content
    may become a JPEG of that quality.  *thorough* takes more time for fewer bytes.
    """
    area = pixels.shape[0] * pixels.shape[1]
    if quality is not None and area >= MIN_JPEG_AREA and is_photographic(pixels):
        return Encoded(Kind.JPEG, encode_jpeg(pixels, quality), lossy=True)
    picture = indexed(pixels)
    if picture is None:
        return Encoded(Kind.PNG, rgb_png(pixels, thorough=thorough))
    if len(picture.colours) == 1:
        return Encoded(Kind.FILL, palette_bytes(picture.colours))
    if area <= SMALL_AREA:
        packed = encode_indexed(picture)
        if len(packed) <= (_MAX_THOROUGH_BYTES if thorough else _MAX_INDEXED_BYTES):
            return Encoded(Kind.INDEXED, packed)
    return Encoded(Kind.PNG, palette_png(picture, thorough=thorough))
