"""Pixels on their way out: what of the mirror each viewer lacks, encoded once for all.

Theory of operation.  The display source writes the mirror; every real change gives its tiles a
new version.  A viewer owns no queue: whenever its in-flight budget allows, the tiles it is behind
on are gathered into a few rectangles, copied from the mirror *as it is now*, encoded (shared with
every viewer that needs the same), and sent as one update.  A slow viewer is thus simply sent
fewer, newer updates.  Photographic regions may go out lossy; once a tile has rested for
``REST_S`` it is sent again losslessly, so every picture ends exact.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping

from webvdi.codecs import Encoded, Kind
from webvdi.framebuffer import Framebuffer, TileMask, first_tiles, rects_of
from webvdi.managed.messages import Command, Encode, EncodeKey, SendTo, ViewerId
from webvdi.managed.viewer import Batch, Viewer, tiles
from webvdi.wire.to_viewer import Codec, Piece, Update

REST_S = 0.15
"""A tile that has not changed for so long is at rest, and refined."""

JPEG_QUALITY = 85

CACHE_BYTES = 16 << 20
"""Encoded pieces kept for viewers that come to need the same pixels."""

MAX_UPDATE_AREA = 4 << 20
"""Pixels of one update.  Even noise stays below the link's bound on a frame: lossless PNG takes
3 bytes a pixel at worst.  A larger screen comes in several updates, from the top."""

_CODECS = {
    Kind.FILL: Codec.FILL,
    Kind.INDEXED: Codec.INDEXED,
    Kind.PNG: Codec.PNG,
    Kind.JPEG: Codec.JPEG,
}


class PixelFeed:
    """Feeds one mirror's pixels to viewers."""

    def __init__(self, mirror: Framebuffer, viewers: Mapping[ViewerId, Viewer]) -> None:
        self.mirror = mirror
        self.settled = True
        """Whether the mirror holds a whole picture; the shell copies it from the source."""
        self.opened = False
        """Whether the screen's size is known."""
        self._awaits_picture = True
        """Whether the mirror is still to be drawn by a display that has only just come."""
        self._viewers = viewers
        self._marks: deque[tuple[float, int]] = deque()
        self._cache: OrderedDict[EncodeKey, Encoded] = OrderedDict()
        self._cached_bytes = 0
        self._encoding: set[EncodeKey] = set()

    @property
    def has_picture(self) -> bool:
        """Whether the mirror shows a whole picture of its machine."""
        return self.opened and self.settled and not self._awaits_picture

    # ------------------------------------------------------------ what the display does

    def display_opened(self, now: float) -> None:
        """The display is there (again); its pixels are still to come."""
        self.opened = True
        self._awaits_picture = True
        self.changed(now)

    def display_updated(self, now: float) -> None:
        """The mirror is a consistent picture."""
        self._awaits_picture = False
        self.changed(now)

    def display_lost(self) -> None:
        """Half an update left behind is shown to nobody."""
        self._awaits_picture = self._awaits_picture or not self.settled

    def changed(self, now: float) -> None:
        """Remember which version was current when, to know what has rested since."""
        self._marks.append((now, self.mirror.version))
        self._rested(now)  # forgets older marks

    def _rested(self, now: float) -> int:
        """The newest version that is at least ``REST_S`` old."""
        while len(self._marks) > 1 and self._marks[1][0] <= now - REST_S:
            self._marks.popleft()
        if not self._marks or self._marks[0][0] > now - REST_S:
            return 0
        return self._marks[0][1]

    # ------------------------------------------------------------ what viewers get

    def flush(self, viewer: Viewer, now: float) -> list[Command]:
        """Start an update for *viewer* if there is something to show and room for it."""
        if not (self._ready(viewer) and viewer.pacer.may_send(now)):
            return []
        if not viewer.up_to_date(self.mirror):
            stale = viewer.stale(self.mirror)
            if stale.any():
                return self._start(viewer, stale, JPEG_QUALITY, now)
        if not viewer.any_lossy:
            return []
        blurred = viewer.blurred(self.mirror, self._rested(now))
        if blurred.any():
            return self._start(viewer, blurred, None, now)
        return []

    def _ready(self, viewer: Viewer) -> bool:
        return (
            self.has_picture
            and viewer.watching
            and viewer.desktop == (self.mirror.width, self.mirror.height)
            and viewer.batch is None
        )

    def _start(
        self, viewer: Viewer, mask: TileMask, quality: int | None, now: float
    ) -> list[Command]:
        mirror = self.mirror
        mask, whole = first_tiles(mask, MAX_UPDATE_AREA)
        keys = [
            EncodeKey(rect, int(mirror.versions[tiles(rect)].max()), quality)
            for rect in rects_of(mask, mirror.width, mirror.height)
        ]
        viewer.begin(mirror, keys, now, all_stale=whole)
        commands: list[Command] = []
        for key in keys:
            cached = self._cache.get(key)
            if cached is not None:
                _deliver(viewer, key, cached)
            elif key not in self._encoding:
                self._encoding.add(key)
                commands.append(Encode(key, mirror.snapshot(key.rect)))
        return [*commands, *_send_if_complete(viewer, now)]

    def encoded(self, key: EncodeKey, encoded: Encoded, now: float) -> list[Command]:
        """An :class:`Encode` is done; everyone who waits for these pixels gets them."""
        self._encoding.discard(key)
        self._remember(key, encoded)
        commands: list[Command] = []
        for viewer in self._viewers.values():
            if viewer.batch is not None and key in viewer.batch.keys:
                _deliver(viewer, key, encoded)
                commands += _send_if_complete(viewer, now)
        return commands

    def _remember(self, key: EncodeKey, encoded: Encoded) -> None:
        self._cache[key] = encoded
        self._cached_bytes += len(encoded.payload)
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped.payload)

    def due(self, now: float) -> float | None:
        """When something may have rested, or may be sent; None if everybody's picture is exact."""
        times = [self._room(viewer, now) for viewer in self._viewers.values()]
        if any(v.watching and v.any_lossy for v in self._viewers.values()):
            times.append(now + REST_S)
        return min((at for at in times if at is not None), default=None)

    def _room(self, viewer: Viewer, now: float) -> float | None:
        """When a viewer that lacks something may be sent it without having said a word."""
        if not self._ready(viewer) or viewer.up_to_date(self.mirror):
            return None
        return viewer.pacer.due(now)


def _deliver(viewer: Viewer, key: EncodeKey, encoded: Encoded) -> None:
    if viewer.batch is not None:
        viewer.batch.done[key] = encoded


def _send_if_complete(viewer: Viewer, now: float) -> list[Command]:
    batch = viewer.batch
    if batch is None or not batch.complete:
        return []
    viewer.batch = None
    viewer.updates += 1
    update = _update(viewer.updates, batch)
    viewer.went(batch, sum(len(p.payload) for p in update.pieces), now)
    return [SendTo(viewer.id, update)]


def _update(number: int, batch: Batch) -> Update:
    pieces = tuple(
        Piece(
            _CODECS[batch.done[key].kind],
            key.rect.x,
            key.rect.y,
            key.rect.width,
            key.rect.height,
            batch.done[key].payload,
        )
        for key in batch.keys
    )
    return Update(number, any(e.lossy for e in batch.done.values()), pieces)
