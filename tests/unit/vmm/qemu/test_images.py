"""Disk files by way of qemu-img."""

import shutil
import sys
from pathlib import Path

import pytest

from webvdi.vmm.errors import DiskError
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images

pytestmark = pytest.mark.qemu


async def test_a_blank_disk(tmp_path: Path) -> None:
    path = tmp_path / "-strange, name.qcow2"
    await images.create_blank(path, 5 << 20)
    (found,) = await images.info(path, DiskFormat.QCOW2)
    assert (found.path, found.format, found.virtual_bytes) == (path, "qcow2", 5 << 20)
    assert found.backing is None
    await images.check(path, DiskFormat.QCOW2, writable=True)


async def test_an_overlay_and_its_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    await images.create_blank(Path("base.qcow2"), 1 << 20)
    over = Path("elsewhere/over.qcow2")
    await images.create_overlay(over, Path("base.qcow2"), DiskFormat.QCOW2)
    top, base = await images.info(over)
    assert top.backing == tmp_path / "base.qcow2"
    assert base.path == tmp_path / "base.qcow2"
    assert base.virtual_bytes == 1 << 20


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("precious")
    with pytest.raises(DiskError, match="exists already"):
        await images.create_blank(path, 1 << 20)
    with pytest.raises(DiskError, match="exists already"):
        await images.create_overlay(path, path, DiskFormat.RAW)
    assert path.read_text() == "precious"


async def test_an_overlay_needs_a_sound_base(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="does not exist"):
        await images.create_overlay(tmp_path / "o", tmp_path / "absent", DiskFormat.QCOW2)
    assert not (tmp_path / "o").exists()


async def test_a_wrong_format_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.write_bytes(bytes(1 << 20))
    with pytest.raises(DiskError, match="no usable qcow2 disk: Could not open") as caught:
        await images.check(path, DiskFormat.QCOW2)
    assert "qemu-img" not in str(caught.value)
    await images.check(path, DiskFormat.RAW)


async def test_unreadable_and_unwritable(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be read: Is a directory"):
        await images.check(tmp_path, DiskFormat.RAW)
    with pytest.raises(DiskError, match=r"cannot be written: .*read-only"):
        # A program that runs is not writable even for root (ETXTBSY).
        await images.check(Path(sys.executable), DiskFormat.RAW, writable=True)


async def test_no_qemu_img_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DiskError, match="apt install qemu-utils"):
        await images.create_blank(tmp_path / "d", 1)


async def test_a_slow_qemu_img_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "qemu-img"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    monkeypatch.setattr(images, "TIMEOUT_S", 0.1)
    with pytest.raises(DiskError, match="took longer"):
        await images.create_blank(tmp_path / "d", 1)


async def test_an_answer_that_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-img"
    program.write_text("#!/bin/sh\necho '[{}]'\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    with pytest.raises(DiskError, match="nothing sensible"):
        await images.info(program)
