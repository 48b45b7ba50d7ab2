"""``webvdi view``: any RFB server in the browser, or several of them."""

import dataclasses
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.base.files import secret_at
from webvdi.base.paths import Places, places
from webvdi.cli.claim import Claim, claim
from webvdi.cli.door import Door, ServingOptions, open_door
from webvdi.cli.leftovers import lock_directory, sweep_views
from webvdi.cli.password_file import read_password
from webvdi.cli.serving import STARTING, Words, serve
from webvdi.cli.terminal import program
from webvdi.cli.web_settings import PASSWORD_VARIABLE, WebSettings
from webvdi.display.endpoint import EndpointError, parse_endpoint
from webvdi.display.targets import NamedTarget, read_targets
from webvdi.display.tls import TlsPolicy, TlsPolicyError


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How the VNC server's certificate is checked, as the command line says it."""

    ca: Path | None = None
    fingerprint: str | None = None
    anonymous: bool = False

    def policy(self) -> TlsPolicy | None:
        """None where nothing was said: then a server without TLS will do.

        Raises :class:`Refused`.
        """
        if self == ServerTls():
            return None
        ca = self.ca.absolute() if self.ca is not None else None
        if ca is not None and not os.access(ca, os.R_OK):
            raise Refused(f"--tls-ca: {ca} cannot be read", reason="bad_file")
        try:
            return TlsPolicy(ca, None, self.fingerprint, self.anonymous)
        except TlsPolicyError as error:
            raise Refused(str(error), reason="bad_options") from error


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What the command line said about the targets."""

    targets: tuple[str, ...]
    table: Path | None
    password_file: Path | None
    tls: ServerTls


def run_view(options: ViewOptions, serving: ServingOptions) -> None:
    """Serve the targets until Ctrl-C."""
    targets = all_targets(options)
    password = read_password(options.password_file) if options.password_file is not None else None
    where = places()
    where.make()
    sweep_views(where.run)
    run = Path(tempfile.mkdtemp(prefix="view-", dir=where.run))
    lock = lock_directory(run)
    assert lock is not None, "somebody else has our new directory"
    own = Places(run, where.cache, run)
    try:
        claimed = claim(run, own, STARTING)
        assert claimed is not None, "somebody else has our new directory"
        with claimed:
            door = open_door(serving, where.state)
            if password is not None:
                os.environ[PASSWORD_VARIABLE] = password  # for our children; not for the disk
            _serve(own, door, targets, claimed)
    finally:
        shutil.rmtree(run, ignore_errors=True)
        lock.close()


def _serve(own: Places, door: Door, targets: tuple[NamedTarget, ...], claimed: Claim) -> None:
    secret_at(own.state / "key")
    settings = WebSettings(
        run=str(own.run),
        key_file=str(own.state / "key"),
        state=str(own.state),
        cache=str(own.cache),
        cookie_name=f"webvdi_{door.listen.port}",
        mode="view",
        displays=tuple(as_settings(target) for target in targets),
    )
    words = Words(farewell="Stopped.", another_link=f"{program()} url --state {own.state}")
    serve(door, settings, claimed, words)


def all_targets(options: ViewOptions) -> tuple[NamedTarget, ...]:
    """The targets of the command line and of the table.  Raises :class:`Refused`."""
    tls = options.tls.policy()
    found = [_named(text, number, options) for number, text in enumerate(options.targets, 1)]
    found = [dataclasses.replace(target, tls=tls) for target in found]
    if options.table is not None:
        table = read_targets(options.table.absolute())
        found += [
            target if target.tls else dataclasses.replace(target, tls=tls) for target in table
        ]
    if not found:
        raise Refused(
            "name a target, as in tcp:HOST:5900 or unix:PATH, or a --targets FILE",
            reason="bad_options",
        )
    names = [target.name for target in found]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"two targets are named {name!r}", reason="bad_targets")
    return tuple(found)


def _named(text: str, number: int, options: ViewOptions) -> NamedTarget:
    try:
        endpoint = parse_endpoint(text)
    except EndpointError as error:
        raise Refused(str(error), reason="bad_endpoint") from error
    alone = len(options.targets) == 1 and options.table is None
    name = "view" if alone else f"view-{number}"
    return NamedTarget(name, str(endpoint), endpoint, None, None)


def as_settings(target: NamedTarget) -> dict[str, object]:
    """A target as the web process reads it; no password is among it."""
    return {
        "name": target.name,
        "title": target.title,
        "endpoint": str(target.endpoint),
        "password_file": str(target.password_file) if target.password_file else None,
        "tls": target.tls.to_json() if target.tls else None,
    }
