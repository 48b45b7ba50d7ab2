"""Many small one-coloured rectangles drawn at once, for the encodings that are made of them."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from webvdi.rfb.pixels import Words

Numbers: TypeAlias = npt.NDArray[np.intp]

MAX_SCRATCH_PIXELS: Final = 1 << 20
"""Pixels numbered at once: bounds the scratch memory to a few tens of MiB."""


def draw_subrects(
    picture: Words, x: Numbers, y: Numbers, widths: Numbers, heights: Numbers, colours: Words
) -> None:
    """Draw rectangles on *picture* (contiguous), later ones over earlier ones.

    All of them lie inside of the picture; the caller has checked that.
    """
    areas = widths * heights
    # Large ones by themselves (a slice is quick then), the rest in groups of bounded area.
    is_large = areas > MAX_SCRATCH_PIXELS // 64
    start = 0
    for large in [*np.flatnonzero(is_large).tolist(), len(areas)]:
        _draw_small(picture, x, y, widths, heights, colours, areas, start, large)
        if large < len(areas):
            rows = slice(y[large], y[large] + heights[large])
            picture[rows, x[large] : x[large] + widths[large]] = colours[large]
        start = large + 1


def _draw_small(
    picture: Words,
    x: Numbers,
    y: Numbers,
    widths: Numbers,
    heights: Numbers,
    colours: Words,
    areas: Numbers,
    start: int,
    end: int,
) -> None:
    """Those from *start* to before *end*, in groups."""
    while start < end:
        total = np.cumsum(areas[start:end])
        count = max(1, int(np.searchsorted(total, MAX_SCRATCH_PIXELS, side="right")))
        part = slice(start, start + count)
        _draw_group(picture, x[part], y[part], widths[part], heights[part], colours[part])
        start += count


def _draw_group(
    picture: Words, x: Numbers, y: Numbers, widths: Numbers, heights: Numbers, colours: Words
) -> None:
    # From rectangles to their lines, from lines to their pixels, each by its number in the
    # picture.  Where pixels come twice, numpy keeps the last value, as RFB wants it.
    columns = picture.shape[1]
    lines = np.repeat(y * columns + x, heights) + _counted(heights) * columns
    line_widths = np.repeat(widths, heights)
    pixels = np.repeat(lines, line_widths) + _counted(line_widths)
    picture.reshape(-1)[pixels] = np.repeat(np.repeat(colours, heights), line_widths)


def _counted(lengths: Numbers) -> Numbers:
    """0, 1, 2 … up to each of *lengths*, one after the other."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
