"""A session whose VNC server goes away and comes back, for every way to reach one.

Also servers that connect to us by themselves: TigerVNC's and x11vnc's.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from support.certificates import make
from support.reports import Reports
from support.vnc import PATIENCE_S, Rgb, Watcher, X11vnc, XServer, still_screen, wait_until
from webvdi.display.endpoint import Endpoint, ListenEndpoint, TcpEndpoint, UnixEndpoint
from webvdi.display.tls import TlsPolicy
from webvdi.managed.connection import ViewerConnection
from webvdi.managed.display_link import Target
from webvdi.managed.messages import Admission
from webvdi.managed.session import Session
from webvdi.wire.to_viewer import MachineState, Reason, Role

pytestmark = pytest.mark.qemu

Serving = Callable[[], AbstractAsyncContextManager[XServer]]


def over_tcp(directory: Path, port: int) -> tuple[Target, Serving]:
    return Target(TcpEndpoint("127.0.0.1", port), "1"), XServer(directory, port=port).running


def over_a_unix_socket(directory: Path, port: int) -> tuple[Target, Serving]:
    path = directory / "vnc"
    return Target(UnixEndpoint(path), "1"), XServer(directory, unix=path).running


def over_tls(directory: Path, port: int) -> tuple[Target, Serving]:
    own = make(directory, "localhost")
    options = ["-SecurityTypes", "X509None", "-X509Cert", str(own.certificate_file)]
    options += ["-X509Key", str(own.key_file)]
    tls = TlsPolicy(ca_file=own.certificate_file, host_name="localhost")
    target = Target(TcpEndpoint("127.0.0.1", port), "1", tls=tls)
    return target, XServer(directory, security=options, port=port).running


def listening(directory: Path, port: int) -> tuple[Target, Serving]:
    endpoint = ListenEndpoint("127.0.0.1", port)

    @asynccontextmanager
    async def running() -> AsyncIterator[XServer]:
        async with XServer(directory).running() as server:
            await call(server, endpoint)
            yield server

    return Target(endpoint, "1"), running


async def call(server: XServer, endpoint: ListenEndpoint) -> None:
    """Have TigerVNC connect to who listens there, as soon as somebody does."""
    address = f"{endpoint.host}:{endpoint.port}"
    async with asyncio.timeout(PATIENCE_S):
        while True:
            command = ["vncconfig", "-display", server.display, "-connect", address]
            run = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            _, complaint = await run.communicate()
            if not complaint:  # its exit status is 0 either way
                return
            await asyncio.sleep(0.05)


def shows(session: Session, screen: Rgb) -> bool:
    source, mirror = session._link.source, session._core.mirror
    picture = mirror.pixels[:, :, 2::-1]
    return source is not None and source.settled and np.array_equal(picture, screen)


async def live(session: Session) -> None:
    """Wait until the link stands, and take the pointer away from what will be compared.

    TigerVNC paints it into the picture until it knows that we place it, and programs look
    different below it.
    """
    await wait_until(lambda: session._core.state.state is MachineState.LIVE)
    assert session._link.source is not None
    session._link.source.pointer(1, 1, 0)


async def with_a_viewer(session: Session) -> socket.socket:
    """The viewer's end of its connection."""
    ours, theirs = socket.socketpair()
    viewer = await ViewerConnection.adopt(theirs, session, b"")
    session.attach(viewer, Admission(Role.CONTROLLER))
    viewer.start()
    return ours


KINDS = [over_tcp, over_a_unix_socket, over_tls, listening]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_finds_its_server_again(
    kind: Callable[[Path, int], tuple[Target, Serving]], tmp_path: Path, unused_tcp_port: int
) -> None:
    reports = Reports()
    target, serving = kind(tmp_path, unused_tcp_port)
    with ThreadPoolExecutor(1) as pool:
        session = Session("s", "S", pool, reports)
        session.open(target)
        with await with_a_viewer(session):
            for _ in range(2):
                async with serving() as server:
                    await live(session)
                    async with server.content():
                        screen = await still_screen(server)
                        await wait_until(lambda: shows(session, screen))  # noqa: B023
                        reports.heard.clear()
                await wait_until(lambda: session._core.state.state is MachineState.LOST)
                assert reports.losses
            await session.close(Reason.SESSION_ENDED, "")


async def test_a_server_may_come_before_anybody_looks(tmp_path: Path, unused_tcp_port: int) -> None:
    target, serving = listening(tmp_path, unused_tcp_port)
    with ThreadPoolExecutor(1) as pool:
        reports = Reports()
        session = Session("s", "S", pool, reports)
        session.open(target)
        async with serving() as server:
            await live(session)
            async with server.content():
                screen = await still_screen(server)
                with await with_a_viewer(session):
                    await wait_until(lambda: shows(session, screen))
            await wait_until(lambda: bool(session._away))
            # Even long after the last viewer has left, the server is kept.
            for viewer in list(session._away):
                session._away[viewer].cancel()
                session._forget(viewer)
            await live(session)
            assert ("idle", "s") not in reports.heard
        await session.close(Reason.SESSION_ENDED, "")


async def test_x11vnc_connects_to_us(tmp_path: Path, unused_tcp_port: int) -> None:
    endpoint: Endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)
    watcher = Watcher(endpoint)
    async with XServer(tmp_path).running() as server, server.content(), watcher.running():
        screen = await still_screen(server)
        async with X11vnc(server, "-connect", f"127.0.0.1:{unused_tcp_port}").running():
            await watcher.until(lambda: watcher.shows(screen))
