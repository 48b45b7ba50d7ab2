"""Chooses files of packages by pattern, and brings the shared libraries that programs need."""

import fnmatch
import re
from collections.abc import Callable, Iterable

from webvdi.guests import elf
from webvdi.guests.errors import RecipeError
from webvdi.guests.tree import File, FileTree, Link

LIBRARIES = "usr/lib/x86_64-linux-gnu"


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return whether a path matches any of the shell patterns (``*`` matches ``/`` too)."""
    joined = "|".join(fnmatch.translate(pattern) for pattern in patterns)
    compiled = re.compile(joined or r"(?!)")
    return lambda path: compiled.match(path) is not None


def choose(unpacked: FileTree, files: Iterable[str], without: Iterable[str]) -> FileTree:
    """Return what the patterns *files* take out of *unpacked*, less *without*.

    Raises :class:`RecipeError` for patterns that take nothing: a package has changed.
    """
    chosen = FileTree()
    left_out = matcher(without)
    paths = [path for path, _ in unpacked.walk() if not left_out(path)]
    missing = []
    for pattern in files:
        matches = fnmatch.filter(paths, pattern)
        if not matches:
            missing.append(pattern)
        for path in matches:
            _take(path, unpacked, chosen)
    if missing:
        raise RecipeError(f"no package holds {', '.join(missing)}")
    return chosen


def _take(path: str, unpacked: FileTree, chosen: FileTree) -> None:
    """Copy one node; of a link also what it leads to."""
    node = unpacked.get(path)
    assert node is not None
    chosen.add(path, node)
    if isinstance(node, Link):
        target = unpacked.resolve(path)
        if target is not None and target not in chosen:
            _take(target, unpacked, chosen)


def add_libraries(chosen: FileTree, unpacked: FileTree) -> None:
    """Add every shared library that something in *chosen* needs, from *unpacked*.

    Raises :class:`RecipeError` naming the libraries that no package holds, and who needs them.
    """
    missing = []
    queue = [(path, node.data) for path, node in chosen.walk() if isinstance(node, File)]
    while queue:
        path, data = queue.pop()
        if not elf.is_elf(data):
            continue
        for soname in elf.needed(data):
            place = f"{LIBRARIES}/{soname}"
            if place in chosen:
                continue
            found = unpacked.resolve(place)
            library = unpacked.get(found) if found else None
            if not isinstance(library, File):
                missing.append(f"{soname}, which {path} needs")
                continue
            chosen.add(place, library)
            queue.append((place, library.data))
    if missing:
        raise RecipeError(f"no package holds {'; '.join(missing)}")
