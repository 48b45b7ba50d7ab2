"""Arrays of pixels, and how the 3-byte pixels of ZRLE and Tight become 4-byte ones.

We ask every server for 32 bits a pixel, little endian, red at bit 16: the bytes B, G, R, X of
a mirror.  A row of pixels is handled as one 32-bit word a pixel; X is left to chance, since
whoever writes into a mirror sets it.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import Pixels
from webvdi.rfb.parsing import Bytes

Words: TypeAlias = npt.NDArray[np.uint32]
"""Pixels as 32-bit words ``0xXXRRGGBB``, in any shape."""


def as_pixels(words: Words) -> Pixels:
    """The same memory (contiguous, height x width) as bytes."""
    height, width = words.shape
    return words.view(np.uint8).reshape(height, width, 4)


def words_of_bgr(data: Bytes, start: int, count: int) -> Words:
    """*count* pixels of the 3 bytes B, G, R: ZRLE's CPIXEL (RFC 6143 §7.7.5).

    Looks at one byte beyond the last pixel, which has to exist.
    """
    return np.ndarray((count,), "<u4", data, start, (3,)).astype(np.uint32)


def words_of_rgb(data: Bytes, start: int, count: int) -> Words:
    """*count* pixels of the 3 bytes R, G, B: Tight's TPIXEL (rfbproto: Tight Encoding).

    Looks at one byte beyond the last pixel, which has to exist.
    """
    words = np.ndarray((count,), ">u4", data, start, (3,)).astype(np.uint32)
    words >>= np.uint32(8)
    return words
