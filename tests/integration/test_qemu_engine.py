"""The QEMU engine on real machines: what it survives, and what it says when things go wrong."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest

from conformance.engines import PATIENCE_S, QemuHarness, boot_disk, reached, start
from webvdi.base.errors import WebvdiError
from webvdi.vmm.errors import (
    CapacityExceeded,
    DiskError,
    EngineInUse,
    LaunchFailed,
    MachineError,
    MonitorLost,
    Unavailable,
)
from webvdi.vmm.machine import (
    MAX_MEMORY_MIB,
    Accelerator,
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    ExitReason,
    MachineId,
    MachineSpec,
    Network,
    PowerState,
    Profile,
)
from webvdi.vmm.qemu import QemuEngine, images, monitor, network
from webvdi.vmm.qemu.records import read_record, write_record
from webvdi.vmm.qemu.resources import shm_directory

pytestmark = pytest.mark.qemu

ENDED = (PowerState.STOPPED, PowerState.CRASHED)
MEMTEST = Path("/boot/memtest86+x64.bin")


@pytest.fixture
async def harness() -> AsyncIterator[QemuHarness]:
    with TemporaryDirectory(prefix="wv") as directory:
        async with QemuHarness(Path(directory)) as qemu:
            yield qemu


async def created(harness: QemuHarness, spec: MachineSpec | None = None) -> MachineId:
    return await harness.engine.create(spec or harness.spec(), key="it")


async def failure(harness: QemuHarness, spec: MachineSpec) -> Exception:
    """The error of starting *spec*; the machine must then be stopped and leave nothing."""
    machine = await created(harness, spec)
    with pytest.raises(WebvdiError) as caught:
        await (await harness.engine.start(machine)).wait(PATIENCE_S)
    status = await harness.engine.get(machine)
    assert status.state is PowerState.STOPPED
    assert status.exit is not None
    assert status.exit.reason is ExitReason.START_FAILED
    assert leftovers(harness, machine) == []
    await harness.reopen()
    assert (await harness.engine.get(machine)).exit == status.exit
    return caught.value


def leftovers(harness: QemuHarness, machine: MachineId) -> list[Path]:
    """Files that must not be there when *machine* does not run."""
    run = harness.run_dir / machine
    ram = [d / f"{machine}.ram" for d in (shm_directory(), harness.state_dir / "ram")]
    return [*(run.iterdir() if run.exists() else ()), *(p for p in ram if p.exists())]


async def gone(harness: QemuHarness, machine: MachineId, *roles: str) -> None:
    """Wait, without the engine, until the processes of *machine* have ended."""
    async with asyncio.timeout(PATIENCE_S):
        for role in roles:
            while harness.process(machine, role).alive():  # noqa: ASYNC110 - not our child
                await asyncio.sleep(0.01)


# What it survives ------------------------------------------------------------------------------


async def test_qemu_is_adopted_though_its_shepherd_was_killed(harness: QemuHarness) -> None:
    machine = await created(harness)
    await start(harness, machine)
    await harness.qemu.close()
    os.kill(harness.process(machine, "shepherd").pid, signal.SIGKILL)
    await gone(harness, machine, "shepherd")
    await harness.reopen()
    assert (await harness.engine.get(machine)).state is PowerState.RUNNING
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    status = await harness.engine.get(machine)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.REQUESTED
    assert leftovers(harness, machine) == []


async def test_qemu_and_shepherd_leave_our_session_and_keep_no_descriptor_of_ours(
    harness: QemuHarness,
) -> None:
    machine = await created(harness)
    with socket.socket() as ours:
        ours.set_inheritable(True)
        await start(harness, machine)
        mine = f"socket:[{os.fstat(ours.fileno()).st_ino}]"
        for role in ("shepherd", "qemu"):
            pid = harness.process(machine, role).pid
            assert os.getsid(pid) != os.getsid(0)
            assert mine not in open_files(pid)


def open_files(pid: int) -> set[str]:
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.mark.parametrize("left_s", [0.0, 0.3])
async def test_the_next_engine_knows_how_long_a_guest_had_been_given(
    harness: QemuHarness, left_s: float
) -> None:
    machine = await created(harness, harness.spec(deaf=True))
    await start(harness, machine)
    events = harness.engine.events()
    await harness.engine.stop(machine, timeout_s=45)
    await reached(harness, events, machine, PowerState.STOPPING)
    await harness.qemu.close()
    path = harness.state(machine) / "intent.json"
    intent = read_record(path)
    assert intent is not None
    write_record(path, {**intent, "deadline": time.time() + left_s})
    await harness.reopen()
    status = await reached(harness, harness.engine.events(), machine, PowerState.STOPPED)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.OVERDUE
    assert "within 45 s" in status.exit.text


async def test_a_second_engine_is_told_who_has_the_machines(harness: QemuHarness) -> None:
    began = time.monotonic()
    with pytest.raises(EngineInUse, match=str(os.getpid())):
        await QemuEngine(harness.state_dir, harness.run_dir).__aenter__()
    assert time.monotonic() - began < 1


async def test_a_monitor_held_by_another_is_said_in_time(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await created(harness)
    await start(harness, machine)
    await harness.qemu.close()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(harness.run_dir / machine / "qmp"))
        monkeypatch.setattr(monitor.Monitor.connect, "__defaults__", (0.3,))
        await harness.reopen()
        status = await harness.engine.get(machine)
        assert status.state is PowerState.RUNNING
        assert "another program may hold it" in status.detail
        with pytest.raises(MonitorLost, match="another program"):
            await harness.engine.screenshot(machine)
    monkeypatch.undo()
    assert await harness.engine.screenshot(machine)


async def test_the_spare_monitor_is_free(harness: QemuHarness) -> None:
    machine = await created(harness)
    await start(harness, machine)
    assert "QMP" in spare(harness, machine)[0]


def spare(harness: QemuHarness, machine: MachineId, *commands: str) -> list[dict[str, object]]:
    """Talk to the spare monitor as a person would; the greeting and the answers."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE_S)
        line.connect(str(harness.run_dir / machine / "qmp2"))
        file = line.makefile("rw")
        answers = [json.loads(file.readline())]
        for command in commands:
            file.write(json.dumps({"execute": command}) + "\n")
            file.flush()
            answers.append(json.loads(file.readline()))
        return answers


# Why it ended ----------------------------------------------------------------------------------


async def ended_unseen(harness: QemuHarness, machine: MachineId) -> None:
    await gone(harness, machine, "qemu", "shepherd")
    await harness.reopen()


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "unseen"])
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGKILL, ExitReason.KILLED),
        (signal.SIGTERM, ExitReason.KILLED),
        (signal.SIGSEGV, ExitReason.CRASHED),
        (signal.SIGABRT, ExitReason.CRASHED),
    ],
)
async def test_signals(
    harness: QemuHarness, number: signal.Signals, reason: ExitReason, *, seen: bool
) -> None:
    machine = await created(harness)
    events = harness.engine.events()
    await start(harness, machine)
    if not seen:
        await harness.qemu.close()
    os.kill(harness.process(machine).pid, number)
    if seen:
        status = await reached(harness, events, machine, *ENDED)
    else:
        await ended_unseen(harness, machine)
        status = await harness.engine.get(machine)
    assert status.state is PowerState.CRASHED
    assert status.exit is not None
    assert status.exit.reason is reason
    assert status.exit.signal == number
    assert number.name in status.exit.text


async def test_a_guest_that_went_off_unseen(harness: QemuHarness) -> None:
    machine = await created(harness)
    await start(harness, machine)
    await harness.qemu.close()
    harness.type(machine, b"P")
    await ended_unseen(harness, machine)
    status = await harness.engine.get(machine)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.GUEST_POWEROFF


async def test_quit_at_the_spare_monitor_is_a_request(harness: QemuHarness) -> None:
    machine = await created(harness)
    events = harness.engine.events()
    await start(harness, machine)
    spare(harness, machine, "qmp_capabilities", "quit")
    status = await reached(harness, events, machine, *ENDED)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.REQUESTED


async def test_a_guest_reset_keeps_the_machine(harness: QemuHarness) -> None:
    machine = await created(harness)
    before = await start(harness, machine)
    harness.type(machine, b"R")
    await harness.serial_says(machine, b">R>")
    after = await harness.engine.get(machine)
    assert (after.state, after.generation) == (PowerState.RUNNING, before.generation)


async def test_both_processes_killed_leave_no_reason(harness: QemuHarness) -> None:
    machine = await created(harness)
    await start(harness, machine)
    await harness.qemu.close()
    for role in ("shepherd", "qemu"):
        os.kill(harness.process(machine, role).pid, signal.SIGKILL)
    await ended_unseen(harness, machine)
    for _ in range(2):
        status = await harness.engine.get(machine)
        assert status.exit is not None
        assert status.exit.reason is ExitReason.UNKNOWN
        assert leftovers(harness, machine) == []
        await harness.reopen()


async def test_a_reboot_of_the_host_is_recognised(harness: QemuHarness) -> None:
    machine = await created(harness)
    await start(harness, machine)
    await harness.qemu.close()
    for role in ("shepherd", "qemu"):
        os.kill(harness.process(machine, role).pid, signal.SIGKILL)
    await gone(harness, machine, "shepherd", "qemu")
    record = harness.state(machine) / "run.json"
    # After a reboot the same numbers may belong to processes that live: ours stands for one.
    mine = read_record(record) or {}
    own = {"pid": os.getpid(), "started": start_ticks(os.getpid())}
    write_record(record, {**mine, "boot_id": "before", "qemu": own})
    await harness.reopen()
    status = await harness.engine.get(machine)
    assert status.exit is not None
    assert status.exit.reason is ExitReason.HOST_REBOOTED


def start_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


# What it says when a start fails ---------------------------------------------------------------


async def test_qemus_own_words_reach_the_user(harness: QemuHarness) -> None:
    kernel = harness.directory / "kernel"
    kernel.write_bytes(b"no kernel at all" * 1000)
    spec = MachineSpec("broken", memory_mib=32, kernel=DirectKernel(kernel))
    error = await failure(harness, spec)
    assert isinstance(error, LaunchFailed)
    assert error.exit_code == 1
    assert "-kernel" in error.argv
    assert error.output
    assert error.output.strip().splitlines()[-1].partition(": ")[2] in str(error)


async def test_a_disk_in_use_by_another_machine(harness: QemuHarness) -> None:
    await start(harness, await harness.engine.create(harness.spec(), key="first"))
    error = await failure(harness, replace(harness.spec(), name="second"))
    assert isinstance(error, LaunchFailed)
    assert "lock" in str(error)


async def test_no_qemu_installed() -> None:
    with TemporaryDirectory(prefix="wv") as name:
        async with QemuHarness(Path(name), binary="qemu-system-nowhere") as harness:
            error = await failure(harness, harness.spec())
            assert isinstance(error, LaunchFailed)
            assert "apt install qemu-system-x86" in str(error)


async def test_a_missing_disk(harness: QemuHarness) -> None:
    spec = MachineSpec("nodisk", disks=(Disk(harness.directory / "absent.qcow2"),))
    error = await failure(harness, spec)
    assert isinstance(error, DiskError)
    assert "absent.qcow2 does not exist" in str(error)


async def test_a_disk_that_is_no_image(harness: QemuHarness) -> None:
    path = harness.directory / "text.qcow2"
    path.write_text("Dear diary,\n" * 100)
    error = await failure(harness, MachineSpec("nodisk", disks=(Disk(path),)))
    assert isinstance(error, DiskError)
    assert "no usable qcow2 disk" in str(error)


async def test_a_disk_whose_backing_file_is_gone(harness: QemuHarness) -> None:
    base, path = harness.directory / "base.qcow2", harness.directory / "over.qcow2"
    await images.create_blank(base, 1 << 20)
    await images.create_overlay(path, base, DiskFormat.QCOW2)
    base.unlink()
    error = await failure(harness, MachineSpec("nobase", disks=(Disk(path),)))
    assert isinstance(error, DiskError)
    assert "base.qcow2" in str(error)


async def test_too_little_memory(harness: QemuHarness) -> None:
    error = await failure(harness, replace(harness.spec(), memory_mib=MAX_MEMORY_MIB))
    assert isinstance(error, CapacityExceeded)
    assert error.reason == "capacity_exceeded"
    assert str(MAX_MEMORY_MIB) in str(error)


async def test_kvm_is_used_or_refused_but_never_replaced(harness: QemuHarness) -> None:
    spec = replace(harness.spec(), accelerator=Accelerator.KVM)
    if (await harness.qemu.acceleration()).kind is Accelerator.KVM:
        status = await start(harness, await created(harness, spec))
        assert status.acceleration is not None
        assert status.acceleration.kind is Accelerator.KVM
    else:
        error = await failure(harness, spec)
        assert isinstance(error, Unavailable)
        assert error.reason == "no_kvm"


async def test_a_run_directory_with_a_long_name() -> None:
    with TemporaryDirectory(prefix="wv") as name:
        directory = Path(name)
        async with QemuEngine(directory / "s", directory / ("r" * 100)) as engine:
            with pytest.raises(MachineError, match="107"):
                await engine.create(MachineSpec("m", disks=(boot_disk(directory),)), key="it")


async def test_a_directory_that_others_may_write_is_refused() -> None:
    with TemporaryDirectory(prefix="wv") as name:
        open_to_all = shared_directory(Path(name))
        with pytest.raises(MachineError, match="chmod"):
            await QemuEngine(Path(name, "state"), open_to_all).__aenter__()


def shared_directory(parent: Path) -> Path:
    path = parent / "run"
    path.mkdir()
    path.chmod(0o777)
    return path


# Devices ---------------------------------------------------------------------------------------


async def test_paths_with_commas_and_blanks() -> None:
    with TemporaryDirectory(prefix="wv,a b,=") as name:
        async with QemuHarness(Path(name)) as harness:
            await start(harness, await created(harness))


async def test_an_unknown_system_boots_from_sata(harness: QemuHarness) -> None:
    iso = harness.directory / "cd.iso"
    iso.write_bytes(bytes(1 << 20))
    spec = replace(harness.spec(), profile=Profile.GENERIC, cdroms=(Cdrom(iso, boot_order=1),))
    await start(harness, await created(harness, spec))


async def test_a_direct_kernel_draws_its_screen(harness: QemuHarness) -> None:
    spec = MachineSpec("memtest", memory_mib=64, kernel=DirectKernel(MEMTEST))
    machine = await created(harness, spec)
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    pictures = {await harness.engine.screenshot(machine)}
    async with asyncio.timeout(PATIENCE_S):
        while len(pictures) < 3:  # its counters run
            pictures.add(await harness.engine.screenshot(machine))


async def test_sockets_are_closed_to_others_and_gone_after_the_end(harness: QemuHarness) -> None:
    machine = await created(harness)
    await start(harness, machine)
    directory = harness.run_dir / machine
    assert directory.stat().st_mode & 0o077 == 0
    assert {p.name for p in directory.iterdir()} == {"qmp", "qmp2", "vnc", "serial"}
    assert all(p.stat().st_mode & 0o077 == 0 for p in directory.iterdir())
    await (await harness.engine.stop(machine)).wait(PATIENCE_S)
    assert leftovers(harness, machine) == []


# The network -----------------------------------------------------------------------------------


@contextmanager
def listener() -> Iterator[int]:
    """A port on every address of this host that says who it is."""
    with socket.create_server(("0.0.0.0", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"this is the host")

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


REACH = """
import socket, sys
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 5).close()
        print("reached", target)
    except OSError as error:
        print("not", target, error)
"""


def own_addresses() -> list[str]:
    listing = subprocess.run(
        ["ip", "-json", "-4", "address"], check=True, capture_output=True, text=True
    ).stdout
    return [str(address.ip) for address in network.addresses_in(listing)]


async def reachable(argv: list[str]) -> set[str]:
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    lines = [line.split() for line in out.decode().splitlines()]
    return {line[1] for line in lines if line[0] == "reached"}


async def test_inside_the_fence_there_is_the_internet_but_not_this_host(tmp_path: Path) -> None:
    fence, resolv = tmp_path / "fence.json", tmp_path / "resolv.conf"
    await network.write_fence(fence, resolv)
    with listener() as port:
        plan = network.plan_fence([])
        addresses = [*own_addresses(), *(str(plan.subnet[n]) for n in (1, 2, 3, 255))]
        targets = [f"{address}:{port}" for address in addresses]
        probe = [sys.executable, "-c", REACH, "deb.debian.org:80", *targets]
        outside = await reachable(probe)
        inside = await reachable(network.fenced(probe, fence))
    # The control: the listener does answer where there is no fence.
    assert {f"{address}:{port}" for address in own_addresses()} <= outside
    assert inside == {"deb.debian.org:80"}


async def test_a_fenced_machine_runs_in_another_network_and_takes_its_helper_along(
    harness: QemuHarness,
) -> None:
    assert await harness.qemu.network_available() is None
    spec = replace(harness.spec(), network=Network.INTERNET)
    machine = await created(harness, spec)
    await start(harness, machine)
    pid = harness.process(machine).pid
    assert namespace(pid) != namespace(os.getpid())
    helpers = children(harness.process(machine, "shepherd").pid) - {pid}
    assert [about(helper, "comm").strip() for helper in helpers] == ["slirp4netns"]
    await (await harness.engine.kill(machine)).wait(PATIENCE_S)
    assert all(about(helper, "comm") == "" for helper in helpers)


def about(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except FileNotFoundError:
        return ""


def namespace(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def children(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


async def test_fenced_qemu_cannot_change_its_routes(harness: QemuHarness) -> None:
    machine = await created(harness, replace(harness.spec(), network=Network.INTERNET))
    await start(harness, machine)
    status = about(harness.process(machine).pid, "status")
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
    assert int(effective.split()[1], 16) & ~0b110 == 0


@pytest.mark.parametrize("network", [Network.NONE, Network.OPEN, Network.INTERNET])
@pytest.mark.parametrize("profile", list(Profile))
async def test_the_card_is_plugged_before_the_guest_runs(
    harness: QemuHarness, network: Network, profile: Profile
) -> None:
    machine = await created(harness, replace(harness.spec(), network=network, profile=profile))
    await start(harness, machine)
    answer = spare(harness, machine, "qmp_capabilities", "query-pci")[-1]
    cards = str(answer).count("'desc': 'Ethernet controller'")
    assert cards == (0 if network is Network.NONE else 1)


async def test_without_slirp4netns_nothing_is_widened(
    harness: QemuHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name: None if name == "slirp4netns" else original(name)
    )
    why_not = await harness.qemu.network_available()
    assert why_not is not None
    assert "apt install slirp4netns" in why_not
    error = await failure(harness, replace(harness.spec(), network=Network.INTERNET))
    assert isinstance(error, Unavailable)
    assert error.reason == "no_network"
