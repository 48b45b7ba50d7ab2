"""Files that users bring: is this a disk image, is this a CD image?

``qemu-img`` takes any file for a raw disk, so a photograph would "boot" to a black screen.  What
is accepted here has the marks of what it claims to be, and the refusal says what was missing.

*name* is what the person calls a file, where that is not its path: an upload's, or an image's.
"""

import shlex
import stat
from pathlib import Path

from webvdi.vmm import image_header
from webvdi.vmm.errors import DiskError
from webvdi.vmm.machine import DiskFormat

_SECTOR = 512
_ISO_MARK = (b"CD001", 0x8001)  # ECMA-119 §8.1: the primary volume descriptor's identifier


def disk_format(path: Path, name: str | None = None) -> DiskFormat:
    """Which disk image *path* is: qcow2, or raw with a boot sector or partition table.

    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    name = name or str(path)
    head = _read(path, name, 0, 4 * _SECTOR)
    if image_header.is_qcow2(head):
        return DiskFormat.QCOW2
    if (what := image_header.foreign_format(head)) is not None:
        raise DiskError(
            f"{name} is {what}; "
            + (
                "unpack it first"
                if image_header.is_packed(head)
                else f"convert it with: qemu-img convert -O qcow2 {shlex.quote(name)} "
                f"{shlex.quote(f'{Path(name).stem}.qcow2')}"
            )
        )
    if head[510:512] == b"\x55\xaa" or head[_SECTOR : _SECTOR + 8] == b"EFI PART":
        return DiskFormat.RAW
    raise DiskError(
        f"{name} is no disk image: it is neither qcow2, nor does it begin with a boot sector or a "
        "partition table"
    )


def found_format(path: Path) -> DiskFormat:
    """:func:`disk_format`, where it alone decides how *path* is opened.

    A guest that had *path* as a raw disk may have written a header to it that names any file of
    this host, for the next program to open.  Whoever knows that it is a qcow2 says so.

    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    found = disk_format(path)
    if found is DiskFormat.QCOW2:
        header = qcow2_header(path)
        if header.backing_file is not None:
            raise DiskError(_leads_elsewhere(path, "is based on", header.backing_file))
        if header.data_file is not None:
            raise DiskError(_leads_elsewhere(path, "keeps its content in", header.data_file))
    return found


def _leads_elsewhere(path: Path, how: str, name: str) -> str:
    return (
        f"{path} begins like a qcow2 disk that {how} another file ({name!r}), and a guest "
        "could have written that to a raw disk, to be shown the file; say which it is, by webvdi "
        "machine create --disk-format qcow2 (such a disk of yours) or --disk-format raw"
    )


def disk_size(path: Path, image_format: DiskFormat, name: str | None = None) -> int:
    """How many bytes a guest sees of *path*.  Raises :class:`~webvdi.vmm.errors.DiskError`."""
    if image_format is DiskFormat.RAW:
        try:
            return path.stat().st_size
        except OSError as error:
            raise DiskError(f"{name or path} cannot be read: {error.strerror or error}") from error
    return qcow2_header(path, name).virtual_bytes


def qcow2_header(path: Path, name: str | None = None) -> image_header.Qcow2Header:
    """What the qcow2 *path* says of itself.  Raises :class:`~webvdi.vmm.errors.DiskError`."""
    name = name or str(path)
    head = _read(path, name, 0, image_header.HEADER_BYTES)
    try:
        return image_header.parse_qcow2(head)
    except DiskError as error:
        raise DiskError(f"{name} cannot be used: {error}") from error


def is_iso(path: Path, name: str | None = None) -> bool:
    """Whether *path* is a CD image.  Raises :class:`~webvdi.vmm.errors.DiskError`."""
    mark, offset = _ISO_MARK
    return _read(path, name or str(path), offset, len(mark)) == mark


def check_iso(path: Path) -> None:
    """Insist that *path* is a CD image.  Raises :class:`~webvdi.vmm.errors.DiskError`."""
    if not is_iso(path):
        raise DiskError(f"{path} is no CD image (ISO 9660); a disk image goes with --disk")


def _read(path: Path, name: str, offset: int, count: int) -> bytes:
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):  # to open a pipe could take for ever
            raise DiskError(f"{name} is no file: a disk or CD image is a file or a block device")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(count)
    except OSError as error:
        raise DiskError(f"{name} cannot be read: {error.strerror or error}") from error
