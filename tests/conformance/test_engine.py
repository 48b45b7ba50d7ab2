"""The contract of an engine, on every implementation and the fake."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conformance.engines import (
    PATIENCE_S,
    FakeHarness,
    Harness,
    QemuHarness,
    reached,
    start,
)
from webvdi.base.errors import Conflict, NotFound, StateError
from webvdi.display.endpoint import UnixEndpoint
from webvdi.vmm.engine import MAX_SERIAL_BYTES
from webvdi.vmm.errors import Overtaken, SaveFailed, SerialFull, StillRunning
from webvdi.vmm.events import MachineGone, StatusChanged
from webvdi.vmm.machine import Cdrom, DirectKernel, ExitReason, MachineId, PowerState
from webvdi.vmm.operation import OperationState

ENGINES = [pytest.param("fake"), pytest.param("qemu", marks=pytest.mark.qemu)]


@pytest.fixture(params=ENGINES)
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    if request.param == "fake":
        fake = FakeHarness()
        yield fake
        await fake.close()
        return
    # pytest's own temporary paths can be too long for a unix socket.
    with TemporaryDirectory(prefix="wv") as directory:
        async with QemuHarness(Path(directory)) as qemu:
            yield qemu


@pytest.fixture
async def machine(harness: Harness) -> MachineId:
    return await harness.engine.create(harness.spec(), key="one")


async def test_a_new_machine_is_stopped_and_never_ran(harness: Harness, machine: MachineId) -> None:
    status = await harness.engine.get(machine)
    assert status.state is PowerState.STOPPED
    assert status.generation == 0
    assert status.exit is None
    assert status.acceleration is None


async def test_whether_there_is_a_network_is_told_in_words_and_changes_nothing(
    harness: Harness, machine: MachineId
) -> None:
    why_not = await harness.engine.network_available()
    assert why_not is None or why_not.strip()
    assert await harness.engine.network_available() == why_not
    assert [one.id for one in await harness.engine.list()] == [machine]


async def test_create_with_the_same_key_is_the_same_machine(
    harness: Harness, machine: MachineId
) -> None:
    assert await harness.engine.create(harness.spec(), key="one") == machine
    assert await harness.engine.create(harness.spec(), key="two") != machine
    assert len(await harness.engine.list()) == 2


async def test_create_with_the_same_key_and_another_spec_is_a_conflict(
    harness: Harness, machine: MachineId
) -> None:
    with pytest.raises(Conflict):
        await harness.engine.create(replace(harness.spec(), memory_mib=48), key="one")


async def test_relative_names_mean_the_working_directory_of_the_call(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    kernel = DirectKernel(Path("k"), Path("i"))
    spec = replace(harness.spec(), kernel=kernel, cdroms=(Cdrom(Path("c")),))
    machine = await harness.engine.create(spec, key="relative")
    assert await harness.engine.create(spec, key="relative") == machine
    (listed,) = await harness.engine.list()
    assert listed.spec.kernel == DirectKernel(tmp_path / "k", tmp_path / "i")
    assert listed.spec.cdroms == (Cdrom(tmp_path / "c"),)


async def test_an_unknown_machine_is_not_found(harness: Harness) -> None:
    engine, nobody = harness.engine, MachineId("nobody")
    for call in (
        engine.start,
        engine.stop,
        engine.kill,
        engine.reset,
        engine.pause,
        engine.resume,
        engine.save,
        engine.delete,
        engine.get,
        engine.console,
        engine.screenshot,
        engine.serial,
    ):
        with pytest.raises(NotFound):
            await call(nobody)
    with pytest.raises(NotFound):
        await engine.redefine(nobody, harness.spec())
    with pytest.raises(NotFound):
        await engine.serial_write(nobody, b"x")


async def test_start_and_stop(harness: Harness, machine: MachineId) -> None:
    before = time.time()
    operation = await harness.engine.start(machine)
    await operation.wait(PATIENCE_S)
    assert operation.state is OperationState.DONE
    await harness.booted(machine)
    running = await harness.engine.get(machine)
    assert running.state is PowerState.RUNNING
    assert running.generation == 1
    assert running.acceleration is not None
    assert running.exit is None
    assert before <= running.since <= time.time()
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    stopped = await harness.engine.get(machine)
    assert stopped.state is PowerState.STOPPED
    assert stopped.exit is not None
    assert stopped.exit.reason is ExitReason.SHUT_DOWN
    assert "asked" in stopped.exit.text
    assert stopped.generation == 1


async def test_each_start_is_a_new_generation(harness: Harness, machine: MachineId) -> None:
    generations = []
    for _ in range(3):
        generations.append((await start(harness, machine)).generation)
        await (await harness.engine.stop(machine, graceful=False)).wait(PATIENCE_S)
    assert len(set(generations)) == 3


async def test_a_repeated_start_is_the_same_operation_then_nothing(
    harness: Harness, machine: MachineId
) -> None:
    first = await harness.engine.start(machine)
    assert await harness.engine.start(machine) is first
    await first.wait(PATIENCE_S)
    again = await harness.engine.start(machine)
    await again.wait(PATIENCE_S)
    assert (first.idle, again.idle) == (False, True)
    assert (await harness.engine.get(machine)).generation == 1


async def test_stop_and_kill_of_a_stopped_machine_do_nothing(
    harness: Harness, machine: MachineId
) -> None:
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).exit is None


async def test_a_verb_that_does_not_fit_names_both_states(
    harness: Harness, machine: MachineId
) -> None:
    engine = harness.engine
    for verb in (engine.pause, engine.resume, engine.reset, engine.save):
        operation = await verb(machine)
        with pytest.raises(StateError) as caught:
            await operation.wait(PATIENCE_S)
        assert caught.value.state == "stopped"
        assert caught.value.required
        assert operation.state is OperationState.FAILED


async def test_what_needs_a_running_machine_says_so(harness: Harness, machine: MachineId) -> None:
    with pytest.raises(StateError):
        await harness.engine.console(machine)
    with pytest.raises(StateError):
        await harness.engine.screenshot(machine)
    with pytest.raises(StateError):
        await harness.engine.serial_write(machine, b"x")


async def test_the_console_belongs_to_a_generation(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    first = await harness.engine.console(machine)
    assert isinstance(first.endpoint, UnixEndpoint)
    assert first.generation == (await harness.engine.get(machine)).generation
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    await start(harness, machine)
    assert (await harness.engine.console(machine)).generation != first.generation


async def test_pause_and_resume(harness: Harness, machine: MachineId) -> None:
    running = await start(harness, machine)
    for repeat in (False, True):  # a repeat is no error, and says that it is one
        pause = await harness.engine.pause(machine)
        await pause.wait(PATIENCE_S)
        assert pause.idle is repeat
        assert (await harness.engine.get(machine)).state is PowerState.PAUSED
    await harness.engine.console(machine)
    for repeat in (False, True):
        resume = await harness.engine.resume(machine)
        await resume.wait(PATIENCE_S)
        assert resume.idle is repeat
    resumed = await harness.engine.get(machine)
    assert resumed.state is PowerState.RUNNING
    assert resumed.generation == running.generation


async def test_a_paused_machine_can_be_stopped_gracefully(
    harness: Harness, machine: MachineId
) -> None:
    await start(harness, machine)
    await (await harness.engine.pause(machine)).wait(PATIENCE_S)
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).state is PowerState.STOPPED


async def test_a_reset_keeps_the_generation(harness: Harness, machine: MachineId) -> None:
    running = await start(harness, machine)
    await (await harness.engine.reset(machine)).wait(PATIENCE_S)
    status = await harness.engine.get(machine)
    assert status.state is PowerState.RUNNING
    assert status.generation == running.generation


async def test_kill_is_a_requested_end(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    status = await harness.engine.get(machine)
    assert status.state is PowerState.STOPPED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.REQUESTED


async def test_kill_overtakes_a_start(harness: Harness, machine: MachineId) -> None:
    starting = await harness.engine.start(machine)
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    assert not starting.pending
    assert (await harness.engine.get(machine)).state is PowerState.STOPPED
    await start(harness, machine)


async def test_operations_happen_in_order(harness: Harness, machine: MachineId) -> None:
    operations = [
        await harness.engine.start(machine),
        await harness.engine.pause(machine),
        await harness.engine.resume(machine),
        await harness.engine.stop(machine, graceful=False),
    ]
    for operation in operations:
        await operation.wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).state is PowerState.STOPPED


async def test_a_guest_that_ignores_the_button_is_switched_off(harness: Harness) -> None:
    machine = await harness.engine.create(harness.spec(deaf=True), key="deaf")
    await start(harness, machine)
    await (await harness.engine.stop(machine, timeout_s=0.7)).wait(PATIENCE_S)
    for _ in range(2):
        status = await harness.engine.get(machine)
        assert status.state is PowerState.STOPPED
        assert status.exit is not None
        assert status.exit.reason is ExitReason.OVERDUE
        assert "within 1 s, and was switched off" in status.exit.text
        await harness.reopen()


async def test_a_guest_that_is_only_asked_to_stop_may_stay(harness: Harness) -> None:
    machine = await harness.engine.create(harness.spec(deaf=True), key="deaf")
    generation = (await start(harness, machine)).generation
    with pytest.raises(StillRunning):
        await (await harness.engine.stop(machine, timeout_s=0.2, force=False)).wait(PATIENCE_S)
    status = await harness.engine.get(machine)
    assert (status.state, status.generation) == (PowerState.RUNNING, generation)
    await (await harness.engine.save(machine)).wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).state is PowerState.SAVED


async def test_a_guest_that_is_only_asked_to_stop_and_does_was_asked(
    harness: Harness, machine: MachineId
) -> None:
    await start(harness, machine)
    await (await harness.engine.stop(machine, force=False)).wait(PATIENCE_S)
    for _ in range(2):
        status = await harness.engine.get(machine)
        assert status.state is PowerState.STOPPED
        assert status.exit is not None
        assert status.exit.reason is ExitReason.SHUT_DOWN
        await harness.reopen()
    # The next run is another one: nobody has asked that.
    events = harness.engine.events()
    await start(harness, machine)
    await harness.power_off_from_within(machine)
    status = await reached(harness, events, machine, PowerState.STOPPED)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.GUEST_POWEROFF


async def test_a_guest_switches_itself_off(harness: Harness, machine: MachineId) -> None:
    events = harness.engine.events()
    await start(harness, machine)
    await harness.power_off_from_within(machine)
    status = await reached(harness, events, machine, PowerState.STOPPED, PowerState.CRASHED)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.GUEST_POWEROFF
    assert "itself" in status.exit.text


async def test_a_machine_killed_from_outside_has_crashed_and_starts_again(
    harness: Harness, machine: MachineId
) -> None:
    events = harness.engine.events()
    await start(harness, machine)
    await harness.kill_from_outside(machine)
    status = await reached(harness, events, machine, PowerState.STOPPED, PowerState.CRASHED)
    assert status.state is PowerState.CRASHED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.KILLED
    assert "memory" in status.exit.text
    assert (await start(harness, machine)).exit is None


async def test_delete_forgets_a_stopped_and_a_running_machine(
    harness: Harness, machine: MachineId
) -> None:
    other = await harness.engine.create(harness.spec(), key="other")
    await start(harness, other)
    events = harness.engine.events()
    for doomed in (machine, other):
        await (await harness.engine.delete(doomed)).wait(PATIENCE_S)
        with pytest.raises(NotFound):
            await harness.engine.get(doomed)
        while await anext(events) != MachineGone(doomed):
            pass
    assert await harness.engine.list() == ()
    again = await harness.engine.create(harness.spec(), key="one")
    assert (await harness.engine.get(again)).generation == 0


async def test_list_is_the_truth(harness: Harness, machine: MachineId) -> None:
    (listed,) = await harness.engine.list()
    assert listed.id == machine
    assert listed.key == "one"
    assert listed.spec == harness.spec()
    assert listed.status == await harness.engine.get(machine)


async def test_events_tell_each_state(harness: Harness, machine: MachineId) -> None:
    events = harness.engine.events()
    await start(harness, machine)
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    states: list[PowerState] = []
    while not states or states[-1] is not PowerState.STOPPED:
        event = await anext(events)
        assert isinstance(event, StatusChanged)
        states.append(event.status.state)
    assert states[0] is PowerState.STARTING
    assert PowerState.RUNNING in states


async def test_events_end_with_the_engine(harness: Harness) -> None:
    events = harness.engine.events()
    await harness.reopen()
    assert [event async for event in events] == []


async def test_machines_outlive_the_engine(harness: Harness, machine: MachineId) -> None:
    stopped = await harness.engine.create(harness.spec(), key="stopped")
    running = await start(harness, machine)
    await harness.reopen()
    assert await harness.engine.create(harness.spec(), key="one") == machine
    adopted = await harness.engine.get(machine)
    assert adopted.state is PowerState.RUNNING
    assert adopted.generation == running.generation
    assert adopted.acceleration == running.acceleration
    assert adopted.since <= running.since
    assert (await harness.engine.get(stopped)).state is PowerState.STOPPED
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    await harness.reopen()
    status = await harness.engine.get(machine)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.SHUT_DOWN


async def test_how_long_a_machine_has_been_off_outlives_the_engine(
    harness: Harness, machine: MachineId
) -> None:
    ended = await harness.engine.create(harness.spec(), key="ended")
    await start(harness, ended)
    await (await harness.engine.stop(ended)).wait(PATIENCE_S)
    saved = await harness.engine.create(harness.spec(), key="saved")
    await start(harness, saved)
    await (await harness.engine.save(saved)).wait(PATIENCE_S)
    before = {there.id: there.status.since for there in await harness.engine.list()}
    await harness.reopen()
    after = {there.id: there.status.since for there in await harness.engine.list()}
    assert after == before
    assert before[machine] < before[ended] < before[saved]


async def test_a_paused_machine_is_adopted_paused(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    await (await harness.engine.pause(machine)).wait(PATIENCE_S)
    await harness.reopen()
    assert (await harness.engine.get(machine)).state is PowerState.PAUSED


async def test_a_screenshot_is_a_picture(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    assert (await harness.engine.screenshot(machine)).startswith((b"\x89PNG\r\n\x1a\n", b"P6"))


# Redefining ------------------------------------------------------------------------------------


async def test_redefine_gives_a_machine_that_is_off_another_spec(
    harness: Harness, machine: MachineId
) -> None:
    wider = replace(harness.spec(), name="wider", memory_mib=48, cpus=2)
    await harness.engine.redefine(machine, wider)
    await harness.engine.redefine(machine, wider)
    assert (await harness.engine.list())[0].spec == wider
    await harness.reopen()
    assert await harness.engine.create(wider, key="one") == machine
    with pytest.raises(Conflict):
        await harness.engine.create(harness.spec(), key="one")
    await start(harness, machine)
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    await harness.engine.redefine(machine, harness.spec())
    assert await harness.engine.create(harness.spec(), key="one") == machine


async def test_redefine_after_a_crash(harness: Harness, machine: MachineId) -> None:
    events = harness.engine.events()
    await start(harness, machine)
    await harness.kill_from_outside(machine)
    await reached(harness, events, machine, PowerState.CRASHED)
    await harness.engine.redefine(machine, replace(harness.spec(), memory_mib=48))


async def test_only_a_machine_that_is_off_can_be_redefined(
    harness: Harness, machine: MachineId
) -> None:
    other = replace(harness.spec(), memory_mib=48)

    async def refused() -> StateError:
        with pytest.raises(StateError) as caught:
            await harness.engine.redefine(machine, other)
        assert caught.value.required == "crashed or stopped"
        return caught.value

    starting = await harness.engine.start(machine)
    assert "start" in (await refused()).state
    await starting.wait(PATIENCE_S)
    await harness.booted(machine)
    assert (await refused()).state == "running"
    await harness.engine.redefine(machine, harness.spec())  # it is so already
    await (await harness.engine.save(machine)).wait(PATIENCE_S)
    assert (await refused()).state == "saved"
    assert (await harness.engine.list())[0].spec == harness.spec()


async def test_redefine_means_the_working_directory_of_the_call(
    harness: Harness, machine: MachineId, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    await harness.engine.redefine(machine, replace(harness.spec(), cdroms=(Cdrom(Path("c")),)))
    assert (await harness.engine.list())[0].spec.cdroms == (Cdrom(tmp_path / "c"),)


# Saving ----------------------------------------------------------------------------------------


@pytest.fixture
async def saved(harness: Harness, machine: MachineId) -> MachineId:
    await start(harness, machine)
    await (await harness.engine.save(machine)).wait(PATIENCE_S)
    return machine


async def test_save_and_start(harness: Harness, machine: MachineId) -> None:
    assert harness.engine.capabilities().save
    running = await start(harness, machine)
    for _ in range(2):  # a repeat is no error
        await (await harness.engine.save(machine)).wait(PATIENCE_S)
        status = await harness.engine.get(machine)
        assert status.state is PowerState.SAVED
        assert status.exit is None
        assert status.acceleration is None
    with pytest.raises(StateError):
        await harness.engine.console(machine)
    await harness.reopen()
    assert (await harness.engine.get(machine)).state is PowerState.SAVED
    again = await start(harness, machine)
    assert again.state is PowerState.RUNNING
    assert again.generation != running.generation
    assert again.acceleration is not None
    assert (await harness.engine.console(machine)).generation == again.generation
    await harness.reopen()
    assert (await harness.engine.get(machine)).state is PowerState.RUNNING


async def test_a_paused_machine_is_saved_and_runs_when_started(
    harness: Harness, machine: MachineId
) -> None:
    await start(harness, machine)
    await (await harness.engine.pause(machine)).wait(PATIENCE_S)
    await (await harness.engine.save(machine)).wait(PATIENCE_S)
    assert (await start(harness, machine)).state is PowerState.RUNNING


async def test_a_machine_is_saved_again_and_again(harness: Harness, machine: MachineId) -> None:
    for _ in range(3):
        await start(harness, machine)
        await (await harness.engine.save(machine)).wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).state is PowerState.SAVED


@pytest.mark.parametrize("verb", ["stop", "kill"])
async def test_what_is_saved_can_be_discarded(
    harness: Harness, saved: MachineId, verb: str
) -> None:
    await (await getattr(harness.engine, verb)(saved)).wait(PATIENCE_S)
    for _ in range(2):
        status = await harness.engine.get(saved)
        assert status.state is PowerState.STOPPED
        assert status.exit is not None
        assert status.exit.reason is ExitReason.REQUESTED
        await harness.reopen()
    await harness.engine.redefine(saved, replace(harness.spec(), memory_mib=48))
    await start(harness, saved)


async def test_a_saved_machine_can_be_deleted(harness: Harness, saved: MachineId) -> None:
    await (await harness.engine.delete(saved)).wait(PATIENCE_S)
    assert await harness.engine.list() == ()


async def test_what_is_saved_neither_pauses_nor_resets(harness: Harness, saved: MachineId) -> None:
    for verb in (harness.engine.pause, harness.engine.resume, harness.engine.reset):
        with pytest.raises(StateError):
            await (await verb(saved)).wait(PATIENCE_S)
    assert (await harness.engine.get(saved)).state is PowerState.SAVED


async def test_a_kill_overtakes_a_save(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    saving = await harness.engine.save(machine)
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    assert not saving.pending
    status = await harness.engine.get(machine)
    assert status.state is PowerState.STOPPED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.REQUESTED
    await start(harness, machine)


async def test_a_forced_stop_overtakes_a_save(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    saving = await harness.engine.save(machine)
    await (await harness.engine.stop(machine, graceful=False)).wait(PATIENCE_S)
    with pytest.raises(SaveFailed):
        await saving.wait(PATIENCE_S)
    status = await harness.engine.get(machine)
    assert status.state is PowerState.STOPPED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.REQUESTED
    await start(harness, machine)


@pytest.mark.parametrize("force", [True, False])
async def test_a_forced_stop_overtakes_a_graceful_one(harness: Harness, force: bool) -> None:
    machine = await harness.engine.create(harness.spec(deaf=True), key="deaf")
    await start(harness, machine)
    harness.time_stands_still()
    events = harness.engine.events()
    asking = await harness.engine.stop(machine, timeout_s=2 * PATIENCE_S, force=force)
    waiting = await harness.engine.stop(machine, timeout_s=2 * PATIENCE_S)
    await reached(harness, events, machine, PowerState.STOPPING)
    assert asking.pending
    await (await harness.engine.stop(machine, graceful=False)).wait(PATIENCE_S / 2)
    status = await harness.engine.get(machine)
    assert status.state is PowerState.STOPPED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.REQUESTED
    await waiting.wait(PATIENCE_S)
    if force:
        await asking.wait(PATIENCE_S)
    else:
        with pytest.raises(Overtaken, match="cut short"):
            await asking.wait(PATIENCE_S)
    # Nobody is in a hurry any more.
    await start(harness, machine)
    asking = await harness.engine.stop(machine, timeout_s=2 * PATIENCE_S, force=False)
    await reached(harness, events, machine, PowerState.STOPPING)
    with pytest.raises(TimeoutError):
        await asking.wait(0.1)
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)


async def test_a_graceful_stop_waits_for_a_save_and_discards_it(
    harness: Harness, machine: MachineId
) -> None:
    await start(harness, machine)
    saving = await harness.engine.save(machine)
    stopping = await harness.engine.stop(machine)
    await saving.wait(PATIENCE_S)
    await stopping.wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).state is PowerState.STOPPED


# The serial port -------------------------------------------------------------------------------


async def test_the_serial_port_takes_what_is_written(harness: Harness, machine: MachineId) -> None:
    await start(harness, machine)
    words = b"what is written at once, and in pieces"
    for piece in (words[:20], words[20:21], words[21:]):
        await harness.engine.serial_write(machine, piece)
    await harness.hears(machine, words)


async def test_a_guest_that_does_not_read_costs_a_bound(
    harness: Harness, machine: MachineId
) -> None:
    await start(harness, machine)
    await (await harness.engine.pause(machine)).wait(PATIENCE_S)

    async def write_much() -> None:
        for _ in range(3):
            await harness.engine.serial_write(machine, bytes(MAX_SERIAL_BYTES // 2 + 1))

    with pytest.raises(SerialFull) as caught:
        await write_much()
    assert caught.value.reason == "serial_full"
    with pytest.raises(SerialFull):
        await harness.engine.serial_write(machine, bytes(MAX_SERIAL_BYTES + 1))
