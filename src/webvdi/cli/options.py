"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from webvdi.cli import errors_as
from webvdi.cli.complete import guest_names, machine_names, share_ids
from webvdi.cli.listen import DEFAULT_PORT

LISTEN = f"127.0.0.1:{DEFAULT_PORT}"

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        envvar="WEBVDI_STATE",
        show_envvar=True,
        help="Keep, and find, everything below DIR.",
    ),
]


def _json(wanted: bool) -> bool:
    errors_as.json = errors_as.json or wanted
    return wanted


Json = Annotated[
    bool,
    typer.Option("--json", callback=_json, help="One JSON value on stdout, for programs."),
]
Listening = Annotated[
    str,
    typer.Option(
        "--listen",
        metavar="ADDR:PORT",
        envvar="WEBVDI_LISTEN",
        show_envvar=True,
        help="Where browsers come to.",
    ),
]
NoAuth = Annotated[
    bool,
    typer.Option("--no-auth", help="No login: whoever reaches the port is let in (loopback only)."),
]
"""The one serving option that no environment can set: letting everyone in is typed, or not done."""
NoOpen = Annotated[
    bool,
    typer.Option(
        "--no-open", envvar="WEBVDI_NO_OPEN", show_envvar=True, help="Do not open a browser."
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        metavar="FILE",
        envvar="WEBVDI_TLS_CERT",
        show_envvar=True,
        help="Certificate chain (PEM).",
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option(
        "--tls-key",
        metavar="FILE",
        envvar="WEBVDI_TLS_KEY",
        show_envvar=True,
        help="Its private key (PEM).",
    ),
]
SelfSigned = Annotated[
    bool,
    typer.Option(
        "--tls-self-signed",
        envvar="WEBVDI_TLS_SELF_SIGNED",
        show_envvar=True,
        help="Make a certificate; print its fingerprint.",
    ),
]
BehindProxy = Annotated[
    str | None,
    typer.Option(
        "--behind-proxy",
        metavar="ADDRESSES",
        envvar="WEBVDI_BEHIND_PROXY",
        show_envvar=True,
        help="A reverse proxy at these addresses adds TLS; it passes on Host, and its "
        "X-Forwarded-Proto and X-Forwarded-For are believed.",
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="WEBVDI_URL",
        show_envvar=True,
        help="What browsers call this place, where a proxy is in front: links begin so.",
    ),
]
MachineName = Annotated[
    str,
    typer.Argument(metavar="MACHINE", autocompletion=machine_names, help="Its name, or its id."),
]
MachineNames = Annotated[
    list[str],
    typer.Argument(metavar="MACHINE...", autocompletion=machine_names, help="Names, or ids."),
]
GuestName = Annotated[str, typer.Argument(metavar="GUEST", autocompletion=guest_names)]
ShareId = Annotated[str, typer.Argument(metavar="SHARE", autocompletion=share_ids)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists already.")]
