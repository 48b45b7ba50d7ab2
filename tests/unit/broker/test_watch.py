"""Following an engine whose events are only hints."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.broker_service import World
from webvdi.base.tasks import TaskOwner
from webvdi.broker.service import Service
from webvdi.broker.views import Change, NewMachine
from webvdi.store import Database
from webvdi.store.database import Queries
from webvdi.store.errors import StoreUnavailable
from webvdi.vmm.machine import ExitReason, MachineExit


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    async with world.service() as service:
        await service.catalogue.create(NewMachine("one", guest="tiny"))
        await service.catalogue.settled("one")
        yield service


async def test_an_event_is_told_under_our_own_name(service: Service, world: World) -> None:
    machine = (await service.catalogue.get("one")).id
    listening = service.catalogue.changes()
    world.engine.end(next(iter(world.host.machines)), MachineExit(ExitReason.GUEST_POWEROFF))
    while await anext(listening) != Change("machine", machine):
        pass
    assert (await service.catalogue.journal("one"))[-1].text == "The guest switched itself off."


async def test_an_end_that_nobody_told_of_is_found(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[str] = []
    monkeypatch.setattr(service._watch, "_on_recheck", refreshed.append)
    monkeypatch.setattr(world.engine._hub, "publish", lambda event: None)
    world.engine.end(next(iter(world.host.machines)), MachineExit(ExitReason.UNKNOWN))
    for _ in range(2):  # is written down once
        await service._watch.look_at_all()
    kinds = [entry.kind for entry in await service.catalogue.journal("one")]
    assert kinds == ["created", "started", "exit"]
    assert refreshed == [(await service.catalogue.get("one")).id] * 2


async def test_a_machine_without_a_record_disturbs_nobody(service: Service, world: World) -> None:
    (there,) = world.host.machines.values()
    stranger = await world.engine.create(there.spec, key="stranger")
    await (await world.engine.start(stranger)).wait()
    await service._watch.look_at_all()
    assert len(await service.catalogue.list()) == 1


class Unreadable:
    """Records that cannot be read *times* times, and then can again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.left = times
        read, self.failed = Database.read, asyncio.Event()

        @asynccontextmanager
        async def tried(records: Database) -> AsyncIterator[Queries]:
            if self.left:
                self.left -= 1
                self.failed.set()
                raise StoreUnavailable("the disk takes a nap")
            async with read(records) as q:
                yield q

        monkeypatch.setattr(Database, "read", tried)


async def test_records_that_cannot_be_read_for_a_moment_do_not_end_the_watch(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = (await service.catalogue.get("one")).id
    service._watch._names.clear()
    unreadable = Unreadable(monkeypatch, 1)
    world.engine.end(next(iter(world.host.machines)), MachineExit(ExitReason.GUEST_POWEROFF))
    await unreadable.failed.wait()
    listening = service.catalogue.changes()
    await (await world.engine.start(next(iter(world.host.machines)))).wait()
    assert await anext(listening) == Change("machine", machine)


async def test_what_could_not_be_heeded_is_told_at_the_next_look(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = (await service.catalogue.get("one")).id
    service._watch._names.clear()
    unreadable = Unreadable(monkeypatch, 1)
    world.engine.end(next(iter(world.host.machines)), MachineExit(ExitReason.GUEST_POWEROFF))
    await unreadable.failed.wait()
    listening = service.catalogue.changes()
    await service._watch.look_at_all()
    assert await anext(listening) == Change("machine", machine)
    assert (await service.catalogue.journal("one"))[-1].kind == "exit"


async def test_the_look_at_everything_is_repeated_after_one_that_failed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Queue[int]()
    look_at_all = service._watch.look_at_all

    async def look() -> None:
        looked.put_nowait(0)
        await look_at_all()

    monkeypatch.setattr("webvdi.broker.watch.RECHECK_S", 0.0)
    monkeypatch.setattr(service._watch, "look_at_all", look)
    Unreadable(monkeypatch, 1)
    async with TaskOwner("test") as tasks:
        task = tasks.start(service._watch.recheck(), name="recheck")
        for _ in range(3):
            await looked.get()
        assert not task.done()


async def test_a_service_that_follows_its_engine_no_more_ends(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(service._watch, "_heed", fails)
    async with TaskOwner("test") as tasks:
        running = tasks.start(service.run(), name="run")
        await asyncio.sleep(0)
        assert not running.done()
        world.engine.end(next(iter(world.host.machines)), MachineExit(ExitReason.GUEST_POWEROFF))
        await asyncio.wait_for(running, 5)


async def test_a_service_that_is_no_longer_run_says_nothing_more(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def informing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(service.sessions, "run", informing)
    async with TaskOwner("test") as tasks:
        tasks.start(service.run(), name="run")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.wait_for(ended.wait(), 5)
