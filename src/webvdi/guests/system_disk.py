"""Makes a bootable disk out of a directory: a file system, a partition table and GRUB, as qcow2.

The file system is written by mke2fs(8) straight into its place on the disk, so nothing is mounted
and nobody has to be root.  GRUB's two parts lie where grub-install(8) would put them: boot.img in
the first sector, core.img in the gap before the first partition (GRUB manual, "BIOS
installation"; its first sector loads the rest from sector 2 on, as grub-mkimage has written it).
"""

import contextlib
import os
import re
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from webvdi.guests.build_log import BuildLog
from webvdi.guests.disk import FEATURES
from webvdi.guests.errors import MIB, BuildFailed, NoSpace
from webvdi.guests.requirements import program

SECTOR = 512
PARTITION_AT = MIB  # bytes; where every partitioning program begins
_CODE_LENGTH = 440  # of a boot sector; the rest is the disk's signature and the table
_LINUX, _ACTIVE = 0x83, 0x80  # partition type, and the mark of the one to boot from
_NO_CHS = b"\xfe\xff\xff"  # cylinders, heads and sectors of a place beyond their reach
_PERCENT = re.compile(rb"\((\d+)\.\d+/100%\)")


@dataclass(frozen=True, slots=True)
class BootLoader:
    """GRUB for a BIOS: the boot sector, and what it loads."""

    boot: bytes
    core: bytes


def boot_sector(loader: BootLoader, disk_bytes: int, signature: int) -> bytes:
    """Return the first sector of a disk with one bootable Linux partition over all of it.

    Raises ``ValueError`` for a core too large for its place.
    """
    if len(loader.core) > PARTITION_AT - SECTOR:
        raise ValueError(f"GRUB's core takes {len(loader.core)} bytes, more than its place")
    start, sectors = PARTITION_AT // SECTOR, (disk_bytes - PARTITION_AT) // SECTOR
    entry = struct.pack("<B3sB3sII", _ACTIVE, _NO_CHS, _LINUX, _NO_CHS, start, sectors)
    code = loader.boot[:_CODE_LENGTH].ljust(_CODE_LENGTH, b"\0")
    return code + struct.pack("<IH", signature, 0) + entry + bytes(48) + b"\x55\xaa"


def make_raw_disk(
    path: Path,
    root: Path,
    commands: Sequence[str],
    loader: BootLoader,
    plan: "DiskShape",
    log: BuildLog,
) -> None:
    """Make a raw disk at *path* that holds the files below *root*.

    *commands* complete the file system (see ``rootfs``).  Raises :class:`BuildFailed`.
    """
    size = plan.size_mib * MIB
    with path.open("xb") as file:
        file.truncate(size)
        file.write(boot_sector(loader, size, plan.signature))
        file.write(loader.core)
    options = f"offset={PARTITION_AT},root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1"
    argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-O", f"{FEATURES},metadata_csum", "-m", "1"]
    argv += ["-L", plan.label, "-I", "256", "-E", f"{options},nodiscard", "-d", str(root)]
    argv += [str(path), f"{(size - PARTITION_AT) // 1024}k"]
    _run(argv, log, path)
    if commands:
        script = path.with_suffix(".debugfs")
        script.write_text("\n".join(commands) + "\n", errors="surrogateescape")
        argv = ["debugfs", "-w", "-f", str(script), f"{path}?offset={PARTITION_AT}"]
        complaints = [line for line in _run(argv, log, path).splitlines() if ": " in line]
        complaints = [
            line for line in complaints if not line.startswith(("debugfs: ", "debugfs 1"))
        ]
        if complaints:
            raise BuildFailed(f"debugfs could not complete the disk: {complaints[0]}")


@dataclass(frozen=True, slots=True)
class DiskShape:
    """Size, label and signature of a disk."""

    size_mib: int
    label: str
    signature: int  # 32 bits that tell disks apart


def pack(raw: Path, target: Path, log: BuildLog, report: Callable[[int], None]) -> None:
    """Write the raw disk as a compressed qcow2 that nobody writes to; *report* gets percents.

    Raises :class:`BuildFailed`, :class:`NoSpace`.
    """
    argv = [program("qemu-img"), "convert", "-p", "-f", "raw", "-O", "qcow2", "-c"]
    argv += ["-o", "compression_type=zstd,lazy_refcounts=off", str(raw), str(target)]
    log.line("$ " + " ".join(argv))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            while data := os.read(process.stdout.fileno(), 4096):
                if found := _PERCENT.findall(data):
                    report(int(found[-1]))
        except BaseException:
            process.kill()
            raise
        errors = process.stderr.read().decode(errors="replace")
    log.outcome(process.returncode, errors)
    if process.returncode != 0:
        raise _failure("qemu-img", errors, target)
    target.chmod(0o444)


def _run(argv: list[str], log: BuildLog, place: Path) -> str:
    result = log.run([program(argv[0]), *argv[1:]], env={**os.environ, "LC_ALL": "C"})
    if result.returncode != 0:
        raise _failure(argv[0], result.stderr, place)
    return result.stderr


def _failure(name: str, errors: str, place: Path) -> BuildFailed | NoSpace:
    if "No space left" in errors:
        free = 0
        with contextlib.suppress(OSError):
            status = os.statvfs(place.parent)
            free = status.f_bavail * status.f_frsize
        return NoSpace(place.parent, needed=free + 1, free=free)
    return BuildFailed(f"{name} could not make {place.name}: {errors.strip() or 'without a word'}")
