"""Files that users bring, looked at."""

import os
from pathlib import Path

import pytest

from support.broker_service import iso, raw_disk
from webvdi.broker.own_system import check_iso, disk_format, disk_size, found_format
from webvdi.vmm.errors import DiskError
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images


async def test_formats_and_sizes(tmp_path: Path) -> None:
    raw, qcow2 = raw_disk(tmp_path / "a.img", 8 << 20), tmp_path / "b.qcow2"
    await images.create_blank(qcow2, 3 << 30)
    assert (disk_format(raw), disk_size(raw, DiskFormat.RAW)) == (DiskFormat.RAW, 8 << 20)
    assert (disk_format(qcow2), disk_size(qcow2, DiskFormat.QCOW2)) == (DiskFormat.QCOW2, 3 << 30)
    with pytest.raises(DiskError, match="is no qcow2 disk"):
        disk_size(raw, DiskFormat.QCOW2)
    with pytest.raises(DiskError, match="cannot be read"):
        disk_size(tmp_path / "none", DiskFormat.RAW)


def test_an_iso_is_known_by_its_mark(tmp_path: Path) -> None:
    check_iso(iso(tmp_path / "a.iso"))
    with pytest.raises(DiskError, match="is no CD image"):
        check_iso(raw_disk(tmp_path / "a.img"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"text" * 200, "is no disk image"),
        (b"", "is no disk"),
        (b"\x1f\x8b" + b"\0" * 600, "gzip"),
        # As what comes by upload is judged, also where a boot sector follows.
        (b"LUKS\xba\xbe".ljust(510, b"\0") + b"\x55\xaa", "an encrypted disk"),
        (b"QED\0".ljust(510, b"\0") + b"\x55\xaa", "a QED disk"),
    ],
)
def test_what_is_no_disk_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DiskError, match=words):
        disk_format(path)


def test_a_header_that_makes_no_sense_gives_no_size(tmp_path: Path) -> None:
    path = tmp_path / "a.qcow2"
    path.write_bytes(b"QFI\xfb" + b"\xff" * 600)
    with pytest.raises(DiskError, match=r"a\.qcow2 cannot be used: it is a qcow of version"):
        disk_size(path, DiskFormat.QCOW2)


async def test_a_header_that_leads_elsewhere_is_not_believed(tmp_path: Path) -> None:
    base, overlay, whole = tmp_path / "secret", tmp_path / "a.img", tmp_path / "b.qcow2"
    await images.create_blank(base, 1 << 20)
    await images.create_overlay(overlay, base, DiskFormat.QCOW2)
    await images.create_blank(whole, 1 << 20)
    assert found_format(whole) is DiskFormat.QCOW2
    assert found_format(raw_disk(tmp_path / "c.img")) is DiskFormat.RAW
    with pytest.raises(DiskError, match=r"is based on another file \('.*secret'\).*--disk-format"):
        found_format(overlay)
    head = bytearray(whole.read_bytes())
    head[79] |= 1 << 2  # incompatible features: external data file
    whole.write_bytes(head)
    with pytest.raises(DiskError, match="keeps its content in another file"):
        found_format(whole)


def test_what_is_packed_is_to_be_unpacked_and_what_is_foreign_converted(tmp_path: Path) -> None:
    packed, foreign = tmp_path / "a disk.gz", tmp_path / "a disk.vmdk"
    packed.write_bytes(b"\x1f\x8b" + b"\0" * 600)
    foreign.write_bytes(b"KDMV" + b"\0" * 600)
    with pytest.raises(DiskError, match="unpack it first"):
        disk_format(packed)
    with pytest.raises(
        DiskError, match=r"qemu-img convert -O qcow2 '.*/a disk\.vmdk' 'a disk\.qcow2'"
    ):
        disk_format(foreign)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DiskError, match="is no file"):
        disk_format(tmp_path / "pipe")
