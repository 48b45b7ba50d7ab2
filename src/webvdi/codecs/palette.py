"""Pixels of few colours as a palette and an index a pixel.

Sorting pixels (``np.unique``) takes 60 ms a megapixel.  Here a multiplicative hash gives every
colour a slot of its own in a table; then each pixel's colour is looked up, compared with what the
table holds, and only what is not there yet is sorted.  Pixels are handled in blocks that stay in
the processor's cache.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import Pixels

Words: TypeAlias = npt.NDArray[np.uint32]
"""Pixels or colours as numbers 0xXXRRGGBB."""

MAX_COLOURS = 256

_RGB = np.uint32(0x00FFFFFF)
_SORTED_AREA = 2048
"""Up to so many pixels sorting is as fast as all else."""
_SAMPLED_ROWS = 32
_SAMPLES = 4096
"""Sorted at a time at most."""
_BLOCK = 65536
"""Pixels handled at a time: what they take stays in the processor's cache."""
_MAX_ROUNDS = 64
"""Searches for further colours, each a block's time; what needs more is given up."""
_NO_COLOURS = np.empty(0, np.uint32)
_INDEX_SHIFT = np.uint32(24)
"""A table entry is a colour with its index where a pixel has its X."""
_INDEX_BITS = np.uint32(8)
_SLOT_SHIFT = np.uint32(16)
_SLOTS = 1 << 16
_MULTIPLIERS = tuple(np.uint32(pow(0x9E3779B1, n, 1 << 32)) for n in range(1, 25))
"""Odd and without pattern.  Of 256 colours each gets a slot of its own with 6 multipliers in 10."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A picture of at most 256 colours."""

    colours: Words
    """0x00RRGGBB, by index."""
    indices: npt.NDArray[np.uint8]
    """Shape (height, width)."""


def indexed(pixels: Pixels) -> Indexed | None:
    """The palette and the indices of *pixels*.

    None if there are too many colours, or (hardly ever) if the search takes too long.
    """
    words = pixels.view(np.uint32)[:, :, 0]
    if words.size <= _SORTED_AREA:
        return _sorted(words & _RGB)
    colours = _sample(words)
    if len(colours) <= 2:
        two = _two_colours(words)
        if two is not None:
            return two
    return _Search(words, colours).run() if len(colours) <= MAX_COLOURS else None


def _sorted(words: Words) -> Indexed | None:
    colours, inverse = np.unique(words, return_inverse=True)
    if len(colours) > MAX_COLOURS:
        return None
    return Indexed(colours, inverse.reshape(words.shape).astype(np.uint8))


def _sample(words: Words) -> Words:
    """The different colours of some rows, of no more than some of their pixels."""
    step = max(1, len(words) // _SAMPLED_ROWS)
    rows = words[step // 2 :: step]
    changing = rows[:, 1:][rows[:, 1:] != rows[:, :-1]]
    some = changing[:: 1 + changing.size // _SAMPLES]
    return np.unique(np.concatenate((rows[:, 0], some)) & _RGB)


def _two_colours(words: Words) -> Indexed | None:
    """Pictures of one or two colours by plain comparison."""
    first = words[0, 0]
    other = words != first
    where = int(other.argmax())
    if not other.flat[where]:
        return Indexed(np.array([first & _RGB]), other.view(np.uint8))
    second = words.flat[where]
    if np.count_nonzero(words == second) != np.count_nonzero(other):
        return None
    return Indexed(np.array([first, second]) & _RGB, other.view(np.uint8))


class _Search:
    """Finds a picture's further colours block by block, and each pixel's index on the way."""

    def __init__(self, words: Words, colours: Words) -> None:
        self._words = words
        self._colours = colours
        self._rounds = 0
        self._multiplier = _MULTIPLIERS[0]
        self._table = np.zeros(0, np.uint32)
        height, width = words.shape
        shape = (min(height, max(1, _BLOCK // width)), width)
        self._rgb = np.empty(shape, np.uint32)
        self._found = np.empty(shape, np.uint32)
        self._index = np.empty(shape, np.uint32)
        self._slots = np.empty(shape, np.intp)

    def run(self) -> Indexed | None:
        """All of it; None where there are too many colours."""
        if not self._seat():
            return None
        indices = np.empty(self._words.shape, np.uint8)
        rows = len(self._rgb)
        for start in range(0, len(indices), rows):
            block, out = self._words[start : start + rows], indices[start : start + rows]
            while (missing := self._look_up(block, out)).size:
                if not self._admit(missing):
                    return None
        return Indexed(self._colours, indices)

    def _look_up(self, block: Words, out: npt.NDArray[np.uint8]) -> Words:
        """Write *block*'s indices to *out*; the colours of pixels that are not known yet."""
        rows = len(block)
        rgb = np.bitwise_and(block, _RGB, out=self._rgb[:rows])
        found = np.multiply(rgb, self._multiplier, out=self._found[:rows])
        np.right_shift(found, _SLOT_SHIFT, out=found)
        slots = self._slots[:rows]
        np.copyto(slots, found)
        # No slot is beyond the table; of the modes that allow an `out`, this one is the fastest.
        np.take(self._table, slots, out=found, mode="wrap")
        index = np.right_shift(found, _INDEX_SHIFT, out=self._index[:rows])
        np.copyto(out, index, casting="unsafe")
        np.bitwise_xor(found, rgb, out=found)
        np.left_shift(found, _INDEX_BITS, out=found)
        return rgb[found != 0] if found.max() else _NO_COLOURS

    def _admit(self, missing: Words) -> bool:
        """Take in colours; whether there was room for them."""
        self._rounds += 1
        some = missing[:: 1 + missing.size // _SAMPLES]
        self._colours = np.concatenate((self._colours, np.unique(some)))
        return self._rounds <= _MAX_ROUNDS and len(self._colours) <= MAX_COLOURS and self._seat()

    def _seat(self) -> bool:
        """Give each colour a slot of its own, if one of the multipliers does."""
        for multiplier in _MULTIPLIERS:
            slots = (self._colours * multiplier) >> _SLOT_SHIFT
            if len(np.unique(slots)) == len(slots):
                break
        else:
            return False
        self._multiplier = multiplier
        self._table = np.zeros(_SLOTS, np.uint32)
        # An empty slot holds black, which looks into slot 0 only; that one holds what never does.
        self._table[0] = 1
        self._table[slots] = self._colours | np.arange(len(slots), dtype=np.uint32) << _INDEX_SHIFT
        return True
