"""The commands without a group: serving, links, logs, doctor."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from webvdi.cli.options import (
    LISTEN,
    BehindProxy,
    Json,
    Listening,
    MachineName,
    NoAuth,
    NoOpen,
    PublicUrl,
    SelfSigned,
    State,
    TlsCert,
    TlsKey,
)


class Shell(StrEnum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


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
    cpus: Annotated[int | None, typer.Option(metavar="N", help="The machine's processors.")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget the machine and its files, then begin anew.")
    ] = False,
    stop: Annotated[
        bool,
        typer.Option(
            "--stop", help="Shut the machine down (or, with --reset, forget it), and end."
        ),
    ] = False,
    listen: Listening = LISTEN,
    no_auth: NoAuth = False,
    no_open: NoOpen = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_self_signed: SelfSigned = False,
    behind_proxy: BehindProxy = None,
    url: PublicUrl = None,
    state: State = None,
) -> None:
    """Start a machine and show it in the browser: a small Linux desktop, or your own system."""
    from webvdi.cli.demo import DemoOptions, run_demo
    from webvdi.cli.door import ServingOptions

    serving = ServingOptions(
        listen, not no_auth, not no_open, tls_cert, tls_key, tls_self_signed, behind_proxy, url
    )
    run_demo(DemoOptions(iso, disk, memory, cpus, reset, stop, state), serving)


def serve(
    listen: Listening = LISTEN,
    no_auth: NoAuth = False,
    no_open: NoOpen = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_self_signed: SelfSigned = False,
    behind_proxy: BehindProxy = None,
    url: PublicUrl = None,
    no_autostart: Annotated[
        bool, typer.Option("--no-autostart", help="Start no machine by itself.")
    ] = False,
    state: State = None,
) -> None:
    """Serve this host's machines until told to stop; the machines themselves go on."""
    from webvdi.cli.door import ServingOptions
    from webvdi.cli.serve import run_serve

    serving = ServingOptions(
        listen, not no_auth, not no_open, tls_cert, tls_key, tls_self_signed, behind_proxy, url
    )
    run_serve(serving, state, autostart=not no_autostart)


def view(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET...", help="tcp:HOST:PORT, unix:PATH, or listen:HOST:PORT."),
    ] = None,
    targets_file: Annotated[
        Path | None,
        typer.Option(
            "--targets", metavar="FILE", help="A table of targets: TOML, or as websockify's."
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The VNC password; else the browser asks for it."),
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Servers' certificates must be signed by one in FILE."),
    ] = None,
    tls_fingerprint: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="The server's certificate must be this one."),
    ] = None,
    tls_anonymous: Annotated[
        bool,
        typer.Option("--tls-anonymous", help="Encryption without knowing the server is enough."),
    ] = False,
    listen: Listening = LISTEN,
    no_auth: NoAuth = False,
    no_open: NoOpen = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_self_signed: SelfSigned = False,
    behind_proxy: BehindProxy = None,
    url: PublicUrl = None,
) -> None:
    """Show any VNC server (RFB) in the browser, or several of them."""
    from webvdi.cli.door import ServingOptions
    from webvdi.cli.view import ServerTls, ViewOptions, run_view

    serving = ServingOptions(
        listen, not no_auth, not no_open, tls_cert, tls_key, tls_self_signed, behind_proxy, url
    )
    tls = ServerTls(tls_ca, tls_fingerprint, tls_anonymous)
    run_view(ViewOptions(tuple(targets or ()), targets_file, password_file, tls), serving)


def url(
    qr: Annotated[bool, typer.Option("--qr", help="Print a QR code for a phone.")] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Print a new login link for the running webvdi."""
    from webvdi.cli import links

    links.print_url(state, qr=qr, json=json)


def logs(
    machine: MachineName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    serial: Annotated[
        bool, typer.Option("--serial", help="What it wrote to its serial port instead.")
    ] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Print what happened to a machine."""
    from webvdi.cli import logs as logs_

    show = logs_.show_serial if serial else logs_.show
    show(machine, state, follow=follow, json=json)


def doctor(
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Put all that helps others to help you into a .tar.gz."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the bundle's file if it exists already.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Finish or undo what was left half done.")
    ] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """Say whether machines can run here, and what would help if not."""
    from webvdi.cli.doctor import run_doctor

    run_doctor(state, bundle=bundle, force=force, repair=repair, json=json)


def shutdown(
    deadline: Annotated[
        str, typer.Option(metavar="TIME", help="How long all of them together may take.")
    ] = "80s",
    host: Annotated[
        bool,
        typer.Option("--host", help="The host goes down, which the machines' logs are to say."),
    ] = False,
    json: Json = False,
    state: State = None,
) -> None:
    """End the service, then every machine as its settings say: shut down, or saved."""
    from webvdi.cli.quantities import seconds
    from webvdi.cli.shutdown import run_shutdown

    run_shutdown(state, deadline_s=seconds(deadline), host=host, json=json)


def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish")]) -> None:
    """Print a script that lets the shell complete our commands and your machines' names."""
    from typer._completion_shared import get_completion_script

    typer.echo(
        get_completion_script(prog_name="webvdi", complete_var="_WEBVDI_COMPLETE", shell=shell)
    )


def add_to(app: typer.Typer) -> None:
    """Give *app* these commands."""
    for command in (demo, serve, view, url, logs, doctor, shutdown, completion):
        app.command()(command)
