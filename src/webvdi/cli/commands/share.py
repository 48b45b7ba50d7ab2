"""``webvdi share``: links that let others look at a machine, or act on it.

``webvdi share MACHINE …`` is short for ``webvdi share create MACHINE …``.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from webvdi.cli.complete import machine_names
from webvdi.cli.options import Json, MachineName, ShareId, State


class _ShortForm(TyperGroup):
    """A group whose unknown first word is a machine to share."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the ``create`` that was left out."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["create", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ShortForm,
    no_args_is_help=True,
    help="Links that let others in; `webvdi share MACHINE` makes one.",
)


@app.command()
def create(
    machine: MachineName,
    view: Annotated[bool, typer.Option("--view", help="They may look (if nothing is said).")] = (
        False
    ),
    control: Annotated[bool, typer.Option("--control", help="They may act, too.")] = False,
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long the link works: 30m, 2h, 7d.")
    ] = "24h",
    label: Annotated[
        str, typer.Option(metavar="TEXT", help="Whom it is for; shown to you alone.")
    ] = "",
    qr: Annotated[bool, typer.Option("--qr", help="Print a QR code for a phone.")] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Make a link that lets others in without a login; it is shown once."""
    from webvdi.cli import shares
    from webvdi.cli.quantities import seconds

    shares.create(
        machine,
        state,
        view=view,
        control=control,
        expires_in_s=seconds(expires),
        label=label,
        qr=qr,
        json=json,
    )


@app.command("list")
def list_(
    machine: Annotated[
        str | None,
        typer.Argument(metavar="[MACHINE]", autocompletion=machine_names, help="Only of this one."),
    ] = None,
    json: Json = False,
    state: State = None,
) -> None:
    """List the links."""
    from webvdi.cli import shares

    shares.list_all(machine, state, json=json)


@app.command()
def revoke(share: ShareId, json: Json = False, state: State = None) -> None:
    """End a link at once, also for those who came in by it."""
    from webvdi.cli import shares

    shares.revoke(share, state, json=json)
