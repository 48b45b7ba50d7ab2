"""PNG (RFC 2083 / W3C PNG third edition), written with ISA-L's deflate.

General PNG writers spend 24-66 ms a megapixel choosing filters; here a few rows tell what the
content is, and ISA-L compresses at memory speed.  Up to 256 colours go as a palette.  Where bytes
cost more than time does (*thorough*), it is zlib that compresses.
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from webvdi.codecs.filters import filtered_rows
from webvdi.codecs.indexed import bits_for, pack_indices, palette_bytes
from webvdi.codecs.palette import Indexed, indexed
from webvdi.framebuffer import Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _PALETTE = 2, 3
"""Colour types."""
_LEVEL = 1  # ISA-L's 0..3; 2 and 3 cost much more time for 1-3 % of bytes
_THOROUGH_LEVEL = 6  # zlib's 0..9


def encode_png(pixels: Pixels, *, thorough: bool = False) -> bytes:
    """The pixels (h, w, 4; B, G, R, X) as a PNG file of 8-bit RGB or of a palette."""
    picture = indexed(pixels)
    if picture is None:
        return rgb_png(pixels, thorough=thorough)
    return palette_png(picture, thorough=thorough)


def rgb_png(pixels: Pixels, *, thorough: bool = False) -> bytes:
    """A PNG file of 8-bit RGB."""
    height, width = pixels.shape[:2]
    return _file(width, height, 8, _RGB, b"", _deflated(filtered_rows(pixels), thorough=thorough))


def palette_png(picture: Indexed, *, thorough: bool = False) -> bytes:
    """A PNG file with a palette, 1, 2, 4 or 8 bits a pixel."""
    height, width = picture.indices.shape
    bits = bits_for(len(picture.colours))
    packed = pack_indices(picture.indices, bits)
    rows = np.empty((height, 1 + packed.shape[1]), np.uint8)
    rows[:, 0] = 0
    rows[:, 1:] = packed
    palette = _chunk(b"PLTE", palette_bytes(picture.colours))
    return _file(width, height, bits, _PALETTE, palette, _deflated(rows, thorough=thorough))


def _deflated(rows: npt.NDArray[np.uint8], *, thorough: bool) -> bytes:
    if thorough:
        # Of what is filtered next to nothing comes again: looking for it costs time, and bytes.
        filtered = np.count_nonzero(rows[:, 0]) > len(rows) / 2
        strategy = zlib.Z_RLE if filtered else zlib.Z_DEFAULT_STRATEGY
        deflate = zlib.compressobj(_THOROUGH_LEVEL, strategy=strategy)
        return deflate.compress(rows.data) + deflate.flush()
    fast: bytes = isal_zlib.compress(rows, level=_LEVEL)
    return fast


def _file(width: int, height: int, bits: int, kind: int, palette: bytes, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            palette,
            _chunk(b"IDAT", data),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", isal_zlib.crc32(body))
