"""Where a machine's display can be reached.

An endpoint is a fact that ages: it is valid for one *generation* of a machine (one start of it,
at one place).  Whoever reconnects fetches it afresh.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

LISTEN_PORT: Final = 5500
"""Where VNC viewers listen for servers by custom."""

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """An RFB server that listens on a unix socket of this host."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """An RFB server that listens on TCP."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp:{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class ListenEndpoint:
    """An RFB server that connects to us ("reverse connection"); we listen on TCP."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"listen:{_bracketed(self.host)}:{self.port}"


Endpoint: TypeAlias = UnixEndpoint | TcpEndpoint | ListenEndpoint


class EndpointError(ValueError):
    """A text names no endpoint; the message says how to write one."""


def parse_endpoint(text: str) -> Endpoint:
    """Read ``tcp:HOST:PORT``, ``tcp:[V6]:PORT``, ``unix:PATH``, or ``listen:HOST:PORT``.

    ``listen:PORT`` and ``listen:`` are at the loopback address, the latter at port 5500.
    Raises :class:`EndpointError`.
    """
    scheme, colon, rest = text.partition(":")
    if scheme == "unix" and rest:
        return UnixEndpoint(Path(rest))
    if scheme == "tcp" and rest:
        return TcpEndpoint(*parse_host_and_port(rest, text, "tcp:HOST:PORT"))
    if scheme == "listen" and colon:
        return _parse_listen(rest, text)
    raise EndpointError(
        f"{text!r} is no endpoint; write tcp:HOST:PORT (as in tcp:127.0.0.1:5900), unix:PATH, or "
        "listen:HOST:PORT for a server that connects to here"
    )


def _parse_listen(rest: str, text: str) -> ListenEndpoint:
    if not rest:
        return ListenEndpoint(LOOPBACK, LISTEN_PORT)
    if ":" not in rest:
        rest = f"{LOOPBACK}:{rest}"
    return ListenEndpoint(*parse_host_and_port(rest, text, "listen:HOST:PORT"))


def parse_host_and_port(rest: str, text: str, form: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` or ``[V6]:PORT``; *text* and *form* are for the error's words.

    Raises :class:`EndpointError`.
    """
    host, _, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise EndpointError(f"{text!r} needs a host and a port of 1 to 65535: {form}")
    return host, int(port)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
