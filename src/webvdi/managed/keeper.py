"""Which tiles browsers keep: one store of contents for a session, mirrored by each viewer's cache.

A tile that has rested is given a *slot*, a number under which each viewer that shows it exactly
may be asked to keep it.  When the same content is to be shown again, wherever on the screen,
whoever holds it draws it for seven bytes a run.  Slots are given out in a ring; what lies in the
way is forgotten.  A slot's *generation* says how often it was given, so a viewer's knowledge of
an older content is void without anybody's touching it.

Contents are known by a keyed hash (BLAKE2b, 16 bytes) of the tile's pixels, under a secret of the
session's own: that two contents share one cannot be brought about.  No tile is kept for another
session, for a viewer's cache is its own and dies with its page.
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from webvdi.codecs import Content
from webvdi.framebuffer import TILE, Frame, Pixels, TileMask
from webvdi.wire.pieces import MAX_RUN, SLOTS, Run

_NONE = -1
"""The tile's content has no slot."""

_UNKNOWN = -2
"""Nobody has looked whether it has."""

_DIGEST_BYTES = 16
_TILE_BYTES = TILE * TILE * 4

MAX_LOOKED_UP = 96
"""Tiles that are looked up without asking whether it is worth while."""

_SAMPLE = 32
_WORTH = 8
"""Of more tiles, so many are tried first; unless one in eight is known, none is taken to be."""

Generations = npt.NDArray[np.uint32]
"""For each slot, how often it has been given out (of the store), or had been when it was kept (of
a viewer); 0 is never."""

NOTHING_HELD: Generations = np.zeros(SLOTS, np.uint32)
"""What a viewer holds at first; one for all, and not to be written."""
NOTHING_HELD.flags.writeable = False


class Keeper:
    """The store of one session.  Bounded: a digest and its place for each of ``SLOTS`` slots."""

    def __init__(self, secret: bytes, rows: int, columns: int) -> None:
        """*secret* (up to 64 bytes) must not be guessable."""
        self._blank = blake2b(digest_size=_DIGEST_BYTES, key=secret)
        self._slots: dict[bytes, int] = {}
        self._digests: list[bytes | None] = [None] * SLOTS
        self._next = 0
        self.generations: Generations = np.zeros(SLOTS, np.uint32)
        self.resize(rows, columns)

    def resize(self, rows: int, columns: int) -> None:
        """The picture has another size; what is kept stays of use."""
        self._slot_at: npt.NDArray[np.int32] = np.full((rows, columns), _UNKNOWN, np.int32)
        self._offered: TileMask = np.zeros((rows, columns), np.bool_)
        """Tiles whose content has been given a slot, if perhaps not for ever.  Without this a
        screen that shows more than there are slots would be kept again and again."""

    def advance(self, frame: Frame) -> None:
        """The picture became *frame*, of the same size as before."""
        self._slot_at[frame.changed] = _UNKNOWN
        self._offered[frame.changed] = False

    # ------------------------------------------------------------ to be shown again

    def held(
        self,
        mask: TileMask,
        kinds: npt.NDArray[np.uint8],
        picture: Pixels,
        holds: Generations,
    ) -> TileMask | None:
        """The tiles of *mask* whose content a viewer holds; None if it holds none of them.

        Those that *kinds* knows to be flat are not looked up.
        """
        if holds is NOTHING_HELD:
            return None
        tiles = np.flatnonzero(mask)
        slot_at = self._slot_at.reshape(-1)
        slots = slot_at[tiles]
        unknown = tiles[slots == _UNKNOWN]
        if len(unknown):
            self._look_up(unknown[kinds.reshape(-1)[unknown] != Content.FLAT], picture)
            slots = slot_at[tiles]
        there = slots >= 0
        tiles, slots = tiles[there], slots[there]
        tiles = tiles[holds[slots] == self.generations[slots]]
        if not len(tiles):
            return None
        held = np.zeros(mask.shape, np.bool_)
        held.reshape(-1)[tiles] = True
        return held

    def _look_up(self, tiles: npt.NDArray[np.intp], picture: Pixels) -> None:
        """Find the slots of tiles (flat indices).

        While everything moves nothing is known, and it would be a waste to hash it all.
        """
        if not len(tiles):
            return
        slot_at = self._slot_at.reshape(-1)
        if len(tiles) > MAX_LOOKED_UP:
            sample = tiles[:: -(-len(tiles) // _SAMPLE)]
            found = self._found(sample, picture)
            if sum(slot >= 0 for slot in found) < len(found) // _WORTH:
                slot_at[tiles] = _NONE
                return
        slot_at[tiles] = self._found(tiles, picture)

    def _found(self, tiles: npt.NDArray[np.intp], picture: Pixels) -> list[int]:
        return [self._slots.get(digest, _NONE) for digest in self._digests_of(tiles, picture)]

    # ------------------------------------------------------------ to be kept

    def keepable(self, mask: TileMask, holds: Generations) -> TileMask:
        """The tiles of *mask* that a viewer may yet be asked to keep."""
        slots = self._slot_at
        there = slots >= 0
        not_held = np.zeros(mask.shape, np.bool_)
        not_held[there] = holds[slots[there]] != self.generations[slots[there]]
        result: TileMask = mask & (not_held | ~(there | self._offered))
        return result

    def give(self, mask: TileMask, picture: Pixels) -> TileMask:
        """See to it that the tiles of *mask* (far fewer than slots) have slots, or have had one.

        Answers those of them that have one.  What was held before may be held no more.
        """
        tiles = np.flatnonzero(mask & (self._slot_at < 0) & ~self._offered)
        if len(tiles):
            self._give(tiles, picture)
        # Others of them may have lost theirs to these.
        given: TileMask = mask & (self._slot_at >= 0)
        return given

    def _give(self, tiles: npt.NDArray[np.intp], picture: Pixels) -> None:
        self._offered.reshape(-1)[tiles] = True
        digests = self._digests_of(tiles, picture)
        first = self._next
        slots = [self._slot_for(digest) for digest in digests]
        taken = (self._next - first) % SLOTS
        # Whoever showed what lay in the slots that were taken has none any more.
        slot_at = self._slot_at.reshape(-1)
        slot_at[(slot_at >= 0) & ((slot_at - first) % SLOTS < taken)] = _NONE
        slot_at[tiles] = [
            slot if self._digests[slot] == digest else _NONE
            for slot, digest in zip(slots, digests, strict=True)
        ]

    def _slot_for(self, digest: bytes) -> int:
        slot = self._slots.get(digest)
        return self._take_slot(digest) if slot is None else slot

    def _take_slot(self, digest: bytes) -> int:
        slot = self._next
        self._next = (slot + 1) % SLOTS
        older = self._digests[slot]
        if older is not None:
            del self._slots[older]
        self._digests[slot] = digest
        self._slots[digest] = slot
        self.generations[slot] += 1
        return slot

    def runs(self, mask: TileMask, most: int = SLOTS) -> tuple[Run, ...]:
        """The tiles of *mask* that have slots, as runs; at most so many, the longest."""
        columns = mask.shape[1]
        tiles = np.flatnonzero(mask & (self._slot_at >= 0))
        slots = self._slot_at.reshape(-1)[tiles]
        follows = (np.diff(tiles) == 1) & (np.diff(slots) == 1) & (tiles[1:] % columns != 0)
        starts = np.concatenate(([0], np.flatnonzero(~follows) + 1))
        ends = np.concatenate((starts[1:], [len(tiles)]))
        if len(starts) > most:
            longest = np.sort(np.argsort(starts - ends, kind="stable")[:most])
            starts, ends = starts[longest], ends[longest]
        return tuple(
            Run(
                int(tiles[i]) % columns,
                int(tiles[i]) // columns,
                int(slots[i]),
                min(MAX_RUN, end - i),
            )
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            for i in range(start, end, MAX_RUN)
        )

    def slots_of(self, mask: TileMask) -> npt.NDArray[np.int32]:
        """The slots of the tiles of *mask*."""
        slots: npt.NDArray[np.int32] = self._slot_at[mask]
        return slots

    # ------------------------------------------------------------ contents

    def _digests_of(self, tiles: npt.NDArray[np.intp], picture: Pixels) -> list[bytes]:
        """What the tiles (flat indices) hold; padded where the screen's edge cuts them off."""
        data = memoryview(_bytes_of(tiles, self._slot_at.shape[1], picture).tobytes())
        digests = []
        for start in range(0, len(data), _TILE_BYTES):
            tile = self._blank.copy()
            tile.update(data[start : start + _TILE_BYTES])
            digests.append(tile.digest())
        return digests


def tiles_of(runs: tuple[Run, ...], like: TileMask) -> TileMask:
    """The tiles of *runs*, in a mask of the shape of *like*."""
    mask = np.zeros(like.shape, np.bool_)
    for run in runs:
        mask[run.row, run.column : run.column + run.count] = True
    return mask


def _bytes_of(tiles: npt.NDArray[np.intp], columns: int, picture: Pixels) -> Pixels:
    """The pixels of tiles, shape (n, 16, 16, 4); zero, X too, beyond the screen's edges."""
    rows, columns_of = np.divmod(tiles, columns)
    whole_rows, whole_columns = picture.shape[0] // TILE, picture.shape[1] // TILE
    whole = picture[: whole_rows * TILE, : whole_columns * TILE]
    grid = whole.reshape(whole_rows, TILE, whole_columns, TILE, 4).transpose(0, 2, 1, 3, 4)
    inside = (rows < whole_rows) & (columns_of < whole_columns)
    if inside.all():
        return np.ascontiguousarray(grid[rows, columns_of])
    result = np.zeros((len(tiles), TILE, TILE, 4), np.uint8)
    result[inside] = grid[rows[inside], columns_of[inside]]
    for i in np.flatnonzero(~inside).tolist():
        y, x = int(rows[i]) * TILE, int(columns_of[i]) * TILE
        part = picture[y : y + TILE, x : x + TILE]
        result[i, : part.shape[0], : part.shape[1]] = part
    return result
