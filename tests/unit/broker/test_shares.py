"""Share links: secrets that end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.broker_service import World
from webvdi.base.errors import NotFound, Refused
from webvdi.broker.service import Service
from webvdi.broker.shares import DEFAULT_EXPIRY_S, MAX_EXPIRY_S, MAX_LABEL
from webvdi.broker.views import Change, NewMachine


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    async with world.service() as service:
        await service.catalogue.create(NewMachine("one", guest="tiny", start=False))
        await service.catalogue.settled("one")
        yield service


async def test_a_link_is_found_by_its_token_alone(service: Service, world: World) -> None:
    share, token = await service.shares.create("one", control=True, label="for Kim")
    assert (share.machine_name, share.control, share.label) == ("one", True, "for Kim")
    assert share.expires == world.clock() + DEFAULT_EXPIRY_S
    assert await service.shares.find(token) == share
    assert await service.shares.find(token + "x") is None
    assert await service.shares.valid(share.id) == share
    assert token.encode() not in (world.state / "webvdi.db").read_bytes()
    for path in world.state.glob("webvdi.db*"):
        assert token.encode() not in path.read_bytes()


async def test_who_comes_in_is_counted(service: Service) -> None:
    share, token = await service.shares.create("one", control=False)
    found = [await service.shares.find(token, count=True) for _ in range(3)]
    assert [one.used for one in found if one] == [1, 2, 3]
    await service.shares.find(token)
    (listed,) = await service.shares.list("one")
    assert (listed.id, listed.used) == (share.id, 3)


async def test_a_link_ends_when_its_time_is_up(service: Service, world: World) -> None:
    share, token = await service.shares.create("one", control=False, expires_in_s=60)
    world.clock.now += 59.9
    assert await service.shares.find(token)
    world.clock.now += 0.1
    assert await service.shares.find(token) is None
    assert await service.shares.valid(share.id) is None
    assert len(await service.shares.list()) == 1
    world.clock.now += 8 * 24 * 3600
    assert await service.shares.list() == ()


async def test_a_revoked_link_ends_at_once_and_the_managed_server_is_told(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    heard: list[Change] = []
    share, token = await service.shares.create("one", control=False)
    listening = service.catalogue.changes()

    async def revoke(share: str) -> None:
        if not told:  # what we serve ourselves waits for nobody
            async with asyncio.timeout(1):
                heard.append(await anext(listening))
        told.append(share)

    monkeypatch.setattr(service.shares, "_tell_revoked", revoke)
    for _ in range(2):
        await service.shares.revoke(share.id)
    assert told == [share.id] * 2
    assert heard == [Change("share", share.id)]
    assert await service.shares.find(token) is None
    (listed,) = await service.shares.list()
    assert listed.revoked
    with pytest.raises(NotFound):
        await service.shares.revoke("s-0")


async def test_links_go_with_their_machine(service: Service) -> None:
    _, token = await service.shares.create("one", control=False)
    await service.catalogue.delete("one")
    assert await service.shares.find(token) is None
    assert await service.shares.list() == ()
    with pytest.raises(NotFound):
        await service.shares.create("one", control=False)


@pytest.mark.parametrize("lasts", [0, -1, MAX_EXPIRY_S + 1])
async def test_absurd_times_are_refused(service: Service, lasts: float) -> None:
    with pytest.raises(Refused, match="365 days"):
        await service.shares.create("one", control=False, expires_in_s=lasts)


async def test_endless_labels_are_refused(service: Service) -> None:
    with pytest.raises(Refused, match="label"):
        await service.shares.create("one", control=False, label="x" * (MAX_LABEL + 1))
