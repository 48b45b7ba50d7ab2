"""The invariant above all: whatever happens in whatever order, viewers end up exact."""

import os
from collections import deque
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from unit.managed.harness import FakeViewer, Playbook
from webvdi.display.source import Lost, Updated
from webvdi.framebuffer import Pixels, Rect
from webvdi.managed import keeper, pixels, plan
from webvdi.managed.messages import Forgotten
from webvdi.wire import from_viewer as up
from webvdi.wire.from_viewer import Capability

DEEP = os.environ.get("WEBVDI_TEST_PROFILE") == "deep"

SIDES = st.integers(1, 200)
LARGE = st.integers(100, 200)
STEPS = st.integers(-40, 40)
RECTS = st.builds(Rect, st.integers(0, 199), st.integers(0, 199), SIDES, SIDES)
SCREEN = Rect(0, 0, 200, 200)
PLACES = st.one_of(st.sampled_from([SCREEN, Rect(8, 20, 190, 130)]), RECTS)

INLINE = st.sampled_from([None, 0, 4 * plan.TILE_AREA, 9 * plan.TILE_AREA])

ABILITIES = st.sampled_from(
    [
        Capability.JPEG | Capability.PNG | Capability.TILES,
        Capability.JPEG | Capability.PNG,
        Capability.PNG,
    ]
)


class AnyInterleaving(RuleBasedStateMachine):
    """Whatever happens in whatever order: once quiet, every viewer equals the mirror."""

    viewers = Bundle("viewers")

    def __init__(self) -> None:
        super().__init__()
        self._little = patch.multiple(plan, _SKETCHED_MOVING=0.02, _SKETCHED_STILL=0.1)
        self._little.start()

    def playbook(self, width: int, height: int, inline_area: int | None, slow: bool) -> Playbook:
        """A session that variants make of other parts."""
        return Playbook(width, height, inline_area=inline_area, slow=slow)

    @initialize(target=viewers, width=LARGE, height=LARGE, inline=INLINE, slow=st.booleans())
    def begin(self, width: int, height: int, inline: int | None, slow: bool) -> FakeViewer:
        self.book = self.playbook(width, height, inline, slow)
        self.away: deque[FakeViewer] = deque()
        self.seen: Pixels | None = None
        return self.book.attach()

    @rule(target=viewers, abilities=ABILITIES)
    def joins(self, abilities: Capability) -> FakeViewer:
        return self.book.attach(capabilities=abilities)

    # ---- what the guest does

    @rule(rect=RECTS)
    def damage(self, rect: Rect) -> None:
        self.book.paint(rect)

    @rule(rect=PLACES)
    def photograph(self, rect: Rect) -> None:
        self.book.paint(rect, photo=True)

    @rule(x=st.integers(0, 190), up=st.integers(0, 60), kind=st.integers(0, 2))
    def keys_are_echoed_below_a_picture(self, x: int, up: int, kind: int) -> None:
        """Mostly the picture is still being encoded, or text that has been scrolled is."""
        self.all_is_well()
        height = self.book.mirror.height
        above = Rect(0, 0, 200, max(1, height // 2))
        if kind:
            self.book.paint(above, photo=kind == 2)
        else:
            self.book.scroll(above, 0, 19)
        for n in range(2):
            self.book.paint(Rect(x + n, height - 1 - up, 4, 4), photo=kind == 2)

    @rule(rect=PLACES)
    def text(self, rect: Rect) -> None:
        self.book.write(rect)

    @rule(rect=PLACES, dx=STEPS, dy=STEPS, times=st.integers(1, 3))
    def scrolls(self, rect: Rect, dx: int, dy: int, times: int) -> None:
        for _ in range(times):
            self.book.scroll(rect, dx, dy)

    @rule(rect=RECTS, dx=STEPS, dy=STEPS)
    def window_moves(self, rect: Rect, dx: int, dy: int) -> None:
        self.book.drag(rect, dx, dy)

    @rule()
    def what_is_seen_is_remembered(self) -> None:
        self.seen = self.book.mirror.snapshot(self.book.mirror.rect)

    @precondition(lambda self: self.seen is not None)
    @rule(dx=STEPS, dy=STEPS, tiles=st.booleans())
    def what_was_seen_is_shown_again(self, dx: int, dy: int, tiles: bool) -> None:
        assert self.seen is not None
        x, y = (dx // 16 * 16, dy // 16 * 16) if tiles else (dx, dy)
        self.book.draw(Rect(x, y, self.seen.shape[1], self.seen.shape[0]), self.seen)

    @rule(rect=PLACES, photo=st.booleans())
    def a_window_comes_and_goes(self, rect: Rect, photo: bool) -> None:
        self.all_is_well()
        below = self.book.mirror.snapshot(self.book.mirror.rect)
        self.book.paint(rect, photo=photo)
        self.all_is_well()
        self.book.draw(Rect(0, 0, below.shape[1], below.shape[0]), below)

    @rule(width=SIDES, height=SIDES)
    def resizes(self, width: int, height: int) -> None:
        self.book.resize(width, height)
        self.book.display(Updated())

    @rule(same=st.booleans(), width=SIDES, height=SIDES)
    def display_comes_back(self, same: bool, width: int, height: int) -> None:
        self.book.display(Lost("gone", permanent=False))
        mirror = self.book.mirror
        self.book.open(*((mirror.width, mirror.height) if same else (width, height)))

    # ---- what links and browsers do

    @rule(count=st.integers(1, 3))
    def encoders_finish(self, count: int) -> None:
        self.book.encode(count)

    @rule(viewer=viewers, count=st.integers(1, 4))
    def messages_arrive(self, viewer: FakeViewer, count: int) -> None:
        self.book.deliver(viewer, count)

    @rule(viewer=viewers)
    def acks_arrive(self, viewer: FakeViewer) -> None:
        if viewer.connected:
            self.book.answer(viewer)

    @rule()
    def all_is_well(self) -> None:
        self.book.encode()
        for viewer in self.book.viewers.values():
            if viewer.connected:
                self.book.deliver(viewer)
                self.book.answer(viewer)
        self.book.pass_time(0.35)

    @rule(viewer=viewers, visible=st.booleans())
    def shows_or_hides(self, viewer: FakeViewer, visible: bool) -> None:
        if viewer.connected:
            self.book.say(viewer, up.Visibility(visible))

    @rule(viewer=viewers)
    def link_breaks(self, viewer: FakeViewer) -> None:
        if viewer.connected:
            self.book.cut(viewer)
            self.away.append(viewer)

    @rule(viewer=viewers)
    def resumes(self, viewer: FakeViewer) -> None:
        if not viewer.connected:
            self.away.remove(viewer)
            self.book.resume(viewer)

    @rule(viewer=consumes(viewers))
    def leaves_for_good(self, viewer: FakeViewer) -> None:
        if viewer.connected:
            self.book.cut(viewer)
        else:
            self.away.remove(viewer)
        self.book.handle(Forgotten(viewer.identity))
        del self.book.viewers[viewer.identity]

    @rule(seconds=st.floats(0.001, 1))
    def time_passes(self, seconds: float) -> None:
        self.book.pass_time(seconds)

    @rule()
    def quiet(self) -> None:
        while self.away:
            self.book.resume(self.away.popleft())
        for viewer in self.book.viewers.values():
            self.book.say(viewer, up.Visibility(True))
        self.book.settle()
        for viewer in self.book.viewers.values():
            assert self.book.exact(viewer), f"viewer {viewer.identity} differs"
        for _ in range(8):
            self.all_is_well()
        self.book.pass_time(120)  # it may be to ring yet, for an answer that was long overdue
        assert self.book.wake is None, "something goes on and on"
        assert not any(viewer.on_the_way for viewer in self.book.viewers.values())

    def teardown(self) -> None:
        try:
            if hasattr(self, "book"):
                self.quiet()
        finally:
            self._little.stop()


SETTINGS = settings(
    max_examples=400 if DEEP else 60,
    stateful_step_count=60 if DEEP else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = SETTINGS


def test_viewers_end_up_exact_where_every_bound_is_met() -> None:
    """Once more with bounds so small that slots are taken again, and nothing fits into one go."""
    with (
        patch.multiple(keeper, SLOTS=64, MAX_LOOKED_UP=8, _SAMPLE=4),
        patch.multiple(
            pixels,
            LARGE_MOTION=20,
            FEW_TILES=2,
            MAX_KEPT=24,
            MAX_KEPT_BESIDE=12,
            MAX_RUNS=3,
            MAX_UPDATE_AREA=40 * plan.TILE_AREA,
            MAX_PIECE_AREA=30 * plan.TILE_AREA,
            MAX_REFINED_AREA=10 * plan.TILE_AREA,
        ),
        patch.multiple(plan, MAX_RECTS=4, MAX_PIECE_AREA=30 * plan.TILE_AREA),
    ):
        run_state_machine_as_test(AnyInterleaving, settings=SETTINGS)
