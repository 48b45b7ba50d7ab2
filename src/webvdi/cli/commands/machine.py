"""``webvdi machine``: everything about machines."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from webvdi.cli.complete import guest_names, image_names
from webvdi.cli.options import Force, Json, MachineName, MachineNames, State, Yes

app = typer.Typer(help="Make, run and look after machines.", no_args_is_help=True)

FIRST_ORDER = 50
"""Where a machine comes in the order of starting when nobody says; others can go before it."""


class AtShutdown(StrEnum):
    """What happens to a running machine when the host shuts down."""

    SHUTDOWN = "shutdown"
    SAVE = "save"


class ProfileName(StrEnum):
    """Which devices the guest knows."""

    LINUX = "linux"
    GENERIC = "generic"


class DiskFormatName(StrEnum):
    """How a disk file is written."""

    QCOW2 = "qcow2"
    RAW = "raw"


class NetworkName(StrEnum):
    """What the guest reaches."""

    NONE = "none"
    INTERNET = "internet"
    OPEN = "open"


Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Memory: MiB, or as in 2G.")
]
Cpus = Annotated[int | None, typer.Option("--cpus", metavar="N", min=1, help="Processors.")]
DiskSize = Annotated[
    str | None,
    typer.Option(
        "--disk-size", metavar="SIZE", help="The disk's size, GiB; a disk that has one grows to it."
    ),
]
NetworkOption = Annotated[
    NetworkName | None,
    typer.Option(
        "--network",
        metavar="none|internet|open",
        help="none; internet: neither this host nor its network; open: all this host reaches.",
    ),
]
Autostart = Annotated[
    bool | None,
    typer.Option("--autostart/--no-autostart", help="Start it with the service."),
]
Order = Annotated[
    int | None,
    typer.Option(
        "--order",
        metavar="N",
        min=0,
        help=f"Its place among those (lower first; {FIRST_ORDER} if not said).",
    ),
]
AtShutdownOption = Annotated[
    AtShutdown | None,
    typer.Option(
        "--at-shutdown",
        metavar="shutdown|save",
        help="When the host goes down: shutdown presses its power button, save keeps its memory.",
    ),
]
Notes = Annotated[
    str | None, typer.Option("--notes", metavar="TEXT", help="Words of your own about it.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, '.', '_', '-'.")],
    guest: Annotated[
        str | None,
        typer.Option(metavar="GUEST", autocompletion=guest_names, help="A guest of webvdi's own."),
    ] = None,
    iso: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Boot this CD image, with an empty disk.")
    ] = None,
    disk: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Boot this disk image (qcow2, raw); it is copied, or:"),
    ] = None,
    disk_format: Annotated[
        DiskFormatName | None,
        typer.Option(
            metavar="qcow2|raw",
            help="The disk's format; needed for a qcow2 that is based on other files.",
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Leave the disk file as it is; changes go beside it.")
    ] = False,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Write to the disk file itself; it is never deleted."),
    ] = False,
    image: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", autocompletion=image_names, help="Boot an image kept here."),
    ] = None,
    cpus: Cpus = None,
    memory: Memory = None,
    disk_size: DiskSize = None,
    profile: Annotated[
        ProfileName | None,
        typer.Option(
            metavar="linux|generic",
            help="linux: virtio devices; generic: for systems that do not know them.",
        ),
    ] = None,
    network: NetworkOption = None,
    autostart: Autostart = None,
    order: Order = None,
    at_shutdown: AtShutdownOption = None,
    notes: Notes = None,
    no_start: Annotated[bool, typer.Option("--no-start", help="Only make it.")] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Make a machine, and start it."""
    from webvdi.cli import machine_create, machines

    wanted = machine_create.Wanted(
        name=name,
        guest=guest,
        iso=iso,
        disk=disk,
        overlay=overlay,
        in_place=in_place,
        disk_format=disk_format,
        image=image,
        start=not no_start,
        settings=machines.settings(
            cpus=cpus,
            memory=memory,
            disk_size=disk_size,
            network=network,
            order=machines.order_of(autostart, order, FIRST_ORDER),
            at_shutdown=at_shutdown,
            notes=notes,
        ),
        profile=profile,
    )
    machine_create.run(wanted, state, json=json)


@app.command("list")
def list_(json: Json = False, state: State = None) -> None:
    """List the machines."""
    from webvdi.cli import machines

    machines.list_all(state, json=json)


@app.command()
def show(machine: MachineName, json: Json = False, state: State = None) -> None:
    """Show all about one machine."""
    from webvdi.cli import machines

    machines.show(machine, state, json=json)


@app.command("set")
def set_(
    machine: MachineName,
    cpus: Cpus = None,
    memory: Memory = None,
    disk_size: DiskSize = None,
    network: NetworkOption = None,
    cdrom: Annotated[
        str | None,
        typer.Option(metavar="FILE|IMAGE", help="Put this into the drive."),
    ] = None,
    no_cdrom: Annotated[bool, typer.Option("--no-cdrom", help="Empty the drive.")] = False,
    autostart: Autostart = None,
    order: Order = None,
    at_shutdown: AtShutdownOption = None,
    notes: Notes = None,
    json: Json = False,
    state: State = None,
) -> None:
    """Change a machine's settings; the hardware only while it is off."""
    from webvdi.cli import machines

    changes = machines.settings(
        cpus=cpus,
        memory=memory,
        disk_size=disk_size,
        network=network,
        order=machines.order_of(autostart, order, FIRST_ORDER),
        at_shutdown=at_shutdown,
        notes=notes,
    )
    machines.change(machine, changes | machines.drive(cdrom, no_cdrom), state, json=json)


@app.command()
def rename(
    machine: MachineName,
    name: Annotated[str, typer.Argument(metavar="NEW_NAME")],
    json: Json = False,
    state: State = None,
) -> None:
    """Give a machine another name."""
    from webvdi.cli import machines

    machines.change(machine, {"name": name}, state, json=json)


@app.command()
def start(names: MachineNames, json: Json = False, state: State = None) -> None:
    """Start machines; saved and paused ones go on where they were."""
    from webvdi.cli import machines

    machines.act("start", names, state, json=json)


@app.command()
def stop(
    names: MachineNames,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long the guest may take; then it is off.")
    ] = "60s",
    hard: Annotated[
        bool, typer.Option("--hard", help="Switch off without asking the guest; disks are written.")
    ] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Shut machines down as their power button does."""
    from webvdi.cli import machines
    from webvdi.cli.quantities import seconds

    body = {"graceful": not hard, "timeout_s": seconds(timeout), "force": True}
    machines.act("stop", names, state, json=json, body=body)


@app.command()
def kill(names: MachineNames, json: Json = False, state: State = None) -> None:
    """End machines at once, as if their plug were pulled."""
    from webvdi.cli import machines

    machines.act("kill", names, state, json=json)


@app.command()
def reset(names: MachineNames, json: Json = False, state: State = None) -> None:
    """Restart machines at once, as their reset button does."""
    from webvdi.cli import machines

    machines.act("reset", names, state, json=json)


@app.command()
def pause(names: MachineNames, json: Json = False, state: State = None) -> None:
    """Let machines stand still."""
    from webvdi.cli import machines

    machines.act("pause", names, state, json=json)


@app.command()
def resume(names: MachineNames, json: Json = False, state: State = None) -> None:
    """Let paused machines go on."""
    from webvdi.cli import machines

    machines.act("resume", names, state, json=json)


@app.command()
def save(names: MachineNames, json: Json = False, state: State = None) -> None:
    """Put machines' memory on the disk and end them; start continues."""
    from webvdi.cli import machines

    machines.act("save", names, state, json=json)


@app.command()
def delete(names: MachineNames, yes: Yes = False, json: Json = False, state: State = None) -> None:
    """End machines, and remove them with the files that were made for them."""
    from webvdi.cli import machines

    machines.delete(names, state, json=json, yes=yes)


@app.command()
def screenshot(
    machine: MachineName,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A PNG; else NAME.png. '-' is stdout.")
    ] = None,
    force: Force = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Take a picture of the screen."""
    from webvdi.cli import machines

    machines.screenshot(machine, file, state, force=force, json=json)


@app.command()
def serial(
    machine: MachineName,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Only listen, until Ctrl-C.")
    ] = False,
    state: State = None,
) -> None:
    """Use the serial port from this terminal; Ctrl-] leaves."""
    from webvdi.cli import serial as serial_port

    serial_port.use(machine, state, only_listen=follow)


@app.command("open")
def open_(machine: MachineName, json: Json = False, state: State = None) -> None:
    """Open a machine's screen in the browser of this host."""
    from webvdi.cli import links

    links.open_machine(machine, state, json=json)
