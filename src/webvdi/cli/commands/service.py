"""``webvdi service``: webvdi as a service of this host's systemd."""

from typing import Annotated

import typer

from webvdi.cli.options import LISTEN, State

app = typer.Typer(help="webvdi as a service of this host (systemd).", no_args_is_help=True)


@app.command()
def install(
    user: Annotated[
        bool | None,
        typer.Option(
            "--user/--system",
            help="For you alone, or for the host (as root); else by who you are.",
        ),
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the units; do nothing.")] = (
        False
    ),
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDR:PORT", help="Where browsers come to; part of the unit from then on."
        ),
    ] = LISTEN,
    state: State = None,
) -> None:
    """Write systemd units that start webvdi with the host and end machines in order with it."""
    from webvdi.cli import service_units

    service_units.install(user, listen, state, only_print=only_print)
