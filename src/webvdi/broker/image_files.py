"""The files behind images and uploads: named, looked at, written, moved and removed."""

import asyncio
import itertools
import logging
import re
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from webvdi.base.errors import Refused
from webvdi.broker.disk_files import sync
from webvdi.broker.own_system import disk_format, is_iso
from webvdi.vmm.errors import CapacityExceeded
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images as disks

logger = logging.getLogger(__name__)

MAX_NAME = 128
"""Characters of a file's name."""
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file turned out to be."""

    kind: Literal["iso", "disk"]
    format: str


def write_all(file: IO[bytes], data: bytes, name: str) -> None:
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise CapacityExceeded(f"{name} cannot be written: {error.strerror}") from error


def clean_name(name: str) -> str:
    """*name* as a file may be called: its last part, printable, of bounded length.

    Raises ``Refused`` (``bad_name``) where nothing is left.
    """
    last = re.split(r"[/\\]", name)[-1]
    clean = " ".join("".join(c if c.isprintable() else " " for c in last).split())[:MAX_NAME]
    if not clean.strip("."):
        raise Refused(f"{name!r} is no name for a file", reason="bad_name")
    return clean


def free_name(name: str, taken: Collection[str]) -> str:
    """*name*, with a number before its suffix where it is *taken*."""
    if name not in taken:
        return name
    suffix = Path(name).suffix[: MAX_NAME // 2]
    stem = name.removesuffix(suffix)
    marks = (f" ({number}){suffix}" for number in itertools.count(2))
    names = (f"{stem[: MAX_NAME - len(mark)]}{mark}" for mark in marks)
    return next(free for free in names if free not in taken)


def look(path: Path, name: str) -> Checked:
    """What *path*, called *name*, is.  Raises ``DiskError`` where it is neither ISO nor disk."""
    if is_iso(path, name):
        return Checked("iso", "iso")
    return Checked("disk", disk_format(path, name).value)


async def check(path: Path, name: str) -> Checked:
    """What *path*, called *name*, is, and that a machine can use it alone.

    Raises ``DiskError``.
    """
    found = await asyncio.to_thread(look, path, name)
    if found.format == DiskFormat.QCOW2:
        await disks.inspect_upload(path, name)
    return found


def make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def move_whole(part: Path, whole: Path) -> None:
    """Put a file that has come whole in its place: on disk first, and for reading only."""
    sync(part)
    part.chmod(0o400)
    part.rename(whole)
    sync(whole.parent)


def image_of(upload: str) -> str:
    """The id of the image that an upload becomes."""
    return upload.replace("u-", "i-", 1)


def remove(path: Path) -> None:
    """Remove a file that no record names any more; one that stays is tried again at the start."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("! %s cannot be removed: %s", path, error.strerror)


def remove_others(directory: Path, names: set[str]) -> None:
    for path in directory.iterdir():
        if path.name not in names:
            remove(path)


async def pieces_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _COPY_BYTES):
        yield piece
