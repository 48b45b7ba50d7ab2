"""Files that users bring: is this a disk image, is this a CD image?

``qemu-img`` takes any file for a raw disk, so a photograph would "boot" to a black screen.  What
is accepted here has the marks of what it claims to be, and the refusal says what was missing.
"""

from pathlib import Path

from webvdi.vmm.errors import DiskError
from webvdi.vmm.machine import DiskFormat

_QCOW2 = b"QFI\xfb"
_OTHERS = {
    b"KDMV": "VMware (vmdk)",
    b"# Disk DescriptorFile": "VMware (vmdk)",
    b"conectix": "Virtual PC (vhd)",
    b"vhdxfile": "Hyper-V (vhdx)",
    b"<<< Oracle VM VirtualBox": "VirtualBox (vdi)",
    b"<<< Sun xVM VirtualBox": "VirtualBox (vdi)",
    b"\xfd7zXZ": "xz-compressed",
    b"\x1f\x8b": "gzip-compressed",
    b"(\xb5/\xfd": "zstd-compressed",
}
_SECTOR = 512
_ISO_MARK = (b"CD001", 0x8001)  # ECMA-119 §8.1: the primary volume descriptor's identifier


def disk_format(path: Path) -> DiskFormat:
    """Which disk image *path* is: qcow2, or raw with a boot sector or partition table.

    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    head = _read(path, 0, 4 * _SECTOR)
    if head.startswith(_QCOW2):
        return DiskFormat.QCOW2
    for mark, name in _OTHERS.items():
        if head.startswith(mark):
            raise DiskError(
                f"{path} is a {name} file; unpack it, or convert it with: "
                f"qemu-img convert -O qcow2 {path} {path.stem}.qcow2"
            )
    if head[510:512] == b"\x55\xaa" or head[_SECTOR : _SECTOR + 8] == b"EFI PART":
        return DiskFormat.RAW
    raise DiskError(
        f"{path} is no disk image: it is neither qcow2, nor does it begin with a boot sector or a "
        "partition table"
    )


def check_iso(path: Path) -> None:
    """Insist that *path* is a CD image.  Raises :class:`~webvdi.vmm.errors.DiskError`."""
    mark, offset = _ISO_MARK
    if _read(path, offset, len(mark)) != mark:
        raise DiskError(f"{path} is no CD image (ISO 9660); a disk image goes with --disk")


def _read(path: Path, offset: int, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(count)
    except OSError as error:
        raise DiskError(f"{path} cannot be read: {error.strerror or error}") from error
