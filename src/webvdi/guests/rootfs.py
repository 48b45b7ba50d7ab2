"""Unpacks an installed system as an ordinary user, keeping book of what a user cannot set.

Owners, capabilities and modes that shut us out are not given to the files here; they become
commands for debugfs(8), which writes them to the file system that is made of the files.  So the
disk is right whoever builds it, and needs no mount.
"""

import os
import posixpath
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from webvdi.guests.errors import BuildFailed

_CAPABILITY = "SCHILY.xattr.security.capability"  # tar(5), pax headers
_REPORT_EVERY = 500  # files


class RootFiles:
    """The files of a system below *root*, and the commands that complete them.

    *values* is a directory for attribute values, outside of *root*.
    """

    def __init__(self, root: Path, values: Path) -> None:
        self.root = root
        self.commands: list[str] = []
        self._values = values
        self._directories: list[tuple[Path, int, int]] = []
        self._us = (os.geteuid(), os.getegid())

    def unpack(self, stream: IO[bytes], report: Callable[[int], None]) -> int:
        """Unpack the tar archive *stream*; *report* is told the number of files now and then.

        Raises :class:`BuildFailed` for something that is no archive, or leads out of *root*.
        """
        self.root.mkdir()
        count = 0
        try:
            with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:
                for count, member in enumerate(archive, start=1):
                    self._add(archive, member)
                    if count % _REPORT_EVERY == 0:
                        report(count)
        except tarfile.TarError as error:
            raise BuildFailed(f"the installed system cannot be read: {error}") from error
        # Times and modes of directories last: filling a directory changes the one and needs a
        # generous other.
        for path, mode, mtime in reversed(self._directories):
            path.chmod(mode)
            os.utime(path, (mtime, mtime))
        return count

    def _add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = posixpath.normpath(member.name.lstrip("/"))
        if name.startswith("../") or name == "..":
            raise BuildFailed(f"the installed system holds {member.name}")
        # What lies in /dev the kernel provides.
        if name == "." or name.startswith("dev/"):
            return
        path = self.root / name
        if member.islnk():
            os.link(self.root / posixpath.normpath(member.linkname.lstrip("/")), path)
            return
        if member.isdir():
            path.mkdir()
            self._directories.append((path, member.mode | stat.S_IRWXU, int(member.mtime)))
        elif member.issym():
            path.symlink_to(member.linkname)
        elif member.isfile():
            self._write(archive, member, path)
        else:
            return  # devices and pipes: there are none outside of /dev
        self._note(member, name)

    @staticmethod
    def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        source = archive.extractfile(member)
        assert source is not None
        with path.open("wb") as file:
            while chunk := source.read(1 << 20):
                file.write(chunk)
        path.chmod(member.mode | stat.S_IRUSR | stat.S_IWUSR)
        os.utime(path, (int(member.mtime), int(member.mtime)))

    def _note(self, member: tarfile.TarInfo, name: str) -> None:
        quoted = f'"/{name}"'
        for field, wanted, ours in zip(
            ("uid", "gid"), (member.uid, member.gid), self._us, strict=True
        ):
            if wanted != ours:
                self.commands.append(f"sif {quoted} {field} {wanted}")
        generous = stat.S_IRWXU if member.isdir() else stat.S_IRUSR | stat.S_IWUSR
        if not member.issym() and member.mode & generous != generous:
            kind = stat.S_IFDIR if member.isdir() else stat.S_IFREG
            self.commands.append(f"sif {quoted} mode 0{kind | member.mode:o}")
        if capability := member.pax_headers.get(_CAPABILITY):
            value = self._values / f"capability{len(self.commands)}"
            value.write_bytes(capability.encode("utf-8", "surrogateescape"))
            self.commands.append(f'ea_set -f "{value}" {quoted} security.capability')
