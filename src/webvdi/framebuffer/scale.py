"""Smaller pictures by exact area averaging.

Every pixel of the result is the average of the area that it covers, pixels that it covers partly
weighted by how much: nothing flickers or vanishes, which picking pixels would do to text.
Computed in integers, so the only rounding is the last.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer.grid import Pixels


def fitting(width: int, height: int, space_width: int, space_height: int) -> tuple[int, int]:
    """The size of a *width* x *height* picture made to fit a space; never larger than it is."""
    ratio = min(1.0, space_width / width, space_height / height)
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    """*pixels* (h, w, 4) made *width* x *height*, at most as large as they are; X is 255."""
    rows, columns = pixels.shape[:2]
    if not (0 < width <= columns and 0 < height <= rows):
        raise ValueError(f"{columns}x{rows} pixels cannot be made {width}x{height}: only smaller")
    flat = np.ascontiguousarray(pixels).reshape(rows, columns * 4)
    fewer_rows = _averaged(flat, height, np.int32).reshape(height, columns, 4)
    # Channel after channel, so that the sums run over memory in its order.
    planes = np.ascontiguousarray(fewer_rows[:, :, :3].transpose(1, 2, 0)).reshape(columns, -1)
    sums = _averaged(planes, width, np.int64).reshape(width, 3, height)
    area = rows * columns
    result = np.full((height, width, 4), 255, np.uint8)
    result[:, :, :3] = ((sums + area // 2) // area).transpose(2, 0, 1)
    return result


def _averaged(
    values: npt.NDArray[np.generic], count: int, dtype: type[np.signedinteger]
) -> npt.NDArray[np.signedinteger]:
    """*count* rows for the rows of *values*, times the number of those.

    Row ``i`` covers the rows from ``i * n / count`` on.  In units of ``1 / count`` row that is a
    whole number: so many whole rows, and a part of the next.
    """
    n = len(values)
    edges = np.arange(count + 1) * n
    whole, part = edges // count, (edges % count).astype(dtype)[:, None]
    sums = np.zeros((count, *values.shape[1:]), dtype)
    for row, (first, end) in zip(sums, pairwise(whole.tolist()), strict=True):
        for value in values[first:end]:
            np.add(row, value, out=row)  # ten times faster than np.add.reduceat
    sums *= dtype(count)
    at_edge = values[np.minimum(whole, n - 1)].astype(dtype)
    at_edge *= part  # at the last edge the part is 0
    sums += at_edge[1:]
    sums -= at_edge[:-1]
    return sums
