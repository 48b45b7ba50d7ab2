"""One update's pixels on their way: a plan, what is encoded of it, and the bytes that come of it.

Viewers that have the same plan share the parcel, so that the bytes are put together once.
"""

import struct

from webvdi.codecs import SKETCH, Encoded, Kind
from webvdi.framebuffer import Move, TileMask, covered
from webvdi.managed.costs import Costs
from webvdi.managed.keeper import tiles_of
from webvdi.managed.messages import EncodeKey
from webvdi.managed.plan import Plan
from webvdi.wire.pieces import piece_of_runs
from webvdi.wire.to_viewer import Codec, Loss, PackedUpdate, Piece, pack_pieces

_CODECS = {
    Kind.FILL: Codec.FILL,
    Kind.INDEXED: Codec.INDEXED,
    Kind.PNG: Codec.PNG,
    Kind.JPEG: Codec.JPEG,
    Kind.SHEET: Codec.SHEET,
}


class Parcel:
    """For a screen of *width* x *height* pixels; *keys* name the plan's jobs, in their order."""

    def __init__(
        self, plan: Plan, keys: tuple[EncodeKey, ...], width: int, height: int, costs: Costs
    ) -> None:
        """*costs* learn what it took."""
        self.plan = plan
        self.keys = keys
        self._width = width
        self._height = height
        self._costs = costs
        self._done: dict[EncodeKey, Encoded] = {}
        self._packed: bytes | None = None
        self.touched = plan.touched
        """All tiles in which it draws."""

    @property
    def complete(self) -> bool:
        """Whether everything is encoded."""
        return self._packed is not None or len(self._done) == len(self.keys)

    def lacks(self, key: EncodeKey) -> bool:
        """Whether the parcel waits for a piece."""
        return self._packed is None and key in self.keys and key not in self._done

    def involves(self, mask: TileMask) -> bool:
        """Whether it draws in a tile of *mask*, moves it elsewhere, or has it kept.

        What is drawn in other tiles may be drawn before or after it, which comes to the same.
        """
        return (
            bool((self.touched & mask).any())
            or any(mask[covered(move.source)].any() for move in self.plan.moves)
            or bool((tiles_of(self.plan.kept, mask) & mask).any())
        )

    def add(self, key: EncodeKey, encoded: Encoded) -> None:
        """A piece that it waits for is encoded."""
        self._done[key] = encoded

    @property
    def lossy(self) -> Loss:
        """What of it is not exact."""
        if self.plan.lossy is None:
            return Loss.NONE
        sketched = any(job.quality == SKETCH for job in self.plan.jobs)
        return Loss.SOME | Loss.SKETCH if sketched else Loss.SOME

    @property
    def packed(self) -> bytes:
        """The bytes of its pieces; once it is complete."""
        if self._packed is None:
            self._packed = pack_pieces(self._pieces())
            exact = (len(e.payload) for e in self._done.values() if not e.lossy)
            self._costs.learn(self.plan.expected, sum(exact))
            self._done.clear()
        return self._packed

    def update(self, number: int) -> PackedUpdate:
        """It, as a viewer's update."""
        return PackedUpdate(number, self.lossy, self.packed)

    def _pieces(self) -> list[Piece]:
        plan = self.plan
        pieces = [_copy(move) for move in plan.moves]
        if plan.cached:
            pieces.append(piece_of_runs(Codec.CACHED, plan.cached, self._width, self._height))
        pieces += [_piece(key, self._done[key]) for key in self.keys]
        if plan.kept:
            pieces.append(piece_of_runs(Codec.KEEP, plan.kept, self._width, self._height))
        return pieces


def _copy(move: Move) -> Piece:
    rect = move.rect
    source = struct.pack(">HH", move.from_x, move.from_y)
    return Piece(Codec.COPY, rect.x, rect.y, rect.width, rect.height, source)


def _piece(key: EncodeKey, encoded: Encoded) -> Piece:
    box = key.rects[0]
    for rect in key.rects[1:]:
        box = box.union(rect)
    return Piece(_CODECS[encoded.kind], box.x, box.y, box.width, box.height, encoded.payload)
