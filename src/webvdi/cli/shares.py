"""The work of ``webvdi share``: links that let others look, or act."""

import time
from pathlib import Path
from typing import Any

from webvdi.base.errors import Refused
from webvdi.cli.asking import ask
from webvdi.cli.client import Client, machine_path, path_of
from webvdi.cli.links import print_link, serving
from webvdi.cli.quantities import in_words
from webvdi.cli.terminal import console, print_json, print_list, safe

Share = dict[str, Any]


def create(
    machine: str,
    state: Path | None,
    *,
    view: bool,
    control: bool,
    expires_in_s: int,
    label: str,
    qr: bool,
    json: bool,
) -> None:
    """Make a link and print it; it is told only now."""
    if view and control:
        raise Refused("--view and --control: give one of them", reason="bad_options")
    holder = serving(state)
    body = {"control": control, "expires_in_s": expires_in_s, "label": label}

    async def work(client: Client) -> dict[str, Any]:
        return dict(await client.post(machine_path(machine, "shares"), body))

    made = ask(state, "share create", work)
    if json:
        print_json(made)
        return
    share = made["share"]
    console.print(
        f"Whoever has this link may {'act on' if control else 'look at'} "
        f"{safe(share['machine_name'])} for {in_words(expires_in_s)} (share {share['id']}):",
        markup=False,
    )
    print_link(str(made["url"]), loopback=holder.loopback, qr=qr)


def list_all(machine: str | None, state: Path | None, *, json: bool) -> None:
    """List the links."""

    async def work(client: Client) -> list[Share]:
        if machine is None:
            return list(await client.get("shares"))
        return list(await client.get("shares", machine=machine))

    found, now = ask(state, "share list", work), time.time()
    columns = ("SHARE", "MACHINE", "MAY", "ENDS", "USED", "LABEL")
    empty = "There are no share links."
    print_list(found, columns, lambda share: _row(share, now), empty=empty, json=json)


def _row(share: Share, now: float) -> list[object]:
    if share["revoked"]:
        ends = "revoked"
    elif share["expires"] <= now:
        ends = "ended"
    else:
        ends = f"in {in_words(share['expires'] - now)}"
    may = "control" if share["control"] else "view"
    return [share["id"], share["machine_name"], may, ends, share["used"], share["label"]]


def revoke(share: str, state: Path | None, *, json: bool) -> None:
    """End a link at once, also for those who came in by it."""
    ask(state, "share revoke", lambda client: client.delete(path_of("shares", share)))
    if json:
        print_json({"id": share, "revoked": True})
    else:
        console.print(f"{safe(share)} is revoked.", markup=False)
