"""``webvdi demo``: one machine, one link, one command.

It is ``webvdi serve`` with a machine made and started first.  The demo has one machine a system:
the small desktop, and one for each ISO or disk file it was ever given, told apart by its path.
"""

import asyncio
import os
import re
import shlex
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from typing import Any

from webvdi.base.errors import Refused
from webvdi.base.paths import Places, places
from webvdi.cli.asking import ask, goes_on
from webvdi.cli.claim import Claim, Holder, holder_of
from webvdi.cli.client import Client, machine_path, standing_in
from webvdi.cli.door import ServingOptions, open_door
from webvdi.cli.exits import Exit, Problem, exit_code
from webvdi.cli.following import progress_bar
from webvdi.cli.links import new_login
from webvdi.cli.machine_create import make
from webvdi.cli.machines import Machine
from webvdi.cli.serving import Words, only_one, serve, settings_for
from webvdi.cli.surroundings import has_display
from webvdi.cli.terminal import console, program, safe, say, with_state

FAREWELL = """\
Stopped serving.  The machine itself keeps running:
  {again}           shows it again
  {again} --stop    shuts it down
  {again} --reset   forgets it and begins anew"""

ON = ("starting", "running", "paused", "stopping")


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line said about the machine."""

    iso: Path | None = None
    disk: Path | None = None
    memory: int | None = None
    cpus: int | None = None
    reset: bool = False
    stop: bool = False
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class DemoSystem:
    """Which system the demo runs."""

    name: str
    """Its machine's name."""
    source: Mapping[str, Any]
    """What the machine is made from, as the REST interface says it."""
    earlier_name: str = ""
    """What versions before 0.2 called it."""


def demo_system(iso: Path | None, disk: Path | None) -> DemoSystem:
    """The system that the options name.  Raises :class:`Refused`."""
    if iso is not None and disk is not None:
        raise Refused("--iso and --disk are two systems; give one of them", reason="bad_options")
    own = iso or disk
    if own is None:
        return DemoSystem("demo", {"guest": "tiny"})
    own = own.absolute()
    if not own.is_file():
        raise Refused(f"there is no file {own}", reason="no_such_file")
    digest = blake2s(str(own).encode(), digest_size=4).hexdigest()
    words = re.sub(r"[^A-Za-z0-9]+", "-", own.stem).strip("-")[:40] or "own"
    name = f"demo-{words}-{digest}"
    if iso is not None:
        return DemoSystem(name, {"iso": str(own)}, f"demo-iso-{digest}")
    source = {"disk": str(own), "disk_mode": "overlay"}
    return DemoSystem(name, source, f"demo-disk-{digest}")


def run_demo(options: DemoOptions, serving: ServingOptions) -> None:
    """Prepare the machine, then serve it until Ctrl-C; or show it in the service that runs."""
    where = places(options.state)
    where.make()
    system = demo_system(options.iso, options.disk)
    if options.stop:
        ask(options.state, "demo --stop", lambda client: _stop(client, system, options))
        return
    holder = holder_of(where.state)
    if holder is not None and holder.serves:
        _show_in(holder, system, options, open_browser=serving.open_browser)
        return
    with only_one(where) as claimed:
        _serve(where, claimed, system, options, serving)


def _serve(
    where: Places,
    claimed: Claim,
    system: DemoSystem,
    options: DemoOptions,
    serving: ServingOptions,
) -> None:
    door = open_door(serving, where.state)

    async def prepare_alone() -> None:
        async with standing_in(where) as client:
            await prepare(client, system, options)

    asyncio.run(prepare_alone())
    words = Words(
        farewell=FAREWELL.format(again=again(options)),
        another_link=with_state(f"{program()} url", options.state),
    )
    serve(door, settings_for(where, door, autostart=True), claimed, words)


def _show_in(
    holder: Holder, system: DemoSystem, options: DemoOptions, *, open_browser: bool
) -> None:
    """Prepare the machine in the running service, and print a link to it."""

    def interrupted(served: bool) -> str:
        return goes_on(served, "making it", f"machine show {system.name}", options.state)

    ask(options.state, "demo", lambda client: prepare(client, system, options), interrupted)
    url = str(new_login(options.state)["url"]) if holder.auth else holder.url
    say(f"\n  Open  [bold]{url}[/bold]\n")
    say(f"  webvdi runs already (process {holder.pid}), with options of its own.")
    if open_browser and has_display(os.environ):
        webbrowser.open(url)


def again(options: DemoOptions) -> str:
    """The command that names this machine once more."""
    own = [
        f"{name} {shlex.quote(str(path))}"
        for name, path in (("--iso", options.iso), ("--disk", options.disk))
        if path is not None
    ]
    return with_state(" ".join([f"{program()} demo", *own]), options.state)


async def find(client: Client, system: DemoSystem) -> Machine | None:
    """The demo's machine, if there is one."""
    for name in filter(None, (system.name, system.earlier_name)):
        try:
            return dict(await client.get(machine_path(name)))
        except Problem as problem:
            if exit_code(problem) is not Exit.NOT_FOUND:
                raise
    return None


async def _stop(client: Client, system: DemoSystem, options: DemoOptions) -> None:
    if options.reset:
        await forget(client, system)
        return
    machine = await find(client, system)
    if machine is None or machine["state"] not in ON:
        console.print("The machine was not running.")
        return
    with console.status("Shutting the machine down…"):
        await client.post(machine_path(machine["id"], "actions", "stop"), {"force": True})
    console.print("The machine is off.")


async def forget(client: Client, system: DemoSystem) -> None:
    """End the machine, and remove everything that was made for it."""
    machine = await find(client, system)
    if machine is not None:
        await client.delete(machine_path(machine["id"]))
    console.print("Forgotten: the machine and the files on its disk.")


async def prepare(client: Client, system: DemoSystem, options: DemoOptions) -> Machine:
    """The machine, running."""
    if options.reset:
        await forget(client, system)
    machine = await find(client, system)
    if machine is not None and machine["phase"] == "failed":
        await client.delete(machine_path(machine["id"]))
        machine = None
    if machine is not None and machine["state"] in ON:
        console.print("Found the machine still running.")
        if (options.memory, options.cpus) != (None, None):
            console.print("It keeps its memory and processors until it is started again.")
        return machine
    machine = await _with_sizes(client, machine, system, options)
    with console.status("Starting the machine…"):
        started = dict(await client.post(machine_path(machine["id"], "actions", "start")))
    _tell_lacks(started)
    return started


async def _with_sizes(
    client: Client, machine: Machine | None, system: DemoSystem, options: DemoOptions
) -> Machine:
    """The machine, made or changed to what was asked for, and off."""
    asked = {"memory_mib": options.memory, "cpus": options.cpus}
    sizes = {name: value for name, value in asked.items() if value is not None}
    if machine is None:
        wanted = {"name": system.name, **system.source, **sizes, "start": False}
        with progress_bar(console, "Preparing the machine") as report:
            return await make(client, wanted, report)
    changed = {name: value for name, value in sizes.items() if machine[name] != value}
    if not changed:
        return machine
    return dict(await client.patch(machine_path(machine["id"]), changed))


def _tell_lacks(machine: Machine) -> None:
    if machine["acceleration"] == "tcg":
        say(f"[yellow]Without KVM:[/yellow] {safe(machine['acceleration_reason'])}")
    if machine["network"] == "none":
        say("[yellow]The machine has no network[/yellow]; webvdi doctor says what it would need.")
