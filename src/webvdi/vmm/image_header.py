"""What the first bytes of a disk file say: its format, and whether it leads elsewhere.

A qcow2 may name a backing file or an external data file, by any path: who opens it reads those
too.  So a file from a stranger is judged here, by its bytes alone, before any program opens it.
Pure functions.  Source: QEMU, docs/interop/qcow2.rst.
"""

import struct
from dataclasses import dataclass

from webvdi.vmm.errors import DiskError

HEADER_BYTES = 2 << 20
"""A qcow2's first cluster, which holds all that is looked for, has at most 2 MiB."""
MAX_VIRTUAL_BYTES = 64 << 40
"""64 TiB: more is a slip, or meant to hurt; the tables alone would take gigabytes."""

_QCOW2_MAGIC = b"QFI\xfb"
_HEADER_V2 = struct.Struct(">4sIQIIQIIQQIIQ")
_HEADER_V3_TAIL = struct.Struct(">QQQII")
_V2_BYTES = 72
_EXTERNAL_DATA = 1 << 2
"""Of the incompatible features."""
_KNOWN_INCOMPATIBLE = 0b11111
"""Dirty, corrupt, external data file, compression type, extended L2 entries."""
_END, _DATA_FILE, _LUKS = 0, 0x44415441, 0x0537BE77
"""Header extensions."""

_OTHERS = (
    (b"KDMV", "a VMware disk (VMDK)"),
    (b"# Disk Descriptor", "a VMware disk description (VMDK)"),
    (b"<<< ", "a VirtualBox disk (VDI)"),
    (b"vhdxfile", "a Hyper-V disk (VHDX)"),
    (b"conectix", "a Hyper-V disk (VHD)"),
    (b"QED\0", "a QED disk"),
    (b"LUKS\xba\xbe", "an encrypted disk (LUKS)"),
    (b"\x1f\x8b", "a file packed by gzip"),
    (b"\xfd7zXZ\0", "a file packed by xz"),
    (b"(\xb5/\xfd", "a file packed by zstd"),
    (b"BZh", "a file packed by bzip2"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
)
"""Beginnings of files that are no disk that we run, though they might pass for a raw one."""


@dataclass(frozen=True, slots=True)
class Qcow2Header:
    """What a qcow2 says of itself."""

    virtual_bytes: int
    backing_file: str | None
    data_file: str | None
    """An empty name is one, too: the header says that there is a file, not where."""
    encrypted: bool


def is_qcow2(head: bytes) -> bool:
    """Whether a file that begins with *head* is a qcow (of any version)."""
    return head.startswith(_QCOW2_MAGIC)


def foreign_format(head: bytes) -> str | None:
    """What a file that begins with *head* is, if it is something that cannot be run as it is."""
    for magic, what in _OTHERS:
        if head.startswith(magic):
            return what
    return None


def is_packed(head: bytes) -> bool:
    """Whether it is something that has to be unpacked before it can be anything else."""
    return any(head.startswith(magic) for magic, what in _OTHERS if "disk" not in what)


def parse_qcow2(head: bytes) -> Qcow2Header:
    """Read the header in *head*, the first :data:`HEADER_BYTES` of a file (or all of it).

    Raises :class:`~webvdi.vmm.errors.DiskError` where it makes no sense.
    """
    if len(head) < _V2_BYTES or not is_qcow2(head):
        raise DiskError("it is no qcow2 disk")
    fields = _HEADER_V2.unpack_from(head)
    _, version, backing_at, backing_length, cluster_bits, size, crypt = fields[:7]
    if version not in (2, 3):
        raise DiskError(f"it is a qcow of version {version}; convert it to qcow2 first")
    if not 9 <= cluster_bits <= 21:
        raise DiskError(f"its header makes no sense (clusters of 2^{cluster_bits} bytes)")
    if size > MAX_VIRTUAL_BYTES:
        raise DiskError(f"it claims to hold {size} bytes; at most {MAX_VIRTUAL_BYTES} are taken")
    incompatible, header_bytes = _version_3(head) if version == 3 else (0, _V2_BYTES)
    extensions = _extensions(head, header_bytes, backing_at or (1 << cluster_bits))
    data_file = extensions.get(_DATA_FILE)
    if data_file is None and incompatible & _EXTERNAL_DATA:
        data_file = b""
    return Qcow2Header(
        virtual_bytes=size,
        backing_file=_backing(head, backing_at, backing_length),
        data_file=None if data_file is None else data_file.decode(errors="replace"),
        encrypted=crypt != 0 or _LUKS in extensions,
    )


def _version_3(head: bytes) -> tuple[int, int]:
    if len(head) < _V2_BYTES + _HEADER_V3_TAIL.size:
        raise DiskError("its header is cut off")
    incompatible, _, _, _, header_bytes = _HEADER_V3_TAIL.unpack_from(head, _V2_BYTES)
    if incompatible & ~_KNOWN_INCOMPATIBLE:
        raise DiskError(f"it uses features that are not known (0x{incompatible:x})")
    if not 104 <= header_bytes <= len(head) or header_bytes % 8:
        raise DiskError(f"its header makes no sense ({header_bytes} bytes long)")
    return incompatible, header_bytes


def _backing(head: bytes, at: int, length: int) -> str | None:
    if at == 0:
        return None
    if length > 1023 or at + length > len(head):
        raise DiskError("its header makes no sense (the name of a backing file lies outside)")
    return head[at : at + length].decode(errors="replace")


def _extensions(head: bytes, at: int, end: int) -> dict[int, bytes]:
    """Type and content of each header extension; they lie before the backing file's name."""
    found: dict[int, bytes] = {}
    end = min(end, len(head))
    while at + 8 <= end:
        kind, length = struct.unpack_from(">II", head, at)
        if kind == _END:
            return found
        at += 8
        if at + length > end:
            raise DiskError("its header makes no sense (an extension lies outside)")
        found[kind] = head[at : at + length]
        at += (length + 7) // 8 * 8
    return found
