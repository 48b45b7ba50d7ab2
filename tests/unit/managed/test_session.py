"""The shell around the brain: when something of ours fails, the worker is told to end."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest

from support.reports import Reports
from webvdi.codecs import Encoded
from webvdi.display.source import DisplaySource
from webvdi.framebuffer import Rect
from webvdi.managed import session as session_module
from webvdi.managed.messages import Encode, EncodeKey, Hold, MachineTold
from webvdi.managed.session import Session
from webvdi.wire.to_viewer import MachineState, Reason


def failing(_: object, __: int | None) -> Encoded:
    raise MemoryError


async def test_a_failed_encode_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "encoded", failing)
    reports = Reports()
    with ThreadPoolExecutor(1) as pool:
        session = Session("demo", "Demo", pool, reports)
        rect = Rect(0, 0, 16, 16)
        pixels = np.zeros((16, 16, 4), np.uint8)
        session._encode(Encode(EncodeKey((rect,), 1, None), ((rect, pixels),)))
        async with asyncio.timeout(10):
            await reports.failure.wait()
        await session.close(Reason.SESSION_ENDED, "")


class Screen:
    """A display source that notes how it is held."""

    def __init__(self) -> None:
        self.held: list[bool] = []

    def hold(self, held: bool) -> None:
        self.held.append(held)


async def test_the_display_is_held_and_let_go() -> None:
    with ThreadPoolExecutor(1) as pool:
        session = Session("demo", "Demo", pool, Reports())
        session._perform([Hold(True)])  # without a display there is nothing to hold
        screen = Screen()
        session._link.source = cast("DisplaySource", screen)
        session._perform([Hold(True), Hold(False)])
        assert screen.held == [True, False]
        session._link.source = None
        await session.close(Reason.SESSION_ENDED, "")


class HalfDrawn:
    """A display source in the middle of an update."""

    settled = False
    idle_backoff = False
    offers_power_control = False


async def test_what_a_display_leaves_half_drawn_is_shown_to_nobody() -> None:
    with ThreadPoolExecutor(1) as pool:
        session = Session("demo", "Demo", pool, Reports())
        feed = session._core.pixels
        feed.display_opened()
        feed.display_updated()
        before = feed.has_picture
        session._link.source = cast("DisplaySource", HalfDrawn())
        session.tell(MachineState.OFF, "")
        assert (before, feed.has_picture) == (True, False)
        await session.close(Reason.SESSION_ENDED, "")


async def test_a_failure_of_the_brain_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports()
    with ThreadPoolExecutor(1) as pool:
        session = Session("demo", "Demo", pool, reports)

        def broken(*_: object) -> None:
            raise ValueError("a bug")

        monkeypatch.setattr(session._core, "handle", broken)
        with pytest.raises(ValueError, match="a bug"):
            session._handle(MachineTold(MachineState.OFF, ""))
        assert reports.failure.is_set()
        await session.close(Reason.SESSION_ENDED, "")
