"""The files that are made for a machine: described as data, and made whole or not at all."""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from webvdi.guests import make_data_disk
from webvdi.vmm.errors import CapacityExceeded, DiskError
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images

MIB = 1 << 20
SPARE_BYTES = 512 * MIB
"""What must stay free on the disk after something was put there, for guests to write."""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """One file, in the machine's own directory."""

    name: str
    how: Literal["data", "blank", "overlay", "copy"]
    """An empty file system, an empty disk, the differences to *source*, a copy of *source*."""
    format: DiskFormat
    size_bytes: int | None
    """As the guest sees it; None leaves it as *source* is."""
    source: str | None = None
    source_format: DiskFormat | None = None

    def to_json(self) -> dict[str, Any]:
        """For the record."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "DiskFile":
        """What :meth:`to_json` gave."""
        source = record["source_format"]
        return cls(
            name=str(record["name"]),
            how=record["how"],
            format=DiskFormat(record["format"]),
            size_bytes=record["size_bytes"],
            source=record["source"],
            source_format=None if source is None else DiskFormat(source),
        )


def missing(files: tuple[DiskFile, ...], directory: Path) -> list[DiskFile]:
    """Those that are not there yet."""
    return [file for file in files if not (directory / file.name).exists()]


async def make(file: DiskFile, directory: Path, progress: Callable[[float], None]) -> None:
    """Make *file* in *directory*, unless it is there.

    It appears whole: a crash leaves at most hidden files beside it, which the next call removes.
    Each call writes to a name of its own, for a program of the one before may still be writing.
    Raises ``DiskError``, ``CapacityExceeded``, ``GuestError``.
    """
    path = directory / file.name
    part = directory / f".{file.name}.{secrets.token_hex(4)}"
    if await asyncio.to_thread(path.exists):
        return
    await asyncio.to_thread(_prepare, directory)
    await _require_space(file, directory)
    await _write(file, part, progress)
    await asyncio.to_thread(_publish, part, path)


async def _write(file: DiskFile, part: Path, progress: Callable[[float], None]) -> None:
    match file.how:
        case "data":
            assert file.size_bytes is not None
            await asyncio.to_thread(make_data_disk, part, file.size_bytes // MIB)
        case "blank":
            assert file.size_bytes is not None
            await images.create_blank(part, file.size_bytes)
        case "overlay":
            source, source_format = _source(file)
            await images.create_overlay(part, source, source_format)
            await _grow(file, part)
        case "copy":
            source, source_format = _source(file)
            await images.convert(source, source_format, part, on_progress=progress)
            await _grow(file, part)


async def _grow(file: DiskFile, part: Path) -> None:
    if file.size_bytes is not None:
        await images.grow(part, file.size_bytes, file.format)


def _source(file: DiskFile) -> tuple[Path, DiskFormat]:
    assert file.source is not None
    assert file.source_format is not None
    return Path(file.source), file.source_format


async def _require_space(file: DiskFile, directory: Path) -> None:
    needed = 0
    if file.how == "copy":
        source, source_format = _source(file)
        needed = sum(one.actual_bytes for one in await images.info(source, source_format))
    require_space(directory, needed, f"a copy of {file.source}" if needed else "a disk")


def require_space(directory: Path, needed: int, what: str) -> None:
    """Raise :class:`CapacityExceeded` unless *needed* bytes fit in *directory*, and some more."""
    free = shutil.disk_usage(directory).free
    if needed + SPARE_BYTES > free:
        raise CapacityExceeded(
            f"there is no room for {what} in {directory}: it needs {needed // MIB} MiB and "
            f"{SPARE_BYTES // MIB} MiB beside it, but {free // MIB} MiB are free; make room there"
        )


def _prepare(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in directory.glob(".*"):
        left.unlink(missing_ok=True)


def _publish(part: Path, path: Path) -> None:
    """On disk first, then visible."""
    part.chmod(0o600)
    sync(part)
    part.rename(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until *path*, a file or a directory, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(directory: Path) -> None:
    """Remove a machine's own directory with all that is in it; a repeat does nothing.

    Raises :class:`DiskError` where that fails, so that no record goes before its files.
    """
    with contextlib.suppress(FileNotFoundError):
        try:
            shutil.rmtree(directory)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DiskError(
                f"{error.filename or directory} cannot be removed: {error.strerror}"
            ) from error
