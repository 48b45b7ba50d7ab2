"""Where to listen, and whether that is safe."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from webvdi.base.errors import Refused

DEFAULT_PORT = 8470


@dataclass(frozen=True, slots=True)
class Listen:
    """An address, and what protects those who come to it."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: str | None = None
    """Addresses whose X-Forwarded-* headers are believed."""
    public: str | None = None
    """What browsers call this place, where that is something else."""

    @property
    def scheme(self) -> str:
        """Of the URL."""
        return "https" if self.certificate else "http"

    @property
    def loopback(self) -> bool:
        """Whether only this host can come."""
        return _is_loopback(self.host)

    @property
    def private(self) -> bool:
        """Whether links to it are of use on this host alone."""
        return self.public is None and self.loopback

    def url(self) -> str:
        """For people of this host, or of its network; ends in a slash."""
        if self.public is not None:
            return self.public
        host = self.host
        if host in ("0.0.0.0", "::", ""):  # noqa: S104 — comparing, not binding
            host = socket.gethostname()
        elif ":" in host:
            host = f"[{host}]"
        return f"{self.scheme}://{host}:{self.port}/"


def parse_listen(text: str) -> tuple[str, int]:
    """Read ``PORT``, ``HOST:PORT`` or ``[V6]:PORT``; the host defaults to 127.0.0.1."""
    host, _, port = text.rpartition(":")
    if ":" in host and not host.startswith("["):
        raise Refused(
            f"{text!r}: an IPv6 address goes in brackets, as in [::1]:{DEFAULT_PORT}",
            reason="bad_listen",
        )
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) < 65536:
        raise Refused(
            f"{text!r} is no address to listen on; write PORT or HOST:PORT, as in "
            f"127.0.0.1:{DEFAULT_PORT}",
            reason="bad_listen",
        )
    return host, int(port)


def parse_url(text: str) -> str:
    """Read the address of a site, perhaps with a path; it gets a slash at its end."""
    try:
        parts = urlsplit(text)
        plain = parts.port != 0 and not parts.query and not parts.fragment
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and plain
    except ValueError:  # a port that is none, or brackets without an address
        fine = False
    if not fine:
        raise Refused(
            f"{text!r} is no address of a site; write it as in https://desktop.example.org/",
            reason="bad_url",
        )
    return text.rstrip("/") + "/"


def check_safe(listen: Listen, *, auth: bool) -> None:
    """Refuse to show a machine to a network in the clear, or to everyone."""
    if not auth and listen.behind_proxy is not None:
        raise Refused(
            "--no-auth behind a proxy lets everyone who reaches the proxy use the machine",
            reason="open_to_the_network",
        )
    if listen.loopback:
        return
    if not auth:
        raise Refused(
            f"--no-auth lets everyone who reaches {listen.host} use the machine; it is only for "
            "loopback addresses",
            reason="open_to_the_network",
        )
    if listen.certificate is None and listen.behind_proxy is None:
        raise Refused(
            f"{listen.host} can be reached from other hosts, and without TLS passwords and "
            "pictures would travel in the clear.  Give --tls-cert and --tls-key, or "
            "--tls-self-signed, or --behind-proxy where a reverse proxy adds TLS; or listen on "
            "127.0.0.1 and use: ssh -L "
            f"{listen.port}:127.0.0.1:{listen.port} THIS-HOST",
            reason="no_tls",
        )


def open_tcp(listen: Listen) -> socket.socket:
    """A listening socket.  Raises :class:`Refused` where the address cannot be had."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listen.host, listen.port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise Refused(
            f"cannot listen on {listen.host}:{listen.port}: {error.strerror or error}. "
            "Another program may use that port; choose one with --listen 127.0.0.1:PORT",
            reason="cannot_listen",
        ) from error
    return sock


def open_unix(path: Path) -> socket.socket:
    """A listening unix socket at *path*, whatever was there before."""
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise Refused(
            f"cannot make the socket {path}: {error.strerror or error}", reason="cannot_listen"
        ) from error
    path.chmod(0o600)
    sock.listen(128)
    return sock


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
