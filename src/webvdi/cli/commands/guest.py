"""``webvdi guest``: the guests that come with webvdi."""

import typer

from webvdi.cli.options import GuestName, Json, State

app = typer.Typer(help="The guests that come with webvdi.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False, state: State = None) -> None:
    """List the guests."""
    from webvdi.cli import guest_work

    guest_work.list_all(state, json=json)


@app.command()
def build(guest: GuestName, json: Json = False, state: State = None) -> None:
    """Build a guest now; a machine made from it would do so first."""
    from webvdi.cli import guest_work

    guest_work.build(guest, state, json=json)


@app.command()
def cancel(guest: GuestName, json: Json = False, state: State = None) -> None:
    """End the build of a guest; machines that were to be made of it fail."""
    from webvdi.cli import guest_work

    guest_work.cancel(guest, state, json=json)


@app.command()
def prune(json: Json = False, state: State = None) -> None:
    """Remove old builds that no machine needs."""
    from webvdi.cli import guest_work

    guest_work.prune(state, json=json)
