"""The use cases of ``webvdi demo``: find, make, start, stop and forget the demo's machine.

The demo has one machine a system: the small desktop, and one for each ISO or disk file it was
ever given, told apart by the file's path.  Every step may be repeated after a crash.
"""

import shutil
from dataclasses import dataclass, replace
from hashlib import blake2s
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.broker.own_system import check_iso, disk_format
from webvdi.guests import GuestBundle, make_data_disk
from webvdi.vmm.engine import Engine
from webvdi.vmm.machine import (
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    Machine,
    MachineId,
    MachineSpec,
    MachineStatus,
    Network,
    PowerState,
    Profile,
)
from webvdi.vmm.qemu import images

OWN_SYSTEM_MEMORY_MIB = 2048
OWN_SYSTEM_CPUS = 2
OWN_SYSTEM_DISK_BYTES = 20 << 30
"""What a system of the user's own gets: enough for an ordinary installer."""

ON = (PowerState.STARTING, PowerState.RUNNING, PowerState.PAUSED, PowerState.STOPPING)


@dataclass(frozen=True, slots=True)
class DemoSystem:
    """Which system the demo runs."""

    key: str
    title: str
    iso: Path | None = None
    disk: Path | None = None


def demo_system(iso: Path | None, disk: Path | None) -> DemoSystem:
    """The system that the options name.  Raises :class:`Refused`."""
    if iso is not None and disk is not None:
        raise Refused("--iso and --disk are two systems; give one of them", reason="bad_options")
    own = iso or disk
    if own is None:
        return DemoSystem("demo", "webvdi demo")
    own = own.absolute()
    if not own.is_file():
        raise Refused(f"there is no file {own}", reason="no_such_file")
    digest = blake2s(str(own).encode(), digest_size=4).hexdigest()
    if iso is not None:
        return DemoSystem(f"demo-iso-{digest}", own.name, iso=own)
    return DemoSystem(f"demo-disk-{digest}", own.name, disk=own)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the user asked for; None means the system's own."""

    memory_mib: int | None = None
    cpus: int | None = None


class DemoMachine:
    """One demo machine on an engine."""

    def __init__(self, engine: Engine, state: Path, system: DemoSystem) -> None:
        self._engine = engine
        self._files = state / system.key
        self._system = system

    async def find(self) -> Machine | None:
        """The machine, if there is one."""
        for machine in await self._engine.list():
            if machine.key == self._system.key:
                return machine
        return None

    async def running(self) -> Machine | None:
        """The machine, if it runs."""
        machine = await self.find()
        return machine if machine is not None and machine.status.state in ON else None

    async def make(self, spec: MachineSpec) -> MachineId:
        """The machine with this *spec*; one that is off and had another is made anew."""
        machine = await self.find()
        if machine is not None and machine.spec != spec:
            await (await self._engine.delete(machine.id)).wait()
        return await self._engine.create(spec, key=self._system.key)

    async def start(self, machine: MachineId) -> MachineStatus:
        """Boot it, and wait until it runs."""
        await (await self._engine.start(machine)).wait()
        return await self._engine.get(machine)

    async def stop(self) -> bool:
        """Shut it down as its power button does; False if it was off."""
        machine = await self.running()
        if machine is None:
            return False
        await (await self._engine.stop(machine.id)).wait()
        return True

    async def forget(self) -> None:
        """End it, and remove everything that was made for it."""
        machine = await self.find()
        if machine is not None:
            await (await self._engine.delete(machine.id)).wait()
        shutil.rmtree(self._files, ignore_errors=True)

    async def guest_spec(self, bundle: GuestBundle, sizes: Sizes, network: Network) -> MachineSpec:
        """The machine of one of our guests, with its data disk made."""
        disks = []
        for plan in bundle.disks:
            path = self._files / f"{plan.name}.img"
            if not path.exists():
                self._make_directory()
                make_data_disk(path, plan.size_mib)
            disks.append(Disk(path, DiskFormat.RAW))
        return MachineSpec(
            name=self._system.key,
            cpus=bundle.cpus if sizes.cpus is None else sizes.cpus,
            memory_mib=bundle.memory_mib if sizes.memory_mib is None else sizes.memory_mib,
            kernel=DirectKernel(bundle.kernel, bundle.initrd, bundle.cmdline),
            disks=tuple(disks),
            profile=Profile.LINUX,
            network=network,
        )

    async def own_spec(self, sizes: Sizes, network: Network) -> MachineSpec:
        """The machine of the user's own system.

        A disk image is not written to: changes go to an overlay beside the machine.
        """
        spec = MachineSpec(
            name=self._system.key,
            cpus=OWN_SYSTEM_CPUS if sizes.cpus is None else sizes.cpus,
            memory_mib=OWN_SYSTEM_MEMORY_MIB if sizes.memory_mib is None else sizes.memory_mib,
            disks=(Disk(self._files / "disk.qcow2", DiskFormat.QCOW2, boot_order=1),),
            profile=Profile.GENERIC,
            network=network,
        )
        disk = self._files / "disk.qcow2"
        if self._system.iso is not None:
            check_iso(self._system.iso)
            if not disk.exists():
                self._make_directory()
                await images.create_blank(disk, OWN_SYSTEM_DISK_BYTES)
            return replace(spec, cdroms=(Cdrom(self._system.iso, boot_order=2),))
        assert self._system.disk is not None
        found = disk_format(self._system.disk)
        if not disk.exists():
            self._make_directory()
            await images.create_overlay(disk, self._system.disk, found)
        return spec

    def _make_directory(self) -> None:
        self._files.mkdir(parents=True, exist_ok=True, mode=0o700)
