"""Use cases on machines, with records and files on a real disk and an engine that runs nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.broker_service import World, iso, raw_disk
from webvdi.base.errors import Conflict, NotFound, Refused, StateError
from webvdi.broker.service import Service
from webvdi.broker.views import AtShutdown, Change, Changes, DiskMode, NewMachine, Phase
from webvdi.store import ImageRecord, MachineRecord
from webvdi.vmm.errors import DiskError, InvalidSpec, LaunchFailed, Overtaken, StillRunning
from webvdi.vmm.fake import BAD_WORDS, Character
from webvdi.vmm.machine import DiskFormat, ExitReason, MachineExit, MachineId, Network, PowerState
from webvdi.vmm.operation import Operation
from webvdi.vmm.qemu import images

TINY = NewMachine("one", guest="tiny")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    async with world.service() as service:
        yield service


async def made(service: Service, wanted: NewMachine) -> str:
    """The id of the machine, made."""
    view = await service.catalogue.create(wanted)
    assert (await service.catalogue.settled(view.id)).phase is Phase.READY
    return view.id


async def test_a_guest_is_built_made_and_started(service: Service, world: World) -> None:
    view = await service.catalogue.create(TINY)
    assert view.phase is Phase.CREATING
    assert view.can == ("delete",)
    view = await service.catalogue.settled("one")
    assert (view.phase, view.state) == (Phase.READY, "running")
    assert view.source == {"kind": "guest", "guest": "tiny"}
    assert (view.cpus, view.memory_mib, view.network) == (1, 256, "internet")
    (disk,) = view.disks
    assert (disk.name, disk.size_bytes, disk.ours) == ("webvdi-home.img", 16 << 20, True)
    assert world.files() == [f"{view.id}/webvdi-home.img"]
    kinds = [entry.kind for entry in await service.catalogue.journal("one")]
    assert kinds == ["created", "started"]


async def test_where_no_network_can_be_had_a_machine_is_made_without_and_says_why(
    service: Service, world: World
) -> None:
    world.engine.network_obstacle = "passt is not installed"
    machine = await made(service, replace(TINY, start=False))
    assert (await service.catalogue.get(machine)).network == "none"
    said = [e.text for e in await service.catalogue.journal(machine) if e.kind == "network"]
    assert said == ["It has no network: passt is not installed"]


async def test_a_repeat_is_the_same_machine_and_another_wish_a_conflict(service: Service) -> None:
    machine = await made(service, TINY)
    assert (await service.catalogue.create(TINY)).id == machine
    with pytest.raises(Conflict, match="'one'"):
        await service.catalogue.create(replace(TINY, cpus=2))
    assert len(await service.catalogue.list()) == 1


async def test_many_that_ask_at_once_get_one_machine(service: Service) -> None:
    views = await asyncio.gather(*(service.catalogue.create(TINY) for _ in range(5)))
    assert len({view.id for view in views}) == 1


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (NewMachine("one"), InvalidSpec, "one of: a guest"),
        (NewMachine("one", guest="tiny", iso="/a"), InvalidSpec, "one of: a guest"),
        (NewMachine("one", guest="tiny", disk_format=DiskFormat.RAW), InvalidSpec, "of a disk"),
        (NewMachine("no name", guest="tiny"), InvalidSpec, "'no name' is no machine name"),
        (NewMachine("one", guest="none"), NotFound, "no guest named 'none'"),
        (NewMachine("one", image="i-1"), NotFound, "no image named 'i-1'"),
        (NewMachine("one", guest="tiny", cpus=0), InvalidSpec, "1 to 255 CPUs"),
        (NewMachine("one", guest="tiny", network="lan"), InvalidSpec, "there are: none, internet"),
        (NewMachine("one", guest="tiny", profile="amiga"), InvalidSpec, "no profile 'amiga'"),
        (NewMachine("one", guest="tiny", autostart=-1), InvalidSpec, "from 0 to"),
        (NewMachine("one", iso="relative.iso"), InvalidSpec, "absolute"),
        (NewMachine("one", iso="/nonexistent.iso"), DiskError, "/nonexistent.iso cannot be read"),
        (NewMachine("one", disk="/etc/passwd"), DiskError, "is no disk image"),
        (NewMachine("one", disk="/a", disk_gib=0), InvalidSpec, "1 to"),
    ],
)
async def test_what_can_be_refused_at_once_is(
    service: Service, wanted: NewMachine, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await service.catalogue.create(wanted)
    assert await service.catalogue.list() == ()


async def test_an_iso_gets_an_empty_disk_and_boots_from_it_first(
    service: Service, tmp_path: Path
) -> None:
    file = iso(tmp_path / "os.iso")
    await made(service, NewMachine("one", iso=str(file), disk_gib=3, start=False))
    view = await service.catalogue.get("one")
    assert view.cdrom == str(file)
    assert view.disks[0].size_bytes == 3 << 30
    assert view.state == "stopped"
    assert view.profile == "generic"


async def test_a_disk_is_copied_and_grown(service: Service, tmp_path: Path) -> None:
    file = raw_disk(tmp_path / "os.img")
    await made(service, NewMachine("one", disk=str(file), disk_gib=1, start=False))
    (disk,) = (await service.catalogue.get("one")).disks
    assert (disk.format, disk.size_bytes, disk.ours) == ("qcow2", 1 << 30, True)
    assert (await images.info(Path(disk.path)))[0].backing is None


async def test_an_overlay_leaves_the_disk_alone(service: Service, tmp_path: Path) -> None:
    file = raw_disk(tmp_path / "os.img")
    await made(service, NewMachine("one", disk=str(file), disk_mode=DiskMode.OVERLAY, start=False))
    (disk,) = (await service.catalogue.get("one")).disks
    assert [one.path for one in await images.info(Path(disk.path))] == [Path(disk.path), file]


async def test_a_disk_that_a_guest_has_dressed_up_shows_no_file_of_the_host(
    service: Service, tmp_path: Path
) -> None:
    secret, disk = raw_disk(tmp_path / "secret"), tmp_path / "os.img"
    await images.create_overlay(disk, secret, DiskFormat.RAW)
    wanted = NewMachine("one", disk=str(disk), start=False)
    with pytest.raises(DiskError, match="--disk-format"):
        await service.catalogue.create(wanted)
    assert await service.catalogue.list() == ()
    for number, image_format in enumerate(DiskFormat):
        said = replace(wanted, name=f"m{number}", disk_format=image_format)
        machine = await made(service, said)
        (copy,) = (await service.catalogue.get(machine)).disks
        file = disk if image_format is DiskFormat.RAW else secret
        assert copy.size_bytes == -(-file.stat().st_size // 512) * 512  # whole sectors


async def test_a_disk_in_place_is_used_once_and_never_deleted(
    service: Service, tmp_path: Path, world: World
) -> None:
    file = raw_disk(tmp_path / "os.img")
    wanted = NewMachine("one", disk=str(file), disk_mode=DiskMode.IN_PLACE)
    await made(service, wanted)
    (disk,) = (await service.catalogue.get("one")).disks
    assert (disk.path, disk.ours) == (str(file), False)
    with pytest.raises(Refused, match="is a disk of the machine 'one'"):
        await service.catalogue.create(replace(wanted, name="two"))
    await service.catalogue.delete("one")
    assert file.exists()
    assert world.host.machines == {}


def other_names(file: Path) -> list[str]:
    """The same file, meant otherwise."""
    (file.parent / "link").symlink_to(file)
    (file.parent / "hard").hardlink_to(file)
    there = file.parent
    return [
        str(there / "link"),
        str(there / "hard"),
        f"{there}/../{there.name}/{file.name}",
        str(file),
    ]


async def test_of_those_that_want_a_disk_in_place_at_once_one_gets_it(
    service: Service, tmp_path: Path
) -> None:
    names = other_names(raw_disk(tmp_path / "os.img"))
    wishes = [
        NewMachine(f"m{number}", disk=name, disk_mode=DiskMode.IN_PLACE, start=False)
        for number, name in enumerate(names)
    ]
    outcomes = await asyncio.gather(
        *(service.catalogue.create(wish) for wish in wishes), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [error.reason for error in refused] == ["in_use"] * 3
    (view,) = await service.catalogue.list()
    assert (await service.catalogue.settled(view.name)).phase is Phase.READY


@pytest.mark.parametrize("mode", list(DiskMode))
async def test_a_disk_that_a_machine_uses_in_place_is_nothing_for_others(
    service: Service, tmp_path: Path, mode: DiskMode
) -> None:
    file = raw_disk(tmp_path / "os.img")
    await made(service, NewMachine("one", disk=str(file), disk_mode=DiskMode.IN_PLACE))
    for name in other_names(file):
        with pytest.raises(Refused, match="is a disk of the machine 'one'"):
            await service.catalogue.create(NewMachine("two", disk=name, disk_mode=mode))
    assert len(await service.catalogue.list()) == 1


@pytest.mark.parametrize("mode", list(DiskMode))
async def test_a_disk_based_on_one_in_place_is_nothing_for_others(
    service: Service, tmp_path: Path, mode: DiskMode
) -> None:
    base, file = raw_disk(tmp_path / "base.img"), tmp_path / "os.qcow2"
    await images.create_overlay(file, base, DiskFormat.RAW)
    await made(service, NewMachine("one", disk=str(base), disk_mode=DiskMode.IN_PLACE))
    qcow2 = NewMachine("two", disk=str(file), disk_format=DiskFormat.QCOW2, disk_mode=mode)
    with pytest.raises(Refused, match=r"base.img is a disk of the machine 'one'"):
        await service.catalogue.create(qcow2)


async def test_what_machines_are_based_on_is_not_used_in_place(
    service: Service, tmp_path: Path
) -> None:
    file = raw_disk(tmp_path / "os.img")
    overlay = NewMachine("one", disk=str(file), disk_mode=DiskMode.OVERLAY, start=False)
    await made(service, overlay)
    await made(service, replace(overlay, name="two"))  # two may be based on one disk
    in_place = NewMachine("three", disk=str(file), disk_mode=DiskMode.IN_PLACE, start=False)
    with pytest.raises(Refused, match="a disk of the machine 'one' is based on it"):
        await service.catalogue.create(in_place)
    for name in ("one", "two"):
        await service.catalogue.delete(name)
    await made(service, NewMachine("copy", disk=str(file), start=False))
    await made(service, in_place)


async def test_a_second_try_looks_at_its_disk_again(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = raw_disk(tmp_path / "os.img")
    wanted = NewMachine("one", disk=str(file), disk_mode=DiskMode.IN_PLACE, start=False)

    async def fails(*_: object) -> None:
        raise DiskError("not today")

    with monkeypatch.context() as patch:
        patch.setattr(service.catalogue._workshop, "_register", fails)
        await service.catalogue.create(wanted)
        assert (await service.catalogue.settled("one")).phase is Phase.FAILED
    await made(service, replace(wanted, name="two"))
    with pytest.raises(Refused, match="is a disk of the machine 'two'"):
        await service.catalogue.create(wanted)
    assert (await service.catalogue.get("one")).phase is Phase.FAILED
    await service.catalogue.delete("two")
    await made(service, wanted)


async def test_a_second_try_looks_for_its_image_again(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = (await service.images.add(iso(tmp_path / "a.iso"))).id
    wanted = NewMachine("one", image=image, start=False)

    async def fails(*_: object) -> None:
        raise DiskError("not today")

    with monkeypatch.context() as patch:
        patch.setattr(service.catalogue._workshop, "_register", fails)
        await service.catalogue.create(wanted)
        assert (await service.catalogue.settled("one")).phase is Phase.FAILED
    making = service.catalogue._making
    look = making._look_before

    async def looked_and_deleted(wish: NewMachine, record: ImageRecord | None) -> tuple[Path, ...]:
        found = await look(wish, record)
        await service.images.delete(image)
        return found

    monkeypatch.setattr(making, "_look_before", looked_and_deleted)
    with pytest.raises(NotFound, match=image):
        await service.catalogue.create(wanted)
    assert (await service.catalogue.get("one")).phase is Phase.FAILED


async def test_a_guest_with_a_system_disk_gets_an_overlay_that_outlives_the_cache(
    service: Service, world: World, tmp_path: Path
) -> None:
    world.builder.system_disk = tmp_path / "system.qcow2"
    await images.create_blank(world.builder.system_disk, 16 << 20)
    await made(service, NewMachine("one", guest="tiny", disk_gib=1))
    (disk,) = (await service.catalogue.get("one")).disks
    own, base = await images.info(Path(disk.path))
    assert own.virtual_bytes == 1 << 30
    assert base.path.is_relative_to(world.state / "guests")


async def test_deleting_takes_what_was_made_and_nothing_else(
    service: Service, world: World
) -> None:
    one, two = await made(service, TINY), await made(service, replace(TINY, name="two"))
    changes = service.catalogue.changes()
    await service.catalogue.delete("one")
    assert [view.id for view in await service.catalogue.list()] == [two]
    assert world.files() == [f"{two}/webvdi-home.img"]
    assert len(world.host.machines) == 1
    while await anext(changes) != Change("gone", one):
        pass
    with pytest.raises(NotFound):
        await service.catalogue.get("one")


async def test_a_machine_can_be_deleted_while_it_is_being_made(
    service: Service, world: World
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(30)

    world.builder.on_step = wait
    await service.catalogue.create(TINY)
    await begun.wait()
    await service.catalogue.delete("one")
    go_on.set()
    assert await service.catalogue.list() == ()
    assert world.host.machines == {}


@pytest.mark.parametrize("step", ["_planned", "_settle", "_fail"])
async def test_a_deletion_is_not_forgotten_over_what_the_making_comes_to(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    workshop = service.catalogue._workshop
    goes_on = getattr(workshop, step)

    async def deleted_before(record: MachineRecord, *arguments: Any) -> None:
        async with service._records.write() as q:
            await q.set_machine(record.id, phase="deleting")
        await goes_on(record, *arguments)

    monkeypatch.setattr(workshop, step, deleted_before)
    if step == "_fail":
        world.builder.error = DiskError("the mirror burned down")
    view = await service.catalogue.create(TINY)
    await service.catalogue._making.settled(view.id)
    assert await service.catalogue.list() == ()
    assert world.host.machines == {}
    assert world.files() == []


async def test_what_cannot_be_made_says_why_leaves_nothing_and_may_be_tried_again(
    service: Service, world: World
) -> None:
    world.builder.error = DiskError("the mirror burned down")
    await service.catalogue.create(TINY)
    view = await service.catalogue.settled("one")
    assert (view.phase, view.can) == (Phase.FAILED, ("delete",))
    assert view.detail == "the mirror burned down"
    assert world.files() == []
    with pytest.raises(StateError, match="failed"):
        await service.catalogue.do("start", "one")
    world.builder.error = None
    await service.catalogue.create(TINY)
    assert (await service.catalogue.settled("one")).state == "running"


async def test_a_start_that_fails_leaves_a_machine_that_can_be_started(
    service: Service, world: World
) -> None:
    world.engine.character = Character.BAD
    await service.catalogue.create(TINY)
    view = await service.catalogue.settled("one")
    assert view.phase is Phase.READY
    assert BAD_WORDS in view.detail
    with pytest.raises(LaunchFailed):
        await service.catalogue.do("start", "one")
    world.engine.character = Character.NORMAL
    assert (await service.catalogue.do("start", "one")).state == "running"
    kinds = [entry.kind for entry in await service.catalogue.journal("one")]
    assert kinds.count("failed") == 2
    assert kinds[-1] == "started"


async def test_the_verbs(service: Service) -> None:
    await made(service, TINY)

    async def state_after(verb: str) -> str:
        return (await service.catalogue.do(verb, "one")).state

    assert await state_after("pause") == "paused"
    assert await state_after("resume") == "running"
    assert await state_after("reset") == "running"
    assert await state_after("save") == "saved"
    assert await state_after("start") == "running"
    assert await state_after("stop") == "stopped"
    assert await state_after("stop") == "stopped"
    with pytest.raises(StateError):
        await service.catalogue.do("pause", "one")
    assert await state_after("start") == "running"
    assert await state_after("kill") == "stopped"
    with pytest.raises(Refused, match="no verb 'explode'"):
        await service.catalogue.do("explode", "one")


async def test_what_was_so_already_is_not_written_down(service: Service, world: World) -> None:
    await made(service, TINY)

    async def kinds() -> list[str]:
        return [entry.kind for entry in await service.catalogue.journal("one")]

    before = await kinds()
    await service.catalogue.do("start", "one")
    await service.catalogue.do("resume", "one")
    assert await kinds() == before
    for verb, kind in (("pause", "paused"), ("save", "saved"), ("reset", "reset")):
        if verb == "reset":
            await service.catalogue.do("start", "one")
        for _ in range(2):
            await service.catalogue.do(verb, "one")
        assert (await kinds()).count(kind) == (2 if verb == "reset" else 1)


async def test_several_that_ask_for_one_start_get_one_entry(service: Service, world: World) -> None:
    await made(service, replace(TINY, start=False))
    world.engine.character = Character.SLOW
    asking = [asyncio.Task(service.catalogue.do("start", "one")) for _ in range(3)]
    await asyncio.sleep(0)
    world.engine.release()
    assert {view.state for view in await asyncio.gather(*asking)} == {"running"}
    assert [e.kind for e in await service.catalogue.journal("one")].count("started") == 1


@pytest.mark.parametrize(
    ("verb", "kind"), [("pause", "paused"), ("resume", "resumed"), ("save", "saved")]
)
async def test_several_that_ask_for_one_change_get_one_entry(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch, verb: str, kind: str
) -> None:
    await made(service, TINY)
    if verb == "resume":
        await service.catalogue.do("pause", "one")
    world.engine.character = Character.SLOW
    begin = getattr(world.engine, verb)
    begun: asyncio.Queue[Operation] = asyncio.Queue()

    async def counted(machine: MachineId) -> Operation:
        operation: Operation = await begin(machine)
        begun.put_nowait(operation)
        return operation

    monkeypatch.setattr(world.engine, verb, counted)
    asking = [asyncio.Task(service.catalogue.do(verb, "one")) for _ in range(3)]
    for _ in asking:
        await begun.get()
    world.engine.release()
    await asyncio.gather(*asking)
    assert [e.kind for e in await service.catalogue.journal("one")].count(kind) == 1


async def test_to_start_a_paused_machine_lets_it_go_on(service: Service) -> None:
    await made(service, TINY)
    generation = (await service.catalogue.do("pause", "one")).generation
    view = await service.catalogue.do("start", "one")
    assert (view.state, view.generation) == ("running", generation)
    assert (await service.catalogue.journal("one"))[-1].kind == "resumed"


async def test_what_fits_now_is_said(service: Service) -> None:
    await made(service, replace(TINY, start=False))
    assert (await service.catalogue.get("one")).can == ("start", "delete", "set")
    view = await service.catalogue.do("start", "one")
    assert view.can == ("stop", "kill", "reset", "pause", "save", "delete")
    assert (view.acceleration, view.acceleration_reason) == ("tcg", "nothing really runs")


async def test_how_a_run_ends_is_written_down_once(service: Service, world: World) -> None:
    machine = await made(service, TINY)
    engine_id = next(iter(world.host.machines))
    how = MachineExit(ExitReason.CRASHED, when=world.clock() - 5, code=1, words="boom")
    listening = service.catalogue.changes()
    world.engine.end(engine_id, how)
    while (await anext(listening)) != Change("machine", machine):
        pass
    entries = await service.catalogue.journal("one")
    assert entries[-1].kind == "exit"
    assert "boom" in entries[-1].text
    assert entries[-1].when == world.clock() - 5
    view = await service.catalogue.get("one")
    assert view.exit_reason == "crashed"
    assert view.detail == how.text


async def test_settings_of_a_machine_that_is_off(
    service: Service, world: World, tmp_path: Path
) -> None:
    await made(service, NewMachine("one", iso=str(iso(tmp_path / "a.iso")), start=False))
    view = await service.catalogue.change(
        "one",
        Changes(
            name="two",
            notes="mine",
            autostart=2,
            at_shutdown=AtShutdown.SAVE,
            cpus=3,
            memory_mib=99,
            network="none",
            cdrom=None,
            disk_gib=30,
        ),
    )
    assert (view.name, view.title, view.notes, view.autostart) == ("two", "two", "mine", 2)
    assert (view.at_shutdown, view.cpus, view.memory_mib) == ("save", 3, 99)
    assert (view.network, view.cdrom, view.disks[0].size_bytes) == ("none", None, 30 << 30)
    (machine,) = world.host.machines.values()
    assert machine.spec.name == "two"
    assert machine.spec.network is Network.NONE
    view = await service.catalogue.change("two", Changes(cdrom=str(iso(tmp_path / "b.iso"))))
    assert view.cdrom == str(tmp_path / "b.iso")
    with pytest.raises(InvalidSpec, match="cannot shrink"):
        await service.catalogue.change("two", Changes(disk_gib=1))


async def test_that_notes_changed_is_written_down_but_not_what_they_say(service: Service) -> None:
    await made(service, TINY)

    async def entries() -> list[tuple[str, str]]:
        return [(entry.kind, entry.text) for entry in await service.catalogue.journal("one")]

    before = await entries()
    await service.catalogue.change("one", Changes(notes="the password is swordfish"))
    assert (await entries())[len(before) :] == [("notes", "Changed notes.")]
    await service.catalogue.change("one", Changes(notes="the password is swordfish"))
    assert len(await entries()) == len(before) + 1
    await service.catalogue.change("one", Changes(notes="", autostart=3))
    kind, text = (await entries())[-1]
    assert (kind, "start with the service: 3" in text) == ("changed", True)
    assert "notes" in text
    assert "swordfish" not in str(await entries())


async def test_a_running_machine_is_renamed_but_keeps_its_hardware(
    service: Service, world: World
) -> None:
    await made(service, TINY)
    await made(service, replace(TINY, name="other"))
    view = await service.catalogue.change("one", Changes(name="new", notes="x"))
    assert view.name == "new"
    with pytest.raises(StateError, match="cannot be changed now"):
        await service.catalogue.change("new", Changes(cpus=2, notes="y"))
    assert (await service.catalogue.get("new")).notes == "x"
    with pytest.raises(Conflict, match="'other'"):
        await service.catalogue.change("new", Changes(name="other"))
    await service.catalogue.do("stop", "new")
    await service.catalogue.do("start", "new")
    assert {m.spec.name for m in world.host.machines.values()} == {"new", "other"}


async def test_a_change_is_made_whole_or_not_at_all(
    service: Service, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(service, replace(TINY, name="other", start=False))
    await made(service, NewMachine("one", iso=str(iso(tmp_path / "a.iso")), start=False))
    before = await service.catalogue.get("one")
    spec = {machine.id: machine.spec for machine in world.host.machines.values()}

    async def fails(*_: object) -> None:
        raise DiskError("no space left")

    async def nothing_changed_after(changes: Changes, error: type[Exception]) -> None:
        with pytest.raises(error):
            await service.catalogue.change("one", changes)
        assert await service.catalogue.get("one") == before
        assert {machine.id: machine.spec for machine in world.host.machines.values()} == spec

    await nothing_changed_after(Changes(name="other", disk_gib=30), Conflict)
    with monkeypatch.context() as patch:
        patch.setattr(world.engine, "redefine", fails)
        await nothing_changed_after(Changes(cpus=7, disk_gib=30), DiskError)
    with monkeypatch.context() as patch:
        patch.setattr(images, "grow", fails)
        await nothing_changed_after(Changes(name="new", cpus=7, disk_gib=30), DiskError)
        await nothing_changed_after(Changes(disk_gib=30), DiskError)
    await service.catalogue.change("one", Changes(name="new", cpus=7, disk_gib=30))
    view = await service.catalogue.get("new")
    assert (view.cpus, view.disks[0].size_bytes) == (7, 30 << 30)


async def test_an_image_that_goes_while_it_is_put_in_is_not_put_in(
    service: Service, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(service, replace(TINY, start=False))
    image = (await service.images.add(iso(tmp_path / "a.iso"))).id
    find = service.images.find

    async def found_and_deleted(ref: str) -> ImageRecord:
        record = await find(ref)
        await service.images.delete(ref)
        return record

    monkeypatch.setattr(service.images, "find", found_and_deleted)
    with pytest.raises(NotFound, match=image):
        await service.catalogue.change("one", Changes(cdrom=image, notes="x"))
    view = await service.catalogue.get("one")
    assert (view.cdrom, view.notes) == (None, "")


async def test_a_guest_in_memory_starts_with_its_newest_build(
    service: Service, world: World
) -> None:
    await made(service, TINY)
    await service.catalogue.do("stop", "one")
    world.builder.version = 2
    await service.guests.bundle("tiny", lambda _: None)
    await service.catalogue.do("start", "one")
    (machine,) = world.host.machines.values()
    assert machine.spec.kernel is not None
    assert machine.spec.kernel.kernel.parent.name == "tiny-0000000000000002"
    assert machine.status.state is PowerState.RUNNING


async def test_the_serial_log_is_read_by_offset(
    service: Service, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(service, TINY)
    log = tmp_path / "serial.log"

    async def serial(machine: str) -> Path:
        return log

    monkeypatch.setattr(world.engine, "serial", serial)
    assert (await service.catalogue.serial("one", 0)).data == b""
    log.write_bytes(b"login: ")
    chunk = await service.catalogue.serial("one", 3)
    assert (chunk.offset, chunk.data, chunk.next_offset, chunk.start) == (3, b"in: ", 7, 0)
    chunk = await service.catalogue.serial("one", 7)
    assert (chunk.offset, chunk.data, chunk.next_offset) == (7, b"", 7)
    log.write_bytes(b"new")
    chunk = await service.catalogue.serial("one", 7)
    assert (chunk.offset, chunk.data, chunk.next_offset) == (0, b"new", 3)
    log.write_bytes(b"x" * (100 << 10))
    assert len((await service.catalogue.serial("one", 0)).data) == 64 << 10


async def test_the_serial_port_is_written(service: Service, world: World) -> None:
    await made(service, TINY)
    await service.catalogue.serial_write("one", b"root\n")
    assert list(world.host.typed.values()) == [b"root\n"]
    with pytest.raises(Refused) as refused:
        await service.catalogue.serial_write("one", b"x" * 5000)
    assert refused.value.reason == "body_too_large"


async def test_a_screenshot_is_a_png(service: Service) -> None:
    await made(service, TINY)
    picture, media_type = await service.catalogue.screenshot("one")
    assert picture.startswith(b"\x89PNG")
    assert media_type == "image/png"
    await service.catalogue.do("stop", "one")
    with pytest.raises(StateError):
        await service.catalogue.screenshot("one")
    assert (await service.catalogue.thumbnail("one", 9, 9, None)).missing


async def test_a_caller_that_goes_away_undoes_nothing(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(service, replace(TINY, start=False))
    world.engine.character = Character.SLOW
    begun = asyncio.Event()
    start = world.engine.start

    async def noticed(machine: MachineId) -> Operation:
        begun.set()
        return await start(machine)

    monkeypatch.setattr(world.engine, "start", noticed)
    doing = asyncio.Task(service.catalogue.do("start", "one"))
    await begun.wait()
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    world.engine.release()
    listening = service.catalogue.changes()
    while (await service.catalogue.get("one")).state != "running":
        await anext(listening)
    while (await service.catalogue.journal("one"))[-1].kind != "started":
        await anext(listening)


async def test_the_host_is_summed_up(service: Service) -> None:
    await made(service, TINY)
    await made(service, replace(TINY, name="two", start=False))
    host = await service.host()
    assert (host.machines.total, host.machines.running, host.machines.memory_mib) == (2, 1, 256)
    assert host.mode == "service"
    assert host.disk_free_bytes


async def test_a_guest_that_does_not_go_is_switched_off_only_if_that_was_said(
    service: Service, world: World
) -> None:
    await made(service, TINY)
    world.engine.deaf.update(world.host.machines)
    with pytest.raises(StillRunning, match="one"):
        await service.catalogue.do("stop", "one")
    view = await service.catalogue.get("one")
    assert (view.state, "stop" in view.can) == ("running", True)
    last = (await service.catalogue.journal("one"))[-1]
    assert last.kind == "failed"
    assert (await service.catalogue.do("stop", "one", force=True)).state == "stopped"


async def test_switching_off_ends_the_wait_for_a_guest_and_that_is_no_failure(
    service: Service, world: World
) -> None:
    await made(service, TINY)
    world.engine.deaf.update(world.host.machines)
    world.engine.character = Character.STUCK
    listening = service.catalogue.changes()
    asking = asyncio.Task(service.catalogue.do("stop", "one"))
    while (await service.catalogue.get("one")).state != "stopping":
        await anext(listening)
    assert (await service.catalogue.do("stop", "one", graceful=False)).state == "stopped"
    with pytest.raises(Overtaken, match="cut short"):
        await asking
    kinds = [entry.kind for entry in await service.catalogue.journal("one")]
    assert kinds[-1] == "exit"
    assert "failed" not in kinds
