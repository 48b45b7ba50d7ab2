"""A tree of files in memory: what packages hold, and what becomes the guest's root directory.

Paths are relative, without a leading slash, and *merged*: ``bin``, ``sbin``, ``lib`` and ``lib64``
are names for what lies below ``usr`` (Debian's UsrMerge), so each file has exactly one path.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

MERGED = ("bin", "sbin", "lib", "lib64")
_MAX_LINKS = 40  # as the kernel's own limit: symbolic links followed for one path


@dataclass(frozen=True, slots=True)
class File:
    """A regular file; *mode* holds the permission bits."""

    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory."""

    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class CharacterDevice:
    """A character device node."""

    major: int
    minor: int
    mode: int = 0o600


Node: TypeAlias = File | Link | Directory | CharacterDevice


def merged(path: str) -> str:
    """Return the one path of *path*, by the rule in this module's docstring.

    Raises ``ValueError`` for a path that leads out of the tree.
    """
    path = posixpath.normpath(path.lstrip("/"))
    if path == ".." or path.startswith("../"):
        raise ValueError(f"{path} leads out of the tree")
    return f"usr/{path}" if path.partition("/")[0] in MERGED else path


class FileTree:
    """Nodes by path; parents are added on the way, later nodes replace earlier ones."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def add(self, path: str, node: Node) -> None:
        """Put *node* at *path*; a directory already there keeps its contents."""
        path = merged(path)
        if path == ".":
            return
        parent = posixpath.dirname(path)
        if parent and not isinstance(self._nodes.get(parent), Directory):
            self.add(parent, Directory())
        self._nodes[path] = node

    def add_raw(self, path: str, node: Node) -> None:
        """Put *node* at *path* as it stands: for the merged directories' own links."""
        self._nodes[path] = node

    def get(self, path: str) -> Node | None:
        """Return what is at *path* itself: a link is not followed."""
        return self._nodes.get(merged(path))

    def __contains__(self, path: str) -> bool:
        return merged(path) in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Yield every path and node, parents before children, in a fixed order."""
        for path in sorted(self._nodes):
            yield path, self._nodes[path]

    def update(self, other: "FileTree") -> None:
        """Take over every node of *other*."""
        for path, node in other.walk():
            self.add(path, node)

    def remove(self, path: str) -> None:
        """Take one node out; a directory only when nothing is left in it."""
        del self._nodes[merged(path)]

    def resolve(self, path: str) -> str | None:
        """Follow links from *path* to the path of a file or directory; None if that leads nowhere.

        Links in the middle of a path are followed as well.
        """
        resolved = ""
        todo = [part for part in merged(path).split("/") if part]
        links = 0
        while todo:
            resolved = merged(posixpath.join(resolved, todo.pop(0)))
            node = self._nodes.get(resolved)
            if node is None:
                return None
            if isinstance(node, Link):
                links += 1
                if links > _MAX_LINKS:
                    return None
                target = posixpath.join(posixpath.dirname(resolved), node.target)
                try:
                    absolute = node.target.startswith("/")
                    followed = merged(node.target if absolute else target)
                except ValueError:
                    return None
                todo = followed.split("/") + todo
                resolved = ""
        return resolved
