"""``webvdi view``: any RFB server in the browser."""

import os
import shutil
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.base.files import secret_at
from webvdi.base.paths import places
from webvdi.cli.serving import ServingOptions, open_door, serve
from webvdi.cli.web import WebSettings
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
    run = where.run / f"view-{os.getpid()}"
    run.mkdir(mode=0o700)
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
            password=password,
        )
        serve(door, settings, farewell="Stopped.")
    finally:
        shutil.rmtree(run, ignore_errors=True)


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
