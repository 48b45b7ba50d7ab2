"""Whatever dies, at whatever step: nothing is lost, stuck or left over, and it can be repeated.

The tables name every step of every verb; a test sees to it that they are complete.  All of them
are in the deep profile, a representative few in the fast one.
"""

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conformance.engines import PATIENCE_S, QemuHarness
from support import faults
from support.steps import Steps
from webvdi.base.errors import WebvdiError
from webvdi.vmm.machine import Machine, PowerState
from webvdi.vmm.qemu.records import process_of, read_record
from webvdi.vmm.qemu.resources import shm_directory

pytestmark = pytest.mark.qemu

STOPPED, RUNNING, SAVED = PowerState.STOPPED, PowerState.RUNNING, PowerState.SAVED
CRASHED = PowerState.CRASHED
PASSING = (PowerState.STARTING, PowerState.STOPPING)


@dataclass(frozen=True)
class Verb:
    """A verb's steps: dying before one of *undone* leaves *old*, before one of *done* *new*."""

    old: PowerState | None
    new: PowerState | None
    undone: tuple[str, ...]
    done: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[str, ...]:
        return self.undone + self.done


VERBS = {
    "create": Verb(
        None, STOPPED, ("make disk", "make .new-ID", "write machine.json", "rename to ID")
    ),
    "redefine": Verb(STOPPED, STOPPED, ("write machine.json",)),
    "start": Verb(
        STOPPED,
        RUNNING,
        (
            "run qemu-system-x86_64",
            "run qemu-system-x86_64 (2)",
            "run qemu-system-x86_64 (3)",
            "run qemu-system-x86_64 (4)",
            "write qemu.json",
            "make ram",
            "reserve RAM",
            "make ID",
            "write launch.json",
            "run shepherd.py",
        ),
        ("qmp netdev_add", "qmp device_add", "qmp cont", "write started.json"),
    ),
    "stop": Verb(RUNNING, STOPPED, ("write intent.json",), ("qmp cont", "qmp system_powerdown")),
    "ask": Verb(RUNNING, STOPPED, ("write asked.json", "qmp cont", "qmp system_powerdown")),
    "switch off": Verb(RUNNING, STOPPED, ("write intent.json",), ("qmp quit",)),
    "kill": Verb(RUNNING, STOPPED, ("write intent.json",), ("kill",)),
    "delete": Verb(
        RUNNING,
        None,
        ("write intent.json",),
        ("kill", "rename to .deleted-ID", "clear ID", "clear .deleted-ID"),
    ),
    "save": Verb(
        RUNNING,
        SAVED,
        (
            "write saving.json",
            "qmp stop",
            "qmp query-status",
            "qmp getfd",
            "qmp migrate-set-parameters",
            "qmp migrate",
            "qmp query-migrate",
            "write saved.state",
            "write saved.json",
        ),
        ("remove saving.json", "qmp quit", "write saved.json (2)"),
    ),
    "restore": Verb(
        SAVED,
        RUNNING,
        ("reserve RAM", "write launch.json", "run shepherd.py"),
        (
            "qmp netdev_add",
            "qmp device_add",
            "qmp query-status",
            "qmp query-migrate",
            "qmp getfd",
            "qmp migrate-incoming",
            "qmp cont",
            "write started.json",
            "remove saved.json",
            "remove saved.state",
        ),
    ),
    "discard": Verb(
        SAVED, STOPPED, ("write intent.json",), ("remove saved.json", "remove saved.state")
    ),
}
"""The file that says it is written before what it says is done, so a step may be done early."""

FAST = {
    ("create", "rename to ID"),
    ("redefine", "write machine.json"),
    ("start", "reserve RAM"),
    ("start", "run shepherd.py"),
    ("start", "qmp cont"),
    ("stop", "qmp system_powerdown"),
    ("delete", "rename to .deleted-ID"),
    ("save", "qmp query-migrate"),
    ("save", "qmp quit"),
    ("restore", "qmp migrate-incoming"),
    ("restore", "write started.json"),
}


def cases(steps: Iterator[tuple[str, ...]], fast: Collection[tuple[str, ...]]) -> list[object]:
    return [
        pytest.param(*case, marks=[] if case in fast else [pytest.mark.deep], id=", ".join(case))
        for case in steps
    ]


@pytest.fixture
def directory() -> Iterator[Path]:
    # pytest's own temporary paths can be too long for a unix socket.
    with TemporaryDirectory(prefix="wv") as name:
        yield Path(name)


async def play(directory: Path, verb: str, *step: str) -> tuple[int | None, list[str]]:
    """Run the program that dies; how it ended, and what it printed."""
    paths = [Path(__file__).parents[1], Path(__file__).parents[2] / "src"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.faults", str(directory), verb, *step),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        out, _ = await process.communicate()
    return process.returncode, out.decode().splitlines()


@pytest.mark.deep
@pytest.mark.parametrize("verb", VERBS)
async def test_the_table_names_every_step(directory: Path, verb: str) -> None:
    code, steps = await play(directory, verb)
    async with QemuHarness(directory):
        assert code == 0
        assert tuple(steps) == VERBS[verb].steps


# The engine --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "step"), cases(((verb, step) for verb in VERBS for step in VERBS[verb].steps), FAST)
)
async def test_an_engine_killed_before_a_step_is_repaired_by_the_next(
    directory: Path, verb: str, step: str
) -> None:
    code, _ = await play(directory, verb, step)
    assert code == -signal.SIGKILL
    async with QemuHarness(directory) as harness:
        outcome = VERBS[verb].old if step in VERBS[verb].undone else VERBS[verb].new
        machine = await settled(harness)
        assert (machine.status.state if machine else None) == outcome
        consistent(harness, machine)
        if not (machine is None and VERBS[verb].new is None):
            await faults.perform(harness.qemu, verb, directory)
        machine = await settled(harness)
        assert (machine.status.state if machine else None) == VERBS[verb].new
        await ends_well(harness, verb, machine)


async def settled(harness: QemuHarness) -> Machine | None:
    """The machine once nothing is under way, if there is one."""
    events = harness.engine.events()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            there = await harness.engine.list()
            if not there:
                return None
            intent = harness.state(there[0].id) / "intent.json"
            deleting = (read_record(intent) or {}).get("verb") == "delete"
            if there[0].status.state not in PASSING and not deleting:
                return there[0]
            await anext(events)


def processes_of(directory: Path) -> set[str]:
    """The programs that work below *directory*, by the number of the process."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(directory).encode() in line and entry.name != str(os.getpid()):
            found.add(entry.name)
    return found


def consistent(harness: QemuHarness, machine: Machine | None) -> None:
    """No process without a machine, no file without a reason."""
    machines = harness.state_dir / "machines"
    assert [path.name for path in machines.iterdir()] == ([machine.id] if machine else [])
    on = machine is not None and machine.status.state in (RUNNING, PowerState.PAUSED)
    if machine is not None and on:
        record = read_record(harness.state(machine.id) / "run.json")
        ours = {process_of(record, role) for role in ("qemu", "shepherd")}
        assert {str(process.pid) for process in ours if process and process.alive()} == (
            processes_of(harness.directory)
        )
        return
    assert processes_of(harness.directory) == set()
    for directory in (shm_directory(), harness.state_dir / "ram"):
        assert machine is None or not (directory / f"{machine.id}.ram").exists()
    assert machine is None or not list((harness.run_dir / machine.id).glob("*"))
    saved = {path.name for path in machines.glob("*/sav*")}
    is_saved = machine is not None and machine.status.state is SAVED
    assert saved == ({"saved.json", "saved.state"} if is_saved else set())


async def ends_well(harness: QemuHarness, verb: str, machine: Machine | None) -> None:
    """It runs, or can be started; what was saved goes on and does not boot; it can be deleted."""
    consistent(harness, machine)
    if verb == "redefine":
        assert machine is not None
        assert machine.spec == faults.another(harness.directory)
    if machine is not None:
        await faults.perform(harness.qemu, "start", harness.directory)
        await harness.engine.serial_write(machine.id, b"w")
        await harness.serial_says(machine.id, b"w")
        path = await harness.engine.serial(machine.id)
        assert path is not None
        assert path.read_bytes().count(b">") == 1
        await faults.perform(harness.qemu, "delete", harness.directory)
    consistent(harness, None)


# QEMU and its shepherd ---------------------------------------------------------------------------

OUTCOMES: dict[tuple[str, str], set[PowerState]] = {
    ("start", "qemu"): {STOPPED, CRASHED},
    ("start", "shepherd"): {RUNNING},
    ("stop", "qemu"): {STOPPED},
    ("stop", "shepherd"): {STOPPED},
    ("switch off", "qemu"): {STOPPED},
    ("switch off", "shepherd"): {STOPPED},
    ("save", "qemu"): {CRASHED, SAVED},
    ("save", "shepherd"): {SAVED},
    ("restore", "qemu"): {SAVED, CRASHED},
    ("restore", "shepherd"): {RUNNING},
}
"""What may be left when a process is killed before a step; a crash only while the guest runs."""


def with_processes() -> Iterator[tuple[str, ...]]:
    for verb, victim in OUTCOMES:
        steps = VERBS[verb].steps
        if "run shepherd.py" in steps:
            steps = steps[steps.index("run shepherd.py") + 1 :]
        for step in steps:
            if step != "write saved.json (2)":  # nothing runs any more
                yield verb, victim, step


FAST_VICTIMS = {
    ("start", "qemu", "qmp device_add"),
    ("start", "shepherd", "qmp cont"),
    ("save", "shepherd", "qmp migrate"),
    ("restore", "shepherd", "qmp migrate-incoming"),
}


@pytest.mark.parametrize(("verb", "victim", "step"), cases(with_processes(), FAST_VICTIMS))
async def test_qemu_or_its_shepherd_killed_before_a_step(
    directory: Path, verb: str, victim: str, step: str
) -> None:
    async with QemuHarness(directory) as harness:
        for earlier in faults.BEFORE[verb]:
            await faults.perform(harness.qemu, earlier, directory)
        (machine,) = await harness.engine.list()
        # It fails in words, or has been done; it does not hang.
        with killing(harness, machine, victim, step) as killed, contextlib.suppress(WebvdiError):
            await faults.perform(harness.qemu, verb, directory)
        assert killed == [step]
        left = await at_rest(harness, victim)
        assert left.status.state in OUTCOMES[verb, victim]
        consistent(harness, left)
        before_boot = left.status.state is SAVED or verb != "restore"
        if left.status.state is not VERBS[verb].new and before_boot and verb != "save":
            await faults.perform(harness.qemu, verb, directory)
            left = await at_rest(harness, "nobody")
            assert left.status.state is VERBS[verb].new
        await ends_well(harness, verb, left)


def end(pid: int) -> None:
    """Kill a process, and wait until it is dead: a signal takes its time."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        assert select.select([process], [], [], PATIENCE_S)[0]
    finally:
        os.close(process)


@contextlib.contextmanager
def killing(harness: QemuHarness, machine: Machine, victim: str, step: str) -> Iterator[list[str]]:
    """Kill the *victim* before *step* is taken."""
    killed: list[str] = []

    def on_step(now: str) -> None:
        if now == step:
            end(harness.process(machine.id, victim).pid)
            killed.append(now)

    steps = Steps(on_step)
    try:
        yield killed
    finally:
        steps.end()


async def at_rest(harness: QemuHarness, victim: str) -> Machine:
    """The machine once nothing is under way, and the death of QEMU is known."""
    events = harness.engine.events()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            (machine,) = await harness.engine.list()
            state = machine.status.state
            if state not in PASSING and not (victim == "qemu" and state is RUNNING):
                return machine
            await anext(events)


# Leftovers of machines that are gone -------------------------------------------------------------


@pytest.fixture
async def harness(directory: Path) -> AsyncIterator[QemuHarness]:
    async with QemuHarness(directory) as qemu:
        yield qemu


async def test_the_processes_of_a_machine_whose_directory_is_gone_are_ended(
    harness: QemuHarness,
) -> None:
    for verb in ("create", "start"):
        await faults.perform(harness.qemu, verb, harness.directory)
    (machine,) = await harness.engine.list()
    other = await harness.engine.create(harness.spec(), key="other")
    await (await harness.engine.start(other)).wait(PATIENCE_S)
    await harness.qemu.close()
    harness.state(machine.id).rename(harness.directory / "removed by hand")
    await harness.reopen()
    assert [listed.id for listed in await harness.engine.list()] == [other]
    assert (await harness.engine.get(other)).state is RUNNING
    ours = {str(harness.process(other, role).pid) for role in ("qemu", "shepherd")}
    assert processes_of(harness.directory) == ours
    assert not (harness.run_dir / machine.id).exists()
    assert not (shm_directory() / f"{machine.id}.ram").exists()
