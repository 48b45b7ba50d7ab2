"""``webvdi shutdown`` on a fake engine: what is to be ended is not begun."""

import asyncio
import functools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from support.broker_service import World
from support.store_records import machine_record
from webvdi.broker import service as service_module
from webvdi.broker.views import NewMachine, Phase
from webvdi.broker.wishes import wish_to_json
from webvdi.cli.shutdown import run_shutdown
from webvdi.store import open_database
from webvdi.vmm.fake import FakeEngine

TINY = NewMachine("one", guest="tiny")
HALF_MADE = machine_record("m-1", "one", phase="creating", wanted=wish_to_json(TINY), start=True)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return World(tmp_path)


async def one_half_made_beside_one_that_runs(world: World) -> None:
    async with world.service() as service:
        await service.catalogue.create(replace(TINY, name="two"))
        await service.catalogue.settled("two")
    async with open_database(world.state / "webvdi.db") as records, records.write() as q:
        await q.add_machine(HALF_MADE)


async def test_a_half_made_machine_waits_for_the_next_start(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await one_half_made_beside_one_that_runs(world)
    opened = functools.partial(
        service_module.open_service,
        engine_factory=lambda state, run: FakeEngine(host=world.host),
        builder=world.builder,
    )
    monkeypatch.setattr(service_module, "open_service", opened)
    await asyncio.to_thread(run_shutdown, world.state, deadline_s=80.0, host=False, json=True)
    (outcome,) = json.loads(capsys.readouterr().out)
    assert (outcome["name"], outcome["state"]) == ("two", "stopped")
    assert outcome["text"] == "webvdi shutdown: the guest shut down."
    assert [machine.spec.name for machine in world.host.machines.values()] == ["two"]
    assert not list((world.state / "files").glob("m-1"))
    async with world.service() as service:
        view = await service.catalogue.settled("one")
        assert (view.phase, view.state) == (Phase.READY, "running")
