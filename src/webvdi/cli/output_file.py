"""Files that commands write where they are told to: never over something, unless told so, too."""

import os
import stat
from pathlib import Path

from webvdi.base.errors import Refused


def check_free(path: Path, *, force: bool) -> None:
    """Refuse early what :func:`write_output` would refuse after the work."""
    if not force and path.is_file():
        raise Refused(f"{path} exists already; --force replaces it", reason="file_exists")


def write_output(path: Path, data: bytes, *, force: bool, mode: int = 0o644) -> None:
    """Write *data* to *path* itself, which may be a device or a pipe.

    Raises :class:`Refused` (``file_exists``), ``OSError`` (which names *path*); then no half of a
    new file stays.
    """
    check_free(path, force=force)
    try:
        _write(path, data, os.O_CREAT | os.O_EXCL, mode, remove=True)
    except FileExistsError:
        # It came just now, or may be replaced, or is no file at all.
        check_free(path, force=force)
        _write(path, data, os.O_TRUNC, mode, remove=False)


def _write(path: Path, data: bytes, flags: int, mode: int, *, remove: bool) -> None:
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, mode), "wb")
    try:
        with file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(
                status.st_mode
            ):  # what replaces a file is not for more eyes than *mode*
                os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode) & mode)
            file.write(data)
    except BaseException as error:
        if remove:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
