"""The fake's characters; that it keeps the contract is the conformance suite's business."""

import asyncio
from pathlib import Path

import pytest

from webvdi.base.errors import NotFound, StateError
from webvdi.display.endpoint import TcpEndpoint
from webvdi.vmm.errors import LaunchFailed, MonitorLost, RestoreFailed, SaveFailed
from webvdi.vmm.events import MachineGone
from webvdi.vmm.fake import BAD_WORDS, Character, FakeEngine
from webvdi.vmm.machine import Disk, ExitReason, MachineId, MachineSpec, PowerState

SPEC = MachineSpec("m", disks=(Disk(Path("/d")),))


async def made(character: Character) -> tuple[FakeEngine, MachineId]:
    engine = FakeEngine(character, endpoint=TcpEndpoint("127.0.0.1", 5900), clock=lambda: 7.0)
    return engine, await engine.create(SPEC, key="k")


async def test_slow_waits_for_release() -> None:
    engine, machine = await made(Character.SLOW)
    operation = await engine.start(machine)
    with pytest.raises(TimeoutError):
        await operation.wait(0.01)
    engine.release()
    await operation.wait(5)
    assert (await engine.console(machine)).endpoint == TcpEndpoint("127.0.0.1", 5900)
    assert (await engine.get(machine)).since == 7.0
    await engine.close()


async def test_what_a_kill_overtook_does_not_happen_on_release() -> None:
    engine, machine = await made(Character.SLOW)
    operation = await engine.start(machine)
    await asyncio.sleep(0)
    await (await engine.kill(machine)).wait(5)
    with pytest.raises(LaunchFailed, match="overtaken by a kill"):
        await operation.wait(5)
    engine.release()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (await engine.get(machine)).state is PowerState.STOPPED
    await engine.close()


async def test_never_can_still_be_killed_and_started_by_a_better_one() -> None:
    engine, machine = await made(Character.NEVER)
    operation = await engine.start(machine)
    with pytest.raises(TimeoutError):
        await operation.wait(0.01)
    assert (await engine.get(machine)).state is PowerState.STARTING
    with pytest.raises(StateError, match="starting"):
        await engine.console(machine)
    await (await engine.kill(machine)).wait(5)
    engine.character = Character.NORMAL
    await (await engine.start(machine)).wait(5)
    await engine.close()


async def test_bad_fails_with_words() -> None:
    engine, machine = await made(Character.BAD)
    with pytest.raises(LaunchFailed, match=BAD_WORDS) as caught:
        await (await engine.start(machine)).wait(5)
    assert caught.value.exit_code == 1
    status = await engine.get(machine)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.START_FAILED
    await engine.close()


async def test_vanishing_is_gone_after_its_start() -> None:
    engine, machine = await made(Character.VANISHING)
    events = engine.events()
    await (await engine.start(machine)).wait(5)
    with pytest.raises(NotFound):
        await engine.get(machine)
    while await anext(events) != MachineGone(machine):
        pass
    await engine.close()


async def test_closing_fails_what_is_under_way() -> None:
    engine, machine = await made(Character.NEVER)
    operation = await engine.start(machine)
    await engine.close()
    with pytest.raises(MonitorLost, match="closed"):
        await operation.wait(5)


async def test_bad_keeps_what_is_saved() -> None:
    engine, machine = await made(Character.NORMAL)
    await (await engine.start(machine)).wait(5)
    await engine.serial_write(machine, b"typed")
    assert engine.host.typed[machine] == b"typed"
    await (await engine.save(machine)).wait(5)
    engine.character = Character.BAD
    with pytest.raises(RestoreFailed, match=BAD_WORDS):
        await (await engine.start(machine)).wait(5)
    assert (await engine.get(machine)).state is PowerState.SAVED
    engine.character = Character.NORMAL
    await (await engine.start(machine)).wait(5)
    assert (await engine.get(machine)).state is PowerState.RUNNING
    await engine.close()


@pytest.mark.parametrize("verb", ["stop", "kill"])
async def test_a_stuck_save_keeps_all_waiting_but_what_overtakes_it(verb: str) -> None:
    engine, machine = await made(Character.STUCK)
    await (await engine.start(machine)).wait(5)
    saving = await engine.save(machine)
    asked = await engine.pause(machine)
    with pytest.raises(TimeoutError):
        await asked.wait(0.01)
    assert (await engine.get(machine)).state is PowerState.STOPPING
    options = {"graceful": False} if verb == "stop" else {}
    await (await getattr(engine, verb)(machine, **options)).wait(5)
    with pytest.raises(SaveFailed, match=f"overtaken by a {verb}"):
        await saving.wait(5)
    assert (await engine.get(machine)).state is PowerState.STOPPED
    engine.character = Character.NORMAL
    await (await engine.start(machine)).wait(5)
    await (await engine.save(machine)).wait(5)
    assert (await engine.get(machine)).state is PowerState.SAVED
    await engine.close()
