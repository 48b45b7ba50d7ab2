"""What every serving command does alike: supervise, say where, keep others out."""

import asyncio
import contextlib
import http.client
import secrets
import signal
import socket
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import environ, getpid
from pathlib import Path

from webvdi.access.logins import login_token
from webvdi.base.errors import Refused
from webvdi.base.files import secret_at
from webvdi.base.paths import Places
from webvdi.cli.claim import SERVE, Claim, Holder, claim, holder_of
from webvdi.cli.door import Door
from webvdi.cli.notify import Notifier
from webvdi.cli.patience import Patience
from webvdi.cli.supervisor import Supervisor, servers
from webvdi.cli.surroundings import has_display, tunnel_hint
from webvdi.cli.terminal import console, program, say
from webvdi.cli.web_settings import WebSettings

STARTING = "start"
"""What a holder does before it can be asked."""

LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Words:
    """What a serving command says."""

    farewell: str
    another_link: str
    """The command that prints another login link."""
    show_link: bool = True
    """False: the output is a log, which is no place for a login."""


@contextlib.contextmanager
def only_one(where: Places) -> Iterator[Claim]:
    """The right to serve the state directory.

    Raises :class:`Refused` where it is served already, :class:`ServiceUnavailable` where a command
    is at work on it for long.
    """
    patience = Patience(where.state)
    while True:
        claimed = claim(where.state, where, STARTING)
        if claimed is not None:
            break
        holder = holder_of(where.state)
        if holder is not None and holder.serves:
            raise Refused(
                f"{where.state} is being served already (process {holder.pid}); {program()} url "
                "prints a link to it, and Ctrl-C in its terminal, or systemctl stop webvdi, ends "
                "it. Another one needs a --state of its own",
                reason="already_running",
            )
        patience.wait_on(holder, time.monotonic())
        time.sleep(LOOK_EVERY_S)
    with claimed:
        yield claimed


def serve(door: Door, settings: WebSettings, claimed: Claim, words: Words) -> None:
    """Run the servers until told to stop; print the URL once, and the farewell at the end."""
    run, key_file = Path(settings.run), Path(settings.key_file)
    url = door.listen.url()
    settings = replace(
        settings,
        url=url,
        auth=door.auth,
        any_host=door.auth,
        certificate=str(door.listen.certificate) if door.listen.certificate else None,
        certificate_key=str(door.listen.key) if door.listen.key else None,
        trusted_proxies=door.listen.behind_proxy,
    )
    settings_file = run / "web.json"
    settings.write(settings_file)
    notifier = Notifier()
    supervisor = Supervisor(servers(run, key_file, settings_file, door.tcp), run)
    holder = Holder(getpid(), SERVE, str(run), url, door.listen.private, door.auth)

    def ready() -> None:
        claimed.announce(holder)
        _say_where(door, secret_at(key_file), words)

    async def announce() -> None:
        await until_answered(holder.socket)
        notifier.ready(f"Serving on {url}")

    def reload() -> None:
        notifier.reloading()
        supervisor.send("web", signal.SIGHUP)
        notifier.ready(f"Serving on {url}")

    asyncio.run(supervisor.run(ready, announce=announce, reload=reload, stopping=notifier.stopping))
    say(words.farewell)


def _say_where(door: Door, key: bytes, words: Words) -> None:
    url = door.listen.url()
    if not words.show_link and door.auth:
        say(f"Serving on {url}")
        say(f"{words.another_link} prints a login link.")
        return
    link = login_url(url, key) if door.auth else url
    say(f"\n  Open  [bold]{link}[/bold]\n")
    if door.auth:
        say(f"  The link works once; [bold]{words.another_link}[/bold] prints another.")
    hint = tunnel_hint(link, environ) if door.listen.private and console.is_terminal else ""
    for line in hint.splitlines():
        say(f"  {line}")
    say("  Ctrl-C stops the servers.\n")
    if door.open_browser and has_display(environ):
        webbrowser.open(link)


async def until_answered(api_socket: Path) -> None:
    """Ask the web process until it answers."""
    while True:
        if await asyncio.to_thread(_answers, api_socket):
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _answers(api_socket: Path) -> bool:
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(5)
        connection.sock.connect(str(api_socket))
        connection.request("GET", "/api/v1/me")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def login_url(url: str, key: bytes) -> str:
    """A link that logs in, once."""
    return f"{url}?token={login_token(key, nonce=secrets.token_urlsafe(9), now=time.time())}"


def settings_for(where: Places, door: Door, *, autostart: bool) -> WebSettings:
    """The web process of a service on *where*."""
    secret_at(where.state / "key")
    return WebSettings(
        run=str(where.run),
        key_file=str(where.state / "key"),
        state=str(where.state),
        cache=str(where.cache),
        cookie_name=f"webvdi_{door.listen.port}",
        autostart=autostart,
    )
