"""Disk files, by way of ``qemu-img``.

``qemu-img`` parses files that came from anywhere, so it gets a time limit, and a format is never
guessed from content that a guest can write.
"""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.errors import DiskError
from webvdi.vmm.machine import DiskFormat

TIMEOUT_S = 60.0
"""Creating and reading headers takes milliseconds; this is for a network file system's worst."""


@dataclass(frozen=True, slots=True)
class DiskInfo:
    """What ``qemu-img info`` says of one file of a chain."""

    path: Path
    format: str
    virtual_bytes: int
    actual_bytes: int
    backing: Path | None


async def create_blank(path: Path, size_bytes: int) -> None:
    """Make an empty qcow2 of *size_bytes* at *path*, which must not exist.

    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_new(path)
    await _qemu_img("create", "-q", "-f", "qcow2", "--", str(path), str(size_bytes))


async def create_overlay(path: Path, backing: Path, backing_format: DiskFormat) -> None:
    """Make a qcow2 at *path* that holds the differences to *backing*.

    *backing* must not change any more.  Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_new(path)
    await check(backing, backing_format)
    words = ["-b", _absolute(backing), "-F", backing_format.value]
    await _qemu_img("create", "-q", "-f", "qcow2", *words, "--", str(path))


async def info(path: Path, image_format: DiskFormat | None = None) -> tuple[DiskInfo, ...]:
    """The chain of *path*, itself first; also while a machine uses it (``-U``).

    Without *image_format* the format is guessed, which is for showing only.  Raises
    :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_readable(path)
    words = [] if image_format is None else ["-f", image_format.value]
    out = await _qemu_img("info", "--output=json", "-U", "--backing-chain", *words, "--", str(path))
    try:
        return tuple(_disk_info(entry) for entry in json.loads(out))
    except (ValueError, KeyError, TypeError) as error:
        raise DiskError(f"qemu-img said nothing sensible about {path}") from error


async def check(path: Path, image_format: DiskFormat, *, writable: bool = False) -> None:
    """See to it that a machine can use *path*, with every file that it is based on.

    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_readable(path)
    if writable:
        _must_be_writable(path)
    if image_format is DiskFormat.RAW:
        return  # any content is one; to look for a header in it would be to trust the guest
    try:
        await info(path, image_format)
    except DiskError as error:
        raise DiskError(f"{path} is no usable {image_format} disk: {error}") from error


def _disk_info(entry: dict[str, object]) -> DiskInfo:
    backing = entry.get("full-backing-filename")
    return DiskInfo(
        Path(str(entry["filename"])),
        str(entry["format"]),
        int(str(entry["virtual-size"])),
        int(str(entry.get("actual-size", 0))),
        Path(str(backing)) if backing else None,
    )


def _absolute(path: Path) -> str:
    """qemu-img takes a relative backing name as relative to the overlay, not to us."""
    return str(path.absolute())


def must_be_file(path: Path, what: str) -> None:
    """Raise :class:`~webvdi.vmm.errors.DiskError` unless *path* is a file that we may read."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise DiskError(f"the {what} {path} does not exist") from None
    except OSError as error:
        raise DiskError(f"the {what} {path} cannot be read: {error.strerror}") from error


def _must_be_readable(path: Path) -> None:
    must_be_file(path, "disk")


def _must_be_writable(path: Path) -> None:
    try:
        with path.open("r+b"):
            pass
    except OSError as error:
        raise DiskError(
            f"the disk {path} cannot be written: {error.strerror}; "
            "change its permissions, or attach it read-only"
        ) from error


def _must_be_new(path: Path) -> None:
    if path.exists():
        raise DiskError(f"{path} exists already; nothing was overwritten")


async def _qemu_img(*words: str) -> str:
    program = shutil.which("qemu-img")
    if program is None:
        raise DiskError("qemu-img is not installed; on Debian and Ubuntu: apt install qemu-utils")
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await process.communicate()
    except TimeoutError:
        raise DiskError(f"qemu-img {words[0]} took longer than {TIMEOUT_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise DiskError(_plain(err.decode(errors="replace"), words))
    return out.decode(errors="replace")


def _plain(words: str, command: Sequence[str]) -> str:
    """QEMU's complaint without the program's name in front."""
    lines = [line.removeprefix("qemu-img: ") for line in words.strip().splitlines()]
    return "; ".join(lines) or f"qemu-img {command[0]} failed without a word"
