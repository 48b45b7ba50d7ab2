"""Where bundles lie, and how one appears there: finished or not at all.

::

    CACHE/
      apt/                private apt root: package lists and packages
      bundles/NAME/       finished bundles, named RECIPE-HASH
      building/           what builds work in; whatever is left there is rubbish
      logs/RECIPE.log     the log of the last build
      lock                held by the one build that is under way
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

from webvdi.guests.bundle import GuestBundle, load_bundle
from webvdi.guests.errors import NoSpace

MOUNTS = Path("/proc/self/mountinfo")
_FULL = (errno.ENOSPC, errno.EDQUOT)


def bundles(cache_dir: Path) -> list[GuestBundle]:
    """Return the finished bundles, the newest first."""
    found = []
    for directory in (cache_dir / "bundles").glob("*"):
        with contextlib.suppress(OSError, ValueError):
            bundle = load_bundle(directory)
            if bundle.is_complete():
                found.append(bundle)
    return sorted(found, key=lambda bundle: (bundle.built_at, bundle.name), reverse=True)


def newest(cache_dir: Path, recipe_name: str, recipe_hash: str) -> GuestBundle | None:
    """Return the newest bundle of exactly this recipe."""
    for bundle in bundles(cache_dir):
        if (bundle.recipe, bundle.recipe_hash) == (recipe_name, recipe_hash):
            return bundle
    return None


def prune(cache_dir: Path, *, keep: Collection[str] = ()) -> list[str]:
    """Remove bundles that a newer one of the same recipe has replaced; return their names.

    *keep* names bundles that machines still use.
    """
    seen: set[str] = set()
    removed = []
    for bundle in bundles(cache_dir):
        if bundle.recipe in seen and bundle.name not in keep:
            shutil.rmtree(bundle.directory)
            removed.append(bundle.name)
        seen.add(bundle.recipe)
    return removed


_LOCK_EVERY_S = 0.2
"""How often the lock is tried while another build has it."""


@contextlib.contextmanager
def build_lock(cache_dir: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of *cache_dir*; *on_wait* is called again and again while another build has it.

    What it raises ends the waiting.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    with (cache_dir / "lock").open("w") as file:
        while not _locked(file):
            on_wait()
            time.sleep(_LOCK_EVERY_S)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def working_directory(cache_dir: Path) -> Iterator[Path]:
    """Give a new directory to build in, and remove it, and older rubbish, in the end.

    Only for the holder of the lock.
    """
    building = cache_dir / "building"
    remove_rubbish(building)
    # A build that was killed may have children that are still at it: theirs goes next time.
    building.mkdir(exist_ok=True)
    try:
        yield Path(tempfile.mkdtemp(dir=building))
    finally:
        remove_rubbish(building)


def remove_rubbish(path: Path, mounts: Path = MOUNTS) -> bool:
    """Remove the tree at *path*, unless something is mounted in it; return whether it is gone.

    An installation that was killed may have left the host's own /dev/shm mounted in its tree:
    whoever removes that tree removes the files of everybody's programs.
    """
    place = str(path.resolve())
    for line in mounts.read_text(errors="surrogateescape").splitlines():
        # proc(5), mountinfo: the fifth field, in which \040 and the like stand for characters.
        target = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line.split(" ")[4])
        if target == place or target.startswith(f"{place}/"):
            return False
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def publish(work: Path, cache_dir: Path, name: str) -> Path:
    """Make the finished contents of *work* the bundle *name*: on disk first, then visible."""
    for path in work.iterdir():
        _sync(path)
    _sync(work)
    work.chmod(0o755)
    target = cache_dir / "bundles" / name
    target.parent.mkdir(exist_ok=True)
    if target.exists():  # damaged, or it would have been used
        shutil.rmtree(target)
    work.rename(target)
    _sync(target.parent)
    return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_space(path: Path, needed: int) -> None:
    """Raise :class:`NoSpace` unless *needed* bytes are free at *path*."""
    free = shutil.disk_usage(path).free
    if free < needed:
        raise NoSpace(path, needed=needed, free=free)


def is_disk_full(error: OSError) -> bool:
    """Whether the system said that the disk, or the user's share of it, is full."""
    return error.errno in _FULL


def no_space(path: Path, needed: int) -> NoSpace:
    """Return the error for a disk at *path* that became full while *needed* bytes were written."""
    return NoSpace(path, needed=needed, free=shutil.disk_usage(path).free)
