"""Disk files by way of qemu-img."""

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

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


# Copying and growing ---------------------------------------------------------------------------


def tool(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


async def written(path: Path) -> bytes:
    """Give a blank disk some content at 1 MiB, and return a raw copy of it all."""
    await images.create_blank(path, 4 << 20)
    tool("qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 1M 1M", str(path))
    return bytes(1 << 20) + b"\x5a" * (1 << 20) + bytes(2 << 20)


async def test_convert_brings_a_chain_together(tmp_path: Path) -> None:
    base, over, flat = tmp_path / "base", tmp_path / "over", tmp_path / "flat"
    content = await written(base)
    await images.create_overlay(over, base, DiskFormat.QCOW2)
    parts: list[float] = []
    await images.convert(over, DiskFormat.QCOW2, flat, DiskFormat.RAW, on_progress=parts.append)
    assert flat.read_bytes() == content
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    again = tmp_path / "again"
    await images.convert(flat, DiskFormat.RAW, again)
    assert (await images.inspect_upload(again)) == images.Upload(DiskFormat.QCOW2, 4 << 20)
    assert names(tmp_path) == {"base", "over", "flat", "again"}


async def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    await images.create_blank(tmp_path / "disk", 1 << 20)
    with pytest.raises(DiskError, match="exists already"):
        await images.convert(tmp_path / "disk", DiskFormat.QCOW2, tmp_path / "taken")
    with pytest.raises(DiskError, match="No such file"):
        await images.convert(tmp_path / "disk", DiskFormat.QCOW2, tmp_path / "absent" / "x")
    assert names(tmp_path) == {"taken", "disk"}


async def cancelled(call: Coroutine[Any, Any, None], when: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call)
        await when.wait()
        task.cancel()
    assert task.cancelled()


async def test_a_conversion_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await images.create_blank(tmp_path / "disk", 1 << 20)
    program = tmp_path / "qemu-img"
    program.write_text(
        '#!/bin/sh\n[ "$1" = info ] && echo "[]" && exit\n'
        'for last; do :; done; touch "$last"; printf "(1.50/100%%)\\r"; exec sleep 600\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    going, parts = asyncio.Event(), []

    def heard(part: float) -> None:
        parts.append(part)
        going.set()

    call = images.convert(tmp_path / "disk", DiskFormat.QCOW2, tmp_path / "new", on_progress=heard)
    await cancelled(call, going)
    assert parts == [0.015]
    assert names(tmp_path) == {"disk", "qemu-img"}


async def test_a_copy_is_equal_sparse_and_ours(tmp_path: Path) -> None:
    source, copied = tmp_path / "a", tmp_path / "b"
    with source.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(20 << 20)
        file.write(b"content" * 1000)
    parts: list[float] = []
    await images.copy(source, copied, on_progress=parts.append)
    assert copied.read_bytes() == source.read_bytes()
    assert copied.stat().st_blocks * 512 < 16 << 20
    assert copied.stat().st_mode & 0o777 == 0o600
    assert parts[-1] == 1.0
    with pytest.raises(DiskError, match="exists already"):
        await images.copy(source, copied)
    with pytest.raises(DiskError, match="does not exist"):
        await images.copy(tmp_path / "absent", tmp_path / "c")


async def test_a_copy_goes_on_where_the_kernel_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_file_system(*_: int) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", other_file_system)
    (tmp_path / "a").write_bytes(os.urandom(9 << 20))
    (tmp_path / ".b.unfinished").write_text("left by a crash")
    await images.copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert names(tmp_path) == {"a", "b"}


async def test_a_copy_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(40 << 20))
    going = asyncio.Event()
    call = images.copy(tmp_path / "a", tmp_path / "b", on_progress=lambda _: going.set())
    await cancelled(call, going)
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("image_format", list(DiskFormat))
async def test_growing(tmp_path: Path, image_format: DiskFormat) -> None:
    path = tmp_path / "d"
    if image_format is DiskFormat.RAW:
        path.write_bytes(bytes(1 << 20))
    else:
        await images.create_blank(path, 1 << 20)
    for _ in range(2):
        await images.grow(path, 3 << 20, image_format)
        assert (await images.info(path, image_format))[0].virtual_bytes == 3 << 20
    with pytest.raises(DiskError, match="cannot become smaller"):
        await images.grow(path, 2 << 20, image_format)


# What strangers bring --------------------------------------------------------------------------


async def test_a_sound_disk_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "d"
    await written(path)
    assert await images.inspect_upload(path) == images.Upload(DiskFormat.QCOW2, 4 << 20)
    path.write_bytes(b"\xeb\x63" + bytes(510))
    assert await images.inspect_upload(path) == images.Upload(DiskFormat.RAW, 512)


async def test_a_disk_that_leads_to_other_files_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "d")
    backing = ["-u", "-b", "/etc/shadow", "-F", "raw"]
    tool("qemu-img", "create", "-f", "qcow2", *backing, path, "1M")
    with pytest.raises(DiskError, match=r"difference to another file \('/etc/shadow'\)"):
        await images.inspect_upload(Path(path))
    json_name = 'json:{"driver":"raw","file":{"driver":"file","filename":"/etc/shadow"}}'
    tool("qemu-img", "create", "-f", "qcow2", "-u", "-b", json_name, "-F", "raw", path, "1M")
    with pytest.raises(DiskError, match="difference to another file"):
        await images.inspect_upload(Path(path))
    data = f"data_file={tmp_path}/elsewhere"
    tool("qemu-img", "create", "-f", "qcow2", "-o", data, path, "1M")
    with pytest.raises(DiskError, match="content in another file"):
        await images.inspect_upload(Path(path))


async def test_a_chain_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "d"
    tool(
        "qemu-img",
        "create",
        "-f",
        "qcow2",
        "-o",
        f"data_file={tmp_path}/elsewhere",
        str(path),
        "1M",
    )
    (found,) = await images.info(path, DiskFormat.QCOW2)
    assert found.data_file == f"{tmp_path}/elsewhere"
    assert not found.encrypted


async def test_an_encrypted_disk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d"
    secret = ["--object", "secret,id=s,data=hush"]
    options = "encrypt.format=aes,encrypt.key-secret=s"
    tool("qemu-img", "create", *secret, "-f", "qcow2", "-o", options, str(path), "1M")
    with pytest.raises(DiskError, match="encrypted"):
        await images.inspect_upload(path)
    assert (await images.info(path, DiskFormat.QCOW2))[0].encrypted


async def test_a_broken_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d"
    await images.create_blank(path, 1 << 20)
    good = path.read_bytes()
    path.write_bytes(good[:20] + b"\xff" * 4 + good[24:])
    with pytest.raises(DiskError, match=r"/d cannot be used: its header makes no sense"):
        await images.inspect_upload(path)
    path.write_bytes(good[:40] + b"\xff" * 8 + good[48:])  # where the tables are
    with pytest.raises(DiskError):
        await images.inspect_upload(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"x" * 513, "no whole sectors"),
        (b"KDMV" + bytes(508), "VMware disk"),
        (b"\x1f\x8b" + bytes(510), "packed by gzip"),
        (b"LUKS\xba\xbe" + bytes(506), "encrypted disk"),
    ],
)
async def test_what_is_no_disk_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "d"
    path.write_bytes(content)
    with pytest.raises(DiskError, match=words):
        await images.inspect_upload(path)
