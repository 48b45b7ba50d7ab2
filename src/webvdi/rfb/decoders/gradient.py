"""Tight's gradient filter: each pixel as its difference from a prediction (rfbproto).

The prediction of a colour is *left + above - above left*, cut to 0 to 255, and pixels outside
of the rectangle count as 0.  A pixel needs its left neighbour and the row above, so no row can be
computed at once; but all pixels on one falling diagonal (x + y constant) can.
"""

import numpy as np

from webvdi.rfb.parsing import Bytes
from webvdi.rfb.pixels import Words


def undo_gradient(data: Bytes, width: int, height: int) -> Words:
    """The picture whose filtered R, G, B are *data*."""
    if not width or not height:
        return np.zeros((height, width), np.uint32)
    # A row and a column of zeros stand for the pixels outside.
    stride = width + 1
    colours = np.zeros((height + 1, stride, 3), np.int16)
    colours[1:, 1:] = np.frombuffer(data, np.uint8).reshape(height, width, 3)
    flat = colours.reshape(-1, 3)
    for diagonal in range(2, width + height + 1):
        first, last = max(1, diagonal - width), min(height, diagonal - 1)
        # Pixel (row, diagonal - row) is number row * stride + diagonal - row.
        start, count = first * width + diagonal, last - first + 1
        left, above, corner = (
            flat[start - back :: width][:count] for back in (1, stride, stride + 1)
        )
        predicted = left + above
        predicted -= corner
        np.clip(predicted, 0, 255, out=predicted)
        here = flat[start::width][:count]
        here += predicted
        here &= 255
    red, green, blue = (colours[1:, 1:, channel].astype(np.uint32) for channel in range(3))
    return red << np.uint32(16) | green << np.uint32(8) | blue
