"""Landmarks: places that can be found again in another picture, wherever they have gone.

Comparing every place with every other is out of the question; choosing places by their position
finds nothing, for what has moved is elsewhere.  So the *content* chooses: a hash of 16 pixels in
a row decides whether they start a landmark, and chooses the same pixels in both pictures.

1. **Candidates.**  The hash is a polynomial of the differences between neighbours, so that a flat
   run has hash 0 and is never chosen: about one in 64 of the others is.  Hashing costs most, so
   in large areas only one in *k* rows is hashed in each picture, drawn by lot once and for all:
   whatever the distance, about one pair of rows in *k* * *k* meets.  (Rows at even distances
   would meet more reliably, but where they keep step with lines of text they meet between them.)
2. **Choice.**  Of too many, those with the rarest hashes stay, over both pictures: what is there
   many times says little.
3. **Prints.**  A second hash over 64 pixels of a larger patch around tells landmarks apart.
4. **Votes.**  A print that is in both pictures speaks for a displacement.  One that occurs only
   once or twice says it for all distances; one that is there more often (lines that repeat) for
   the nearest in its own column and its own row, for that is how things scroll.

Nothing here is exact: what was voted for is compared pixel by pixel before it is believed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer.grid import MAX_SIDE, TILE, TileMask, Words
from webvdi.framebuffer.rect import Rect

Numbers = npt.NDArray[np.int64]

MAX_LANDMARKS = 1024
"""Landmarks in one picture, about: the cost of prints and votes is bounded by it."""

_HASHED = 1 << 17
"""Pixels of an area that are hashed in each picture, about."""

_CLASSES = 1024
"""Hashes, out of 65,536, that make a candidate."""

_FIRST_CLASS = np.uint16(65536 - _CLASSES)  # not 0, which is flat

_RUN = 16
"""Pixels in a row that the hash is made of."""

_PATCH = Rect(0, 0, 32, 13)
"""Where a print's pixels are, from the landmark on: every second one of every fourth row."""

_ALIKE = 2
"""Landmarks of one print in a picture that are still told apart by their print alone."""

_BAND = 1 << 16
"""Pixels hashed at a time: what is made of them stays in the processor's cache."""

_LOTS = np.random.default_rng(15).random((2, MAX_SIDE))
"""For each row of the old and of the new picture, 0 to 1: it is hashed if below 1/k."""

_SPREAD = np.uint32(0x9E3779B1)
_SIXTEEN = np.uint32(16)
_FACTORS = (np.uint16(0x6A4D), np.uint16(0xC2B3), np.uint16(0x35E9))
_PRINT = np.random.default_rng(16).integers(1, 1 << 32, 64, np.uint32)


@dataclass(frozen=True, slots=True)
class Votes:
    """Landmarks found again; one entry in each array is one that was."""

    x: Numbers
    y: Numbers
    """Where the middle of its run is in the new picture."""
    dx: Numbers
    dy: Numbers
    """How far it has come."""

    def only(self, which: npt.NDArray[np.bool_]) -> "Votes":
        """Some of them."""
        return Votes(self.x[which], self.y[which], self.dx[which], self.dy[which])


@dataclass(frozen=True, slots=True)
class _Landmarks:
    """Of one picture."""

    x: Numbers
    y: Numbers
    hash: npt.NDArray[np.uint16]

    def only(self, which: npt.NDArray[np.bool_]) -> "_Landmarks":
        return _Landmarks(self.x[which], self.y[which], self.hash[which])


def votes(old: Words, new: Words, changed: TileMask, area: Rect) -> Votes:
    """How far the landmarks in the *changed* tiles of *area* (in tiles) have come."""
    x, end_x = area.x * TILE, min(area.right * TILE, new.shape[1] - _PATCH.width + _RUN)
    y, end_y = area.y * TILE, min(area.bottom * TILE, new.shape[0] - _PATCH.height + 1)
    if end_x - x < _RUN or end_y <= y:
        return Votes(*np.zeros((4, 0), np.int64))
    rows = y + np.flatnonzero(np.repeat(changed.any(axis=1), TILE)[y:end_y])
    k = max(1, min(8, round((len(rows) * (end_x - x) / _HASHED) ** 0.5)))
    drawn_old, drawn_new = (rows[lots[rows] * k < 1] for lots in _LOTS)
    before = _candidates(old[:, x:end_x], drawn_old, x, changed)
    after = _candidates(new[:, x:end_x], drawn_new, x, changed)
    before, after = _rarest(before, after)
    return _matched(before, _prints(old, before), after, _prints(new, after))


def _candidates(strip: Words, rows: Numbers, left: int, changed: TileMask) -> _Landmarks:
    """The places in some *rows* whose hash makes them candidates, in changed tiles."""
    if not len(rows):
        return _Landmarks(rows, rows, np.zeros(0, np.uint16))
    columns = strip.shape[1] - _RUN + 1
    step = max(1, _BAND // strip.shape[1])
    places, hashes = [], []
    for start in range(0, len(rows), step):
        band = _hashed(strip[rows[start : start + step]]).reshape(-1)
        chosen = np.flatnonzero(band >= _FIRST_CLASS)
        hashes.append(band[chosen])
        places.append(chosen + start * columns)
    place = np.concatenate(places)
    found = _Landmarks(left + place % columns, rows[place // columns], np.concatenate(hashes))
    return found.only(changed[found.y // TILE, (found.x + _RUN // 2) // TILE])


def _hashed(pixels: Words) -> npt.NDArray[np.uint16]:
    """The hash of the 16 pixels that start at each place; modulo 2**16 throughout."""
    spread = ((pixels * _SPREAD) >> _SIXTEEN).astype(np.uint16)  # the product's better half
    hashed = spread[:, 1:] - spread[:, :-1]
    for reach, factor in zip((2, 4, 8), _FACTORS, strict=True):
        longer = hashed[:, :-reach] * factor
        longer += hashed[:, reach:]
        hashed = longer
    return hashed


def _rarest(before: _Landmarks, after: _Landmarks) -> tuple[_Landmarks, _Landmarks]:
    """At most ``2 * MAX_LANDMARKS`` in all, those whose hash is rare in both pictures."""
    if len(before.x) + len(after.x) <= 2 * MAX_LANDMARKS:
        return before, after
    classes = [landmarks.hash - _FIRST_CLASS for landmarks in (before, after)]
    counts = np.bincount(np.concatenate(classes), minlength=_CLASSES)
    order = np.argsort(counts)
    kept = np.zeros(_CLASSES, np.bool_)
    kept[order[np.cumsum(counts[order]) <= 2 * MAX_LANDMARKS]] = True
    return before.only(kept[classes[0]]), after.only(kept[classes[1]])


def _prints(picture: Words, landmarks: _Landmarks) -> Numbers:
    """A hash of each landmark's patch, below 2**32."""
    width = picture.shape[1]
    offsets = np.add.outer(
        np.arange(0, _PATCH.height, 4) * width, np.arange(0, _PATCH.width, 2)
    ).reshape(-1)
    places = landmarks.y * width + landmarks.x
    patches = picture.reshape(-1).take(np.add.outer(places, offsets))
    prints: npt.NDArray[np.uint32] = (patches * _PRINT).sum(axis=1, dtype=np.uint32)
    return prints.astype(np.int64)


def _matched(before: _Landmarks, old: Numbers, after: _Landmarks, new: Numbers) -> Votes:
    """The votes of prints (*old*, *new*) that are in both pictures."""
    pairs = [_everywhere(old, new)]
    # 14 bits hold a coordinate, and the print has 32: all three fit into a word.
    for one, other, first, second in (
        (before.x, before.y, after.x, after.y),
        (before.y, before.x, after.y, after.x),
    ):
        line_old, line_new = old << 14 | one, new << 14 | first
        pairs.append(_nearest(line_old << 14 | other, line_new << 14 | second))
    source = np.concatenate([pair[0] for pair in pairs])
    target = np.concatenate([pair[1] for pair in pairs])
    dx = after.x[target] - before.x[source]
    dy = after.y[target] - before.y[source]
    middle = after.x[target] + _RUN // 2
    return Votes(middle, after.y[target], dx, dy).only((dx != 0) | (dy != 0))


def _everywhere(old: Numbers, new: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs of indices with equal prints, of which each picture has few."""
    order = np.argsort(old)
    ordered, own = old[order], np.sort(new)
    first = ordered.searchsorted(new)
    alike = ordered.searchsorted(new, "right") - first
    few = own.searchsorted(new, "right") - own.searchsorted(new) <= _ALIKE
    few &= alike <= _ALIKE
    targets = [np.flatnonzero(few & (alike > n)) for n in range(_ALIKE)]
    sources = [order[first[target] + n] for n, target in enumerate(targets)]
    return np.concatenate(sources), np.concatenate(targets)


def _nearest(old: Numbers, new: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs of indices of one print on one line, with their neighbours along it.

    The low 14 bits of the keys are the place along the line.
    """
    if not len(old):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(old)
    ordered = old[order]
    at = ordered.searchsorted(new)
    sources, targets = [], []
    for neighbour in (-1, 0, 1):  # before it; here or after it; after that
        index = at + neighbour
        index_in = np.clip(index, 0, len(old) - 1)
        same = (index == index_in) & (ordered[index_in] >> 14 == new >> 14)
        target = np.flatnonzero(same)
        sources.append(order[index_in[target]])
        targets.append(target)
    return np.concatenate(sources), np.concatenate(targets)
