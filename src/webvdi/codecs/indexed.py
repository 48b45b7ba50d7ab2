"""A palette and packed indices: for small pieces of few colours.

A browser turns it into pixels in a few lines without leaving its task, so a typed character
costs no asynchronous image decode.
"""

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import Pixels

MAX_COLOURS = 256


def encode_indexed(pixels: Pixels) -> bytes | None:
    """The bytes of the wire's *indexed* codec, or None if there are too many colours."""
    words = pixels.view(np.uint32)[:, :, 0] & np.uint32(0x00FFFFFF)
    colours, inverse = np.unique(words, return_inverse=True)
    if len(colours) > MAX_COLOURS:
        return None
    indices = inverse.reshape(words.shape).astype(np.uint8)
    return _palette(colours) + pack_indices(indices, bits_for(len(colours))).tobytes()


def bits_for(colours: int) -> int:
    """Bits an index takes: 1, 2, 4 or 8."""
    for bits in (1, 2, 4):
        if colours <= 1 << bits:
            return bits
    return 8


def pack_indices(indices: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Rows of indices, *bits* each, the first in the high bits, rows padded to whole bytes."""
    if bits == 8:
        return indices
    per_byte = 8 // bits
    height, width = indices.shape
    padded = np.zeros((height, -(-width // per_byte), per_byte), np.uint8)
    padded.reshape(height, -1)[:, :width] = indices
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(bits)
    packed: npt.NDArray[np.uint8] = np.bitwise_or.reduce(padded << shifts, axis=2)
    return packed


def _palette(colours: npt.NDArray[np.uint32]) -> bytes:
    rgb = np.empty((len(colours), 3), np.uint8)
    for channel, shift in enumerate((16, 8, 0)):
        rgb[:, channel] = (colours >> np.uint32(shift)) & np.uint32(0xFF)
    return bytes([len(colours) - 1]) + rgb.tobytes()
