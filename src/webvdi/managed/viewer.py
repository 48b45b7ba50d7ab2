"""What a session knows of one viewer: chiefly, which tiles it has seen at which version."""

from dataclasses import dataclass, field

import numpy as np

from webvdi.codecs import Encoded
from webvdi.framebuffer import TILE, Framebuffer, Rect, TileMask
from webvdi.managed.input import Hands
from webvdi.managed.messages import Admission, EncodeKey, ViewerId
from webvdi.managed.pacing import Pacer
from webvdi.wire.to_viewer import Role


@dataclass(slots=True)
class Batch:
    """The pieces of one update, while they are being encoded."""

    keys: list[EncodeKey]
    began: float
    """When its pixels were taken; monotonic seconds."""
    done: dict[EncodeKey, Encoded] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every piece is encoded."""
        return len(self.done) == len(self.keys)


class Viewer:
    """One attached client.  It outlives its connections."""

    def __init__(self, identity: ViewerId, admission: Admission, resume_key: str) -> None:
        self.id = identity
        self.admission = admission
        self.resume_key = resume_key
        self.connected = True
        self.visible = True
        self.pacer = Pacer()
        self.hands = Hands()
        self.acked_input = 0
        """The last input number that the viewer was told is handled."""
        self.desktop: tuple[int, int] | None = None
        """The size that the viewer was last told."""
        self.batch: Batch | None = None
        self.updates = 0
        """The number of the last update sent."""
        self._desktop_after = 0
        """The last update sent before the viewer was told its size."""
        self._sent = np.zeros((0, 0), np.uint32)
        self._lossy = np.zeros((0, 0), np.bool_)
        self._unacked: dict[int, list[Rect]] = {}
        self._sent_all_at = 0
        """The mirror's version at which every tile had been sent; 0 where that is not known."""

    @property
    def role(self) -> Role:
        """What it may do."""
        return self.admission.role

    @property
    def watching(self) -> bool:
        """Whether pixels may reach somebody's eyes."""
        return self.connected and self.visible

    def told_desktop(self, mirror: Framebuffer) -> None:
        """The viewer was told a (new) size: it knows nothing of the picture."""
        self.desktop = (mirror.width, mirror.height)
        self._desktop_after = self.updates
        self._sent_all_at = 0
        self._sent = np.zeros(mirror.versions.shape, np.uint32)
        self._lossy = np.zeros(mirror.versions.shape, np.bool_)
        self.batch = None
        # Pixels of the old size that are still under way need no second sending.
        self._unacked = {number: [] for number in self._unacked}

    def up_to_date(self, mirror: Framebuffer) -> bool:
        """Whether nothing can be stale: one comparison, where :meth:`stale` makes thousands."""
        return self._sent_all_at == mirror.version

    def stale(self, mirror: Framebuffer) -> TileMask:
        """Tiles whose newest pixels have not been sent."""
        return self._sent < mirror.versions

    def blurred(self, mirror: Framebuffer, rested: int) -> TileMask:
        """Tiles shown lossy that have not changed since version *rested*."""
        return self._lossy & (mirror.versions <= rested)

    @property
    def any_lossy(self) -> bool:
        """Whether some tile is not shown exactly."""
        return bool(self._lossy.any())

    def begin(
        self, mirror: Framebuffer, keys: list[EncodeKey], now: float, *, all_stale: bool
    ) -> None:
        """Pieces are taken from the mirror as it is now; later changes make their tiles stale.

        *all_stale* says that nothing stale was left for another update.
        """
        self.batch = Batch(keys, now)
        for key in keys:
            area = tiles(key.rect)
            self._sent[area] = mirror.versions[area]
        self._sent_all_at = mirror.version if all_stale else 0

    def went(self, batch: Batch, size_bytes: int, now: float) -> None:
        """The batch was sent as update ``self.updates``."""
        for key in batch.keys:
            self._lossy[tiles(key.rect)] = batch.done[key].lossy
        self._unacked[self.updates] = [key.rect for key in batch.keys]
        self.pacer.sent(self.updates, size_bytes, now, began=batch.began)

    def acked(self, update: int, cost_ms: int, waiting: int, now: float) -> None:
        """All updates up to *update* are drawn, as :meth:`Pacer.acked` is told."""
        self.pacer.acked(update, cost_ms, waiting, now)
        self._drawn(update)

    def _drawn(self, update: int) -> None:
        for number in [n for n in self._unacked if n <= update]:
            del self._unacked[number]

    def disconnected(self) -> None:
        """The connection is gone; what was being encoded for it counts as unsent."""
        self.connected = False
        if self.batch is not None:
            self._forget([key.rect for key in self.batch.keys])
            self.batch = None

    def resumed(self, last_update: int) -> None:
        """A new connection; everything after *last_update* counts as unsent."""
        if last_update <= self._desktop_after:
            self.desktop = None  # nothing shows that the size itself has arrived
        self.connected = True
        self.visible = True
        self.pacer.reset()
        self._drawn(last_update)
        for rects in self._unacked.values():
            self._forget(rects)
        self._unacked.clear()

    def _forget(self, rects: list[Rect]) -> None:
        self._sent_all_at = 0
        for rect in rects:
            self._sent[tiles(rect)] = 0


def tiles(rect: Rect) -> tuple[slice, slice]:
    """The tiles that a (tile-aligned) rectangle covers, as an index into a tile array."""
    return (
        slice(rect.y // TILE, -(-rect.bottom // TILE)),
        slice(rect.x // TILE, -(-rect.right // TILE)),
    )
