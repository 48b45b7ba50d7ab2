"""A palette and packed indices: for small pieces of few colours.

A browser turns it into pixels in a few lines without leaving its task, so a typed character
costs no asynchronous image decode.
"""

import numpy as np
import numpy.typing as npt

from webvdi.codecs.palette import Indexed, Words


def encode_indexed(picture: Indexed) -> bytes:
    """The bytes of the wire's *indexed* codec."""
    bits = bits_for(len(picture.colours))
    head = bytes([len(picture.colours) - 1]) + palette_bytes(picture.colours)
    return head + pack_indices(picture.indices, bits).tobytes()


def bits_for(colours: int) -> int:
    """Bits an index takes: 1, 2, 4 or 8."""
    for bits in (1, 2, 4):
        if colours <= 1 << bits:
            return bits
    return 8


def palette_bytes(colours: Words) -> bytes:
    """R, G, B of each colour."""
    return colours.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


def pack_indices(indices: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Rows of indices, *bits* each, the first in the high bits, rows padded to whole bytes."""
    if bits == 8:
        return indices
    if bits == 1:
        return np.packbits(indices, axis=1)
    if bits == 2:
        return _pairs(_pairs(indices, 2), 4)
    return _pairs(indices, 4)


def _pairs(values: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Each two neighbours of *bits* bits as one value, the left one in the high bits."""
    if values.shape[1] % 2:
        values = np.pad(values, ((0, 0), (0, 1)))
    left, right = values[:, ::2], values[:, 1::2]
    joined: npt.NDArray[np.uint8] = np.left_shift(left, bits) | right
    return joined
