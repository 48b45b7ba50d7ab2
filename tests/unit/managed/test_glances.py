"""Glances: how often a display is asked, when its link is let go, and what a picture waits for."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from support.reports import Reports
from support.screens import FakeScreen
from support.server import until
from webvdi.display.endpoint import UnixEndpoint
from webvdi.managed import glances
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.display_link import Target
from webvdi.managed.messages import Admission
from webvdi.managed.pictures import NoPicture, Picture, Unchanged
from webvdi.managed.session import Session
from webvdi.wire.to_viewer import MachineState, PackedUpdate, Reason, Role, ToViewer


@pytest.fixture
async def screen(tmp_path: Path) -> AsyncIterator[FakeScreen]:
    shown = FakeScreen(tmp_path / "screen")
    await shown.open()
    yield shown
    await shown.close()


@pytest.fixture
async def session(screen: FakeScreen) -> AsyncIterator[Session]:
    with ThreadPoolExecutor(1) as pool:
        made = Session("demo", "Demo", pool, Reports())
        made.open(Target(UnixEndpoint(screen.path), "1"))
        yield made
        await made.close(Reason.SESSION_ENDED, "")


async def test_no_link_is_made_before_somebody_asks(session: Session, screen: FakeScreen) -> None:
    await asyncio.sleep(0)
    assert screen.links_made == 0


async def test_many_who_ask_at_once_cost_one_look(session: Session, screen: FakeScreen) -> None:
    answers = await asyncio.gather(*(session.picture(32, 32, None) for _ in range(10)))
    assert all(isinstance(answer, Picture) for answer in answers)
    assert (screen.links_made, screen.updates) == (1, 1)


async def test_a_busy_screen_is_not_asked_more_often_than_agreed(
    session: Session, screen: FakeScreen
) -> None:
    await session.picture(32, 32, None)
    for colour in range(50):
        await screen.paint(colour)
        await session.picture(32, 32, None)
    assert screen.updates == 1


async def test_a_picture_that_has_aged_is_brought_up_to_date(
    session: Session, screen: FakeScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "FRESH_S", 0.0)
    first = await session.picture(32, 32, None)
    assert isinstance(first, Picture)
    await screen.paint(7)
    second = await session.picture(32, 32, first.version)
    assert isinstance(second, Picture)
    assert screen.updates == 2
    # The display was asked and had nothing to show since: no waiting, and no third question.
    await session.picture(32, 32, None)
    assert isinstance(await session.picture(32, 32, second.version), Unchanged)
    assert screen.updates == 2


async def test_a_link_that_nobody_asks_about_is_let_go(
    session: Session, screen: FakeScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "GLANCE_S", 0.05)
    first = await session.picture(32, 32, None)
    assert isinstance(first, Picture)
    await until(lambda: screen.links == 0, "the link to be let go")
    second = await session.picture(32, 32, first.version)
    assert isinstance(second, Picture), "another mirror's versions are not the first one's"
    assert screen.links_made == 2


async def test_a_display_that_is_not_there_costs_a_limited_wait(
    session: Session, screen: FakeScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "FIRST_PICTURE_WITHIN_S", 0.05)
    await screen.close()
    answer = await session.picture(32, 32, None)
    assert isinstance(answer, NoPicture)
    assert answer.words


async def test_the_last_picture_outlives_the_link(session: Session, screen: FakeScreen) -> None:
    first = await session.picture(32, 32, None)
    assert isinstance(first, Picture)
    await screen.close()
    assert isinstance(await session.picture(32, 32, first.version), Unchanged)


async def test_a_machine_that_is_off_lets_go(session: Session, screen: FakeScreen) -> None:
    await session.picture(32, 32, None)
    session.tell(MachineState.OFF, "off")
    await until(lambda: screen.links == 0, "the link to be let go")


class Sleeper:
    """The connection of a computer that fell asleep: it takes in everything, and says nothing."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.gone.set()

    def send(self, message: ToViewer | PackedUpdate) -> None:
        """As a connection's."""

    def farewell(self, reason: Reason, message: str) -> None:
        """As a connection's."""


async def held(session: Session, screen: FakeScreen) -> None:
    """Have the display wait for a viewer that has no room."""
    session.attach(cast("ViewerConnection", Sleeper()), Admission(Role.OWNER, "owner"))
    for colour in range(100):
        await screen.paint(colour)
        await until(partial(_has_or_is_held, session, colour), "an update")
        if session._core._held:
            return
    raise AssertionError("the display is never held")


def _has_or_is_held(session: Session, colour: int) -> bool:
    return session._core._held or bool((session._core.mirror.pixels[:, :, 0] == colour).all())


async def test_a_viewer_that_sleeps_does_not_make_pictures_stale(
    session: Session, screen: FakeScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "FRESH_S", 0.0)
    await held(session, screen)
    for colour in (201, 202):
        await screen.paint(colour)
        await session.picture(32, 32, None)
        # The request that stood when the display was held may bring what came before.
        await session.picture(32, 32, None)
        assert (session._core.mirror.pixels[:, :, 0] == colour).all()
