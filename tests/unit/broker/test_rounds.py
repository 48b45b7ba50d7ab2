"""Starting with the service, in order; ending with the host, never silently."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.broker_service import World
from webvdi.broker import rounds
from webvdi.broker.service import Service
from webvdi.broker.views import AtShutdown, MachineView, NewMachine, Phase
from webvdi.vmm.errors import LaunchFailed, SaveFailed
from webvdi.vmm.fake import Character
from webvdi.vmm.machine import MachineId, PowerState
from webvdi.vmm.operation import Operation, Verb

TINY = NewMachine("one", guest="tiny", start=False)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    async with world.service() as service:
        yield service


async def make(service: Service, name: str, **settings: object) -> None:
    await service.catalogue.create(replace(TINY, name=name, **settings))  # type: ignore[arg-type]
    await service.catalogue.settled(name)


async def states(service: Service) -> dict[str, str]:
    return {view.name: view.state for view in await service.catalogue.list()}


async def last_words(service: Service, name: str) -> str:
    return (await service.catalogue.journal(name))[-1].text


async def test_machines_start_in_their_order_and_a_failure_stops_nobody(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, order in (("c", 2), ("a", 0), ("b", 1), ("b2", 1), ("never", None)):
        await make(service, name, autostart=order)
    names = {machine.id: machine.spec.name for machine in world.host.machines.values()}
    started: list[str] = []
    start = world.engine.start

    async def noticed(machine: MachineId) -> Operation:
        started.append(names[machine])
        world.engine.character = Character.BAD if names[machine] == "a" else Character.NORMAL
        operation = await start(machine)
        if names[machine] == "a":
            await asyncio.wait([asyncio.Task(_over(operation))])
        return operation

    monkeypatch.setattr(world.engine, "start", noticed)
    await service.autostart()
    assert started[0] == "a"
    assert set(started[1:3]) == {"b", "b2"}
    assert started[3:] == ["c"]
    assert await states(service) == {
        "a": "stopped",
        "b": "running",
        "b2": "running",
        "c": "running",
        "never": "stopped",
    }
    kinds = [entry.kind for entry in await service.catalogue.journal("a")]
    assert "autostart" in kinds
    assert "failed" in kinds


async def _over(operation: Operation) -> None:
    with contextlib.suppress(LaunchFailed):
        await operation.wait()


async def test_running_machines_are_left_as_they_are(service: Service) -> None:
    await make(service, "one", autostart=0, start=True)
    before = await service.catalogue.get("one")
    await service.autostart()
    assert await service.catalogue.get("one") == before


async def test_each_ends_as_it_is_set(service: Service) -> None:
    await make(service, "asked", start=True)
    await make(service, "saved", start=True, at_shutdown=AtShutdown.SAVE)
    await make(service, "off")
    await service.shutdown(80)
    assert await states(service) == {"asked": "stopped", "saved": "saved", "off": "stopped"}
    assert "guest was shut down" in await last_words(service, "asked")
    assert "memory was saved" in await last_words(service, "saved")
    assert (await service.catalogue.journal("off"))[-1].kind == "created"
    await service.catalogue.do("start", "saved")


@pytest.mark.parametrize(
    ("host", "kind", "words"),
    [(True, "shutdown", "The host shut"), (False, "all_stopped", "webvdi shutdown stop")],
)
async def test_why_all_end_is_written_down(
    service: Service, world: World, host: bool, kind: str, words: str
) -> None:
    await make(service, "one", start=True)
    world.engine.deaf.update(world.host.machines)
    await service.shutdown(80, host=host)
    noted = [e for e in await service.catalogue.journal("one") if "shut" in e.text]
    assert [entry.kind for entry in noted] == [kind] * 2
    assert all(entry.text.startswith(words) for entry in noted)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (True, "The host shut down; the guest was shut down before."),
        (False, "webvdi shutdown: the guest shut down."),
    ],
)
async def test_a_guest_that_obeyed_is_written_down(
    service: Service, host: bool, words: str
) -> None:
    await make(service, "one", start=True)
    await service.shutdown(80, host=host)
    assert await last_words(service, "one") == words


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (True, "The host shuts down, and it could not be ended: the disk is gone"),
        (False, "webvdi shutdown stops all machines, and it could not be ended: the disk is gone"),
    ],
)
async def test_one_that_stays_is_not_called_stopped(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch, host: bool, words: str
) -> None:
    await make(service, "one", start=True)

    async def fails(machine: MachineId, **_: Any) -> Operation:
        operation = Operation(Verb.STOP, machine)
        operation.fail(SaveFailed("the disk is gone"))
        return operation

    monkeypatch.setattr(world.engine, "stop", fails)
    monkeypatch.setattr(world.engine, "save", fails)
    await service.shutdown(80, host=host)
    assert await last_words(service, "one") == words


async def test_a_guest_that_does_not_obey_is_saved(service: Service, world: World) -> None:
    await make(service, "one", start=True)
    world.engine.deaf.update(world.host.machines)
    await service.shutdown(80)
    assert await states(service) == {"one": "saved"}
    texts = [entry.text for entry in await service.catalogue.journal("one")]
    assert any("did not obey the power button" in text for text in texts)


async def test_who_can_neither_be_asked_nor_saved_is_switched_off(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(service, "one", start=True, at_shutdown=AtShutdown.SAVE)
    world.engine.deaf.update(world.host.machines)

    async def save(machine: MachineId) -> Operation:
        operation = Operation(Verb.SAVE, machine)
        operation.fail(SaveFailed("the disk is full"))
        return operation

    monkeypatch.setattr(world.engine, "save", save)
    await service.shutdown(80)
    assert await states(service) == {"one": "stopped"}
    entries = [e.text for e in await service.catalogue.journal("one") if e.kind == "shutdown"]
    assert "the disk is full" in entries[0]
    assert "switched off with its disks flushed" in entries[-1]


async def test_without_time_for_the_power_button_machines_are_saved(
    service: Service,
) -> None:
    await make(service, "one", start=True)
    await service.shutdown(rounds.MARGIN_S)
    assert await states(service) == {"one": "saved"}


async def test_a_save_that_takes_too_long_is_not_waited_for(service: Service, world: World) -> None:
    await make(service, "one", start=True, at_shutdown=AtShutdown.SAVE)
    world.engine.character = Character.STUCK
    await service.shutdown(0)
    assert await states(service) == {"one": "stopped"}
    texts = [e.text for e in await service.catalogue.journal("one") if e.kind == "shutdown"]
    assert "took too long" in texts[0]
    assert "switched off with its disks flushed" in texts[-1]


async def test_making_ends_before_machines_do(service: Service, world: World) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(30)

    world.builder.on_step = wait
    view = await service.catalogue.create(replace(TINY, start=True))
    await begun.wait()
    await service.shutdown(80)
    go_on.set()
    view = await service.catalogue.settled("one")
    assert (view.phase, view.state) == (Phase.CREATING, "stopped")


@pytest.mark.parametrize("moment", ["before it is asked", "while it is asked"])
async def test_one_that_vanishes_keeps_nobody_from_being_ended(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    for name in ("gone", "saved", "slow"):
        await make(service, name, start=True)
    (gone,) = (m.id for m in world.host.machines.values() if m.spec.name == "gone")
    list_, stop = service.catalogue.list, world.engine.stop

    async def listed() -> tuple[MachineView, ...]:
        views = await list_()
        world.engine.vanish(gone)
        return views

    async def stopped(machine: MachineId, **options: Any) -> Operation:
        if machine == gone:
            world.engine.vanish(gone)
        return await stop(machine, **options)

    if moment == "before it is asked":
        monkeypatch.setattr(service.catalogue, "list", listed)
    else:
        monkeypatch.setattr(world.engine, "stop", stopped)
    await service.shutdown(80)
    monkeypatch.undo()
    assert [m.status.state for m in world.host.machines.values()] == [PowerState.STOPPED] * 2
    assert "could not be ended" in await last_words(service, "gone")


async def test_a_bug_about_one_keeps_nobody_from_being_ended(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(service, "odd", start=True)
    await make(service, "one", start=True)
    odd = next(m.id for m in world.host.machines.values() if m.spec.name == "odd")
    stop = world.engine.stop

    async def stopped(machine: MachineId, **options: Any) -> Operation:
        if machine == odd:
            raise ValueError("a bug")
        await asyncio.sleep(0)
        return await stop(machine, **options)

    monkeypatch.setattr(world.engine, "stop", stopped)
    await service.shutdown(80)
    assert await states(service) == {"odd": "running", "one": "stopped"}
