"""From what is wanted to what a machine is made of: its files and its spec.  Pure.

Names of the host are resolved before (:mod:`webvdi.broker.wishes`), files are made after
(:mod:`webvdi.broker.disk_files`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from webvdi.broker.disk_files import MIB, DiskFile
from webvdi.broker.views import DiskMode, NewMachine
from webvdi.guests import GuestBundle
from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import (
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    MachineSpec,
    Network,
    Profile,
)

OWN_MEMORY_MIB = 2048
OWN_CPUS = 2
OWN_DISK_GIB = 20
"""What a system of the user's own gets: enough for an ordinary installer."""
MAX_DISK_GIB = 64 << 10
"""A bound against slips of the keyboard; qcow2 files are as large as what is written to them."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class OwnSystem:
    """A file of the user's, looked at: an ISO, or a disk of *format*."""

    path: Path
    format: DiskFormat | None
    """None for an ISO."""
    name: str
    """What the person calls it: the path, or the image's name."""
    size_bytes: int = 0
    """Of a disk, as a guest sees it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a machine is made of."""

    spec: MachineSpec
    files: tuple[DiskFile, ...]
    """Those that are made for it, in its own directory."""


def guest_plan(wanted: NewMachine, bundle: GuestBundle, directory: Path, network: Network) -> Plan:
    """A machine of one of our guests.  Raises ``InvalidSpec``."""
    files = []
    if bundle.system_disk is not None:
        files.append(
            DiskFile(
                "system.qcow2",
                "overlay",
                DiskFormat.QCOW2,
                _size(wanted, bundle.system_disk_mib * MIB),
                str(bundle.system_disk),
                DiskFormat.QCOW2,
            )
        )
    elif wanted.disk_gib is not None and not bundle.disks:
        raise InvalidSpec(f"the guest {bundle.recipe} has no disk that could be of another size")
    for number, plan in enumerate(bundle.disks):
        size = plan.size_mib * MIB
        if number == 0 and not files:
            size = _size(wanted, size) or size
        files.append(DiskFile(f"{plan.name}.img", "data", DiskFormat.RAW, size))
    spec = MachineSpec(
        name=wanted.name,
        cpus=wanted.cpus or bundle.cpus,
        memory_mib=wanted.memory_mib or bundle.memory_mib,
        kernel=kernel_of(bundle),
        disks=tuple(Disk(directory / file.name, file.format) for file in files),
        profile=_profile(wanted.profile, Profile(bundle.profile)),
        network=network,
    )
    return Plan(spec, tuple(files))


def kernel_of(bundle: GuestBundle) -> DirectKernel:
    """How a guest of ours boots."""
    return DirectKernel(bundle.kernel, bundle.initrd, bundle.cmdline)


def own_plan(wanted: NewMachine, system: OwnSystem, directory: Path, network: Network) -> Plan:
    """A machine of the user's own system.  Raises ``InvalidSpec``."""
    spec = MachineSpec(
        name=wanted.name,
        cpus=wanted.cpus or OWN_CPUS,
        memory_mib=wanted.memory_mib or OWN_MEMORY_MIB,
        disks=(Disk(directory / "disk.qcow2", DiskFormat.QCOW2, boot_order=1),),
        profile=_profile(wanted.profile, Profile.GENERIC),
        network=network,
    )
    if system.format is None:
        size = _gib(OWN_DISK_GIB if wanted.disk_gib is None else wanted.disk_gib)
        blank = DiskFile("disk.qcow2", "blank", DiskFormat.QCOW2, size)
        return Plan(replace(spec, cdroms=(Cdrom(system.path, boot_order=2),)), (blank,))
    grows_to = _size(wanted, system.size_bytes)
    if wanted.disk_mode is DiskMode.IN_PLACE:
        if grows_to is not None:
            raise InvalidSpec("a disk that is used in place is not grown while a machine is made")
        return Plan(replace(spec, disks=(Disk(system.path, system.format, boot_order=1),)), ())
    file = DiskFile(
        "disk.qcow2",
        "copy" if wanted.disk_mode is DiskMode.COPY else "overlay",
        DiskFormat.QCOW2,
        grows_to,
        str(system.path),
        system.format,
    )
    return Plan(spec, (file,))


def checked_wish(wanted: NewMachine) -> None:
    """Insist on a wish that can come true on some host.  Raises ``InvalidSpec``."""
    sources = (wanted.guest, wanted.iso, wanted.disk, wanted.image)
    if sum(source is not None for source in sources) != 1:
        raise InvalidSpec("a machine is made from one of: a guest, an ISO, a disk, an image")
    if wanted.image is not None and wanted.disk_mode is DiskMode.IN_PLACE:
        raise InvalidSpec("an uploaded disk is copied or overlaid, not used in place")
    if wanted.disk_format is not None and wanted.disk is None:
        raise InvalidSpec("the format is said of a disk of this host; others are known")
    if wanted.disk_gib is not None:
        _gib(wanted.disk_gib)
    checked_network(wanted.network)
    MachineSpec(  # for its own checks: name, CPUs, memory
        name=wanted.name,
        cpus=1 if wanted.cpus is None else wanted.cpus,
        memory_mib=OWN_MEMORY_MIB if wanted.memory_mib is None else wanted.memory_mib,
        disks=(Disk(Path("/nonexistent")),),
        profile=_profile(wanted.profile, Profile.GENERIC),
    )


def checked_network(network: str | None) -> Network | None:
    """The network of this name.  Raises ``InvalidSpec``."""
    try:
        return None if network is None else Network(network)
    except ValueError:
        known = ", ".join(Network)
        raise InvalidSpec(f"there is no network {network!r}; there are: {known}") from None


def _profile(wanted: str | None, default: Profile) -> Profile:
    try:
        return default if wanted is None else Profile(wanted)
    except ValueError:
        known = ", ".join(Profile)
        raise InvalidSpec(f"there is no profile {wanted!r}; there are: {known}") from None


def _size(wanted: NewMachine, there: int) -> int | None:
    """The size that a disk of *there* bytes is to grow to; None leaves it."""
    if wanted.disk_gib is None:
        return None
    return grown(there, wanted.disk_gib)


def grown(there: int, disk_gib: int) -> int | None:
    """What a disk of *there* bytes grows to; None where it has that size.

    Raises ``InvalidSpec``, for a disk never shrinks.
    """
    size = _gib(disk_gib)
    if size < there:
        raise InvalidSpec(
            f"the disk has {there / GIB:.1f} GiB already, and cannot shrink to {disk_gib} GiB"
        )
    return size if size > there else None


def _gib(disk_gib: int) -> int:
    if not 1 <= disk_gib <= MAX_DISK_GIB:
        raise InvalidSpec(f"a disk has 1 to {MAX_DISK_GIB} GiB, not {disk_gib}")
    return disk_gib * GIB
