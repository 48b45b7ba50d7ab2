"""The port that browsers come to: checked and opened before anything slow is begun."""

import datetime as dt
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.cli.listen import Listen, check_safe, open_tcp, parse_listen, parse_url
from webvdi.cli.terminal import console


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """The options that all serving commands share."""

    listen: str
    auth: bool
    open_browser: bool
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False
    behind_proxy: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """An open listening socket, and how it is protected."""

    listen: Listen
    tcp: socket.socket
    auth: bool
    open_browser: bool


def open_door(options: ServingOptions, certificates: Path) -> Door:
    """Check the options and open the port.

    Raises :class:`Refused`.
    """
    host, port = parse_listen(options.listen)
    certificate, key = _certificate(options, host, certificates)
    public = None if options.url is None else parse_url(options.url)
    listen = Listen(host, port, certificate, key, options.behind_proxy, public)
    check_safe(listen, auth=options.auth)
    tcp = open_tcp(listen)
    listen = replace(listen, port=tcp.getsockname()[1])
    return Door(listen, tcp, options.auth, options.open_browser)


def check_both(options: ServingOptions) -> None:
    """Refuse a certificate without its key, or the other way round."""
    if (options.tls_cert is None) != (options.tls_key is None):
        raise Refused("--tls-cert and --tls-key belong together", reason="bad_options")


def _certificate(
    options: ServingOptions, host: str, certificates: Path
) -> tuple[Path | None, Path | None]:
    """The certificate and its key, that there are and belong together; None for plain HTTP."""
    check_both(options)
    certificate, key = options.tls_cert, options.tls_key
    if certificate is None and not options.tls_self_signed:
        return None, None
    # A supervisor keeps what it loads for as long as it serves.
    from webvdi.cli.certificate import check_pair, fingerprint, self_signed

    if certificate is None or key is None:
        certificate, key = self_signed(certificates, host, dt.datetime.now(dt.UTC))
    certificate, key = certificate.absolute(), key.absolute()
    check_pair(certificate, key)
    if options.tls_self_signed:
        console.print(f"The certificate's SHA-256 fingerprint: {fingerprint(certificate)}")
    return certificate, key
