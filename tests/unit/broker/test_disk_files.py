"""Files of machines: whole or not there, however their making ends."""

import asyncio
from pathlib import Path

import pytest

from support.broker_service import raw_disk
from webvdi.broker import disk_files
from webvdi.broker.disk_files import DiskFile, make, missing, remove, require_space
from webvdi.vmm.errors import CapacityExceeded, DiskError
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images

BLANK = DiskFile("disk.qcow2", "blank", DiskFormat.QCOW2, 1 << 30)


def nobody(share: float) -> None:
    """Does not care how far it is."""


async def test_a_file_is_made_once(tmp_path: Path) -> None:
    place = tmp_path / "m-1"
    assert missing((BLANK,), place) == [BLANK]
    await make(BLANK, place, nobody)
    assert missing((BLANK,), place) == []
    path = place / BLANK.name
    before = path.stat()
    await make(BLANK, place, nobody)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert before.st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700


async def test_a_copy_tells_how_far_it_is(tmp_path: Path) -> None:
    source = raw_disk(tmp_path / "os.img")
    shares: list[float] = []
    file = DiskFile("d.qcow2", "copy", DiskFormat.QCOW2, 1 << 30, str(source), DiskFormat.RAW)
    await make(file, tmp_path / "m-1", shares.append)
    assert shares[-1] == 1.0
    (info,) = await images.info(tmp_path / "m-1/d.qcow2")
    assert info.virtual_bytes == 1 << 30


async def test_what_was_left_by_a_crash_is_cleared(tmp_path: Path) -> None:
    place = tmp_path / "m-1"
    place.mkdir()
    (place / ".disk.qcow2.0123").write_bytes(b"half")
    (place / "..disk.qcow2.0123.unfinished").write_bytes(b"half")
    await make(BLANK, place, nobody)
    assert [path.name for path in place.iterdir()] == ["disk.qcow2"]


async def test_a_cancelled_making_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def never(path: Path, size_bytes: int) -> None:
        await asyncio.to_thread(path.write_bytes, b"half")
        begun.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(images, "create_blank", never)
        making = asyncio.Task(make(BLANK, tmp_path / "m-1", nobody))
        await begun.wait()
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
    assert missing((BLANK,), tmp_path / "m-1") == [BLANK]
    await make(BLANK, tmp_path / "m-1", nobody)


async def test_without_room_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 600 << 20

    monkeypatch.setattr(disk_files.shutil, "disk_usage", lambda path: Usage)  # type: ignore[attr-defined]
    require_space(tmp_path, 0, "a disk")
    with pytest.raises(CapacityExceeded, match=r"needs 100 MiB and 512 MiB beside it, but 600 MiB"):
        require_space(tmp_path, 100 << 20, "a copy of x")


def test_removing_is_repeatable_and_says_what_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "m-1"
    place.mkdir()
    (place / "disk").write_bytes(b"x")

    def stays(directory: Path) -> None:
        raise PermissionError(13, "Permission denied", str(directory))

    with monkeypatch.context() as patch:
        patch.setattr(disk_files.shutil, "rmtree", stays)  # type: ignore[attr-defined]
        with pytest.raises(DiskError, match="m-1 cannot be removed: Permission denied"):
            remove(place)
    for _ in range(2):
        remove(place)
    assert not place.exists()
