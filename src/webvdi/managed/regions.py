"""Which tiles of a mask belong together."""

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import TileMask

_FINE = 12_000
"""Tiles of a screen up to which regions are told apart on cells of 2x2 tiles; on larger ones, which
have finer pixels too, on cells of 4x4."""

_MAX_ROUNDS = 24
"""Labels double their reach each round; a few are enough for all but mazes."""


def grown(mask: TileMask) -> TileMask:
    """The mask and all tiles next to it."""
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def region_sizes(mask: TileMask) -> npt.NDArray[np.int64]:
    """For each true tile of *mask*, how many tiles its region has; 0 elsewhere.

    Tiles in cells that touch, if at corners only, are of one region.
    """
    cell = 2 if mask.size <= _FINE else 4
    rows, columns = mask.shape
    counts = np.zeros((-(-rows // cell), -(-columns // cell)), np.uint8)
    for row in range(cell):
        for column in range(cell):
            part = mask[row::cell, column::cell]
            counts[: part.shape[0], : part.shape[1]] += part
    labels = _labels(counts > 0)
    sizes = np.bincount(labels.reshape(-1), counts.reshape(-1)).astype(np.int64)
    spread = np.repeat(np.repeat(sizes[labels], cell, axis=0), cell, axis=1)[:rows, :columns]
    return spread * mask


def _labels(cells: TileMask) -> npt.NDArray[np.int32]:
    """A number for each true cell, equal exactly where cells touch, if at corners only.

    Each label is one more than the index of a cell of the same region, at first its own.  In each
    round every cell takes the greatest label around it, tells it to the cell that its old label
    names, and then takes that of the cell which its new one names.
    """
    rows, columns = cells.shape
    padded = np.zeros((rows + 2, columns + 2), np.int32)
    inner = padded[1:-1, 1:-1]
    inner[...] = np.arange(1, cells.size + 1, dtype=np.int32).reshape(cells.shape) * cells
    named = np.zeros(cells.size + 1, np.int32)
    for _ in range(_MAX_ROUNDS):
        high = np.maximum(np.maximum(padded[:-2], padded[2:]), padded[1:-1])
        around = np.maximum(np.maximum(high[:, :-2], high[:, 2:]), high[:, 1:-1]) * cells
        changed = around != inner
        if not changed.any():
            break
        named[1:] = around.reshape(-1)
        np.maximum.at(named, inner[changed], around[changed])
        inner[...] = named.take(around)
    return inner
