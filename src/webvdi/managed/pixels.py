"""Pixels on their way out: what of the picture each viewer lacks, encoded once for all.

Theory of operation.  The display source writes the mirror, all the time.  Whenever some viewer may
be sent something, the mirror as it is then becomes the next *frame* of the picture: compared with
the one before, it yields the tiles that changed and the moves that explain most of them.  A viewer
owns no queue, only a *sight*: masks of what it lacks.  An update is *planned* from them, for as
much as the viewer's link affords, encoded (shared with every viewer that needs the same), and sent
whole.  A slow viewer is thus simply sent fewer, newer updates.

Photographic regions may go out lossy; once a tile has rested for ``REST_S`` it is sent again
losslessly, so every picture ends exact.  What rests longer is kept by browsers (``keeper``).
"""

from collections.abc import Iterable, Mapping

import numpy as np

from webvdi.codecs import Content, Encoded
from webvdi.framebuffer import Frame, Framebuffer, Frames, Pixels, Rect, TileMask
from webvdi.framebuffer.grid import grid_shape
from webvdi.managed.costs import Costs
from webvdi.managed.encodes import Encodes, encoded
from webvdi.managed.keeper import Keeper, tiles_of
from webvdi.managed.messages import Command, Encode, EncodeKey, SendTo, ViewerId
from webvdi.managed.parcel import Parcel
from webvdi.managed.plan import (
    FEW_TILES,
    FROM_THE_TOP,
    MAX_PIECE_AREA,
    MAX_UPDATE_AREA,
    TILE_AREA,
    Draft,
    Job,
    Means,
    Plan,
    Turn,
)
from webvdi.managed.tiles import Tiles
from webvdi.managed.viewer import Viewer
from webvdi.wire.pieces import Run

REST_S = 0.15
"""A tile that has not changed for so long is at rest, and refined."""

REFINE_AT_LEAST_S = 0.5
"""While something always moves, what rests elsewhere is refined at least so often."""

KEEP_REST_S = 0.3
"""A tile that has not changed for so long may be kept, if nothing large has moved meanwhile."""

NEVER_IDLE_S = 1.0
"""A link that has not been idle for so long has to carry beside what is new what is to be kept."""

LARGE_MOTION = 256
"""Tiles that change at once, from which on something large moves."""

MAX_KEPT = 1024
"""Tiles that a viewer is asked to keep by one update: their contents are hashed in a millisecond
or two."""

MAX_KEPT_BESIDE = 256
"""The same while something goes on: a key's echo is not to wait for longer."""

MAX_REFINED_AREA = 1 << 18
"""Pixels that are refined at a time while something large moves."""

MAX_QUALITY = 84
"""Of JPEG.  It is shown for so short a time that more would be in vain."""

SLOW_QUALITY = 44
"""A link that affords no better JPEG (some 3 Mbit/s) is slow: to save bytes is worth time there,
and what is too much for it is sketched at first."""

MAX_RUNS = 512
"""Runs of kept tiles in an update.  Each is a drawing of its own for a browser: a few thousand
take longer than to decode a picture of the same tiles."""

INLINE_AREA = 128 * 128
"""Pixels encoded on the spot: handing them to a thread and back would take as long."""

ENCODING_LONG_S = 0.05
"""While an encoder takes longer than this over a picture, one more is painted, and no third."""

ASK_AHEAD_S = 0.015
"""The display is asked for more so long before there is room for it: it takes a while to answer."""

MAX_SHARED = 4
"""Parcels remembered until the next frame, for viewers who lack the same."""

_A_LITTLE_S = 0.001
"""Clocks are added to and subtracted from: what is due is looked at a little later."""


class PixelFeed:
    """Feeds one mirror's pixels to viewers."""

    def __init__(
        self, mirror: Framebuffer, viewers: Mapping[ViewerId, Viewer], secret: bytes
    ) -> None:
        """*secret*: see :class:`Keeper`."""
        self.mirror = mirror
        self.settled = True
        """Whether the mirror holds a whole picture; the shell copies it from the source."""
        self.opened = False
        """Whether the screen's size is known."""
        self._awaits_picture = True
        """Whether the mirror is still to be drawn by a display that has only just come."""
        self.inline_area = INLINE_AREA
        """Pixels up to which a piece is encoded on the spot."""
        self.slow_quality = SLOW_QUALITY
        """See there."""
        self._viewers = viewers
        self._frames = Frames(mirror)
        self._committed = 0
        """The mirror's version of the last frame."""
        shape = grid_shape(mirror.width, mirror.height)
        self._tiles = Tiles(*shape)
        self._keeper = Keeper(secret, *shape)
        self._encodes = Encodes()
        self._costs = Costs()
        self._shared: dict[object, Parcel] = {}
        self._changed_at = float("-inf")
        """When the last frame was made."""
        self._moved_at = float("-inf")
        """When the last one was in which something large moved."""

    @property
    def has_picture(self) -> bool:
        """Whether the mirror shows a whole picture of its machine."""
        return self.opened and self.settled and not self._awaits_picture

    # ------------------------------------------------------------ what the display does

    def display_opened(self) -> None:
        """The display is there (again); its pixels are still to come."""
        self.opened = True
        self._awaits_picture = True

    def display_updated(self) -> None:
        """The mirror is a consistent picture."""
        self._awaits_picture = False

    def display_lost(self) -> None:
        """Half an update left behind is shown to nobody."""
        self._awaits_picture = self._awaits_picture or not self.settled

    def _commit(self, now: float) -> Frame | None:
        """Make a frame of the mirror as it is, if it is another picture than the last frame's."""
        if not self.has_picture or self.mirror.version == self._committed:
            return None
        self._committed = self.mirror.version
        frame = self._frames.commit()
        if frame is None:
            return None
        self._changed_at = now
        self._shared.clear()
        if frame.resized:
            self._tiles = Tiles(*frame.changed.shape)
            self._keeper.resize(*frame.changed.shape)
        self._tiles.advance(frame, now)
        self._keeper.advance(frame)
        if frame.moves or np.count_nonzero(frame.changed) >= LARGE_MOTION:
            self._moved_at = now
        for viewer in self._viewers.values():
            if viewer.desktop != self._frames.size:
                continue  # it will be told the size, and then knows nothing
            viewer.may_keep = True
            if viewer.watching:
                viewer.sight.advance(frame)
            else:
                viewer.sight.overlook(frame)
        return frame

    # ------------------------------------------------------------ what viewers get

    def flush(self, now: float) -> list[Command]:
        """Start an update for each viewer for which there is something, and room for it."""
        commands = self._flush(now)
        if self._shared and not any(v.sight.behind for v in self._viewers.values() if v.watching):
            self._shared.clear()  # else an idle session would hold on to the last pictures
        return commands

    def _flush(self, now: float) -> list[Command]:
        if not self.opened or self._awaits_picture:
            return []
        commands = self._hasten(now)
        if self._encodes.full:
            return commands
        news = self.settled and self.mirror.version != self._committed
        ready = [
            viewer
            for viewer in self._viewers.values()
            if (news or self._lacks(viewer, now))
            and viewer.parcel is None
            and viewer.watching
            and viewer.pacer.may_send(now)
        ]
        if not ready:
            return commands
        self._commit(now)
        self._costs.adopt()
        if self._frames.number and self._frames.size == (self.mirror.width, self.mirror.height):
            # Who has waited longest goes first, for the encoders may not have time for all.
            for viewer in sorted(ready, key=lambda viewer: viewer.began):
                if viewer.desktop == self._frames.size and not self._encodes.full:
                    commands += self._serve(viewer, now)
        return commands

    def _hasten(self, now: float) -> list[Command]:
        """Send what is small and new before updates that are still being encoded.

        A key's echo is not to wait for the photograph beside it.
        """
        if not self._is_little_new():
            return []
        touched, size = self.mirror.touched, self._frames.size
        waiting = [
            viewer
            for viewer in self._viewers.values()
            if viewer.parcel is not None
            and viewer.watching
            and viewer.desktop == size
            and not viewer.sight.pending
            and not viewer.parcel.involves(touched)
            and viewer.pacer.may_send(now)
        ]
        frame = self._commit(now) if waiting else None
        if frame is None or frame.resized or frame.moves:
            return []
        little = self._little(frame.wrong)
        return [SendTo(viewer.id, viewer.send_before(little, now)) for viewer in waiting]

    def _is_little_new(self) -> bool:
        """Whether what the display wrote is so little that it is encoded on the spot."""
        if (self.mirror.width, self.mirror.height) != self._frames.size:
            return False
        tiles = int(np.count_nonzero(self.mirror.touched))
        return 0 < tiles <= min(FEW_TILES, self.inline_area // TILE_AREA)

    def _little(self, mask: TileMask) -> Parcel:
        """A few tiles of the last frame, encoded."""
        means = Means(0, None, MAX_UPDATE_AREA)
        jobs, exact, _, _ = Draft(*self._frames.size, None, means).jobs(mask, FROM_THE_TOP)
        parcel = self._parcel(Plan(exact, jobs=jobs))
        left = [*self._encode(parcel)]
        assert not left, "few tiles are encoded on the spot"
        return parcel

    def _lacks(self, viewer: Viewer, now: float) -> bool:
        """Whether a viewer may lack something of the picture as it is."""
        sight = viewer.sight
        return sight.behind or sight.any_lossy or self._may_keep(viewer, now)

    def _may_keep(self, viewer: Viewer, now: float) -> bool:
        """Whether it is quiet enough to look for what a viewer may be asked to keep."""
        since = max(self._moved_at, viewer.looked_at)
        return viewer.may_keep and viewer.keeps_tiles and now - since >= KEEP_REST_S

    def _serve(self, viewer: Viewer, now: float) -> Iterable[Command]:
        sight = viewer.sight
        behind = sight.behind
        if sight.any_lossy and self._is_refiners_turn(viewer, now):
            resting = sight.lossy & ~sight.stale & self._tiles.rested(now, REST_S)
            if resting.any():
                viewer.refined_at = now
                return self._refine(viewer, resting, now)
        if behind:
            return self._tell(viewer, now)
        if self._may_keep(viewer, now) and not viewer.pacer.in_flight:
            return self._keep(viewer, now)
        return ()

    def _is_refiners_turn(self, viewer: Viewer, now: float) -> bool:
        """Whether it is calm, or what rests has waited long enough for what moves."""
        if viewer.sight.behind or now - self._moved_at < REST_S:
            return not viewer.sight.pending and now - viewer.refined_at >= REFINE_AT_LEAST_S
        return True

    def _tell(self, viewer: Viewer, now: float) -> Iterable[Command]:
        """Send what is new."""
        if not viewer.pacer.in_flight and viewer.acked_at < now:
            viewer.idle_at = now  # else it was waited for
        sight, tiles, picture = viewer.sight, self._tiles, self._frames.picture
        allowance = viewer.pacer.allowance(now)
        quality = min(allowance.quality, MAX_QUALITY) if viewer.draws_jpeg else None
        moves = bool(sight.pending)
        factors, slow = self._costs.factors, allowance.quality <= self.slow_quality
        means = Means(allowance.size_bytes, quality, MAX_UPDATE_AREA, moves, factors, slow)
        mask, kinds = sight.stale.copy(), None
        if np.count_nonzero(mask) > FEW_TILES:
            kinds = tiles.look_at(mask, picture)
        runs, held = self._held(viewer, mask)
        kept = self._kept_beside(viewer, now)  # may take slots of what was held until now
        key: object = None
        if len(self._viewers) > 1:
            key = (_told(mask), runs, tuple(sight.pending), means, viewer.cursor, kept)
            shared = self._shared.get(key)
            if shared is not None:
                return self._begin(viewer, shared, now)
        draft = Draft(*self._frames.size, kinds, means)
        jobs, exact, lossy, cursor = _jobs(draft, mask, held, viewer.cursor)
        if lossy is not None and not sight.any_lossy:
            viewer.refined_at = now  # it has a while to rest
        plan = Plan(exact, lossy, tuple(sight.pending), runs, jobs, kept, cursor, draft.expected)
        parcel = self._parcel(plan)
        if key is not None and len(self._shared) < MAX_SHARED:
            self._shared[key] = parcel
        return self._begin(viewer, parcel, now)

    def _refine(self, viewer: Viewer, mask: TileMask, now: float) -> Iterable[Command]:
        """Send exactly what rests and is lossy, as much as is affordable at a time."""
        kinds = self._tiles.look_at(mask, self._frames.picture)
        runs, held = self._held(viewer, mask)
        allowance = viewer.pacer.allowance(now)
        area = MAX_PIECE_AREA if now - self._moved_at >= REST_S else MAX_REFINED_AREA
        slow = allowance.quality <= self.slow_quality
        means = Means(allowance.size_bytes, None, area, False, self._costs.factors, slow)
        draft = Draft(*self._frames.size, kinds, means)
        jobs, exact, _, _ = _jobs(draft, mask, held, FROM_THE_TOP)
        plan = Plan(exact, cached=runs, jobs=jobs, cursor=viewer.cursor, expected=draft.expected)
        return self._begin(viewer, self._parcel(plan), now)

    def _held(self, viewer: Viewer, mask: TileMask) -> tuple[tuple[Run, ...], TileMask | None]:
        """The tiles of *mask* that the viewer holds, as runs for one update and as a mask."""
        picture = self._frames.picture
        held = self._keeper.held(mask, self._tiles.kinds, picture, viewer.holds)
        if held is None:
            return (), None
        runs = self._keeper.runs(held, MAX_RUNS)
        return runs, tiles_of(runs, mask)

    # ------------------------------------------------------------ what viewers keep

    def _keep(self, viewer: Viewer, now: float) -> Iterable[Command]:
        """Ask the viewer to keep what it shows exactly and has rested, while its link is idle."""
        restless = now - self._changed_at < KEEP_REST_S
        kept = self._to_be_kept(viewer, MAX_KEPT_BESIDE if restless else MAX_KEPT, now)
        if restless or not kept:
            viewer.looked_at = now
        if not kept:
            viewer.may_keep = restless or viewer.sight.any_lossy
            return ()
        nothing = np.zeros(viewer.sight.stale.shape, np.bool_)
        plan = Plan(nothing, kept=kept, cursor=viewer.cursor)
        return self._begin(viewer, self._parcel(plan), now)

    def _kept_beside(self, viewer: Viewer, now: float) -> tuple[Run, ...]:
        """What the viewer may be asked to keep along with what is new.

        While something large moves, its link is never idle, and what it lays bare would be sent
        again and again.  A long link is not idle while something small goes on, either.
        """
        needed = now - self._moved_at < KEEP_REST_S or now - viewer.idle_at >= NEVER_IDLE_S
        if not needed or not viewer.keeps_tiles or now - viewer.looked_at < KEEP_REST_S:
            return ()
        viewer.looked_at = now
        return self._to_be_kept(viewer, MAX_KEPT_BESIDE, now)

    def _to_be_kept(self, viewer: Viewer, count: int, now: float) -> tuple[Run, ...]:
        """At most so many tiles that the viewer shows exactly, have rested, and it holds not yet.

        From now on it counts as holding them.
        """
        picture, sight = self._frames.picture, viewer.sight
        mask = self._tiles.rested(now, KEEP_REST_S) & ~(sight.lossy | sight.stale)
        mask = self._keeper.keepable(mask, viewer.holds)
        if not mask.any():
            return ()
        mask &= self._tiles.look_at(mask, picture) != Content.FLAT
        mask.reshape(-1)[np.flatnonzero(mask)[count:]] = False
        mask = self._keeper.keepable(self._keeper.give(mask, picture), viewer.holds)
        if not mask.any():
            return ()
        viewer.keep(self._keeper.slots_of(mask), self._keeper.generations)
        return self._keeper.runs(mask)

    # ------------------------------------------------------------ encoding, once for all

    def _parcel(self, plan: Plan) -> Parcel:
        keys = (
            EncodeKey(job.rects, self._tiles.version(job.rects), job.quality, job.thorough)
            for job in plan.jobs
        )
        return Parcel(plan, tuple(keys), *self._frames.size, self._costs)

    def _begin(self, viewer: Viewer, parcel: Parcel, now: float) -> Iterable[Command]:
        viewer.begin(parcel, now)
        commands = [*self._encode(parcel)] if not parcel.complete else []
        if parcel.complete:
            commands.append(SendTo(viewer.id, viewer.send(now)))
        return commands

    def _encode(self, parcel: Parcel) -> Iterable[Command]:
        """Have encoded what the parcel lacks; what is small at once."""
        for key in parcel.keys:
            if not parcel.lacks(key):
                continue
            done = self._encodes.done(key)
            if done is None and key.area <= self.inline_area:
                done = encoded(self._parts(key), key.quality, key.thorough)
                self._encodes.finish(key, done)
            if done is not None:
                parcel.add(key, done)
            elif self._encodes.begin(key):
                yield Encode(key, self._parts(key))

    def _parts(self, key: EncodeKey) -> tuple[tuple[Rect, Pixels], ...]:
        return tuple((rect, self._frames.snapshot(rect)) for rect in key.rects)

    def encoded(self, key: EncodeKey, encoded: Encoded, now: float) -> list[Command]:
        """An :class:`Encode` is done; everyone who waits for these pixels gets them."""
        self._encodes.finish(key, encoded)
        commands: list[Command] = []
        for viewer in self._viewers.values():
            parcel = viewer.parcel
            if parcel is None:
                continue
            if parcel.lacks(key):
                parcel.add(key, encoded)
            if parcel.complete:
                commands.append(SendTo(viewer.id, viewer.send(now)))
        return commands

    # ------------------------------------------------------------ time

    def has_room(self, now: float) -> bool:
        """Whether somebody who looks could be sent something, now or as soon as it comes.

        The next picture may well be painted while this one is encoded; what follows it may not.
        """
        news = self.mirror.version != self._committed
        if news and self._encodes.full:
            return False
        for viewer in self._viewers.values():
            encodes = viewer.parcel is not None and now - viewer.began > ENCODING_LONG_S
            if viewer.watching and not (news and encodes):
                pacer = viewer.pacer
                if pacer.may_send(now) or now < pacer.opens(now) <= now + ASK_AHEAD_S:
                    return True
        return False

    def due(self, now: float, *, held: bool) -> list[float]:
        """When something will have rested, or there will be room for what waits.

        Nothing is due if everybody's picture is exact, and kept.  *held* says that the display
        waits: then it is time to ask it when there is soon to be room.
        """
        due: list[float] = []
        news = self.mirror.version != self._committed
        for viewer in self._viewers.values():
            sight = viewer.sight
            if not viewer.watching:
                continue
            if sight.any_lossy:
                due.append(self._changed_at + REST_S + _A_LITTLE_S)
            if viewer.may_keep and viewer.keeps_tiles:
                rests = (self._changed_at, self._moved_at, viewer.looked_at)
                due.extend(since + KEEP_REST_S + _A_LITTLE_S for since in rests)
            if held:
                due.append(viewer.pacer.opens(now) - ASK_AHEAD_S)
            if viewer.parcel is None and (news or sight.any_lossy or sight.behind):
                room = viewer.pacer.due(now)
                if room is not None:
                    due.append(room)
        return [time for time in due if time > now]


def _told(mask: TileMask) -> bytes:
    """A mask as what equal masks have in common."""
    return np.packbits(mask).tobytes()


def _jobs(
    draft: Draft, mask: TileMask, held: TileMask | None, cursor: Turn
) -> tuple[tuple[Job, ...], TileMask, TileMask | None, Turn]:
    """As :meth:`Draft.jobs`, where *held* are drawn from what the viewer keeps."""
    if held is None:
        return draft.jobs(mask, cursor)
    jobs, exact, lossy, cursor = draft.jobs(mask & ~held, cursor)
    return jobs, exact | held, lossy, cursor
