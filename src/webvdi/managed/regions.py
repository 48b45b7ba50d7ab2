"""Which tiles of a mask belong together."""

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import TileMask

_CELL = 2
"""Regions are told apart on cells of 2x2 tiles: what is one tile apart belongs together."""

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


def region_sizes(mask: TileMask) -> npt.NDArray[np.intp]:
    """For each true tile of *mask*, how many tiles its region has; 0 elsewhere.

    Tiles that are less than two tiles apart, in any direction, are of one region; those that are
    further than three are not, unless others connect them.
    """
    rows, columns = mask.shape
    padded = np.zeros((-(-rows // _CELL) * _CELL, -(-columns // _CELL) * _CELL), np.intp)
    padded[:rows, :columns] = mask
    counts = padded.reshape(padded.shape[0] // _CELL, _CELL, -1, _CELL).sum(axis=(1, 3))
    labels = _labels(counts > 0)
    sizes = np.bincount(labels.reshape(-1), counts.reshape(-1)).astype(np.intp)
    of_cells = sizes[labels]
    of_cells[counts == 0] = 0
    spread = np.repeat(np.repeat(of_cells, _CELL, axis=0), _CELL, axis=1)[:rows, :columns]
    return np.where(mask, spread, 0)


def _labels(cells: TileMask) -> npt.NDArray[np.intp]:
    """A number for each true cell, equal exactly where cells touch, if at corners only.

    Each label is the index of a cell of the same region, at first its own.  In each round every
    cell takes the greatest label around it, tells the cell that its old label names, and then
    takes that of the cell which its new one names.
    """
    rows, columns = cells.shape
    index = np.arange(1, cells.size + 1, dtype=np.intp).reshape(cells.shape)
    padded = np.zeros((rows + 2, columns + 2), np.intp)
    inner = padded[1:-1, 1:-1]
    inner[...] = np.where(cells, index, 0)
    named = np.zeros(cells.size + 1, np.intp)
    for _ in range(_MAX_ROUNDS):
        high = np.maximum(np.maximum(padded[:-2], padded[2:]), padded[1:-1])
        around = np.maximum(np.maximum(high[:, :-2], high[:, 2:]), high[:, 1:-1])
        around[~cells] = 0
        changed = around > inner
        if not changed.any():
            break
        named[1:] = around.reshape(-1)
        roots, told = inner[changed], around[changed]
        order = np.argsort(told)
        named[roots[order]] = np.maximum(named[roots[order]], told[order])
        inner[...] = named[around]
    return inner
