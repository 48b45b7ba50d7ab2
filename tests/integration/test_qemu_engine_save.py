"""Saving real machines: that they go on where they were, and what happens when it goes wrong."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from conformance.engines import PATIENCE_S, QemuHarness, reached, start
from webvdi.base.errors import WebvdiError
from webvdi.guests import build, make_data_disk
from webvdi.vmm.errors import CapacityExceeded, LaunchFailed, RestoreFailed, SaveFailed
from webvdi.vmm.machine import (
    DirectKernel,
    Disk,
    DiskFormat,
    ExitReason,
    MachineId,
    MachineSpec,
    MachineStatus,
    Network,
    PowerState,
    Profile,
)
from webvdi.vmm.operation import Operation
from webvdi.vmm.qemu import images, migration, probe, resources, saved
from webvdi.vmm.qemu.monitor import Monitor
from webvdi.vmm.qemu.records import read_record, write_record

pytestmark = pytest.mark.qemu

CACHE = Path(os.environ.get("WEBVDI_TEST_CACHE", "~/.cache/webvdi-test")).expanduser()


@pytest.fixture
async def harness() -> AsyncIterator[QemuHarness]:
    with TemporaryDirectory(prefix="wv") as directory:
        async with QemuHarness(Path(directory)) as qemu:
            yield qemu


async def running(harness: QemuHarness, spec: MachineSpec | None = None) -> MachineId:
    machine = await harness.engine.create(spec or harness.spec(), key="it")
    await start(harness, machine)
    return machine


async def save(harness: QemuHarness, machine: MachineId) -> None:
    await (await harness.engine.save(machine)).wait(PATIENCE_S)


async def said(harness: QemuHarness, machine: MachineId) -> bytes:
    path = await harness.engine.serial(machine)
    assert path is not None
    return path.read_bytes()


async def goes_on(harness: QemuHarness, machine: MachineId, words: bytes) -> None:
    """The guest answers, and has not booted since its start."""
    await harness.engine.serial_write(machine, words)
    await harness.serial_says(machine, words)
    assert (await said(harness, machine)).count(b">") == 1


def files(harness: QemuHarness, machine: MachineId) -> set[str]:
    return {path.name for path in harness.state(machine).glob("sav*")}


async def restore_fails(harness: QemuHarness, machine: MachineId) -> WebvdiError:
    """The error of a start that finds the saved state unusable, and keeps it."""
    with pytest.raises(WebvdiError) as caught:
        await (await harness.engine.start(machine)).wait(PATIENCE_S)
    for _ in range(2):
        status = await harness.engine.get(machine)
        assert status.state is PowerState.SAVED
        assert status.exit is None
        assert "saved.json" in files(harness, machine)
        await harness.reopen()
    return caught.value


# That it goes on -------------------------------------------------------------------------------


@pytest.mark.parametrize("network", list(Network))
@pytest.mark.parametrize("profile", list(Profile))
async def test_a_guest_goes_on_where_it_was(
    harness: QemuHarness, network: Network, profile: Profile
) -> None:
    machine = await running(harness, replace(harness.spec(), network=network, profile=profile))
    await goes_on(harness, machine, b"a")
    await save(harness, machine)
    assert files(harness, machine) == {"saved.json", "saved.state"}
    assert (harness.state(machine) / "saved.state").stat().st_mode & 0o777 == 0o600
    assert not list(resources.shm_directory().glob(f"{machine}*"))
    assert not list((harness.run_dir / machine).iterdir())
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"b")
    assert files(harness, machine) == set()


async def test_a_saved_machine_survives_a_reboot_of_the_host(harness: QemuHarness) -> None:
    machine = await running(harness)
    await save(harness, machine)
    record = harness.state(machine) / "run.json"
    write_record(record, {**(read_record(record) or {}), "boot_id": "before"})
    await harness.reopen()
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"a")


async def test_a_discarded_machine_boots_afresh(harness: QemuHarness) -> None:
    machine = await running(harness)
    await goes_on(harness, machine, b"a")
    await save(harness, machine)
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    assert files(harness, machine) == set()
    await start(harness, machine)
    assert b"a" not in await said(harness, machine)


async def test_a_disk_that_the_guest_has_open(harness: QemuHarness) -> None:
    data = harness.directory / "data.qcow2"
    await images.create_blank(data, 1 << 20)
    spec = replace(harness.spec(), disks=(*harness.spec().disks, Disk(data, DiskFormat.QCOW2)))
    machine = await running(harness, spec)
    for words in (b"a", b"b"):
        await save(harness, machine)
        await images.check(data, DiskFormat.QCOW2, writable=True)
        await (await harness.engine.start(machine)).wait(PATIENCE_S)
        await goes_on(harness, machine, words)


# When a save fails -----------------------------------------------------------------------------


async def save_fails(harness: QemuHarness, machine: MachineId, words: str) -> None:
    """A save fails, saying *words*, and the machine is as it was before."""
    before = await harness.engine.get(machine)
    with pytest.raises(SaveFailed, match=words):
        await save(harness, machine)
    after = await harness.engine.get(machine)
    assert (after.state, after.generation) == (before.state, before.generation)
    assert after.detail == before.detail
    assert files(harness, machine) == set()
    if after.state is PowerState.PAUSED:
        await (await harness.engine.resume(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"x")


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_a_full_disk(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch, *, paused: bool
) -> None:
    machine = await running(harness)
    if paused:
        await (await harness.engine.pause(machine)).wait(PATIENCE_S)
    monkeypatch.setattr(saved, "open_new", lambda _: os.open("/dev/full", os.O_WRONLY))
    await save_fails(harness, machine, "goes on as before")
    monkeypatch.undo()
    await save(harness, machine)


async def test_no_room_is_said_before_anything_stops(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await running(harness)
    usage = shutil.disk_usage(harness.directory)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=40 << 20))
    with pytest.raises(CapacityExceeded, match="40 MiB free"):
        await save(harness, machine)
    assert (await harness.engine.get(machine)).state is PowerState.RUNNING


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_a_save_that_fails_at_its_very_end_can_be_repeated(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch, *, paused: bool
) -> None:
    machine = await running(harness)
    if paused:
        await (await harness.engine.pause(machine)).wait(PATIENCE_S)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved, "commit", full)
    with pytest.raises(SaveFailed, match="No space left"):
        await save(harness, machine)
    monkeypatch.undo()
    await save(harness, machine)
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"a")


async def test_a_write_that_hangs_is_given_up(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await running(harness)
    monkeypatch.setattr(migration, "STALL_TIMEOUT_S", 0.2)
    monkeypatch.setattr(migration, "CANCEL_TIMEOUT_S", 0.2)
    reader, writer = os.pipe()  # which nobody reads
    monkeypatch.setattr(saved, "open_new", lambda _: os.dup(writer))
    try:
        await save_fails(harness, machine, "nothing moved for")
    finally:
        os.close(reader)
        os.close(writer)


def _nobody(reader: int) -> None:
    """Leave what is written unread."""


def _a_slow_one(reader: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(reader, 512)
    timer = asyncio.get_running_loop().call_later(0.05, _a_slow_one, reader)
    _timers.append(timer)


_timers: list[asyncio.TimerHandle] = []


@pytest.fixture(params=[_nobody, _a_slow_one])
def endless(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """What is saved is written to a pipe that takes it in slowly, or not at all."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reader, False)
    monkeypatch.setattr(saved, "open_new", lambda _: os.dup(writer))
    yield lambda: request.param(reader)
    for timer in _timers:
        timer.cancel()
    _timers.clear()
    os.close(reader)
    os.close(writer)


async def test_a_forced_stop_does_not_wait_for_an_endless_write(
    harness: QemuHarness, endless: Callable[[], None]
) -> None:
    data = harness.directory / "data.qcow2"
    await images.create_blank(data, 1 << 20)
    spec = replace(harness.spec(), disks=(*harness.spec().disks, Disk(data, DiskFormat.QCOW2)))
    machine = await running(harness, spec)
    endless()
    saving = await harness.engine.save(machine)
    await under_way(harness, machine)
    await (await harness.engine.stop(machine, graceful=False)).wait(PATIENCE_S / 2)
    await ended_by_stop(harness, machine, saving)
    await images.check(data, DiskFormat.QCOW2, writable=True)


async def test_a_forced_stop_does_not_wait_for_a_slow_disk(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await running(harness)
    done, syncing = threading.Event(), asyncio.Event()
    loop, fsync = asyncio.get_running_loop(), os.fsync

    def slow(fd: int) -> None:
        if threading.current_thread() is threading.main_thread():
            fsync(fd)  # a record of ours
            return
        loop.call_soon_threadsafe(syncing.set)
        done.wait(PATIENCE_S)

    monkeypatch.setattr(os, "fsync", slow)
    saving = await harness.engine.save(machine)
    try:
        await syncing.wait()
        await (await harness.engine.stop(machine, graceful=False)).wait(PATIENCE_S / 2)
        await ended_by_stop(harness, machine, saving)
    finally:
        done.set()


async def under_way(harness: QemuHarness, machine: MachineId) -> None:
    """Wait until the file for the memory has been opened."""
    async with asyncio.timeout(PATIENCE_S):
        while "saving.json" not in files(harness, machine):  # noqa: ASYNC110 - no event of a file
            await asyncio.sleep(0.01)


async def ended_by_stop(harness: QemuHarness, machine: MachineId, saving: Operation) -> None:
    """It was stopped, its save came to nothing, and it starts."""
    with pytest.raises(SaveFailed, match="overtaken by a stop"):
        await saving.wait(PATIENCE_S)
    for _ in range(2):
        status = await harness.engine.get(machine)
        assert status.state is PowerState.STOPPED
        assert status.exit is not None
        assert status.exit.reason is ExitReason.REQUESTED
        assert files(harness, machine) == set()
        await harness.reopen()
    await start(harness, machine)


async def test_an_engine_closed_after_a_forced_stop_overtook_a_save(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await running(harness)
    waits = asyncio.Event()

    async def wait() -> None:
        waits.set()
        await asyncio.Event().wait()

    at_command(monkeypatch, "query-migrate", wait)
    await harness.engine.save(machine)
    await waits.wait()
    stopping = await harness.engine.stop(machine, graceful=False)
    while harness.qemu._machines[machine].unfinished() is None:  # noqa: ASYNC110 - a file
        await asyncio.sleep(0)
    await harness.reopen()
    assert stopping.error is not None
    events = harness.engine.events()
    await reached(harness, events, machine, PowerState.STOPPED)
    assert files(harness, machine) == set()


def at_command(
    monkeypatch: pytest.MonkeyPatch, command: str, act: Callable[[], Awaitable[None]]
) -> None:
    """Do *act* once, just before QEMU is told *command*."""
    execute, done = Monitor.execute, False

    async def wrapped(self: Monitor, word: str, *arguments: Any, **more: Any) -> Any:
        nonlocal done
        if word == command and not done:
            done = True
            await act()
        return await execute(self, word, *arguments, **more)

    monkeypatch.setattr(Monitor, "execute", wrapped)


@pytest.mark.parametrize("command", ["stop", "getfd", "migrate", "query-migrate"])
async def test_qemu_killed_in_the_middle_of_a_save_is_a_crash(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    machine = await running(harness)

    async def kill() -> None:
        os.kill(harness.process(machine).pid, signal.SIGKILL)

    at_command(monkeypatch, command, kill)
    with pytest.raises(SaveFailed, match=r"ended while it was being saved.*SIGKILL"):
        await save(harness, machine)
    status = await harness.engine.get(machine)
    assert status.state is PowerState.CRASHED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.KILLED
    assert files(harness, machine) == set()
    await start(harness, machine)


async def test_qemu_killed_after_its_state_is_on_disk_loses_nothing(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await running(harness)
    await goes_on(harness, machine, b"a")

    async def kill() -> None:
        os.kill(harness.process(machine).pid, signal.SIGKILL)

    at_command(monkeypatch, "quit", kill)
    await save(harness, machine)
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"b")


async def test_an_engine_closed_in_the_middle_of_a_save(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await running(harness)
    waits = asyncio.Event()

    async def wait() -> None:
        waits.set()
        await asyncio.Event().wait()

    at_command(monkeypatch, "query-migrate", wait)
    saving = await harness.engine.save(machine)
    await waits.wait()
    status: MachineStatus = await harness.engine.get(machine)
    assert (status.state, status.detail) == (
        PowerState.STOPPING,
        "its memory is being written to disk",
    )
    await harness.reopen()
    assert saving.error is not None
    assert (await harness.engine.get(machine)).state is PowerState.RUNNING
    assert files(harness, machine) == set()
    await goes_on(harness, machine, b"a")


# When a restore fails --------------------------------------------------------------------------


@pytest.fixture
async def machine(harness: QemuHarness) -> MachineId:
    machine = await running(harness)
    await save(harness, machine)
    return machine


async def test_a_state_that_is_gone(harness: QemuHarness, machine: MachineId) -> None:
    (harness.state(machine) / "saved.state").unlink()
    error = await restore_fails(harness, machine)
    assert isinstance(error, RestoreFailed)
    assert "saved.state cannot be read (No such file" in str(error)
    assert "stop it first" in str(error)
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    await start(harness, machine)


async def test_a_state_that_was_cut(harness: QemuHarness, machine: MachineId) -> None:
    os.truncate(harness.state(machine) / "saved.state", 1000)
    error = await restore_fails(harness, machine)
    assert "has 1000 bytes in place of" in str(error)


async def test_a_state_that_makes_no_sense_to_qemu(
    harness: QemuHarness, machine: MachineId
) -> None:
    path = harness.state(machine) / "saved.state"
    good = path.read_bytes()
    path.write_bytes(good[:100_000] + bytes(len(good) - 100_000))
    error = await restore_fails(harness, machine)
    assert isinstance(error, RestoreFailed)
    assert error.output
    path.write_bytes(good)
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"a")


async def test_another_qemu(
    harness: QemuHarness, machine: MachineId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "parse_version", lambda _: (99, 1, 0))
    (harness.state_dir / "qemu.json").unlink()
    error = await restore_fails(harness, machine)
    assert isinstance(error, RestoreFailed)
    assert "this host now has 99.1.0" in str(error)


async def test_a_disk_that_was_changed_meanwhile(harness: QemuHarness, machine: MachineId) -> None:
    disk = harness.spec().disks[0].path  # written anew by asking for it
    error = await restore_fails(harness, machine)
    assert isinstance(error, RestoreFailed)
    assert f"the disk {disk} was changed" in str(error)


async def test_a_disk_that_is_missing(harness: QemuHarness, machine: MachineId) -> None:
    (harness.directory / "willing.img").unlink()
    assert isinstance(await restore_fails(harness, machine), RestoreFailed)


@pytest.mark.parametrize("command", ["device_add", "migrate-incoming", "cont"])
async def test_qemu_killed_in_the_middle_of_a_restore(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    machine = await running(harness, replace(harness.spec(), network=Network.OPEN))
    await save(harness, machine)

    async def kill() -> None:
        os.kill(harness.process(machine).pid, signal.SIGKILL)

    at_command(monkeypatch, command, kill)
    error = await restore_fails(harness, machine)
    assert isinstance(error, RestoreFailed)
    assert "SIGKILL" in str(error)
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await goes_on(harness, machine, b"a")


async def test_a_kill_in_the_middle_of_a_restore_discards(
    harness: QemuHarness, machine: MachineId, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = asyncio.Event()

    async def wait() -> None:
        waits.set()
        await asyncio.sleep(0.2)

    at_command(monkeypatch, "migrate-incoming", wait)
    starting = await harness.engine.start(machine)
    await waits.wait()
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    with pytest.raises(LaunchFailed, match="overtaken by a kill"):
        await starting.wait(PATIENCE_S)
    assert (await harness.engine.get(machine)).state is PowerState.STOPPED
    assert files(harness, machine) == set()
    await start(harness, machine)


# A real system ---------------------------------------------------------------------------------


@pytest.fixture
async def greeter() -> AsyncIterator[int]:
    """A TCP port of this host that greets whoever comes."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"greetings\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.mark.timeout(600)
async def test_a_desktop_keeps_its_network_its_programs_and_its_disk(
    harness: QemuHarness, greeter: int
) -> None:
    bundle = await asyncio.to_thread(build, "tiny", CACHE)
    disk = make_data_disk(harness.directory / "home.img", 64)
    spec = MachineSpec(
        "desktop",
        memory_mib=bundle.memory_mib,
        kernel=DirectKernel(bundle.kernel, bundle.initrd, bundle.cmdline),
        disks=(Disk(disk, DiskFormat.RAW),),
        network=Network.OPEN,
    )
    machine = await harness.engine.create(spec, key="desktop")
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await harness.serial_says(machine, b"webvdi-guest: desktop ready", patience_s=240)
    await shell(harness, machine, "until [ -s /etc/resolv.conf ]; do usleep 50000; done")
    call = f"nc 10.0.2.2 {greeter}"
    assert "greetings" in await shell(harness, machine, call)
    before = await shell(harness, machine, "echo kept >/home/user/note; ps | grep -c xterm")
    await save(harness, machine)
    assert (harness.state(machine) / "saved.state").stat().st_size < bundle.memory_mib << 20
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    # 10.0.2.2 is this host as QEMU's user network shows it.
    assert "greetings" in await shell(harness, machine, call)
    assert await shell(harness, machine, "cat /home/user/note; ps | grep -c xterm") == (
        "kept\n" + before
    )
    assert (
        await shell(harness, machine, "dmesg | grep -i -E 'I/O error|segfault|panic|lockup'") == ""
    )
    log = await said(harness, machine)
    assert log.count(b"webvdi-guest: boot") == 1


async def shell(harness: QemuHarness, machine: MachineId, line: str) -> str:
    """What a command line prints in the root shell on the serial port."""
    length = len(await said(harness, machine))
    # The marks are split, so that the terminal's echo of the line is not taken for them.
    await harness.engine.serial_write(machine, f"echo be''gin; {line}; echo e''nd\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        while True:
            text = (await said(harness, machine))[length:].decode(errors="replace")
            if found := re.search(r"\nbegin\n(.*?)\n?end\n", text.replace("\r", ""), re.DOTALL):
                return found[1]
            await asyncio.sleep(0.02)
