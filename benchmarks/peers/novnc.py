"""noVNC in its default settings, behind websockify, which also serves its page."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.installs import install_novnc
from benchmarks.peers.peer import Peer, Taps
from benchmarks.processes import free_port, program


@contextmanager
def novnc(tmp: Path, server_port: int, tapped: bool) -> Iterator[Peer]:
    """A websockify before the RFB server at *server_port*."""
    installed = install_novnc()
    tmp.mkdir()
    with ExitStack() as stack:
        taps = Taps(stack, tmp, enabled=tapped)
        port = free_port()
        target = taps.before_tcp("server", server_port)
        near, far = f"127.0.0.1:{port}", f"127.0.0.1:{target}"
        command = [str(installed.websockify), "--web", str(installed.web), near, far]
        gateway = stack.enter_context(program(command, tmp / "websockify.log"))
        gateway.said("proxying from")
        port = taps.before_tcp("browser", port)
        yield Peer(
            name="noVNC",
            url=f"http://127.0.0.1:{port}/",
            gateway=gateway,
            canvas="document.querySelector('#screen canvas')",
            connect="peer.connect()",
            disconnect="peer.disconnect()",
            taps=taps.logs,
        )
