"""The screen that all peers show: a real RFB server with something on it that can be typed into."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Program, free_port, program, wait_until


@dataclass(frozen=True, slots=True)
class Desktop:
    """A running X server that speaks RFB on the loopback, and the painter on it."""

    port: int
    server: Program
    painter_trace: Path
    """See ``benchmarks/painter.py``."""


@contextmanager
def desktop(tmp: Path, size: str) -> Iterator[Desktop]:
    """TigerVNC's server with the painter; *size* as in ``1920x1080``."""
    display, port = _free_display(), free_port()
    options = ("-localhost", "-SecurityTypes", "None", "-AlwaysShared", "-ac")
    command = ("Xtigervnc", f":{display}", "-rfbport", str(port), "-geometry", size, "-depth", "24")
    trace = tmp / "painter.txt"
    paint = (sys.executable, "-m", "benchmarks.painter", str(display), str(trace))
    with program([*command, *options], tmp / "server.log") as server:
        server.said("Listening for VNC connections")
        wait_until(_socket_of(display).exists, "the X server's socket")
        with program(paint, tmp / "painter.log") as painter:
            painter.said("ready")
            yield Desktop(port, server, trace)


def _socket_of(display: int) -> Path:
    return Path(f"/tmp/.X11-unix/X{display}")


def _free_display() -> int:
    """A display number that no X server uses."""
    taken = (
        number
        for number in range(200, 1000)
        if not _socket_of(number).exists() and not Path(f"/tmp/.X{number}-lock").exists()
    )
    return next(taken)
