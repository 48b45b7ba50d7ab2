"""The screen that all peers show: a real RFB server with something on it that can be typed into."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Companion, Program, companion, free_port, program, wait_until


@dataclass(frozen=True, slots=True)
class Desktop:
    """A running X server that speaks RFB on the loopback, and the painter on it."""

    port: int
    server: Program
    painter_trace: Path | None
    """See ``benchmarks/painter.py``; None on a stage."""
    stage: Companion | None = None
    """Shows a scene while it is typed (``benchmarks/stage.py``)."""


@dataclass(frozen=True, slots=True)
class XServer:
    """A running X server that speaks RFB on the loopback."""

    display: int
    port: int
    program: Program


@contextmanager
def x_server(tmp: Path, size: str) -> Iterator[XServer]:
    """TigerVNC's, with its own settings; *size* as in ``1920x1080``."""
    display, port = _free_display(), free_port()
    options = ("-localhost", "-SecurityTypes", "None", "-AlwaysShared", "-ac")
    command = ("Xtigervnc", f":{display}", "-rfbport", str(port), "-geometry", size, "-depth", "24")
    with program([*command, *options], tmp / "server.log") as server:
        server.said("Listening for VNC connections")
        wait_until(_socket_of(display).exists, "the X server's socket")
        yield XServer(display, port, server)


@contextmanager
def stage(tmp: Path, server: XServer) -> Iterator[tuple[Companion, Path]]:
    """Somebody who shows scenes on the server (``benchmarks/stage.py``), and the log of frames."""
    log = tmp / "frames.txt"
    command = (sys.executable, "-m", "benchmarks.stage", str(server.display), str(log))
    with companion(command, tmp / "stage.log") as told:
        told.answer()
        yield told, log


@contextmanager
def desktop(tmp: Path, size: str) -> Iterator[Desktop]:
    """TigerVNC's server with the painter; *size* as in ``1920x1080``."""
    trace = tmp / "painter.txt"
    with x_server(tmp, size) as server:
        paint = (sys.executable, "-m", "benchmarks.painter", str(server.display), str(trace))
        with program(paint, tmp / "painter.log") as painter:
            painter.said("ready")
            yield Desktop(server.port, server.program, trace)


@contextmanager
def moving_desktop(tmp: Path, size: str, scene: str) -> Iterator[Desktop]:
    """The same server, but a scene that can be typed at: keys turn a marker over it."""
    with x_server(tmp, size) as server, stage(tmp, server) as (told, _):
        told.ask(f"prepare {scene}")
        told.ask("marker")
        yield Desktop(server.port, server.program, None, told)


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
