"""Which pages may talk to us: the Origin check for WebSockets and for POST.

A browser lets any page open a WebSocket to any host, with that host's cookies; only the Origin
header tells our page from a stranger's (RFC 6455 §10.2).
"""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def same_origin(origin: str | None, host: str | None, scheme: str) -> bool:
    """Whether *origin* (the header) is the page that *host* (the header) and *scheme* served.

    A missing Origin is not a browser's WebSocket or cross-site POST; cookies alone decide then.
    """
    if origin is None:
        return True
    if host is None:
        return False
    try:
        ours, theirs = urlsplit(f"{scheme}://{host}"), urlsplit(origin)
        return (
            theirs.scheme == ours.scheme
            and theirs.hostname == ours.hostname
            and _port(theirs.scheme, theirs.port) == _port(ours.scheme, ours.port)
        )
    except ValueError:  # a port that is none
        return False


def _port(scheme: str, port: int | None) -> int | None:
    return port if port is not None else _DEFAULT_PORTS.get(scheme)
