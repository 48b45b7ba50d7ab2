"""The work of ``webvdi machine create``: one source, its settings, and a bar until it runs."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from webvdi.base.errors import NotFound, Refused, WebvdiError
from webvdi.cli.asking import ask, goes_on
from webvdi.cli.client import Client, machine_path
from webvdi.cli.exits import Problem
from webvdi.cli.following import Report, follow, progress_bar
from webvdi.cli.machines import Machine
from webvdi.cli.terminal import console, print_json, program, safe


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said."""

    name: str
    guest: str | None
    iso: Path | None
    disk: Path | None
    overlay: bool
    in_place: bool
    image: str | None
    start: bool
    settings: Mapping[str, Any]
    profile: str | None = None
    disk_format: str | None = None


def body_of(wanted: Wanted) -> dict[str, Any]:
    """The request that makes it; the machine is started by a second one.  Raises ``Refused``."""
    sources = {
        "guest": wanted.guest,
        "iso": _file(wanted.iso),
        "disk": _file(wanted.disk),
        "image": wanted.image,
    }
    given = {name: value for name, value in sources.items() if value is not None}
    if len(given) != 1:
        raise Refused(
            "give one of --guest, --iso, --disk and --image: it is what the machine boots",
            reason="bad_options",
        )
    profile = {} if wanted.profile is None else {"profile": str(wanted.profile)}
    return {
        "name": wanted.name,
        "start": False,
        **given,
        **_disk_format(wanted),
        **_disk_mode(wanted),
        **profile,
        **wanted.settings,
    }


def _file(path: Path | None) -> str | None:
    """The service has another working directory than we have."""
    return None if path is None else str(path.absolute())


def _disk_format(wanted: Wanted) -> dict[str, str]:
    if wanted.disk_format is None:
        return {}
    if wanted.disk is None:
        raise Refused("--disk-format is for --disk", reason="bad_options")
    return {"disk_format": str(wanted.disk_format)}


def _disk_mode(wanted: Wanted) -> dict[str, str]:
    if wanted.overlay and wanted.in_place:
        raise Refused("--overlay and --in-place: give one of them", reason="bad_options")
    if wanted.in_place:
        if wanted.disk is None:
            raise Refused("--in-place is for --disk", reason="bad_options")
        return {"disk_mode": "in_place"}
    if wanted.overlay:
        if wanted.disk is None and wanted.image is None:
            raise Refused("--overlay is for --disk and --image", reason="bad_options")
        return {"disk_mode": "overlay"}
    return {}


def run(wanted: Wanted, state: Path | None, *, json: bool) -> None:
    """Make it, start it if so wanted, and say so."""
    body = body_of(wanted)
    starting = False

    async def work(client: Client) -> Machine:
        nonlocal starting
        if wanted.image is not None:
            body["image"] = await image_id(client, wanted.image)
        shown = Console(stderr=True, highlight=False)
        with progress_bar(shown, f"Making {safe(wanted.name)}", quiet=json) as report:
            machine = await make(client, body, report)
            if not wanted.start:
                return machine
            starting = True
            report(f"Starting {wanted.name}", 0, 0)
            return await start(client, machine)

    def interrupted(served: bool) -> str:
        # The start is a request of its own, which nobody makes any more.
        doing = f"making {wanted.name}, and does not start it" if wanted.start else "making it"
        if starting:
            doing = f"starting {wanted.name}"
        return goes_on(served, doing, f"machine show {wanted.name}", state)

    machine = ask(state, "machine create", work, interrupted)
    if json:
        print_json(machine)
        return
    tell(machine)


def tell(machine: Machine) -> None:
    """What has been made, what it lacks, and what to do next."""
    name = safe(machine["name"])
    runs = machine["state"] == "running"
    console.print(f"{name} {'runs' if runs else 'is made'}.", markup=False)
    if machine["acceleration"] == "tcg":
        console.print(f"Without KVM: {safe(machine['acceleration_reason'])}", markup=False)
    if machine["network"] == "none" and machine["detail"]:
        console.print(safe(machine["detail"]), markup=False)
    verb = "open" if runs else "start"
    console.print(f"Next: {program()} machine {verb} {name}", markup=False)


async def image_id(client: Client, name: str) -> str:
    """The id of the image with this name or id.  Raises :class:`NotFound`."""
    return id_among(await client.get("images"), "image", name)


def id_among(things: Sequence[Mapping[str, Any]], kind: str, name: str) -> str:
    """The id of the one of *things* with this name or id.

    Raises :class:`NotFound`, :class:`Refused` (``ambiguous``).
    """
    if any(thing["id"] == name for thing in things):
        return name
    same = [str(thing["id"]) for thing in things if thing["name"] == name]
    if not same:
        raise NotFound(kind, name)
    if len(same) > 1:
        raise Refused(
            f"{len(same)} {kind}s are named {name!r}; use an id: {', '.join(same)}",
            reason="ambiguous",
        )
    return same[0]


async def make(client: Client, body: Mapping[str, Any], report: Report) -> Machine:
    """Make a machine and wait until it is ready.

    What fails on the way is removed again, so that the next try finds the name free.  Interrupted,
    the making goes on in the service.
    """
    begun = await client.post("machines", body)
    path = machine_path(begun["id"])

    async def look() -> Machine:
        return dict(await client.get(path))

    machine = await follow(
        look, lambda seen: seen["phase"] == "creating", lambda seen: seen["progress"], report
    )
    if machine["phase"] == "failed":
        with contextlib.suppress(WebvdiError):
            await client.delete(path)
        raise Problem(409, "failed", "It could not be made", str(machine["detail"]))
    return machine


async def start(client: Client, machine: Machine) -> Machine:
    """Start it, if it does not run."""
    if "start" not in machine["can"]:
        return machine
    return dict(await client.post(machine_path(machine["id"], "actions", "start")))
