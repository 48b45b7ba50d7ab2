"""A service opened again: what is repaired, what is found, and that two do not meet."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from support.broker_service import World
from webvdi.base.errors import StateError
from webvdi.broker.service import Service
from webvdi.broker.views import Changes, MachineCounts, NewMachine, Phase
from webvdi.vmm.machine import (
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    ExitReason,
    MachineExit,
    MachineSpec,
    PowerState,
)

TINY = NewMachine("one", guest="tiny")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def make(service: Service, wanted: NewMachine = TINY) -> str:
    await service.catalogue.create(wanted)
    return (await service.catalogue.settled(wanted.name)).id


async def test_machines_run_on_and_are_found_again(world: World) -> None:
    async with world.service() as service:
        machine = await make(service)
    async with world.service() as service:
        view = await service.catalogue.get(machine)
        assert (view.name, view.state, view.phase) == ("one", "running", Phase.READY)
        assert len(await service.catalogue.journal(machine)) == 2


async def test_making_goes_on_where_it_was_cut_off(world: World) -> None:
    async with world.service() as service:
        stuck = asyncio.Event()
        loop = asyncio.get_running_loop()
        world.builder.on_step = lambda: asyncio.run_coroutine_threadsafe(
            stuck.wait(), loop
        ).result()
        machine = (await service.catalogue.create(TINY)).id
        closing = asyncio.Task(service.catalogue.close())
        await closing
        stuck.set()
    world.builder.on_step = lambda: None
    async with world.service() as service:
        view = await service.catalogue.settled("one")
        assert (view.id, view.state) == (machine, "running")


async def test_a_deletion_is_finished(world: World) -> None:
    async with world.service() as service:
        machine = await make(service)
        async with service._records.write() as q:
            await q.set_machine(machine, phase="deleting")
    async with world.service() as service:
        assert await service.catalogue.list() == ()
    assert world.host.machines == {}
    assert world.files() == []


async def test_a_change_that_only_the_record_has_reaches_the_engine(world: World) -> None:
    async with world.service() as service:
        machine = await make(service, replace(TINY, start=False))
        view = await service.catalogue.change("one", Changes(cpus=2))
    (there,) = world.host.machines.values()
    world.host.machines[there.id] = replace(there, spec=replace(there.spec, cpus=1))
    async with world.service() as service:
        assert (await service.catalogue.get(machine)).cpus == view.cpus == 2
    (there,) = world.host.machines.values()
    assert there.spec.cpus == 2


async def test_a_machine_that_runs_with_another_spec_is_believed(world: World) -> None:
    async with world.service() as service:
        machine = await make(service)
    (there,) = world.host.machines.values()
    world.host.machines[there.id] = replace(there, spec=replace(there.spec, cpus=7))
    async with world.service() as service:
        assert (await service.catalogue.get(machine)).cpus == 7


async def test_a_paused_machine_does_not_run_but_keeps_its_memory(world: World) -> None:
    async with world.service() as service:
        await make(service)
        await make(service, replace(TINY, name="two"))
        each = (await service.catalogue.get("one")).memory_mib or 0
        assert (await service.host()).machines == MachineCounts(2, 2, 0, 2 * each)
        await service.catalogue.do("pause", "one")
        assert (await service.host()).machines == MachineCounts(2, 1, 1, 2 * each)
        await service.catalogue.do("kill", "one")
        assert (await service.host()).machines == MachineCounts(2, 1, 0, each)


async def test_an_engine_that_lost_a_machine_gets_it_back(world: World) -> None:
    async with world.service() as service:
        machine = await make(service)
    world.host.machines.clear()
    async with world.service() as service:
        view = await service.catalogue.get(machine)
        assert view.state == "stopped"
        assert (await service.catalogue.do("start", "one")).state == "running"
    assert world.files() == [f"{machine}/webvdi-home.img"]


async def test_a_rebooted_host_is_said_and_nobody_starts_who_was_not_asked_to(
    world: World,
) -> None:
    async with world.service() as service:
        await make(service)
        await make(service, replace(TINY, name="two", autostart=1))
    for there in list(world.host.machines.values()):
        how = MachineExit(ExitReason.HOST_REBOOTED)
        status = replace(there.status, state=PowerState.STOPPED, exit=how, acceleration=None)
        world.host.machines[there.id] = replace(there, status=status)
    for _ in range(2):  # is said once
        async with world.service() as service:
            view = await service.catalogue.get("one")
            assert (view.state, view.exit_reason) == ("stopped", "host_rebooted")
            assert "host was restarted" in view.detail
            entries = await service.catalogue.journal("one")
            assert [entry.kind for entry in entries] == ["created", "started", "exit"]
            await service.autostart()
            assert (await service.catalogue.get("two")).state == "running"
            assert (await service.catalogue.get("one")).state == "stopped"


async def test_the_machines_of_earlier_versions_get_records_and_keep_their_files(
    world: World,
) -> None:
    world.places.make()
    (world.state / "demo").mkdir()
    disk = world.state / "demo/webvdi-home.img"
    disk.write_bytes(b"my work")
    own = world.state / "own.img"
    own.write_bytes(b"not theirs")
    world.engine.host = world.host
    kernel = DirectKernel(world.root / "vmlinux")
    raw = DiskFormat.RAW
    tiny = MachineSpec(name="demo", kernel=kernel, disks=(Disk(disk, raw),))
    cd = MachineSpec(name="demo-iso-12", cdroms=(Cdrom(world.root / "a.iso"),))
    other = MachineSpec(name="other", disks=(Disk(own, raw),))
    for key, spec in (("demo", tiny), ("demo-iso-12", cd), ("stranger", other)):
        await world.engine.create(spec, key=key)
    async with world.service() as service:
        views = {view.name: view for view in await service.catalogue.list()}
        assert views["demo"].source == {"kind": "guest", "guest": "tiny"}
        assert views["demo"].disks[0].ours
        assert views["demo-iso-12"].source == {"kind": "iso", "path": str(world.root / "a.iso")}
        assert views["other"].source == {"kind": "adopted"}
        assert not views["other"].disks[0].ours
        assert (await service.catalogue.create(NewMachine("demo", guest="tiny"))).id == views[
            "demo"
        ].id
    async with world.service() as service:
        assert {view.id for view in await service.catalogue.list()} == {
            view.id for view in views.values()
        }
        assert disk.read_bytes() == b"my work"
        for name in views:
            await service.catalogue.delete(name)
    assert not disk.exists()
    assert own.exists()
    assert world.host.machines == {}


async def test_an_adopted_machine_gets_a_free_name(world: World) -> None:
    async with world.service() as service:
        await make(service)
    await world.engine.create(
        MachineSpec(name="one", kernel=DirectKernel(Path("/k"))), key="stranger"
    )
    async with world.service() as service:
        assert [view.name for view in await service.catalogue.list()] == ["one", "one-2"]


async def test_a_machine_whose_files_do_not_go_says_so_and_can_be_deleted_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.service() as service:
        await make(service)

        def stays(directory: Path) -> None:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr("webvdi.broker.disk_files.shutil.rmtree", stays)
            with pytest.raises(StateError, match="Permission denied"):
                await service.catalogue.delete("one")
        view = await service.catalogue.get("one")
        assert (view.phase, view.can) == (Phase.DELETING, ("delete",))
        await service.catalogue.delete("one")
        assert await service.catalogue.list() == ()
