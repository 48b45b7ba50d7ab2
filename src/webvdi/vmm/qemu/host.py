"""This host as an engine sees it: its QEMU, KVM, network and places for RAM.

Answers that cost time are found once and kept, each behind a lock so that ten machines starting
together ask once.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.errors import Unavailable
from webvdi.vmm.machine import Acceleration, Accelerator, MachineId, MachineSpec, Network
from webvdi.vmm.qemu import acceleration, network, probe, resources
from webvdi.vmm.qemu.argv import HostChoices
from webvdi.vmm.qemu.paths import SHM, private_directory
from webvdi.vmm.qemu.saved import Saved, features_for, require_same_processor, unusable


@dataclass(frozen=True, slots=True)
class Preparation:
    """All that was decided for one start."""

    choices: HostChoices
    acceleration: Acceleration
    ram_why: str


class QemuHost:
    """Facts about this host, cached below *state_dir*."""

    def __init__(self, state_dir: Path, binary: str) -> None:
        self.state_dir = state_dir
        self.binary = binary
        self._features_lock = asyncio.Lock()
        self._kvm_lock = asyncio.Lock()
        self._fence_lock = asyncio.Lock()
        self._fence_works = False

    async def features(self) -> probe.QemuFeatures:
        """What QEMU has.  Raises :class:`~webvdi.vmm.errors.LaunchFailed`."""
        async with self._features_lock:
            binary = probe.find_qemu(self.binary)
            return await probe.probe(binary, self.state_dir / "qemu.json")

    async def acceleration(self, wanted: Accelerator = Accelerator.AUTO) -> Acceleration:
        """How machines run here.

        Raises :class:`~webvdi.vmm.errors.Unavailable` where KVM is demanded in vain, and
        :class:`~webvdi.vmm.errors.LaunchFailed` without QEMU.
        """
        async with self._kvm_lock:
            binary = probe.find_qemu(self.binary)
            facts = await acceleration.kvm_facts(binary, self.state_dir / "kvm.json")
        return acceleration.choose(wanted, facts)

    async def network_obstacle(self) -> str | None:
        """Why network ``internet`` is not to be had; None when it is.

        Success is remembered, failure is not: people install what is missing.
        """
        async with self._fence_lock:
            if self._fence_works:
                lack = network.missing_part()
                return lack and str(network.unavailable(lack))
            why_not = await network.fence_obstacle()
            self._fence_works = why_not is None
            return why_not

    async def prepare(
        self, machine: MachineId, spec: MachineSpec, saved: Saved | None = None
    ) -> Preparation:
        """Decide everything, so that *saved* can be read if there is one, and reserve the RAM.

        Raises :class:`~webvdi.vmm.errors.LaunchFailed`, ``DiskError``, ``CapacityExceeded``,
        ``Unavailable``, ``RestoreFailed``.
        """
        features = await self.features()
        await resources.check_files(spec)
        if saved is None:
            how = await self.acceleration(spec.accelerator)
        else:
            features = features_for(saved, features, spec.name)
            how = await self._acceleration_of(saved, spec.name)
        if spec.network is Network.INTERNET and (why_not := await self.network_obstacle()):
            raise Unavailable(why_not, reason=network.REASON)
        # No await from here to the end: what was free must still be free when it is reserved.
        place = self._ram_place(spec.memory_mib)
        ram_file = place.directory / f"{machine}.ram"
        resources.reserve(ram_file, spec.memory_mib)
        binary = str(probe.find_qemu(self.binary))
        choices = HostChoices(features, how.kind, ram_file, binary, saved is not None)
        return Preparation(choices, how, place.why)

    async def _acceleration_of(self, saved: Saved, name: str) -> Acceleration:
        """What it was saved with: neither KVM nor TCG reads what the other wrote."""
        require_same_processor(saved, name)
        if saved.builder.accelerator is Accelerator.TCG:
            reason = "it goes on as it was saved, without KVM"
            return Acceleration(Accelerator.TCG, reason, "as_saved")
        try:
            return await self.acceleration(Accelerator.KVM)
        except Unavailable as error:
            raise unusable(name, f"it was saved with KVM, and now {error}") from error

    def forget_ram(self, machine: MachineId) -> None:
        """Remove the RAM file of *machine*, wherever it was put."""
        for directory in (resources.shm_directory(), self._ram_on_disk):
            (directory / f"{machine}.ram").unlink(missing_ok=True)

    @property
    def _ram_on_disk(self) -> Path:
        return self.state_dir / "ram"

    def _ram_place(self, memory_mib: int) -> resources.RamPlace:
        disk = private_directory(self._ram_on_disk)
        shm = private_directory(resources.shm_directory()) if SHM.is_dir() else disk
        facts = resources.memory_facts(shm, disk)
        return resources.choose_ram_place(memory_mib, facts, shm, disk)
