"""The QEMU engine: machines on this host, kept in a directory."""

import asyncio
import fcntl
import logging
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Self

from webvdi.base.errors import Conflict, NotFound, WebvdiError
from webvdi.display.endpoint import UnixEndpoint
from webvdi.vmm.engine import GRACE_S, Capabilities, Console
from webvdi.vmm.errors import EngineInUse
from webvdi.vmm.events import EngineEvent, EventHub, MachineGone, StatusChanged
from webvdi.vmm.machine import (
    Acceleration,
    Accelerator,
    Machine,
    MachineId,
    MachineSpec,
    MachineStatus,
    with_absolute_paths,
)
from webvdi.vmm.operation import Operation, Verb
from webvdi.vmm.qemu.host import QemuHost
from webvdi.vmm.qemu.operations import Operations
from webvdi.vmm.qemu.orphans import end_orphans, find_orphans
from webvdi.vmm.qemu.paths import machine_paths, private_directory
from webvdi.vmm.qemu.records import read_record, write_record
from webvdi.vmm.qemu.supervision import QemuMachine
from webvdi.vmm.rules import require_idle
from webvdi.vmm.spec_record import spec_from_record, spec_to_record

logger = logging.getLogger(__name__)

_DELETED = ".deleted-"
"""Before the name of a machine's directory: it is being removed."""


class QemuEngine:
    """An :class:`~webvdi.vmm.engine.Engine`; used as ``async with QemuEngine(...) as engine``.

    *state_dir* survives reboots; *run_dir* holds sockets, and its path must be short.  One
    process at a time has a state directory open.  No QEMU is needed before the first start.
    """

    def __init__(
        self, state_dir: Path, run_dir: Path, *, binary: str = "qemu-system-x86_64"
    ) -> None:
        self._state_dir = state_dir.absolute()
        self._run_dir = run_dir.absolute()
        self._host = QemuHost(self._state_dir, binary)
        self._hub = EventHub()
        self._operations = Operations()
        self._machines: dict[MachineId, QemuMachine] = {}
        self._lock: IO[str] | None = None

    async def __aenter__(self) -> Self:
        """Take the state directory and find the machines of earlier processes.

        Raises :class:`~webvdi.vmm.errors.EngineInUse`, :class:`~webvdi.vmm.errors.MachineError`.
        """
        private_directory(self._state_dir)
        private_directory(self._run_dir)
        self._lock = _take(self._state_dir / "engine.lock")
        private_directory(self._state_dir / "machines")
        try:
            await self._adopt_all()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of everything; the machines run on, and the next engine adopts them."""
        await self._operations.close()
        for machine in self._machines.values():
            await machine.close()
        self._hub.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # The contract -----------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """As the contract says."""
        return Capabilities()

    async def network_available(self) -> str | None:
        """As the contract says."""
        return await self._host.network_obstacle()

    async def create(self, spec: MachineSpec, *, key: str) -> MachineId:
        """As the contract says."""
        spec = with_absolute_paths(spec)
        for there in self._machines.values():
            if there.key == key:
                if there.spec != spec:
                    raise Conflict("machine", key)
                return there.id
        machine = MachineId(f"m{secrets.token_hex(5)}")
        created = time.time()
        made = self._machine(machine, key, spec, created)
        # The directory appears whole: a crash leaves nothing, or a name that is swept later.
        nursery = self._machines_dir / f".new-{machine}"
        nursery.mkdir(mode=0o700)
        record = {"id": machine, "key": key, "created": created, "spec": spec_to_record(spec)}
        write_record(nursery / made.paths.spec.name, record)
        nursery.rename(made.paths.state)
        self._machines[machine] = made
        self._changed(machine, made.status)
        return machine

    async def redefine(self, machine: MachineId, spec: MachineSpec) -> None:
        """As the contract says."""
        there = self._known(machine)
        spec = with_absolute_paths(spec)
        if there.spec == spec:
            return
        pending = [operation.verb for operation in self._operations.on(machine)]
        require_idle("redefine", there.status.state, pending, there.spec.name)
        record = read_record(there.paths.spec) or {"id": machine, "key": there.key}
        write_record(there.paths.spec, {**record, "spec": spec_to_record(spec)})
        there.redefine(spec)
        self._changed(machine, there.status)

    async def start(self, machine: MachineId) -> Operation:
        """As the contract says."""
        there = self._known(machine)
        for operation in self._operations.on(machine):
            if operation.verb is Verb.START:
                return operation
        return self._operations.begin(Verb.START, there.id, there.start)

    async def stop(
        self,
        machine: MachineId,
        *,
        graceful: bool = True,
        timeout_s: float = GRACE_S,
        force: bool = True,
    ) -> Operation:
        """As the contract says; graceful is ACPI's power button."""
        there = self._known(machine)
        if graceful and not force:
            return self._operations.begin(
                Verb.STOP, there.id, lambda: there.ask_to_stop(timeout_s=timeout_s)
            )

        async def stop() -> None:
            await there.stop(graceful=graceful, timeout_s=timeout_s)

        if graceful:
            return self._operations.begin(Verb.STOP, there.id, stop)
        return self._operations.overtake(
            Verb.STOP,
            there.id,
            there.cut_save_short,
            stop,
            victims={Verb.SAVE},
            meanwhile=there.grace.hurry(),
        )

    async def kill(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._overtake(Verb.KILL, self._known(machine))

    async def reset(self, machine: MachineId) -> Operation:
        """As the contract says."""
        there = self._known(machine)
        return self._operations.begin(Verb.RESET, there.id, there.reset)

    async def pause(self, machine: MachineId) -> Operation:
        """As the contract says."""
        there = self._known(machine)
        return self._operations.begin(Verb.PAUSE, there.id, there.pause)

    async def resume(self, machine: MachineId) -> Operation:
        """As the contract says."""
        there = self._known(machine)
        return self._operations.begin(Verb.RESUME, there.id, there.resume)

    async def save(self, machine: MachineId) -> Operation:
        """As the contract says."""
        there = self._known(machine)
        return self._operations.begin(Verb.SAVE, there.id, there.save)

    async def delete(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._overtake(Verb.DELETE, self._known(machine))

    async def get(self, machine: MachineId) -> MachineStatus:
        """As the contract says."""
        return self._known(machine).status

    async def list(self) -> tuple[Machine, ...]:
        """As the contract says."""
        found = sorted(self._machines.values(), key=lambda m: m.id)
        return tuple(Machine(m.id, m.key, m.spec, m.status) for m in found)

    async def console(self, machine: MachineId) -> Console:
        """As the contract says: a unix socket of this host."""
        there = self._known(machine)
        there.require_screen("open the console of")
        return Console(UnixEndpoint(there.paths.vnc), there.status.generation)

    def events(self) -> AsyncIterator[EngineEvent]:
        """As the contract says."""
        return self._hub.listen()

    async def screenshot(self, machine: MachineId) -> bytes:
        """As the contract says."""
        return await self._known(machine).screenshot()

    async def serial(self, machine: MachineId) -> Path | None:
        """As the contract says."""
        return self._known(machine).paths.serial_log

    async def serial_write(self, machine: MachineId, data: bytes) -> None:
        """As the contract says."""
        await self._known(machine).serial_write(data)

    # Beyond the contract ----------------------------------------------------------------------

    async def acceleration(self, wanted: Accelerator = Accelerator.AUTO) -> Acceleration:
        """How machines run on this host, found by trying (up to 5 s, once a boot).

        Raises :class:`~webvdi.vmm.errors.Unavailable`, :class:`~webvdi.vmm.errors.LaunchFailed`.
        """
        return await self._host.acceleration(wanted)

    # Machines ---------------------------------------------------------------------------------

    def _overtake(self, verb: Verb, machine: QemuMachine) -> Operation:
        """Begin *verb* at once; what waits its turn on this machine fails."""

        async def kill() -> None:
            await machine.kill(verb)

        async def finish() -> None:
            # Once more, in turn: a start that was under way has come to its end by now.
            await machine.kill(verb)
            if verb is Verb.DELETE:
                await self._forget(machine)

        return self._operations.overtake(verb, machine.id, kill, finish)

    async def _forget(self, machine: QemuMachine) -> None:
        if self._machines.pop(machine.id, None) is None:
            return  # deleted twice
        self._operations.forget(machine.id)
        await machine.close()
        doomed = self._machines_dir / f"{_DELETED}{machine.id}"
        machine.paths.state.rename(doomed)
        shutil.rmtree(machine.paths.run, ignore_errors=True)
        shutil.rmtree(doomed, ignore_errors=True)
        self._hub.publish(MachineGone(machine.id))

    @property
    def _machines_dir(self) -> Path:
        return self._state_dir / "machines"

    def _known(self, machine: MachineId) -> QemuMachine:
        try:
            return self._machines[machine]
        except KeyError:
            raise NotFound("machine", machine) from None

    def _machine(
        self, machine: MachineId, key: str, spec: MachineSpec, created: float
    ) -> QemuMachine:
        paths = machine_paths(self._state_dir, self._run_dir, machine)
        return QemuMachine(machine, key, spec, paths, self._host, self._changed, created=created)

    def _changed(self, machine: MachineId, status: MachineStatus) -> None:
        if machine in self._machines:
            self._hub.publish(StatusChanged(machine, status))

    async def _adopt_all(self) -> None:
        gone: set[MachineId] = set()
        for directory in sorted(self._machines_dir.iterdir()):
            if directory.name.startswith(_DELETED):
                gone.add(MachineId(directory.name.removeprefix(_DELETED)))
            elif not directory.name.startswith("."):
                self._recall(directory)
        await self._sweep(gone)
        async with asyncio.TaskGroup() as group:
            for machine in self._machines.values():
                group.create_task(_adopt(machine), name=f"adopt {machine.id}")
        for machine in self._machines.values():
            self._carry_on(machine)

    async def _sweep(self, gone: set[MachineId]) -> None:
        """Remove what is left of machines half made and half deleted, processes among it."""
        known = {directory.name for directory in self._machines_dir.iterdir()}
        orphans = find_orphans(self._machines_dir, known)
        await end_orphans(orphans)
        for machine in gone | {orphan.machine for orphan in orphans}:
            self._host.forget_ram(machine)
            shutil.rmtree(self._run_dir / machine, ignore_errors=True)
        for directory in self._machines_dir.glob(".*"):
            shutil.rmtree(directory, ignore_errors=True)

    def _recall(self, directory: Path) -> None:
        record = read_record(directory / "machine.json") or {}
        try:
            machine = MachineId(directory.name)
            created = float(record.get("created", time.time()))
            self._machines[machine] = self._machine(
                machine, record["key"], spec_from_record(record["spec"]), created
            )
        except (KeyError, ValueError, TypeError, WebvdiError) as error:
            logger.warning("! %s is no machine of ours, left alone: %s", directory, error)

    def _carry_on(self, machine: QemuMachine) -> None:
        """Go on with an end that a process before us had begun."""
        intent = machine.unfinished()
        if intent is None:
            return
        if intent.verb is Verb.DELETE:
            self._overtake(Verb.DELETE, machine)
        else:
            self._operations.begin(Verb.STOP, machine.id, lambda: machine.carry_on(intent))


async def _adopt(machine: QemuMachine) -> None:
    """Adopt *machine*; one with broken files must not keep the others from being looked after."""
    try:
        await machine.adopt()
    except Exception as error:
        logger.exception("! %s could not be adopted", machine.id)
        machine.give_up(error)


def _take(path: Path) -> IO[str]:
    """Hold the lock *path* until it is closed; the kernel lets go when this process dies."""
    lock = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read(20).strip() or "?"
        lock.close()
        raise EngineInUse(
            f"another process (number {holder}) looks after the machines in {path.parent}; "
            "stop it first, or use another state directory"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
