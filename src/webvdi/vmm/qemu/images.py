"""Disk files, by way of ``qemu-img``.

``qemu-img`` parses files that came from anywhere, so it gets a time limit, and a format is never
guessed from content that a guest can write.  Whatever makes or changes a file here is undone if
it fails or is cancelled: a file appears whole, or not at all.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from webvdi.vmm import image_header
from webvdi.vmm.errors import DiskError
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import programs
from webvdi.vmm.qemu.copying import copy_file, sync_file

TIMEOUT_S = 60.0
"""Creating and reading headers takes milliseconds; this is for a network file system's worst."""
STALL_TIMEOUT_S = 300.0
"""Without progress, of what may take hours; a per cent of a terabyte takes 100 s at 100 MB/s."""
STRANGERS = programs.Limits(memory_bytes=1 << 30, cpu_s=30)
"""For reading the header of a file that might be made to hurt."""

OnProgress: TypeAlias = Callable[[float], None]
"""Called with the part that is done, from 0 to 1, in the event loop."""


@dataclass(frozen=True, slots=True)
class DiskInfo:
    """What ``qemu-img info`` says of one file of a chain."""

    path: Path
    format: str
    virtual_bytes: int
    actual_bytes: int
    backing: Path | None
    data_file: str | None = None
    """An external file that holds the content, where there is one."""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A file from outside that may become a machine's disk."""

    format: DiskFormat
    virtual_bytes: int


# Making ------------------------------------------------------------------------------------------


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


async def convert(
    source: Path,
    source_format: DiskFormat,
    path: Path,
    path_format: DiskFormat = DiskFormat.QCOW2,
    *,
    on_progress: OnProgress | None = None,
) -> None:
    """Write what is on the disk *source*, with all it is based on, to a new disk at *path*.

    Nothing may write to *source* meanwhile.  Cancelling the call ends it and leaves nothing.
    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_new(path)
    await check(source, source_format)
    unfinished = path.with_name(f".{path.name}.unfinished")
    words = ["-f", source_format.value, "-O", path_format.value, "--"]
    try:
        await _qemu_img(
            *("convert", "-p", *words, _absolute(source), str(unfinished)),
            timeout_s=STALL_TIMEOUT_S,
            on_output=_percents(on_progress or _nobody),
        )
        await sync_file(unfinished)
        unfinished.rename(path)
    except OSError as error:
        raise DiskError(f"{path} could not be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


async def copy(source: Path, path: Path, *, on_progress: OnProgress | None = None) -> None:
    """Copy the file *source* to *path*, which must not exist, byte for byte; holes stay holes.

    Nothing may write to *source* meanwhile.  Cancelling the call ends it and leaves nothing.
    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_new(path)
    _must_be_readable(source)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        await copy_file(source, unfinished, on_progress or _nobody)
        unfinished.rename(path)
    except OSError as error:
        raise DiskError(f"{source} could not be copied to {path}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


async def grow(path: Path, size_bytes: int, image_format: DiskFormat = DiskFormat.QCOW2) -> None:
    """Make the disk of a machine that is off larger; the guest's file system is not.

    A size that it has already is no error.  Raises :class:`~webvdi.vmm.errors.DiskError`, also
    where it would shrink, or where a machine uses it.
    """
    await check(path, image_format, writable=True)
    now = (await info(path, image_format))[0].virtual_bytes
    if size_bytes < now:
        raise DiskError(
            f"{path} holds {now} bytes and cannot become smaller ({size_bytes} bytes): what lies "
            "at its end would be lost"
        )
    if size_bytes > now:
        words = ["-q", "-f", image_format.value, "--", str(path), str(size_bytes)]
        await _qemu_img("resize", *words)


# Looking -----------------------------------------------------------------------------------------


async def info(path: Path, image_format: DiskFormat | None = None) -> tuple[DiskInfo, ...]:
    """The chain of *path*, itself first; also while a machine uses it (``-U``).

    Every file of the chain is opened: a disk that came from outside goes through
    :func:`inspect_upload` first.  Without *image_format* the format is guessed, which is for
    showing only.  Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    _must_be_readable(path)
    words = [] if image_format is None else ["-f", image_format.value]
    out = await _qemu_img("info", "--output=json", "-U", "--backing-chain", *words, "--", str(path))
    return tuple(_disk_info(entry) for entry in _entries(out, path))


async def inspect_upload(path: Path, name: str | None = None) -> Upload:
    """What *path*, a file from a stranger who calls it *name*, is as a disk.

    It is refused if it leads to any other file (a backing file, an external data file), if it is
    encrypted, or in a format that is not run here; a file of no known format is a raw disk.
    Nobody may be able to change it afterwards.  Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    name = name or str(path)
    must_be_file(path, "disk", name)
    head = await asyncio.to_thread(_head, path)
    if (what := image_header.foreign_format(head)) is not None:
        packed = image_header.is_packed(head)
        remedy = "unpack it first" if packed else "convert it: qemu-img convert -O qcow2"
        raise DiskError(f"{name} is {what}, which cannot be used as it is: {remedy}")
    if not image_header.is_qcow2(head):
        return _raw_upload(path, name)
    try:
        header = image_header.parse_qcow2(head)
    except DiskError as error:
        raise DiskError(f"{name} cannot be used: {error}") from error
    _refuse_strings_attached(
        name, header.backing_file, header.data_file, encrypted=header.encrypted
    )
    # QEMU is to see the same file as we do, and that it is sound; without opening any other.
    seen = await _seen_alone(path, name)
    backing = None if seen.backing is None else str(seen.backing)
    _refuse_strings_attached(name, backing, seen.data_file, encrypted=seen.encrypted)
    return Upload(DiskFormat.QCOW2, seen.virtual_bytes)


async def _seen_alone(path: Path, name: str) -> DiskInfo:
    """What qemu-img says of the qcow2 *path* itself.  Raises ``DiskError``, about *name*."""
    words = ["info", "--output=json", "-f", "qcow2", "--", str(path)]
    try:
        out = await _qemu_img(*words, limits=STRANGERS)
        (seen,) = map(_disk_info, _entries(f"[{out}]", path))
    except DiskError as error:
        why = str(error).removeprefix(f"Could not open '{path}': ")
        if str(path) in why:  # where we keep it is nothing to strangers
            why = "qemu-img finds faults with it"
        raise DiskError(f"{name} cannot be used: {why}") from error
    return seen


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(image_header.HEADER_BYTES)


def _raw_upload(path: Path, name: str) -> Upload:
    size = path.stat().st_size
    if size == 0:
        raise DiskError(f"{name} is empty")
    if size % 512:
        raise DiskError(
            f"{name} is neither a qcow2 nor a raw disk: its {size} bytes are no whole sectors of "
            "512"
        )
    return Upload(DiskFormat.RAW, size)


def _refuse_strings_attached(
    name: str, backing: str | None, data: str | None, *, encrypted: bool
) -> None:
    if backing is not None:
        raise DiskError(
            f"{name} is only the difference to another file ({backing!r}): bring both together "
            "first (qemu-img convert -O qcow2)"
        )
    if data is not None:
        raise DiskError(
            f"{name} keeps its content in another file ({data!r}): bring both together first "
            "(qemu-img convert -O qcow2)"
        )
    if encrypted:
        raise DiskError(f"{name} is encrypted, and nobody could give the machine its key")


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


def _entries(out: str, path: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(out)
        for entry in entries:
            _disk_info(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DiskError(f"qemu-img said nothing sensible about {path}") from error
    return list(entries)


def _disk_info(entry: dict[str, Any]) -> DiskInfo:
    backing = entry.get("full-backing-filename") or entry.get("backing-filename")
    specific = entry.get("format-specific") or {}
    details = specific.get("data") or {}
    data_file = details.get("data-file")
    return DiskInfo(
        Path(str(entry["filename"])),
        str(entry["format"]),
        int(str(entry["virtual-size"])),
        int(str(entry.get("actual-size", 0))),
        Path(str(backing)) if backing else None,
        None if data_file is None else str(data_file),
        entry.get("encrypted") is True or details.get("encrypt") is not None,
    )


def _absolute(path: Path) -> str:
    """qemu-img takes a relative backing name as relative to the overlay, not to us."""
    return str(path.absolute())


def must_be_file(path: Path, what: str, name: str | None = None) -> None:
    """Raise :class:`~webvdi.vmm.errors.DiskError` unless *path* is a file that we may read.

    *name* is what the person calls it, where that is not its path.
    """
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise DiskError(f"the {what} {name or path} does not exist") from None
    except OSError as error:
        raise DiskError(f"the {what} {name or path} cannot be read: {error.strerror}") from error


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


# The program -------------------------------------------------------------------------------------


def _nobody(_: float) -> None:
    pass


def _percents(on_progress: OnProgress) -> Callable[[bytes], None]:
    """Reads the progress of ``-p``, such as ``(12.34/100%)``, out of pieces of output."""

    def heard(piece: bytes) -> None:
        for found in re.findall(rb"\((\d+(?:\.\d+)?)/100%\)", piece):
            on_progress(min(1.0, float(found) / 100))

    return heard


async def _qemu_img(
    *words: str,
    timeout_s: float | None = None,
    on_output: Callable[[bytes], None] | None = None,
    limits: programs.Limits | None = None,
) -> str:
    program = shutil.which("qemu-img")
    if program is None:
        raise DiskError("qemu-img is not installed; on Debian and Ubuntu: apt install qemu-utils")
    limit_s = TIMEOUT_S if timeout_s is None else timeout_s
    try:
        done = await programs.run(
            program, *words, timeout_s=limit_s, on_output=on_output, limits=limits
        )
    except TimeoutError:
        raise DiskError(f"qemu-img {words[0]} took longer than {limit_s:.0f} s") from None
    except OSError as error:
        raise DiskError(f"qemu-img cannot be run: {error.strerror}") from error
    if done.code != 0:
        raise DiskError(_plain(done.err, words))
    return done.out


def _plain(words: str, command: Sequence[str]) -> str:
    """QEMU's complaint without the program's name in front."""
    lines = [line.removeprefix("qemu-img: ") for line in words.strip().splitlines()]
    return "; ".join(lines) or f"qemu-img {command[0]} failed without a word"
