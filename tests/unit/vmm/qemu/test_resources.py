"""Is there room: the rule on numbers, and the numbers from files."""

from dataclasses import replace
from pathlib import Path

import pytest

from webvdi.vmm.errors import CapacityExceeded, DiskError
from webvdi.vmm.machine import Cdrom, DirectKernel, Disk, DiskFormat, MachineSpec
from webvdi.vmm.qemu import resources
from webvdi.vmm.qemu.resources import QEMU_MIB, SPARE_MIB, MemoryFacts, choose_ram_place

SHM, DISK = Path("/shm"), Path("/disk")
ROOMY = MemoryFacts(available=8000, cgroup=None, promised=0, shm_free=4000, disk_free=9000)


def place(memory_mib: int, facts: MemoryFacts) -> Path:
    return choose_ram_place(memory_mib, facts, SHM, DISK).directory


def test_tmpfs_where_it_has_room_for_the_whole_ram() -> None:
    assert place(4000, ROOMY) == SHM
    assert place(4001, ROOMY) == DISK
    assert place(4000, replace(ROOMY, promised=1)) == DISK


def test_the_user_is_told_where_and_why() -> None:
    assert choose_ram_place(100, ROOMY, SHM, DISK).why == ""
    why = choose_ram_place(100, replace(ROOMY, shm_free=64), SHM, DISK).why
    assert "slower" in why
    assert "64 MiB" in why


def test_the_host_must_have_it() -> None:
    enough = 1000 + QEMU_MIB + SPARE_MIB
    assert place(1000, replace(ROOMY, available=enough)) == SHM
    for facts in (
        replace(ROOMY, available=enough - 1),
        replace(ROOMY, available=enough, promised=1),
    ):
        with pytest.raises(CapacityExceeded, match=r"1000 MiB.*this host.*give it less"):
            place(1000, facts)
    with pytest.raises(CapacityExceeded, match="this control group"):
        place(1000, replace(ROOMY, cgroup=enough - 1))


def test_neither_place_has_room() -> None:
    with pytest.raises(CapacityExceeded, match="neither in /dev/shm"):
        place(1000, replace(ROOMY, shm_free=999, disk_free=1000))


def test_available_memory() -> None:
    meminfo = "MemTotal:  100 kB\nMemAvailable:   2097152 kB\n"
    assert resources.available_mib(meminfo) == 2048
    assert resources.available_mib("") == 0


def test_a_reserved_ram_file_counts_as_promised(tmp_path: Path) -> None:
    file = tmp_path / "m.ram"
    resources.reserve(file, 100)
    assert file.stat().st_mode & 0o777 == 0o600
    assert resources.promised_mib([file, tmp_path / "gone.ram"]) == 100
    with file.open("r+b") as ram:
        ram.write(b"x" * (30 << 20))
        ram.flush()
    assert resources.promised_mib([file]) == pytest.approx(70, abs=1)
    resources.reserve(file, 50)
    assert resources.promised_mib([file]) == 50


def test_a_ram_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(CapacityExceeded, match="cannot be made"):
        resources.reserve(tmp_path / "absent" / "m.ram", 1)


def group(directory: Path, **files: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)


def test_control_groups_version_2(tmp_path: Path) -> None:
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("0::/a/b\n")
    mib = 1 << 20
    stat = f"anon 1\ninactive_file {10 * mib}\n"
    used = f"{100 * mib}\n"
    group(root / "a/b", memory__max="max\n", memory__current=used, memory__stat=stat)
    assert resources.cgroup_left_mib(membership, root) is None
    group(root / "a", memory__max=f"{300 * mib}\n", memory__current=used, memory__stat=stat)
    assert resources.cgroup_left_mib(membership, root) == 210
    group(root / "a/b", memory__max=f"{100 * mib}\n", memory__stat="")
    assert resources.cgroup_left_mib(membership, root) == 1


def test_control_groups_version_1(tmp_path: Path) -> None:
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("5:cpu:/\n4:memory:/x\n0::/\n")
    mib = 1 << 20
    files = {
        "memory__usage_in_bytes": f"{40 * mib}",
        "memory__stat": f"total_inactive_file {8 * mib}\n",
    }
    group(root / "memory", memory__limit_in_bytes="9223372036854771712\n", **files)
    group(root / "memory/x", memory__limit_in_bytes=f"{64 * mib}\n", **files)
    assert resources.cgroup_left_mib(membership, root) == 32


def test_no_control_groups(tmp_path: Path) -> None:
    assert resources.cgroup_left_mib(tmp_path / "absent", tmp_path) is None


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (MachineSpec("m", kernel=DirectKernel(Path("/absent"))), "kernel"),
        (MachineSpec("m", kernel=DirectKernel(Path("/dev/null"), Path("/absent"))), "initrd"),
        (MachineSpec("m", cdroms=(Cdrom(Path("/absent")),)), "CD-ROM"),
        (MachineSpec("m", disks=(Disk(Path("/absent")),)), "disk"),
    ],
)
async def test_missing_files_are_named(spec: MachineSpec, what: str) -> None:
    with pytest.raises(DiskError, match=f"the {what} /absent does not exist"):
        await resources.check_files(spec)


async def test_a_full_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "d.raw"
    disk.touch()
    monkeypatch.setattr(resources, "MIN_DISK_FREE_MIB", 1 << 40)
    readonly = MachineSpec("m", disks=(Disk(disk, DiskFormat.RAW, readonly=True),))
    await resources.check_files(readonly)
    with pytest.raises(CapacityExceeded, match="make room"):
        await resources.check_files(MachineSpec("m", disks=(Disk(disk, DiskFormat.RAW),)))
