"""VNC passwords in files: the first line, and nothing of it on any other disk."""

from pathlib import Path

from webvdi.base.errors import Refused

MAX_PASSWORD_BYTES = 1024
"""Of the first line."""


def read_password(path: Path) -> str:
    """The password in *path*.  Raises :class:`Refused` where it cannot be read, or is empty."""
    try:
        with path.open(encoding="utf-8") as file:
            password = file.readline(MAX_PASSWORD_BYTES).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"the password file {path} cannot be read: {error}", reason="bad_file"
        ) from error
    if not password:
        raise Refused(f"the password file {path} is empty", reason="bad_file")
    return password
