"""``webvdi``: the commands that people type, put together; how they end.

Exit codes are those of :class:`webvdi.cli.exits.Exit`, described in
docs/reference/command-line.md.
"""

import json
import os
import sys
from typing import Annotated, NoReturn

import typer

from webvdi import __version__
from webvdi.base.errors import WebvdiError
from webvdi.base.logs import configure_logging
from webvdi.cli import errors_as
from webvdi.cli.commands import guest, image, machine, service, share, top

COMPLETE_VARIABLE = "_WEBVDI_COMPLETE"
"""Set by the shell's completion script."""

app = typer.Typer(
    help="A whole, unmodified operating system in a plain web browser.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
top.add_to(app)
app.add_typer(machine.app, name="machine")
app.add_typer(guest.app, name="guest")
app.add_typer(image.app, name="image")
app.add_typer(share.app, name="share")
app.add_typer(service.app, name="service")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"webvdi {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point: errors of ours become one line, never a stack trace."""
    configure_logging()
    if COMPLETE_VARIABLE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
    try:
        app(prog_name="webvdi")
    except WebvdiError as error:
        _fail(error, str(error))
    except BrokenPipeError:  # whoever read us has had enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(error, f"{where}{error.strerror or error}")


def _fail(error: Exception, words: str) -> NoReturn:
    from webvdi.cli.exits import Interrupted, as_problem, exit_code
    from webvdi.cli.terminal import safe

    if errors_as.json:
        typer.echo(json.dumps(as_problem(error) | {"detail": words}), err=True)
    else:
        line = f"webvdi: {safe(words)}"
        after_the_c = isinstance(error, Interrupted) and sys.stderr.isatty()  # ^C, as it shows
        typer.echo(f"\n{line}" if after_the_c else line, err=True)
    sys.exit(exit_code(error))
