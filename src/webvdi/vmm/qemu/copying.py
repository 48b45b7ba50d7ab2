"""Copying a large file, so that it can be watched and cancelled."""

import asyncio
import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

PIECE_BYTES = 8 << 20
"""Copied at a time: 0.1 s of a slow disk, after which a copy can be cancelled."""
_NOT_BY_KERNEL = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""copy_file_range(2): other file systems, or ones that do not know it."""


async def copy_file(source: Path, path: Path, on_progress: Callable[[float], None]) -> None:
    """Copy *source* to *path*, a new file that only we may read; what is a hole stays one.

    Raises :class:`OSError`; *path* is then what it is, as when the call is cancelled.
    """
    with source.open("rb", buffering=0) as file, path.open("xb", buffering=0) as copied:
        source_fd, fd = file.fileno(), copied.fileno()
        size = os.fstat(source_fd).st_size
        os.fchmod(fd, 0o600)
        os.truncate(fd, size)
        at = _data_after(source_fd, 0, size)
        while at < size:
            moved = await _in_thread(partial(_move, source_fd, fd, at))
            if moved == 0:
                raise OSError(errno.EIO, "the file became shorter meanwhile")
            on_progress((at + moved) / size)
            at = _data_after(source_fd, at + moved, size)
        await _in_thread(partial(_sync, fd))
    on_progress(1.0)


async def sync_file(path: Path) -> None:
    """See to it that what is in *path* is on the disk.  Raises :class:`OSError`."""
    with path.open("rb") as file:
        await _in_thread(partial(_sync, file.fileno()))


async def _in_thread(act: Callable[[], int]) -> int:
    """Do *act*, to its end also when cancelled: it uses descriptors that are closed then."""
    future = asyncio.get_running_loop().run_in_executor(None, act)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


def _move(source: int, target: int, at: int) -> int:
    """Copy a piece that begins at *at*; its length, 0 at the end."""
    try:
        # The kernel copies, on some file systems without moving a byte.
        return os.copy_file_range(source, target, PIECE_BYTES, at, at)
    except OSError as error:
        if error.errno not in _NOT_BY_KERNEL:
            raise
    return os.pwrite(target, os.pread(source, PIECE_BYTES, at), at)


def _sync(fd: int) -> int:
    os.fsync(fd)
    return 0


def _data_after(fd: int, at: int, size: int) -> int:
    """Where the next byte is that is no hole; *size* if there is none."""
    if at >= size:
        return size
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        return size  # ENXIO: a hole to the end
