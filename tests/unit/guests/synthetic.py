"""Small made-up ELF files, kernels and packages, so that tests need no Debian archive."""

import gzip
import hashlib
import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

from webvdi.guests.packages import Package
from webvdi.guests.tree import Directory, File, FileTree, Link

_IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
_HEADER_SIZE, _PROGRAM_SIZE, _SECTION_SIZE = 64, 56, 64
_BASE = 0x400000  # where the made-up program is loaded


def elf_program(*sonames: str, payload: bytes = b"") -> bytes:
    """Return a program that needs *sonames*, with one loaded and one dynamic segment."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in sonames)
    at_strings = _HEADER_SIZE + 2 * _PROGRAM_SIZE
    at_dynamic = at_strings + len(strings)
    entries, offset = [], 1
    for name in sonames:
        entries.append((1, offset))
        offset += len(name) + 1
    entries += [(5, _BASE + at_strings), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    size = at_dynamic + len(dynamic) + len(payload)
    header = _IDENT + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, _HEADER_SIZE, 0, 0, _HEADER_SIZE, _PROGRAM_SIZE, 2, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 4096)
    place = (at_dynamic, _BASE + at_dynamic, _BASE + at_dynamic, len(dynamic), len(dynamic), 8)
    return header + load + struct.pack("<IIQQQQQQ", 2, 6, *place) + strings + dynamic + payload


def kernel_module(*modinfo: str) -> bytes:
    """Return a relocatable file whose ``.modinfo`` section holds *modinfo*."""
    info = b"".join(line.encode() + b"\0" for line in modinfo)
    names = b"\0.modinfo\0.shstrtab\0"
    table = _HEADER_SIZE + len(info) + len(names)
    header = _IDENT + struct.pack(
        "<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, table, 0, _HEADER_SIZE, 0, 0, _SECTION_SIZE, 3, 2
    )
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (1, 1, 0, 0, _HEADER_SIZE, len(info), 0, 0, 1, 0),
        (10, 3, 0, 0, _HEADER_SIZE + len(info), len(names), 0, 0, 1, 0),
    ]
    packed = b"".join(struct.pack("<IIQQQQIIQQ", *section) for section in sections)
    return header + info + names + packed


def bz_image(kernel: bytes) -> bytes:
    """Return a bzImage around *kernel*, compressed with gzip."""
    setup_sectors, payload_offset = 3, 128
    payload = gzip.compress(kernel, mtime=0) + struct.pack("<I", len(kernel))
    image = bytearray((setup_sectors + 1) * 512 + payload_offset)
    image[0x1F1] = setup_sectors
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", image, 0x248, payload_offset, len(payload))
    return bytes(image) + payload


def tree_of(nodes: Mapping[str, bytes | Link | File | Directory]) -> FileTree:
    """Return a tree; bytes stand for an ordinary file."""
    tree = FileTree()
    for path, node in nodes.items():
        tree.add(path, File(node) if isinstance(node, bytes) else node)
    return tree


def make_deb(path: Path, files: Mapping[str, bytes | Link | File]) -> Path:
    """Write a Debian package (deb(5)) that holds *files*."""
    members = (
        ("debian-binary", b"2.0\n"),
        ("control.tar", _tar({"control": b"Package: made-up\nVersion: 1\nArchitecture: all\n"})),
        ("data.tar", _tar(files)),
    )
    archive = b"!<arch>\n"
    for name, data in members:
        archive += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        archive += data + b"\n" * (len(data) % 2)
    path.write_bytes(archive)
    return path


def package_of(path: Path, name: str, *, depends: str = "") -> Package:
    """Return the index record that fits the package file at *path*."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return Package(name, "1", "all", len(data), digest, depends)


def _tar(files: Mapping[str, bytes | Link | File]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, node in files.items():
            info = tarfile.TarInfo(f"./{path}")
            if isinstance(node, Link):
                info.type, info.linkname = tarfile.SYMTYPE, node.target
                archive.addfile(info)
                continue
            file = File(node) if isinstance(node, bytes) else node
            info.size, info.mode = len(file.data), file.mode
            archive.addfile(info, io.BytesIO(file.data))
    return out.getvalue()
