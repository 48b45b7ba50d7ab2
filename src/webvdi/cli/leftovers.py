"""What killed processes of ours left in the run directory, and how it goes away."""

import fcntl
import shutil
import socket
from pathlib import Path
from typing import IO

from webvdi.base.paths import Places
from webvdi.cli.claim import holder_of

SOCKETS = ("viewer.sock", "control.sock", "api.sock")


def lock_directory(directory: Path) -> IO[str] | None:
    """A view's directory for us alone until the file is closed; None where it is another's."""
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def sweep_views(runs: Path) -> list[str]:
    """Remove what views left that were killed: nobody holds the lock in their directory."""
    swept = []
    for left in sorted(runs.glob("view-*")):
        lock = lock_directory(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            lock.close()
            swept.append(left.name)
    return swept


def sweep_sockets(where: Places) -> list[str]:
    """Remove sockets that nobody listens on, where no service runs that would mind."""
    if holder_of(where.state) is not None:
        return []
    swept = []
    for name in SOCKETS:
        path = where.run / name
        if path.is_socket() and not _listened_on(path):
            path.unlink(missing_ok=True)
            swept.append(str(path))
    return swept


def _listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
    return True
