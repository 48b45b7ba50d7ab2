"""``webvdi view``: any RFB server in the browser."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from webvdi.base.errors import Refused
from webvdi.base.files import secret_at
from webvdi.base.paths import places
from webvdi.cli.serving import ServingOptions, open_door, serve
from webvdi.cli.web import PASSWORD_VARIABLE, WebSettings
from webvdi.display.endpoint import EndpointError, parse_endpoint

MAX_PASSWORD_BYTES = 1024


def run_view(target: str, password_file: Path | None, options: ServingOptions) -> None:
    """Serve *target* until Ctrl-C."""
    try:
        endpoint = parse_endpoint(target)
    except EndpointError as error:
        raise Refused(str(error), reason="bad_endpoint") from error
    password = _password(password_file) if password_file is not None else None
    where = places()
    where.make()
    _sweep(where.run)
    run = Path(tempfile.mkdtemp(prefix="view-", dir=where.run))
    lock = _lock(run)
    assert lock is not None, "somebody else has our new directory"
    try:
        door = open_door(options, where.state)
        secret_at(run / "key")
        settings = WebSettings(
            run=str(run),
            key_file=str(run / "key"),
            state=str(run),
            cookie_name=f"webvdi_{door.listen.port}",
            name="view",
            title=str(endpoint),
            endpoint=str(endpoint),
        )
        if password is not None:
            os.environ[PASSWORD_VARIABLE] = password  # for our children; not for the disk
        serve(door, settings, farewell="Stopped.")
    finally:
        shutil.rmtree(run, ignore_errors=True)
        lock.close()


def _sweep(runs: Path) -> None:
    """Remove what views left that were killed: nobody holds the lock in their directory."""
    for left in runs.glob("view-*"):
        lock = _lock(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            lock.close()


def _lock(directory: Path) -> IO[str] | None:
    """The directory's lock, held until closed; None where somebody else holds it."""
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _password(path: Path) -> str:
    """The first line of a password file."""
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
