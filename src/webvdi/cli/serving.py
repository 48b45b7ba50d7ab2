"""What every serving command does alike: listen, log in, supervise, say where."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import secrets
import shutil
import socket
import sys
import time
import webbrowser
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from webvdi.access.logins import login_token
from webvdi.base.errors import Refused
from webvdi.base.files import secret_at, write_atomic
from webvdi.base.paths import places
from webvdi.cli.certificate import check_pair, fingerprint, self_signed
from webvdi.cli.listen import Listen, check_safe, open_tcp, parse_listen
from webvdi.cli.supervisor import Supervisor, servers
from webvdi.cli.web import WebSettings

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """The options that all serving commands share."""

    listen: str
    auth: bool
    open_browser: bool
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False
    behind_proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """An open listening socket, and how it is protected."""

    listen: Listen
    tcp: socket.socket
    auth: bool
    open_browser: bool


def open_door(options: ServingOptions, certificates: Path) -> Door:
    """Check the options and open the port, before anything slow is begun.

    Raises :class:`Refused`.
    """
    host, port = parse_listen(options.listen)
    certificate, key = options.tls_cert, options.tls_key
    if (certificate is None) != (key is None):
        raise Refused("--tls-cert and --tls-key belong together", reason="bad_certificate")
    if options.tls_self_signed and certificate is None:
        certificate, key = self_signed(certificates, host, dt.datetime.now(dt.UTC))
    if certificate is not None and key is not None:
        check_pair(certificate, key)
    listen = Listen(host, port, certificate, key, options.behind_proxy)
    check_safe(listen, auth=options.auth)
    tcp = open_tcp(listen)
    listen = replace(listen, port=tcp.getsockname()[1])
    if options.tls_self_signed and certificate is not None:
        console.print(f"The certificate's SHA-256 fingerprint: {fingerprint(certificate)}")
    return Door(listen, tcp, options.auth, options.open_browser)


def serve(
    door: Door, settings: WebSettings, *, farewell: str, another_link: str | None = None
) -> None:
    """Run the servers until Ctrl-C; print the URL once, and *farewell* at the end.

    *another_link* is the command that prints another login link, where there is one.
    """
    run, key_file = Path(settings.run), Path(settings.key_file)
    listen = door.listen
    settings = replace(
        settings,
        auth=door.auth,
        any_host=door.auth,
        certificate=str(listen.certificate) if listen.certificate else None,
        certificate_key=str(listen.key) if listen.key else None,
        trusted_proxies=listen.behind_proxy,
    )
    settings_file = run / "web.json"
    settings.write(settings_file)
    write_atomic(run / "url.json", json.dumps({"url": listen.url(), "pid": os.getpid()}).encode())
    supervisor = Supervisor(servers(run, key_file, settings_file, door.tcp), run)

    def ready() -> None:
        url = login_url(listen.url(), secret_at(key_file)) if door.auth else listen.url()
        say(f"\n  Open  [bold]{url}[/bold]\n")
        if door.auth and another_link:
            say(f"  The link works once; [bold]{another_link}[/bold] prints another.")
        say("  Ctrl-C stops the servers.\n")
        if door.open_browser and _has_display():
            webbrowser.open(url)

    try:
        asyncio.run(supervisor.run(ready))
    finally:
        (run / "url.json").unlink(missing_ok=True)
    say(farewell)


def say(text: str) -> None:
    """Print, if anybody still listens: serving does not depend on an open terminal."""
    with contextlib.suppress(OSError, SystemExit):  # rich ends the program on a broken pipe
        console.print(text)


def program() -> str:
    """What the user types to call us again: ``webvdi`` where that finds us."""
    ours = Path(sys.argv[0])
    found = shutil.which("webvdi")
    if ours.name != "webvdi" or (found and Path(found).resolve() == ours.resolve()):
        return "webvdi"
    with contextlib.suppress(ValueError):
        return str(ours.absolute().relative_to(Path.cwd()))
    return str(ours.absolute())


def login_url(url: str, key: bytes) -> str:
    """A link that logs in, once."""
    return f"{url}?token={login_token(key, nonce=secrets.token_urlsafe(9), now=time.time())}"


def print_new_url(state: Path | None) -> None:
    """Print a new login link for the running demo.  Raises :class:`Refused` if none runs."""
    where = places(state)
    try:
        running = json.loads((where.run / "url.json").read_bytes())
        os.kill(int(running["pid"]), 0)
    except (OSError, ValueError, KeyError):
        raise Refused(
            "no demo is running; start one with: webvdi demo", reason="not_running"
        ) from None
    console.print(login_url(str(running["url"]), secret_at(where.state / "key")))


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
