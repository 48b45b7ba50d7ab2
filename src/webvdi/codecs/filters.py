"""PNG's row filters (W3C PNG third edition, section 9), chosen for bands of rows.

Text goes unfiltered: deflate finds its letters again.  Where neighbours are similar but rarely
equal, differences from what the pixels around predict take far fewer bits, and deflate is little
more than a Huffman code: the filter is the one of which the bytes' entropy is the lowest.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import Pixels

Bytes = npt.NDArray[np.uint8]

_BAND = 32
"""Rows that are judged together."""
_SAMPLED = 8
"""Every so manieth row is judged."""
_TRIED = 4
"""Rows on which each filter is tried, at three places."""
_BLOCK_BYTES = 96 << 10
"""What is filtered at a time, so that all that it takes stays in the processor's cache."""
_EQUAL_IN_SMOOTH = 0.4
"""Below this share of equal neighbours in a row, filtering pays."""


def filtered_rows(pixels: Pixels) -> Bytes:
    """Each row's filter byte and its R, G, B bytes, filtered; shape (height, 1 + 3 * width)."""
    height, width = pixels.shape[:2]
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    for start, end, smooth in _bands(pixels):
        if smooth:
            _filter(pixels, start, end, rows[start:end])
        else:
            rows[start:end, 0] = 0
            _to_rgb(pixels[start:end], rows[start:end, 1:])
    return rows


def _to_rgb(pixels: Pixels, out: Bytes) -> None:
    """R, G, B of *pixels* into *out*, shape (rows, 3 * width)."""
    planes = out.reshape(*pixels.shape[:2], 3)
    for channel in range(3):
        planes[:, :, channel] = pixels[:, :, 2 - channel]


def _bands(pixels: Pixels) -> Iterator[tuple[int, int, bool]]:
    """Rows from, to, and whether neighbours in them are rarely equal; judged on some rows."""
    height, width = pixels.shape[:2]
    words = pixels[::_SAMPLED].view(np.uint32)[:, :, 0]
    equal = np.ones(len(words)) if width < 2 else (words[:, 1:] == words[:, :-1]).mean(axis=1)
    per_band = _BAND // _SAMPLED
    smooth = [
        float(equal[i : i + per_band].mean()) < _EQUAL_IN_SMOOTH
        for i in range(0, len(equal), per_band)
    ]
    row = 0
    for kind, group in groupby(smooth):
        end = min(height, row + _BAND * len(list(group)))
        yield row, end, kind
        row = end


def _filter(pixels: Pixels, start: int, end: int, out: Bytes) -> None:
    """Filter rows *start* to *end* into *out*, by the filter that fits them best."""
    kind = _best_filter(pixels, start, end)
    out[:, 0] = kind
    step = max(1, _BLOCK_BYTES // (3 * pixels.shape[1]))
    for row in range(start, end, step):
        stop = min(end, row + step)
        _FILTERS[kind](_Around(pixels, row, stop), out[row - start : stop - start, 1:])


def _best_filter(pixels: Pixels, start: int, end: int) -> int:
    """The filter whose bytes take the fewest bits, tried on some of the rows."""
    last = max(start, end - _TRIED)
    places = {start, (start + last) // 2, last}
    arounds = [_Around(pixels, row, min(end, row + _TRIED)) for row in places]

    def bits(kind: int) -> float:
        counts = np.zeros(256, np.int64)
        for around in arounds:
            filtered = np.empty_like(around.here)
            _FILTERS[kind](around, filtered)
            counts += np.bincount(filtered.ravel(), minlength=256)
        used = counts[counts > 0]
        return float(-(used * np.log2(used / used.sum())).sum())

    return min(_FILTERS, key=bits)


class _Around:
    """The bytes of some rows, and those that PNG's filters predict them from."""

    def __init__(self, pixels: Pixels, start: int, end: int) -> None:
        above = min(start, 1)
        padded = np.zeros((end - start + 1, 3 * pixels.shape[1] + 3), np.uint8)
        _to_rgb(pixels[start - above : end], padded[1 - above :, 3:])
        self.here = padded[1:, 3:]
        self.left = padded[1:, :-3]
        self.up = padded[:-1, 3:]
        self.corner = padded[:-1, :-3]


def _sub(around: _Around, out: Bytes) -> None:
    np.subtract(around.here, around.left, out=out)


def _up(around: _Around, out: Bytes) -> None:
    np.subtract(around.here, around.up, out=out)


def _average(around: _Around, out: Bytes) -> None:
    mean = ((around.left ^ around.up) >> 1) + (around.left & around.up)
    np.subtract(around.here, mean, out=out)


def _paeth(around: _Around, out: Bytes) -> None:
    """The standard's predictor without leaving bytes.

    With a = left, b = up, c = corner it takes of these what is nearest to a + b - c.  That is
    |b - c| from a, |a - c| from b; and from c, where c lies between them, the difference of the
    two distances, else their sum, with which c never wins.
    """
    left, up, corner = around.left, around.up, around.corner
    from_left = np.maximum(up, corner) - np.minimum(up, corner)
    from_up = np.maximum(left, corner) - np.minimum(left, corner)
    nearer = np.minimum(from_left, from_up)
    from_corner = np.maximum(from_left, from_up) - nearer
    between = (corner > np.minimum(left, up)) & (corner < np.maximum(left, up))
    chosen = _either(from_left <= from_up, left, up)
    chosen = _either(between & (from_corner < nearer), corner, chosen)
    np.subtract(around.here, chosen, out=out)


def _either(first: npt.NDArray[np.bool_], one: Bytes, other: Bytes) -> Bytes:
    """``np.where``, several times as fast on bytes."""
    mask = np.negative(first.view(np.uint8))
    mask &= one ^ other
    mask ^= other
    return mask


_FILTERS: dict[int, Callable[[_Around, Bytes], None]] = {1: _sub, 2: _up, 3: _average, 4: _paeth}
"""By the filter byte."""
