"""``webvdi image``: ISO and disk files in webvdi's keeping."""

from pathlib import Path
from typing import Annotated

import typer

from webvdi.cli.complete import image_names, upload_names
from webvdi.cli.options import Json, State, Yes

app = typer.Typer(help="ISO and disk files in webvdi's keeping.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False, state: State = None) -> None:
    """List the images."""
    from webvdi.cli import images

    images.list_all(state, json=json)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ISO, a qcow2 or a raw disk.")],
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to call it; else as the file.")
    ] = None,
    json: Json = False,
    state: State = None,
) -> None:
    """Copy a file into webvdi's keeping."""
    from webvdi.cli import images

    images.add(file, name, state, json=json)


@app.command()
def delete(
    images_: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", autocompletion=image_names, help="Names, or ids."),
    ],
    yes: Yes = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Remove images that no machine needs."""
    from webvdi.cli import images

    images.delete(images_, state, json=json, yes=yes)


@app.command()
def uploads(json: Json = False, state: State = None) -> None:
    """List the uploads that are not complete; they are kept for a week."""
    from webvdi.cli import images

    images.list_uploads(state, json=json)


@app.command()
def abort(
    uploads_: Annotated[
        list[str],
        typer.Argument(metavar="UPLOAD...", autocompletion=upload_names, help="Names, or ids."),
    ],
    yes: Yes = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Give up unfinished uploads, and remove what has come of them."""
    from webvdi.cli import images

    images.abort(uploads_, state, json=json, yes=yes)
