"""JPEG by libjpeg-turbo (2-3.5 ms a megapixel at quality 80)."""

import numpy as np
import simplejpeg

from webvdi.framebuffer import Pixels

FULL_COLOUR_QUALITY = 90
"""From here up colour is kept at full resolution."""


def encode_jpeg(pixels: Pixels, quality: int, *, full_colour: bool = False) -> bytes:
    """The pixels (h, w, 4; B, G, R, X) as a JPEG file.

    *quality* is libjpeg's 1..100.  With *full_colour*, and from ``FULL_COLOUR_QUALITY`` up, a
    block holds 8x8 pixels and nothing of the blocks around; else 16x16, and a decoder smooths
    colour across their edges.
    """
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels),
        quality=quality,
        colorspace="BGRX",
        colorsubsampling="444" if full_colour or quality >= FULL_COLOUR_QUALITY else "420",
        fastdct=True,
    )
    return encoded
