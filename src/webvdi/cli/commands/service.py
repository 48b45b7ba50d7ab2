"""``webvdi service``: webvdi as a service of this host's systemd."""

from typing import Annotated

import typer

from webvdi.cli.options import (
    LISTEN,
    BehindProxy,
    Listening,
    PublicUrl,
    SelfSigned,
    State,
    TlsCert,
    TlsKey,
)

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
    listen: Listening = LISTEN,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_self_signed: SelfSigned = False,
    behind_proxy: BehindProxy = None,
    url: PublicUrl = None,
    state: State = None,
) -> None:
    """Write systemd units that start webvdi with the host and end machines in order with it.

    They serve what `webvdi serve` with these options serves, and the same machines.
    """
    from webvdi.cli import service_units
    from webvdi.cli.door import ServingOptions

    serving = ServingOptions(
        listen,
        auth=True,
        open_browser=False,
        tls_cert=tls_cert,
        tls_key=tls_key,
        tls_self_signed=tls_self_signed,
        behind_proxy=behind_proxy,
        url=url,
    )
    service_units.install(user, serving, state, only_print=only_print)
