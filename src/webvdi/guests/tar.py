"""Writes a FileTree as a tar archive, to be unpacked over an installed system."""

import io
import tarfile
from pathlib import Path

from webvdi.guests.cpio import MTIME
from webvdi.guests.tree import File, FileTree, Link


def write_tar(tree: FileTree, path: Path) -> None:
    """Write the files and links of *tree* to *path*.

    Directories are left to be made by whoever unpacks: those that are there keep their modes.
    """
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, node in tree.walk():
            info = tarfile.TarInfo(name)
            info.mtime = MTIME
            match node:
                case File(data, mode):
                    info.size, info.mode = len(data), mode
                    archive.addfile(info, io.BytesIO(data))
                case Link(target):
                    info.type, info.linkname = tarfile.SYMTYPE, target
                    archive.addfile(info)
                case _:
                    pass
