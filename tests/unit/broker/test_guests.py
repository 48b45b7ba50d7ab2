"""The guests' shelf: built once, kept for machines, pruned when nobody needs them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.broker_service import World
from webvdi.base.errors import NotFound, StateError
from webvdi.broker.guests import BuildCancelled
from webvdi.broker.service import Service
from webvdi.broker.views import Change, NewMachine, Progress
from webvdi.vmm.errors import DiskError

TINY = NewMachine("one", guest="tiny", start=False)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    async with world.service() as service:
        yield service


async def test_what_can_be_built_is_listed(service: Service) -> None:
    guests = {guest.name: guest for guest in await service.guests.list()}
    assert not guests["tiny"].built
    assert (guests["tiny"].cpus, guests["tiny"].memory_mib) == (1, 512)
    with pytest.raises(NotFound):
        await service.guests.build("none")


async def test_a_build_is_joined_and_its_progress_is_seen(service: Service, world: World) -> None:
    go_on = threading.Event()
    listening = service.catalogue.changes()
    world.builder.on_step = lambda: go_on.wait(30)
    await service.guests.build("tiny")
    assert await anext(listening) == Change("guest", "tiny")
    view = await service.guests.build("tiny")
    assert view.building == Progress("Fetching packages", 1, 2)
    go_on.set()
    seen: list[Progress] = []
    bundle = await service.guests.bundle("tiny", seen.append)
    assert world.builder.built.count("tiny") == 1
    assert bundle.recipe == "tiny"
    (tiny,) = [guest for guest in await service.guests.list() if guest.name == "tiny"]
    assert tiny.built
    assert tiny.building is None
    assert tiny.size_bytes


async def test_a_build_that_fails_says_why_until_the_next_one(
    service: Service, world: World
) -> None:
    world.builder.error = DiskError("no space")
    with pytest.raises(DiskError):
        await service.guests.bundle("tiny", lambda _: None)
    assert [guest.failed for guest in await service.guests.list() if guest.name == "tiny"] == [
        "no space"
    ]
    world.builder.error = None
    await service.guests.bundle("tiny", lambda _: None)
    assert not any(guest.failed for guest in await service.guests.list())


async def test_a_cancelled_build_leaves_nothing_and_can_begin_anew(
    service: Service, world: World
) -> None:
    first, second = threading.Event(), threading.Event()
    world.builder.on_step = lambda: (first, second)[world.builder.built.count("tiny") - 1].wait(30)
    world.builder.steps = 2
    await service.guests.build("tiny")
    waiting = asyncio.Task(service.guests.bundle("tiny", lambda _: None))
    ending = asyncio.Task(service.guests.cancel("tiny"))
    await asyncio.sleep(0)
    again = asyncio.Task(service.guests.build("tiny"))
    (tiny,) = [guest for guest in await service.guests.list() if guest.name == "tiny"]
    assert tiny.building == Progress("Ending the build", 0, 0)
    first.set()
    ended = await ending
    assert (ended.built, ended.failed, ended.cancelled) == (False, "", False)
    assert ended.building is not None  # the next one, of which nobody has cancelled anything
    with pytest.raises(BuildCancelled, match="'tiny' was cancelled"):
        await waiting
    await again
    second.set()
    assert (await service.guests.bundle("tiny", lambda _: None)).recipe == "tiny"
    assert world.builder.built.count("tiny") == 2
    assert not any(guest.cancelled for guest in await service.guests.list())


async def test_a_build_that_was_done_before_it_knew_is_not_called_cancelled(
    service: Service, world: World
) -> None:
    go_on = threading.Event()
    world.builder.on_step = lambda: go_on.wait(30)
    await service.guests.build("tiny")
    ending = asyncio.Task(service.guests.cancel("tiny"))
    await asyncio.sleep(0)
    go_on.set()
    ended = await ending
    assert (ended.built, ended.cancelled) == (True, False)


async def test_a_machine_says_that_its_guests_build_was_cancelled(
    service: Service, world: World
) -> None:
    go_on = threading.Event()
    world.builder.on_step = lambda: go_on.wait(30)
    world.builder.steps = 2
    listening = service.catalogue.changes()
    await service.catalogue.create(TINY)
    while await anext(listening) != Change("guest", "tiny"):
        pass
    ending = asyncio.Task(service.guests.cancel("tiny"))
    await asyncio.sleep(0)
    go_on.set()
    ended = await ending
    assert (ended.built, ended.building, ended.cancelled) == (False, None, True)
    await service.catalogue.settled("one")
    view = await service.catalogue.get("one")
    assert (view.phase, view.detail) == (
        "failed",
        "the build of the guest 'tiny' was cancelled",
    )


async def test_only_what_is_being_built_can_be_cancelled(service: Service) -> None:
    with pytest.raises(StateError, match="not being built"):
        await service.guests.cancel("tiny")
    with pytest.raises(NotFound):
        await service.guests.cancel("none")


async def test_closing_gives_a_build_up(world: World) -> None:
    async with world.service() as service:
        go_on = threading.Event()
        world.builder.on_step = lambda: go_on.wait(30)
        await service.guests.build("tiny")
        waiting = asyncio.Task(service.guests.bundle("tiny", lambda _: None))
        await asyncio.sleep(0)
        go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_a_machine_boots_from_outlives_the_cache_and_pruning(
    service: Service, world: World
) -> None:
    await service.catalogue.create(TINY)
    await service.catalogue.settled("one")
    (machine,) = world.host.machines.values()
    assert machine.spec.kernel is not None
    kernel = machine.spec.kernel.kernel
    assert kernel.is_relative_to(world.state / "guests")
    world.builder.version = 2
    await service.guests.bundle("tiny", lambda _: None)
    assert await service.guests.prune() == 0  # the machine still has it
    names = [path.name for path in (world.root / "cache/bundles").iterdir()]
    assert names == ["tiny-0000000000000002"]
    assert kernel.read_bytes() == b"kernel"
    await service.catalogue.delete("one")
    assert await service.guests.prune() > 0
    assert not kernel.exists()


async def test_two_machines_share_what_they_boot_from(service: Service, world: World) -> None:
    for name in ("one", "two"):
        await service.catalogue.create(replace(TINY, name=name))
        await service.catalogue.settled(name)
    assert len(list((world.state / "guests").iterdir())) == 1


async def test_a_half_kept_bundle_is_kept_anew(service: Service, world: World) -> None:
    bundle = await service.guests.bundle("tiny", lambda _: None)
    half = world.state / "guests" / bundle.name
    half.mkdir(parents=True)
    (half / "vmlinux").write_bytes(b"")
    kept = await service.guests.keep(bundle)
    assert kept.directory == half
    assert kept.is_complete()
    assert kept.kernel.read_bytes() == b"kernel"


async def test_another_file_system_gets_a_copy(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_file_system(source: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    bundle = await service.guests.bundle("tiny", lambda _: None)
    monkeypatch.setattr("webvdi.broker.guests.os.link", other_file_system)
    kept = await service.guests.keep(bundle)
    assert kept.kernel.read_bytes() == b"kernel"
    assert not kept.kernel.samefile(bundle.kernel)
