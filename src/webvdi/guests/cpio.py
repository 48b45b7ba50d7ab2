"""Writes a FileTree as a cpio archive in the *newc* format, as Linux takes for an initramfs.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
Everything belongs to root, and every time is the same whole second: equal trees give equal
archives, and fontconfig finds its caches valid (it compares times to the nanosecond).
"""

import stat
from typing import BinaryIO

from webvdi.guests.tree import CharacterDevice, Directory, File, FileTree, Link, Node

MTIME = 1_600_000_000
_TRAILER = "TRAILER!!!"
_BLOCK = 512  # the archive's length is padded to this, as cpio(1) does


def write_cpio(tree: FileTree, out: BinaryIO) -> int:
    """Write *tree* to *out* and return the number of bytes written."""
    written = 0
    for inode, (path, node) in enumerate(tree.walk(), start=1):
        written += out.write(_member(path, node, inode))
    written += out.write(_entry(_TRAILER, mode=0, inode=0, links=1, data=b"", mtime=0))
    written += out.write(bytes(-written % _BLOCK))
    return written


def _member(path: str, node: Node, inode: int) -> bytes:
    match node:
        case File(data, mode):
            return _entry(path, mode=stat.S_IFREG | mode, inode=inode, data=data)
        case Link(target):
            return _entry(path, mode=stat.S_IFLNK | 0o777, inode=inode, data=target.encode())
        case Directory(mode):
            return _entry(path, mode=stat.S_IFDIR | mode, inode=inode, links=2)
        case CharacterDevice(major, minor, mode):
            return _entry(path, mode=stat.S_IFCHR | mode, inode=inode, device=(major, minor))


def _entry(
    path: str,
    *,
    mode: int,
    inode: int,
    data: bytes = b"",
    links: int = 1,
    mtime: int = MTIME,
    device: tuple[int, int] = (0, 0),
) -> bytes:
    name = path.encode() + b"\0"
    uid = gid = major = minor = checksum = 0
    fields = [inode, mode, uid, gid, links, mtime, len(data), major, minor, *device]
    fields += [len(name), checksum]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    head = header + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
