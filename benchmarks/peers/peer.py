"""What the workloads know of a peer, and the taps that can be put into its connections."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from benchmarks.links import Link
from benchmarks.processes import Companion, Program, companion, family, free_port, program


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway that runs, and how to handle its page."""

    name: str
    url: str
    gateway: Program
    canvas: str
    """A JavaScript expression: the canvas that people see."""
    connect: str
    """JavaScript that connects the open page, which is not connected."""
    disconnect: str
    taps: dict[str, Path] = field(default_factory=dict)
    """Logs of the taps (see ``benchmarks/tap.py``), from the browser to the server."""

    def processes(self) -> list[int]:
        """All processes of the gateway, those of the open connection included."""
        return family(self.gateway.pid)


class Taps:
    """Puts taps into connections; they end with the stack.  Without *enabled*, changes nothing."""

    def __init__(self, stack: ExitStack, tmp: Path, *, enabled: bool) -> None:
        self.enabled = enabled
        self.logs: dict[str, Path] = {}
        self._stack = stack
        self._tmp = tmp

    def before_tcp(self, name: str, port: int) -> int:
        """The port to connect to instead of *port*."""
        if not self.enabled:
            return port
        near = free_port()
        self._start(name, f"tcp:{near}", f"tcp:{port}")
        return near

    def before_unix(self, name: str, path: Path) -> None:
        """Slip in before a listening socket: it goes on under another name."""
        if self.enabled:
            hidden = path.with_name("untapped")
            path.rename(hidden)
            self._start(name, f"unix:{path}", f"unix:{hidden}")

    def _start(self, name: str, listen: str, target: str) -> None:
        log = self._tmp / f"tap-{name}.txt"
        command = (sys.executable, "-m", "benchmarks.tap", listen, target, str(log))
        tap = self._stack.enter_context(program(command, self._tmp / f"tap-{name}.log"))
        tap.said("ready")
        self.logs[name] = log


@contextmanager
def over(link: Link | None, peer: Peer, tmp: Path) -> Iterator[Peer]:
    """The same peer, but its page comes over a link (``benchmarks/shaper.py``) if there is one."""
    if link is None:
        yield peer
        return
    port, parts = free_port(), urlsplit(peer.url)
    command = (sys.executable, "-m", "benchmarks.shaper", str(port), str(parts.port), link.name)
    with program(command, tmp / f"shaper-{port}.log") as shaper:
        shaper.said("ready")
        yield replace(peer, url=parts._replace(netloc=f"{parts.hostname}:{port}").geturl())


@contextmanager
def crowd(peer: Peer, checkout: Path, tmp: Path) -> Iterator[Companion]:
    """Viewers of a webvdi (``benchmarks/crowd.py``), with the wire of its *checkout*."""
    url = peer.url.partition("?")[0]
    path = os.pathsep.join((str(checkout / "src"), str(Path(__file__).parents[2])))
    command = (sys.executable, "-m", "benchmarks.crowd", url)
    with companion(command, tmp / "crowd.log", {"PYTHONPATH": path}) as viewers:
        viewers.answer()
        yield viewers


StartPeer: TypeAlias = Callable[[Path, int, bool], AbstractContextManager[Peer]]
"""Starts a peer: a directory for its files, the RFB server's port, and whether to tap."""
