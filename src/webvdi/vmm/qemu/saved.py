"""What a save leaves on disk, and whether a machine can go on from it.

Three files in the machine's state directory, in the order of their appearance:

``saving.json``   a save is under way, and whether the guest ran before: a save that does not get
                  further is undone, by us or by the next engine
``saved.state``   QEMU's migration stream: RAM and devices
``saved.json``    from now on the machine is saved; until it has run again this is the truth

What was saved is void as soon as a later run has let its guest go (``started.json``), for the
disks have gone on then.  They are also looked at before every restore: memory that meets disks
from another time destroys what is on them.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from webvdi.vmm.errors import CapacityExceeded, RestoreFailed, SaveFailed
from webvdi.vmm.machine import Accelerator, MachineSpec
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.probe import QemuFeatures, Version
from webvdi.vmm.qemu.records import Record, generation_of, read_record, write_record

MIB = 1 << 20
SPARE_MIB = 64
"""What a save leaves free; guests' disks are often on the same file system."""
CPU_INFO = Path("/proc/cpuinfo")

DiskMarks: TypeAlias = dict[str, list[int]]
"""For each writable disk, by path, its size in bytes and its time of change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Builder:
    """Who made a state: what another must be like to read it."""

    version: Version
    """QEMU's."""
    machine_type: str
    devices: frozenset[str]
    accelerator: Accelerator
    cpu: str = ""
    """Names the processor where the guest sees it, under KVM."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A machine's saved memory."""

    generation: int
    """Of the run that was saved."""
    when: float
    size_bytes: int
    builder: Builder
    disks: DiskMarks | None
    """None until the process that had them open has ended."""


def require_room(spec: MachineSpec, directory: Path) -> None:
    """See to it that all the memory of *spec* fits; it takes less where pages are zero.

    Raises :class:`~webvdi.vmm.errors.CapacityExceeded`.
    """
    free = shutil.disk_usage(directory).free // MIB
    if free < spec.memory_mib + SPARE_MIB:
        raise CapacityExceeded(
            f"the machine {spec.name} cannot be saved: its memory of {spec.memory_mib} MiB and "
            f"{SPARE_MIB} MiB to spare do not fit on the file system of {directory}, which has "
            f"{free} MiB free: make room there, or shut the machine down instead"
        )


# Writing -----------------------------------------------------------------------------------------


def begin(paths: MachinePaths, generation: int, *, resume: bool) -> None:
    """Note that a save begins; *resume* if the guest is to run again should it fail."""
    write_record(paths.saving, {"generation": generation, "resume": resume})


def begun(paths: MachinePaths, generation: int) -> Record | None:
    """The note of a save that has not come to its end."""
    return read_record(paths.saving, generation)


def open_new(path: Path) -> int:
    """A descriptor of a new file at *path*, ours alone."""
    path.unlink(missing_ok=True)  # half a state of a save that failed
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def commit(paths: MachinePaths, generation: int, builder: Builder, size_bytes: int) -> None:
    """Make the state the machine's; it is on the disk already, with *size_bytes*."""
    paths.saved_state_new.replace(paths.saved_state)
    _sync_directory(paths.state)  # the name must be there before the record that counts on it
    _write(paths, Saved(generation, time.time(), size_bytes, builder, None))
    _sync_directory(paths.state)
    paths.saving.unlink(missing_ok=True)


def mark_disks(paths: MachinePaths, saved: Saved, spec: MachineSpec) -> None:
    """Note how the disks are, now that nobody writes to them."""
    if saved.disks is None:
        marks = disk_marks(spec)
        _write(paths, Saved(saved.generation, saved.when, saved.size_bytes, saved.builder, marks))


def give_up(paths: MachinePaths) -> None:
    """Remove what a save that failed has left."""
    paths.saved_state_new.unlink(missing_ok=True)
    paths.saving.unlink(missing_ok=True)


def discard(paths: MachinePaths) -> None:
    """Forget what was saved; may be repeated."""
    paths.saved.unlink(missing_ok=True)  # first: without it the state is nothing
    paths.saved_state.unlink(missing_ok=True)
    give_up(paths)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(paths: MachinePaths, saved: Saved) -> None:
    builder = saved.builder
    record: dict[str, Any] = {
        "generation": saved.generation,
        "when": saved.when,
        "size_bytes": saved.size_bytes,
        "disks": saved.disks,
        "builder": {
            "version": builder.version,
            "machine_type": builder.machine_type,
            "devices": sorted(builder.devices),
            "accelerator": builder.accelerator,
            "cpu": builder.cpu,
        },
    }
    write_record(paths.saved, record)


# Reading -----------------------------------------------------------------------------------------


def read(paths: MachinePaths) -> Saved | None:
    """What is saved; None if nothing is, or if the machine has run since."""
    record = read_record(paths.saved)
    if record is None or generation_of(read_record(paths.started)) > generation_of(record):
        return None
    try:
        return Saved(
            record["generation"],
            record["when"],
            record["size_bytes"],
            _builder(record["builder"]),
            record["disks"],
        )
    except (KeyError, TypeError, ValueError):
        return None  # written by nobody that we know


def _builder(told: Mapping[str, Any]) -> Builder:
    major, minor, micro = told["version"]
    return Builder(
        (major, minor, micro),
        told["machine_type"],
        frozenset(told["devices"]),
        Accelerator(told["accelerator"]),
        told["cpu"],
    )


def builder_record(features: QemuFeatures, accelerator: Accelerator) -> Record:
    """What ``launch.json`` says of the QEMU that it starts; the program may be upgraded later."""
    return {
        "version": features.version,
        "machine_type": features.machine_type,
        "devices": sorted(features.devices),
        "accelerator": accelerator,
        "cpu": cpu_identity() if accelerator is Accelerator.KVM else "",
    }


def builder_of(launched: Record | None, name: str) -> Builder:
    """What ``launch.json`` tells.  Raises :class:`~webvdi.vmm.errors.SaveFailed`."""
    try:
        return _builder((launched or {})["builder"])
    except (KeyError, TypeError, ValueError):
        raise SaveFailed(
            f"the machine {name} was started by an earlier webvdi, which did not note what a "
            "save needs: shut it down and start it once"
        ) from None


def cpu_identity(cpuinfo: Path = CPU_INFO) -> str:
    """Differs where a guest under KVM would find itself on another processor."""
    wanted = ("vendor_id", "cpu family", "model", "model name", "flags")
    told: dict[str, str] = {}
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if not value and told:
            break  # the first processor speaks for all
        if name.strip() in wanted:
            told[name.strip()] = value.strip()
    words = "\n".join(f"{name}={told[name]}" for name in sorted(told))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def disk_marks(spec: MachineSpec) -> DiskMarks:
    """How the writable disks of *spec* are now; one that is missing has no mark."""
    marks: DiskMarks = {}
    for disk in spec.disks:
        if not disk.readonly and disk.path.exists():
            found = disk.path.stat()
            marks[str(disk.path)] = [found.st_size, found.st_mtime_ns]
    return marks


# Restoring ---------------------------------------------------------------------------------------


def require_usable(saved: Saved, paths: MachinePaths, spec: MachineSpec) -> None:
    """See to it that the state is whole and its disks are as they were.

    Raises :class:`~webvdi.vmm.errors.RestoreFailed`.
    """
    try:
        size_bytes = paths.saved_state.stat().st_size
    except OSError as error:
        why = f"the file {paths.saved_state} cannot be read ({error.strerror})"
        raise unusable(spec.name, why) from error
    if size_bytes != saved.size_bytes:
        why = f"{paths.saved_state} has {size_bytes} bytes in place of {saved.size_bytes}"
        raise unusable(spec.name, why)
    now = disk_marks(spec)
    for path, mark in (saved.disks or {}).items():
        if now.get(path) != mark:
            raise unusable(
                spec.name,
                f"the disk {path} was changed after that, and memory from before would destroy "
                "what is on it",
            )


def features_for(saved: Saved, features: QemuFeatures, name: str) -> QemuFeatures:
    """What the command line is to be made for, so that the devices are those that were saved.

    Raises :class:`~webvdi.vmm.errors.RestoreFailed` where *features* are no match.
    """
    builder = saved.builder
    if builder.version[:2] != features.version[:2]:
        # Guests see the newest processor that a QEMU can show, and it differs between versions.
        then, now = (".".join(map(str, v)) for v in (builder.version, features.version))
        raise unusable(name, f"it was saved by QEMU {then}, and this host now has {now}")
    missing = builder.devices - features.devices
    if missing:
        raise unusable(name, f"QEMU has no {', '.join(sorted(missing))} any more")
    return QemuFeatures(features.version, builder.machine_type, features.displays, builder.devices)


def require_same_processor(saved: Saved, name: str) -> None:
    """Raises :class:`~webvdi.vmm.errors.RestoreFailed` if a guest under KVM would notice."""
    if saved.builder.accelerator is Accelerator.KVM and saved.builder.cpu != cpu_identity():
        raise unusable(name, "it was saved on another kind of processor")


def unusable(name: str, why: str, *, output: str = "") -> RestoreFailed:
    """The refusal to go on from what was saved, which is kept."""
    return RestoreFailed(
        f"the machine {name} cannot go on from where it was saved: {why}. What was saved is "
        "kept; to boot it afresh, stop it first, which discards that",
        output=output,
    )
