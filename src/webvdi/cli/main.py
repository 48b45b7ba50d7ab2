"""``webvdi``: the commands that people type.

Exit codes: 0 done · 1 refused or failed, with one message on stderr · 2 wrong usage.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from webvdi import __version__
from webvdi.base.errors import WebvdiError
from webvdi.base.logs import configure_logging
from webvdi.cli.listen import DEFAULT_PORT

app = typer.Typer(
    help="A whole, unmodified operating system in a plain web browser.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Listening = Annotated[
    str,
    typer.Option("--listen", metavar="ADDR:PORT", help="Where browsers come to."),
]
NoAuth = Annotated[
    bool,
    typer.Option("--no-auth", help="No login: whoever reaches the port is let in (loopback only)."),
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")]
TlsCert = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate chain (PEM).")]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", help="Its private key (PEM).")]
SelfSigned = Annotated[
    bool, typer.Option("--tls-self-signed", help="Make a certificate; print its fingerprint.")
]
BehindProxy = Annotated[
    str | None,
    typer.Option(
        "--behind-proxy",
        metavar="ADDRESSES",
        help="A reverse proxy at these addresses adds TLS; it passes on Host, and its "
        "X-Forwarded-Proto and X-Forwarded-For are believed.",
    ),
]
State = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Keep everything below DIR.")
]


@app.command()
def demo(
    iso: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Boot this CD image, with a disk beside it.")
    ] = None,
    disk: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Boot this disk image; the file itself stays as it is."),
    ] = None,
    memory: Annotated[
        int | None, typer.Option(metavar="MIB", help="The machine's memory in MiB.")
    ] = None,
    cpus: Annotated[int | None, typer.Option(help="The machine's processors.")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget the machine and its files, then begin anew.")
    ] = False,
    stop: Annotated[
        bool,
        typer.Option(
            "--stop", help="Shut the machine down (or, with --reset, forget it), and end."
        ),
    ] = False,
    listen: Listening = f"127.0.0.1:{DEFAULT_PORT}",
    no_auth: NoAuth = False,
    no_open: NoOpen = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_self_signed: SelfSigned = False,
    behind_proxy: BehindProxy = None,
    state: State = None,
) -> None:
    """Start a machine and show it in the browser: a small Linux desktop, or your own system."""
    from webvdi.cli.demo import DemoOptions, run_demo
    from webvdi.cli.serving import ServingOptions

    serving = ServingOptions(
        listen, not no_auth, not no_open, tls_cert, tls_key, tls_self_signed, behind_proxy
    )
    run_demo(DemoOptions(iso, disk, memory, cpus, reset, stop, state), serving)


@app.command()
def view(
    target: Annotated[str, typer.Argument(metavar="tcp:HOST:PORT|unix:PATH")],
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The VNC password; else the browser asks for it."),
    ] = None,
    listen: Listening = f"127.0.0.1:{DEFAULT_PORT}",
    no_auth: NoAuth = False,
    no_open: NoOpen = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_self_signed: SelfSigned = False,
    behind_proxy: BehindProxy = None,
) -> None:
    """Show any VNC server (RFB) in the browser."""
    from webvdi.cli.serving import ServingOptions
    from webvdi.cli.view import run_view

    serving = ServingOptions(
        listen, not no_auth, not no_open, tls_cert, tls_key, tls_self_signed, behind_proxy
    )
    run_view(target, password_file, serving)


@app.command()
def url(state: State = None) -> None:
    """Print a new login link for a running demo."""
    from webvdi.cli.serving import print_new_url

    print_new_url(state)


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
    try:
        app()
    except WebvdiError as error:
        typer.echo(f"webvdi: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"webvdi: {where}{error.strerror or error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
