"""webvdi as ``webvdi view`` serves it: this checkout's, and another's beside it."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from benchmarks.peers.peer import Peer, StartPeer, Taps
from benchmarks.processes import free_port, program, wait_until

HERE = Path(__file__).parents[2]


def webvdi(checkout: Path = HERE, name: str = "webvdi") -> StartPeer:
    """The webvdi whose source is in *checkout*, on this Python and its packages."""

    def start(tmp: Path, server_port: int, tapped: bool) -> AbstractContextManager[Peer]:
        return _view(checkout, name, tmp, server_port, tapped)

    return start


@contextmanager
def _view(checkout: Path, name: str, tmp: Path, server_port: int, tapped: bool) -> Iterator[Peer]:
    run = tmp / "run"
    run.mkdir(parents=True)
    with ExitStack() as stack:
        taps = Taps(stack, tmp, enabled=tapped)
        port = free_port()
        target = taps.before_tcp("server", server_port)
        command = [sys.executable, "-m", "webvdi", "view", f"tcp:127.0.0.1:{target}"]
        options = ["--no-auth", "--no-open", "--listen", f"127.0.0.1:{port}"]
        env = {
            "PYTHONPATH": str(checkout / "src"),
            "XDG_RUNTIME_DIR": str(run),
            "XDG_STATE_HOME": str(tmp / "state"),
        }
        gateway = stack.enter_context(program([*command, *options], tmp / "view.log", env))
        gateway.said("Open  http")
        taps.before_unix("link", _viewer_socket(run))
        port = taps.before_tcp("browser", port)
        yield Peer(
            name=name,
            url=f"http://127.0.0.1:{port}/?scale=off",
            gateway=gateway,
            canvas="window.webvdi?.viewer.canvas",
            connect="webvdi.viewer.connect(); webvdi.viewer.focus()",
            disconnect="webvdi.viewer.disconnect()",
            taps=taps.logs,
        )


def _viewer_socket(run: Path) -> Path:
    """Where the web process meets the Managed Server."""
    found: list[Path] = []

    def look() -> bool:
        found[:] = run.rglob("viewer.sock")
        return bool(found)

    wait_until(look, "the Managed Server's socket")
    return found[0]
