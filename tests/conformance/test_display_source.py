"""What every display source does, whatever stands behind it (webvdi/display/source.py)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from conformance.display_stages import RfbStage, Stage
from webvdi.display.source import (
    Bell,
    Credentials,
    CursorChanged,
    CutText,
    DisplayEvent,
    DisplaySource,
    LedsChanged,
    Lost,
    NameChanged,
    Opened,
    PointerModeChanged,
    Resized,
    Updated,
)
from webvdi.framebuffer import Cursor, Framebuffer, Pixels, Rect

PATIENCE_S = 20.0
"""After so long a test has failed; none waits for time to pass."""

WIDTH, HEIGHT = 40, 30
WHOLE = Rect(0, 0, WIDTH, HEIGHT)


async def rfb_stage(directory: Path) -> Stage:
    stage = RfbStage(directory)
    await stage.build()
    return stage


STAGES: list[Callable[[Path], Awaitable[Stage]]] = [rfb_stage]


@dataclass
class Audience:
    """A source's listener, and how settled it was at each event."""

    stage: Stage
    mirror: Framebuffer = field(default_factory=lambda: Framebuffer(1, 1))
    source: DisplaySource = field(init=False)
    running: asyncio.Task[None] = field(init=False)
    settled: list[bool] = field(default_factory=list)
    calling: bool = False
    """Whether a call to the source is under way."""
    _events: asyncio.Queue[DisplayEvent] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.source = self.stage.source(self.mirror, self._hear)

    def _hear(self, event: DisplayEvent) -> None:
        assert not self.calling
        self.settled.append(self.source.settled)
        self._events.put_nowait(event)

    async def event(self) -> DisplayEvent:
        return await asyncio.wait_for(self._events.get(), PATIENCE_S)

    async def heard(self) -> tuple[object, ...]:
        return await asyncio.wait_for(self.stage.heard(), PATIENCE_S)

    async def sit_down(self) -> None:
        """Run the source until it is open."""
        self.running = asyncio.get_running_loop().create_task(self.source.run())
        await self.stage.raise_curtain(WIDTH, HEIGHT, "a screen")
        assert await self.event() == Opened(WIDTH, HEIGHT, "a screen")

    async def watch(self) -> None:
        """Watch, and swallow the first request, which is for everything."""
        self.source.watch(True)
        assert await self.heard() == ("refresh", True)


Seat: TypeAlias = Audience


@pytest.fixture(params=STAGES)
async def seat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Seat]:
    stage = await request.param(tmp_path)
    audience = Audience(stage)
    await audience.sit_down()
    yield audience
    audience.running.cancel()
    await asyncio.wait([audience.running])
    await stage.vanish()


def noise(width: int, height: int, seed: int = 1) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    pixels[:, :, 3] = 255
    return pixels


async def test_an_open_source_has_a_mirror_of_the_screens_size(seat: Seat) -> None:
    assert (seat.mirror.width, seat.mirror.height) == (WIDTH, HEIGHT)
    assert seat.source.settled


async def test_pixels_are_asked_for_once_somebody_watches(seat: Seat) -> None:
    seat.source.key(True, 0x61, 0x1E)
    assert await seat.heard() == ("key", True, 0x61, 0x1E)
    seat.source.watch(True)
    seat.source.watch(True)
    seat.source.key(False, 0x61, 0x1E)
    assert await seat.heard() == ("refresh", True)
    assert await seat.heard() == ("key", False, 0x61, 0x1E)


async def test_an_update_reaches_the_mirror_and_the_next_is_asked_for(seat: Seat) -> None:
    await seat.watch()
    pixels = noise(WIDTH, HEIGHT)
    seat.stage.paint(WHOLE, pixels)
    assert await seat.event() == Updated()
    np.testing.assert_array_equal(seat.mirror.pixels, pixels)
    assert await seat.heard() == ("refresh", False)
    part = noise(7, 5, seed=2)
    seat.stage.paint(Rect(3, 4, 7, 5), part)
    assert await seat.event() == Updated()
    np.testing.assert_array_equal(seat.mirror.pixels[4:9, 3:10], part)
    np.testing.assert_array_equal(seat.mirror.pixels[9:], pixels[9:])
    assert await seat.heard() == ("refresh", False)


async def test_half_an_update_is_not_settled(seat: Seat) -> None:
    await seat.watch()
    cursor = Cursor(1, 1, 0, 0, b"\x10\x20\x30\xff")
    seat.settled.clear()
    seat.stage.paint(WHOLE, noise(WIDTH, HEIGHT), cursor=cursor)
    assert await seat.event() == CursorChanged(cursor)
    assert await seat.event() == Updated()
    assert seat.settled == [False, True]
    assert seat.source.settled


async def test_pixels_can_be_moved(seat: Seat) -> None:
    await seat.watch()
    pixels = noise(WIDTH, HEIGHT)
    seat.stage.paint(WHOLE, pixels)
    assert await seat.event() == Updated()
    seat.stage.copy(Rect(5, 5, 20, 20), 8, 3)
    assert await seat.event() == Updated()
    np.testing.assert_array_equal(seat.mirror.pixels[5:25, 5:25], pixels[3:23, 8:28])


async def test_after_another_size_everything_is_asked_for(seat: Seat) -> None:
    await seat.watch()
    seat.stage.paint(WHOLE, noise(WIDTH, HEIGHT))
    assert await seat.event() == Updated()
    assert await seat.heard() == ("refresh", False)
    seat.stage.resize(50, 20)
    assert await seat.event() == Resized(50, 20)
    assert (seat.mirror.width, seat.mirror.height) == (50, 20)
    assert await seat.heard() == ("refresh", True)
    pixels = noise(50, 20)
    seat.stage.paint(Rect(0, 0, 50, 20), pixels)
    assert not seat.source.settled, "it is no picture before there are pixels"
    assert await seat.event() == Updated()
    np.testing.assert_array_equal(seat.mirror.pixels, pixels)


async def test_while_nobody_watches_nothing_is_asked_for(seat: Seat) -> None:
    await seat.watch()
    seat.source.watch(False)
    seat.stage.paint(WHOLE, noise(WIDTH, HEIGHT))
    assert await seat.event() == Updated()
    seat.source.key(True, 0x61, 0x1E)
    assert await seat.heard() == ("key", True, 0x61, 0x1E)
    seat.source.watch(True)
    assert await seat.heard() == ("refresh", False)


async def test_a_held_source_asks_for_nothing_more(seat: Seat) -> None:
    await seat.watch()
    seat.source.hold(True)
    seat.stage.paint(WHOLE, noise(WIDTH, HEIGHT))
    assert await seat.event() == Updated(), "what was asked for comes"
    seat.source.key(True, 0x61, 0x1E)
    assert await seat.heard() == ("key", True, 0x61, 0x1E)
    seat.source.hold(True)
    seat.source.hold(False)
    assert await seat.heard() == ("refresh", False)
    seat.source.hold(False)
    seat.source.key(False, 0x61, 0x1E)
    assert await seat.heard() == ("key", False, 0x61, 0x1E)


async def test_a_hold_that_ends_before_the_update_changes_nothing(seat: Seat) -> None:
    await seat.watch()
    seat.source.hold(True)
    seat.source.hold(False)
    seat.source.key(True, 0x61, 0x1E)
    assert await seat.heard() == ("key", True, 0x61, 0x1E)
    seat.stage.paint(WHOLE, noise(WIDTH, HEIGHT))
    assert await seat.event() == Updated()
    assert await seat.heard() == ("refresh", False)


async def test_who_comes_to_a_held_source_waits_until_it_is_let_go(seat: Seat) -> None:
    seat.source.hold(True)
    seat.source.watch(True)
    seat.source.key(True, 0x61, 0x1E)
    assert await seat.heard() == ("key", True, 0x61, 0x1E)
    seat.source.hold(False)
    assert await seat.heard() == ("refresh", True)


async def test_letting_go_asks_for_nothing_while_nobody_watches(seat: Seat) -> None:
    seat.source.hold(True)
    seat.source.hold(False)
    seat.source.key(True, 0x61, 0x1E)
    assert await seat.heard() == ("key", True, 0x61, 0x1E)


async def test_after_another_size_while_held_everything_is_asked_for(seat: Seat) -> None:
    await seat.watch()
    seat.source.hold(True)
    seat.stage.resize(50, 20)
    assert await seat.event() == Resized(50, 20)
    seat.source.hold(False)
    assert await seat.heard() == ("refresh", True)


async def test_a_resize_while_nobody_watches_is_made_up_for(seat: Seat) -> None:
    seat.stage.resize(50, 20)
    assert await seat.event() == Resized(50, 20)
    seat.source.watch(True)
    assert await seat.heard() == ("refresh", True)


async def test_what_else_a_screen_says(seat: Seat) -> None:
    seat.stage.light(6)
    assert await seat.event() == LedsChanged(6)
    seat.stage.want_positions(False)
    assert await seat.event() == PointerModeChanged(absolute=False)
    seat.stage.rename("büro")
    assert await seat.event() == NameChanged("büro")
    seat.stage.ring()
    assert await seat.event() == Bell()
    seat.stage.cut("Grüße")
    assert await seat.event() == CutText("Grüße")


async def test_what_a_source_says_to_the_screen(seat: Seat) -> None:
    source = seat.source
    source.key(True, 0xFF52, 0xC8)
    assert await seat.heard() == ("key", True, 0xFF52, 0xC8)
    source.pointer(10, 20, 5)
    assert await seat.heard() == ("pointer", 10, 20, 5)
    source.cut_text("Grüße")
    assert await seat.heard() == ("cut text", "Grüße")
    source.request_size(640, 480)
    assert await seat.heard() == ("size", 640, 480)


async def test_motion_is_for_screens_that_want_it(seat: Seat) -> None:
    seat.source.motion(1, 1, 0)
    seat.stage.want_positions(False)
    assert await seat.event() == PointerModeChanged(absolute=False)
    seat.source.motion(3, -4, 1)
    assert await seat.heard() == ("motion", 3, -4, 1)


async def test_a_nudge_neither_types_nor_points(seat: Seat) -> None:
    seat.source.nudge()
    seat.source.cut_text("after")
    said = await seat.heard()
    while said != ("cut text", "after"):
        name, down, *_ = said
        assert (name, down) == ("key", False)
        said = await seat.heard()


async def test_a_lost_link_is_said_once_and_last(seat: Seat) -> None:
    await seat.watch()
    await seat.stage.vanish()
    lost = await seat.event()
    assert isinstance(lost, Lost)
    assert not lost.permanent
    assert lost.message
    await asyncio.wait_for(seat.running, PATIENCE_S)
    say_everything(seat)
    await asyncio.sleep(0)
    assert seat._events.empty()


async def test_a_cancelled_source_hangs_up_without_a_word(seat: Seat) -> None:
    seat.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await seat.running
    assert await seat.heard() == ("gone",)
    assert seat._events.empty()
    say_everything(seat)


@pytest.mark.parametrize("build", STAGES)
async def test_before_it_is_open_a_source_says_nothing(
    build: Callable[[Path], Awaitable[Stage]], tmp_path: Path
) -> None:
    stage = await build(tmp_path)
    seat = Audience(stage)
    say_everything(seat)
    assert seat.source.settled
    assert not seat.source.idle_backoff
    await seat.sit_down()
    seat.source.cut_text("first")
    assert await seat.heard() == ("cut text", "first")
    await stage.vanish()
    await asyncio.wait_for(seat.running, PATIENCE_S)


@pytest.mark.parametrize("build", STAGES)
async def test_a_screen_that_is_not_there(
    build: Callable[[Path], Awaitable[Stage]], tmp_path: Path
) -> None:
    stage = await build(tmp_path)
    seat = Audience(stage)
    await stage.vanish()
    await asyncio.wait_for(seat.source.run(), PATIENCE_S)
    lost = await seat.event()
    assert isinstance(lost, Lost)
    assert not lost.permanent


def say_everything(seat: Seat) -> None:
    """Every call that a source takes; none may call back from inside."""
    seat.calling = True
    seat.source.key(True, 0x61, 0x1E)
    seat.source.pointer(1, 1, 0)
    seat.source.motion(1, 1, 0)
    seat.source.cut_text("x")
    seat.source.request_size(10, 10)
    seat.source.nudge()
    seat.source.watch(True)
    seat.source.hold(True)
    seat.source.authenticate(Credentials("me", "secret"))
    seat.calling = False
