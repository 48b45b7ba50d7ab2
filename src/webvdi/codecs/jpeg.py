"""JPEG by libjpeg-turbo (2-3.5 ms a megapixel at quality 80)."""

import numpy as np
import simplejpeg

from webvdi.framebuffer import Pixels


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """The pixels (h, w, 4; B, G, R, X) as a JPEG file.

    *quality* is libjpeg's 1..100; from 90 up colour is kept at full resolution.
    """
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels),
        quality=quality,
        colorspace="BGRX",
        colorsubsampling="444" if quality >= 90 else "420",
        fastdct=True,
    )
    return encoded
