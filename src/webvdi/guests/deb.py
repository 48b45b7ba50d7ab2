"""Reads the files out of a Debian package, without installing it."""

import posixpath
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from webvdi.guests.errors import BuildFailed
from webvdi.guests.requirements import program
from webvdi.guests.tree import Directory, File, FileTree, Link, merged

_MODE_BITS = 0o7777


def read_deb(path: Path, wanted: Callable[[str], bool]) -> FileTree:
    """Return the files, links and directories of the package at *path* that are *wanted*.

    *wanted* is asked with merged paths (see ``tree``).  Raises :class:`BuildFailed` for a file
    that is no package.
    """
    argv = [program("dpkg-deb"), "--fsys-tarfile", str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            tree = _read_tar(process.stdout, wanted)
            process.stdout.read()  # the padding after the last member
        except (tarfile.TarError, ValueError) as error:
            process.terminate()
            raise BuildFailed(f"{path.name} cannot be read: {error}") from error
        errors = process.stderr.read().decode(errors="replace")
    if process.returncode != 0:
        raise BuildFailed(f"{path.name} cannot be read: {errors.strip()}")
    return tree


def _read_tar(stream: IO[bytes], wanted: Callable[[str], bool]) -> FileTree:
    tree = FileTree()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = merged(member.name)
            if not wanted(path):
                continue
            _add(tree, archive, member, path)
    return tree


def _add(tree: FileTree, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    if member.isfile():
        content = archive.extractfile(member)
        assert content is not None
        tree.add(path, File(content.read(), member.mode & _MODE_BITS))
    elif member.issym():
        tree.add(path, Link(_merged_target(member)))
    elif member.islnk():
        original = tree.get(member.linkname)
        if isinstance(original, File):
            tree.add(path, original)
    elif member.isdir():
        tree.add(path, Directory(member.mode & _MODE_BITS))


def _merged_target(member: tarfile.TarInfo) -> str:
    """Return a link's target; one relative to an unmerged directory is made absolute.

    ``lib64/ld-linux-x86-64.so.2 -> ../lib/…`` would point elsewhere from its merged place.
    """
    if member.linkname.startswith("/") or "/" not in member.linkname:
        return member.linkname
    place = posixpath.dirname("/" + member.name.lstrip("./"))
    return posixpath.normpath(posixpath.join(place, member.linkname))
