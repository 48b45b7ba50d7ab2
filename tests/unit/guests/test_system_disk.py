import contextlib
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from webvdi.guests.build_log import BuildLog
from webvdi.guests.errors import MIB, BuildFailed
from webvdi.guests.requirements import program
from webvdi.guests.system_disk import (
    PARTITION_AT,
    SECTOR,
    BootLoader,
    DiskShape,
    boot_sector,
    make_raw_disk,
    pack,
)

LOADER = BootLoader(boot=b"B" * SECTOR, core=b"CORE" * 300)
SHAPE = DiskShape(size_mib=64, label="test-system", signature=0x1234ABCD)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[BuildLog]:
    with contextlib.closing(BuildLog(tmp_path / "log")) as opened:
        yield opened


def look(raw: Path, request: str) -> str:
    """Return what debugfs answers to *request* about the file system on the disk."""
    argv = [program("debugfs"), "-R", request, f"{raw}?offset={PARTITION_AT}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_boot_sector() -> None:
    sector = boot_sector(LOADER, 64 * MIB, 0x1234ABCD)
    assert len(sector) == SECTOR
    assert sector[:440] == b"B" * 440
    assert struct.unpack_from("<I", sector, 440) == (0x1234ABCD,)
    active, _, kind, _, start, count = struct.unpack_from("<B3sB3sII", sector, 446)
    assert (active, kind) == (0x80, 0x83)
    assert (start * SECTOR, (start + count) * SECTOR) == (MIB, 64 * MIB)
    assert sector[510:] == b"\x55\xaa"


def test_core_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="more than its place"):
        boot_sector(BootLoader(b"", bytes(PARTITION_AT)), 64 * MIB, 0)


@pytest.fixture
def raw(tmp_path: Path, log: BuildLog) -> Path:
    root = tmp_path / "root"
    (root / "home dir").mkdir(parents=True)
    (root / "home dir" / "file").write_bytes(b"content")
    (tmp_path / "value").write_bytes(b"\x01\x02")
    commands = [
        'sif "/home dir/file" uid 70001',
        'sif "/home dir/file" mode 0104711',
        f'ea_set -f "{tmp_path / "value"}" "/home dir/file" security.capability',
    ]
    path = tmp_path / "disk.raw"
    make_raw_disk(path, root, commands, LOADER, SHAPE, log)
    return path


def test_raw_disk_holds_loader_and_files(raw: Path, tmp_path: Path) -> None:
    assert raw.stat().st_size == 64 * MIB
    with raw.open("rb") as disk:
        assert disk.read(SECTOR) == boot_sector(LOADER, 64 * MIB, SHAPE.signature)
        assert disk.read(len(LOADER.core)) == LOADER.core
    described = look(raw, 'stat "/home dir/file"')
    assert "User: 70001" in described
    assert "Mode:  04711" in described
    assert "security.capability" in described
    assert look(raw, 'cat "/home dir/file"') == "content"
    assert "Filesystem volume name:   test-system" in look(raw, "stats -h")


def test_file_system_is_sound(raw: Path) -> None:
    argv = [program("mke2fs").replace("mke2fs", "e2fsck"), "-f", "-n", f"{raw}?offset={MIB}"]
    result = subprocess.run(argv, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_failed_commands_are_told(tmp_path: Path, log: BuildLog) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(BuildFailed, match=r"debugfs could not complete the disk: .*nothing"):
        make_raw_disk(
            tmp_path / "d", tmp_path / "root", ['sif "/nothing" uid 1'], LOADER, SHAPE, log
        )


def test_files_that_do_not_fit(tmp_path: Path, log: BuildLog) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "big").write_bytes(os.urandom(1 << 20) * 80)
    with pytest.raises(BuildFailed, match="mke2fs could not make d"):
        make_raw_disk(tmp_path / "d", tmp_path / "root", [], LOADER, SHAPE, log)


def test_packed_disk_is_the_same_disk(raw: Path, tmp_path: Path, log: BuildLog) -> None:
    seen: list[int] = []
    target = tmp_path / "system.qcow2"
    pack(raw, target, log, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert target.read_bytes()[:4] == b"QFI\xfb"
    assert target.stat().st_mode & 0o222 == 0
    compare = [program("qemu-img"), "compare", "-f", "raw", "-F", "qcow2", str(raw), str(target)]
    assert subprocess.run(compare, capture_output=True).returncode == 0


def test_packing_can_be_broken_off(raw: Path, tmp_path: Path, log: BuildLog) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(raw, tmp_path / "x.qcow2", log, stop)


def test_packing_that_fails(tmp_path: Path, log: BuildLog) -> None:
    with pytest.raises(BuildFailed, match=r"qemu-img could not make x\.qcow2: .*No such file"):
        pack(tmp_path / "nothing", tmp_path / "x.qcow2", log, lambda _: None)
