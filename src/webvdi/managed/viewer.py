"""What a session knows of one viewer: what it was sent, and what of that has arrived."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from webvdi.framebuffer import Framebuffer, TileMask
from webvdi.managed.input import Hands
from webvdi.managed.keeper import NOTHING_HELD, Generations
from webvdi.managed.messages import Admission, ViewerId
from webvdi.managed.pacing import Pacer
from webvdi.managed.parcel import Parcel
from webvdi.managed.plan import FROM_THE_TOP
from webvdi.managed.sight import Sight
from webvdi.wire.from_viewer import Capability
from webvdi.wire.to_viewer import PackedUpdate, Role

_NO_SLOTS = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an update that is not acknowledged did to the viewer."""

    touched: TileMask | None
    """Tiles in which it drew; None if the screen has another size since."""
    slots: npt.NDArray[np.int32]
    """Slots into which it had tiles kept."""


class Viewer:
    """One attached client.  It outlives its connections.

    Bounded: four masks and, if it keeps tiles, the generations of its slots (64 KiB); and a mask
    for each update in flight, of which the pacer allows few.
    """

    def __init__(
        self,
        identity: ViewerId,
        admission: Admission,
        resume_key: str,
        capabilities: Capability,
    ) -> None:
        self.id = identity
        self.admission = admission
        self.resume_key = resume_key
        self.keeps_tiles = bool(capabilities & Capability.TILES)
        """Whether it has a cache of tiles."""
        self.draws_jpeg = bool(capabilities & Capability.JPEG)
        self.connected = True
        self.visible = True
        self.pacer = Pacer()
        self.hands = Hands()
        self.acked_input = 0
        """The last input number that the viewer was told is handled."""
        self.desktop: tuple[int, int] | None = None
        """The size that the viewer was last told."""
        self.sight = Sight(0, 0)
        self.parcel: Parcel | None = None
        """The update that is being encoded for it."""
        self.began = 0.0
        """When that was begun, or the last one was."""
        self.updates = 0
        """The number of the last update sent."""
        self.cursor = FROM_THE_TOP
        """See ``Plan.cursor``."""
        self.may_keep = True
        """Whether there may be tiles that it has not been asked to keep."""
        self.looked_at = float("-inf")
        """When somebody last looked in vain, or while something changed, for what it may keep."""
        self.acked_at = float("-inf")
        """When it last acknowledged something."""
        self.idle_at = float("-inf")
        """When something new last found its link idle."""
        self.refined_at = float("-inf")
        """When something was last refined for it."""
        self.holds: Generations = NOTHING_HELD
        """Of its slots."""
        self._slots = _NO_SLOTS
        """Those into which the update that is being made has tiles kept."""
        self._desktop_after = 0
        """The last update sent before the viewer was told its size."""
        self._unacked: dict[int, _Sent] = {}

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
        self._unsend()
        self.sight = Sight(mirror.width, mirror.height)
        self.cursor = FROM_THE_TOP
        # Pixels of the old size that are still under way need no second sending.
        self._unacked = {n: _Sent(None, sent.slots) for n, sent in self._unacked.items()}

    # ------------------------------------------------------------ an update goes out

    def begin(self, parcel: Parcel, now: float) -> None:
        """Its next update is being made of the picture as it is now."""
        self.parcel = parcel
        self.began = now
        self.cursor = parcel.plan.cursor
        self.sight.sent(parcel.plan.exact, parcel.plan.lossy)

    def keep(self, slots: npt.NDArray[np.int32], generations: Generations) -> None:
        """The update that is being made has the viewer keep tiles in *slots*."""
        if self.holds is NOTHING_HELD:
            self.holds = NOTHING_HELD.copy()
        self.holds[slots] = generations[slots]
        self._slots = slots

    def send(self, now: float) -> PackedUpdate:
        """The update is complete: it goes out."""
        parcel, self.parcel = self.parcel, None
        assert parcel is not None
        slots, self._slots = self._slots, _NO_SLOTS
        return self._send(parcel, slots, now, self.began)

    def send_before(self, parcel: Parcel, now: float) -> PackedUpdate:
        """*parcel* is complete and goes out at once, before the update that is being made.

        The two must have nothing to do with each other (``Parcel.involves``), and no move may be
        pending.
        """
        self.sight.sent(parcel.plan.exact, parcel.plan.lossy)
        return self._send(parcel, _NO_SLOTS, now, None)

    def _send(
        self, parcel: Parcel, slots: npt.NDArray[np.int32], now: float, began: float | None
    ) -> PackedUpdate:
        self.updates += 1
        self._unacked[self.updates] = _Sent(parcel.touched, slots)
        update = parcel.update(self.updates)
        self.pacer.sent(self.updates, len(update.packed), now, began=began)
        return update

    def acked(self, update: int, cost_ms: int, waiting: int, now: float) -> None:
        """All updates up to *update* are drawn."""
        self.acked_at = now
        self.pacer.acked(update, cost_ms, waiting, now)
        self._arrived(update)

    def _arrived(self, update: int) -> None:
        for number in [n for n in self._unacked if n <= update]:
            del self._unacked[number]

    # ------------------------------------------------------------ the connection breaks

    def disconnected(self) -> None:
        """The connection is gone; what was being encoded for it counts as unsent."""
        self.connected = False
        self._unsend()
        self.sight.drop_moves()

    def _unsend(self) -> None:
        """The update that is being made will never be sent."""
        if self.parcel is None:
            return
        self.sight.lost(self.parcel.touched)
        self.parcel = None
        self._unkeep(self._slots)
        self._slots = _NO_SLOTS

    def _unkeep(self, slots: npt.NDArray[np.int32]) -> None:
        if len(slots):
            self.holds[slots] = 0

    def resumed(self, last_update: int) -> None:
        """A new connection; everything after *last_update* counts as unsent."""
        if last_update <= self._desktop_after:
            self.desktop = None  # nothing shows that the size itself has arrived
        self.connected = True
        self.visible = True
        self._arrived(last_update)
        self.pacer.reset()
        for sent in self._unacked.values():
            if sent.touched is not None:
                self.sight.lost(sent.touched)
            self._unkeep(sent.slots)
        self._unacked.clear()
        self.may_keep = True
