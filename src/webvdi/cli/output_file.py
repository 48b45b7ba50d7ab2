"""Files that commands write where they are told to: never over something, unless told so, too."""

import os
import stat
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.base.files import write_atomic


def check_free(path: Path, *, force: bool) -> None:
    """Refuse early what :func:`write_output` would refuse after the work."""
    if not force and path.is_file():
        raise Refused(f"{path} exists already; --force replaces it", reason="file_exists")
    if path.is_symlink() and not path.exists():
        raise Refused(
            f"{path} is a link to {path.readlink()}, which is not there; "
            "remove the link, or name another file",
            reason="no_such_file",
        )


def write_output(path: Path, data: bytes, *, force: bool, mode: int = 0o644) -> None:
    """Write *data* to *path* itself, which may be a device or a pipe.

    Raises :class:`Refused` (``file_exists``; ``no_such_file``: a link to nothing), ``OSError``
    (which names *path*); then no half of a new file stays, and an old one is as it was.
    """
    check_free(path, force=force)
    try:
        try:
            _create(path, data, mode)
        except FileExistsError:
            # It came just now, or may be replaced, or is no file at all.
            check_free(path, force=force)
            if path.is_file():
                _replace(path, data, mode)
            else:
                _write(path, data)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _create(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Put *data* in the place of a file; of a link's target, so that the link stays."""
    target = path.resolve()
    # What replaces a file is not for more eyes than *mode*, nor for more than it was.
    write_atomic(target, data, mode=stat.S_IMODE(target.stat().st_mode) & mode)


def _write(path: Path, data: bytes) -> None:
    """Write to a device or a pipe."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "wb") as file:
        file.write(data)
