"""Links for people: logging in, opening a machine, and how to get here from elsewhere."""

import io
import os
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import segno

from webvdi.base.errors import Refused
from webvdi.base.paths import places
from webvdi.cli.asking import ask
from webvdi.cli.claim import Holder, holder_of
from webvdi.cli.client import Client, machine_path
from webvdi.cli.surroundings import has_display, tunnel_hint
from webvdi.cli.terminal import console, print_json, program


def serving(state: Path | None) -> Holder:
    """The service that runs on *state*.  Raises :class:`Refused` where none does."""
    holder = holder_of(places(state).state)
    if holder is None or not holder.serves:
        raise Refused(
            f"no webvdi is running; start one with: {program()} demo, or {program()} serve",
            reason="not_running",
        )
    return holder


def print_url(state: Path | None, *, qr: bool, json: bool) -> None:
    """Print a new login link for the running service."""
    holder = serving(state)
    link = new_login(state) if holder.auth else {"url": holder.url, "expires": None}
    if json:
        print_json(link)
        return
    print_link(str(link["url"]), loopback=holder.loopback, qr=qr)


def new_login(state: Path | None) -> dict[str, Any]:
    """A link that logs in, once, and when it expires."""

    async def work(client: Client) -> dict[str, Any]:
        return dict(await client.post("logins"))

    return ask(state, "url", work)


def print_link(
    url: str, *, loopback: bool, qr: bool, environ: Mapping[str, str] = os.environ
) -> None:
    """Print a link; a QR code where a phone can use it, a tunnel where only this host can."""
    console.print(url, markup=False)
    if not console.is_terminal and not qr:
        return
    if qr or not loopback:
        console.print(qr_text(url), markup=False, highlight=False)
    if loopback and qr:
        console.print(
            "Only this host can use the link: for a phone, serve with --listen and TLS, "
            "or behind a proxy.",
            markup=False,
        )
    hint = tunnel_hint(url, environ) if loopback else ""
    if hint:
        console.print(hint, markup=False)


def qr_text(url: str) -> str:
    """*url* as a QR code of half blocks: dark on light whatever the terminal's colours are."""
    out = io.StringIO()
    segno.make(url, error="l", micro=False).terminal(out, compact=True, border=2)
    return out.getvalue()


def open_machine(name: str, state: Path | None, *, json: bool) -> None:
    """Open a machine's screen in this host's browser, or print the link where there is none."""
    holder = serving(state)

    async def work(client: Client) -> str:
        machine = await client.get(machine_path(name))
        query = {"m": str(machine["id"])}
        if not holder.auth:
            return f"{holder.url}view?{urlencode(query)}"
        login = str((await client.post("logins"))["url"])
        return f"{login}&{urlencode(query)}"  # the first page leads on, once it has the login

    url = ask(state, "machine open", work)
    opened = has_display(os.environ) and webbrowser.open(url)
    if json:
        print_json({"url": url, "opened": opened})
    elif not opened:
        print_link(url, loopback=holder.loopback, qr=False)
