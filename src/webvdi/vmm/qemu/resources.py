"""Is there room: the host's memory, the RAM file's place, the disks' file systems.

The rule for the RAM file: on ``/dev/shm`` when that has room for the *whole* RAM after what the
other machines' RAM files may still grow to; else on disk under the state directory, when that
has room for all of it; else the machine is refused.  RAM files are sparse, so what is free now
has been promised in part.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.errors import CapacityExceeded, DiskError
from webvdi.vmm.machine import MachineSpec
from webvdi.vmm.qemu import images
from webvdi.vmm.qemu.argv import TRANSLATION_BUFFER_MIB
from webvdi.vmm.qemu.paths import SHM

MIB = 1 << 20
QEMU_MIB = 96 + TRANSLATION_BUFFER_MIB
"""What QEMU takes beside the guest's RAM: itself, a screen or two, TCG's translations."""
SPARE_MIB = 256
"""What a start must leave to the host."""
MIN_DISK_FREE_MIB = 64
"""A guest whose disk cannot grow gets I/O errors; with less than this it would at once."""


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """Free memory, in MiB."""

    available: int
    """Of the host, as the kernel estimates it (MemAvailable)."""
    cgroup: int | None
    """What is left below the tightest control group; None without a limit."""
    promised: int
    """What other machines' RAM files may still come to hold."""
    shm_free: int
    disk_free: int
    """Below the state directory."""


@dataclass(frozen=True, slots=True)
class RamPlace:
    """Where the RAM file goes."""

    directory: Path
    why: str
    """For the machine's status detail."""


def choose_ram_place(memory_mib: int, facts: MemoryFacts, shm: Path, disk: Path) -> RamPlace:
    """Apply the rule above.  Raises :class:`~webvdi.vmm.errors.CapacityExceeded`."""
    needed = memory_mib + QEMU_MIB + SPARE_MIB
    limits = [facts.available, *([] if facts.cgroup is None else [facts.cgroup])]
    left = min(limits) - facts.promised
    if needed > left:
        limit = "this host" if min(limits) == facts.available else "this control group"
        raise CapacityExceeded(
            f"the machine needs {memory_mib} MiB of memory and {QEMU_MIB + SPARE_MIB} MiB beside "
            f"it, but {limit} has {max(left, 0)} MiB left ({facts.promised} MiB are promised to "
            "other machines): give it less, or stop others"
        )
    shm_left = facts.shm_free - facts.promised
    if memory_mib <= shm_left:
        return RamPlace(shm, "")  # as it should be: nothing to tell
    if memory_mib + MIN_DISK_FREE_MIB <= facts.disk_free:
        return RamPlace(
            disk,
            f"its memory is in a file under {disk}, and slower for it, because /dev/shm has only "
            f"{max(shm_left, 0)} MiB left",
        )
    raise CapacityExceeded(
        f"the machine's memory of {memory_mib} MiB fits neither in /dev/shm "
        f"({max(shm_left, 0)} MiB left) nor on disk under {disk} ({facts.disk_free} MiB free): "
        "make room, or give it less"
    )


def memory_facts(shm: Path, disk: Path) -> MemoryFacts:
    """Measure now; *shm* and *disk* are the directories of RAM files."""
    return MemoryFacts(
        available=available_mib(Path("/proc/meminfo").read_text(encoding="ascii")),
        cgroup=cgroup_left_mib(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")),
        promised=promised_mib([*shm.glob("*.ram"), *disk.glob("*.ram")]),
        shm_free=shutil.disk_usage(SHM).free // MIB if SHM.is_dir() else 0,
        disk_free=shutil.disk_usage(disk).free // MIB,
    )


def available_mib(meminfo: str) -> int:
    """MemAvailable of *meminfo* (proc(5))."""
    for line in meminfo.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 0


def promised_mib(ram_files: Iterable[Path]) -> int:
    """What *ram_files* may still grow by: their size less what they hold."""
    total = 0
    for path in ram_files:
        try:
            found = path.stat()
        except OSError:
            continue  # that machine has just ended
        total += max(0, found.st_size - found.st_blocks * 512)
    return total // MIB


def cgroup_left_mib(membership: Path, root: Path) -> int | None:
    """Memory left in our control groups, version 1 or 2; None if nothing limits it.

    Page cache that the kernel could drop counts as free.
    """
    left = [mib for group in _memory_groups(membership, root) if (mib := _group_left(group))]
    return min(left, default=None)


def _memory_groups(membership: Path, root: Path) -> Iterable[Path]:
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, inside = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = root / "memory" if controllers else root
        group = mount / inside.lstrip("/")
        while group != mount:
            yield group
            group = group.parent
        yield mount


def _group_left(group: Path) -> int | None:
    """MiB left in one group; at least 1, so that an exhausted one still counts."""
    for limit_name, used_name, cache_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit = (group / limit_name).read_text(encoding="ascii").strip()
            used = int((group / used_name).read_text(encoding="ascii"))
            stat = (group / "memory.stat").read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        if limit == "max" or int(limit) >= 1 << 60:  # version 1 writes a huge number for none
            return None
        cache = dict(line.split() for line in stat.splitlines()).get(cache_name, "0")
        return max(1, (int(limit) - used + int(cache)) // MIB)
    return None


def reserve(ram_file: Path, memory_mib: int) -> None:
    """Make the RAM file, sparse and ours alone; from now on it counts as promised.

    Raises :class:`~webvdi.vmm.errors.CapacityExceeded`.
    """
    ram_file.unlink(missing_ok=True)  # left over from a run that was never tidied up
    try:
        fd = os.open(ram_file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, memory_mib * MIB)
        finally:
            os.close(fd)
    except OSError as error:
        raise CapacityExceeded(
            f"the machine's memory {ram_file} cannot be made: {error.strerror}"
        ) from error


async def check_files(spec: MachineSpec) -> None:
    """See to it that all files to boot from are there, and disks have room to grow.

    Raises :class:`~webvdi.vmm.errors.DiskError`, :class:`~webvdi.vmm.errors.CapacityExceeded`.
    """
    if spec.kernel is not None:
        images.must_be_file(spec.kernel.kernel, "kernel")
        if spec.kernel.initrd is not None:
            images.must_be_file(spec.kernel.initrd, "initrd")
    for cdrom in spec.cdroms:
        images.must_be_file(cdrom.path, "CD-ROM")
    for disk in spec.disks:
        await images.check(disk.path, disk.format, writable=not disk.readonly)
        if not disk.readonly:
            _check_room(disk.path)


def _check_room(path: Path) -> None:
    try:
        free = shutil.disk_usage(path.parent).free // MIB
    except OSError as error:
        raise DiskError(f"the disk {path} cannot be looked at: {error.strerror}") from error
    if free < MIN_DISK_FREE_MIB:
        raise CapacityExceeded(
            f"the file system of {path} has {free} MiB free, but a disk needs at least "
            f"{MIN_DISK_FREE_MIB} MiB to grow: make room there"
        )


def shm_directory() -> Path:
    """Our directory for RAM files on tmpfs; another user cannot have made it for us."""
    return SHM / f"webvdi-{os.geteuid()}"
