"""Where a machine's display can be reached.

An endpoint is a fact that ages: it is valid for one *generation* of a machine (one start of it,
at one place).  Whoever reconnects fetches it afresh.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


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
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


Endpoint: TypeAlias = UnixEndpoint | TcpEndpoint


class EndpointError(ValueError):
    """A text names no endpoint; the message says how to write one."""


def parse_endpoint(text: str) -> Endpoint:
    """Read ``tcp:HOST:PORT``, ``tcp:[V6]:PORT`` or ``unix:PATH``.

    Raises :class:`EndpointError`.
    """
    scheme, _, rest = text.partition(":")
    if scheme == "unix" and rest:
        return UnixEndpoint(Path(rest))
    if scheme == "tcp" and rest:
        return _parse_tcp(rest, text)
    raise EndpointError(
        f"{text!r} is no endpoint; write tcp:HOST:PORT (as in tcp:127.0.0.1:5900) or unix:PATH"
    )


def _parse_tcp(rest: str, text: str) -> TcpEndpoint:
    host, _, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise EndpointError(f"{text!r} needs a host and a port of 1 to 65535: tcp:HOST:PORT")
    return TcpEndpoint(host, int(port))
