"""From a worker to a browser that does not read: how little lies in between, on real sockets."""

import asyncio
import base64
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uvicorn

from webvdi.cli import unqueued, web
from webvdi.cli.certificate import self_signed
from webvdi.cli.unqueued import MAX_UNSENT_BYTES, MAX_UNWRITTEN_BYTES, bound_unsent
from webvdi.cli.web_settings import WebSettings
from webvdi.fabricator.websocket import Scope, WebSocketFabricator
from webvdi.link.frames import PREAMBLE
from webvdi.link.viewer_face import READ_AHEAD_BYTES
from webvdi.managed.connection import SEND_BUFFER_BYTES, ViewerConnection
from webvdi.wire.from_viewer import FromViewer
from webvdi.wire.to_viewer import GuestClipboard

PATIENCE_S = 20.0
BROWSER_BUFFER_BYTES = 16 << 10
"""Of the browser's own socket; the kernel doubles it."""

MESSAGE_BYTES = 48 << 10
MESSAGE = GuestClipboard("x" * MESSAGE_BYTES)

READ_AT_ONCE_BYTES = 256 << 10
"""By asyncio."""

MAX_BETWEEN_BYTES = (
    2 * SEND_BUFFER_BYTES
    + (2 * READ_AHEAD_BYTES + READ_AT_ONCE_BYTES)
    + (MESSAGE_BYTES + MAX_UNWRITTEN_BYTES)
    + 2 * MAX_UNSENT_BYTES
    + 2 * BROWSER_BUFFER_BYTES
)


class Owner:
    """A connection's owner that hears nothing."""

    def received(self, _connection: ViewerConnection, _message: FromViewer) -> None:
        raise AssertionError

    def ended(self, _connection: ViewerConnection) -> None:
        pass


@dataclass
class Route:
    """All between a worker and a browser."""

    worker: ViewerConnection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def unsent(self) -> int:
        """Bytes that have not left the worker."""
        assert self.worker._transport is not None
        return self.worker._transport.get_write_buffer_size()

    async def until_nothing_moves(self) -> None:
        """Everything has gone as far as it goes."""
        async with asyncio.timeout(PATIENCE_S):
            before = -1
            while before != self.unsent:
                before = self.unsent
                for _ in range(20):
                    await asyncio.sleep(0.005)


def settings(directory: Path, *, tls: bool) -> WebSettings:
    chosen = WebSettings(
        run=str(directory),
        key_file=str(directory / "key"),
        state=str(directory),
        cache=str(directory),
        cookie_name="c",
    )
    if not tls:
        return chosen
    certificate, key = self_signed(directory, "127.0.0.1", dt.datetime.now(dt.UTC))
    return replace(chosen, certificate=str(certificate), certificate_key=str(key))


@asynccontextmanager
async def managed_server(path: Path) -> AsyncIterator["asyncio.Queue[ViewerConnection]"]:
    """Takes connections as a router and a worker do, together."""
    came: asyncio.Queue[ViewerConnection] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def accept(listening: socket.socket) -> None:
        connection, _ = await loop.sock_accept(listening)
        assert await loop.sock_recv(connection, 100) == PREAMBLE
        came.put_nowait(await ViewerConnection.adopt(connection, Owner(), b""))

    with socket.socket(socket.AF_UNIX) as listening:
        listening.setblocking(False)
        listening.bind(str(path))
        listening.listen()
        task = asyncio.Task(accept(listening))
        yield came
        await task


@asynccontextmanager
async def web_server(viewers: Path, chosen: WebSettings) -> AsyncIterator[int]:
    """The Fabricator behind our kind of server; the port."""

    async def may_connect(_: Scope) -> bool:
        return True

    config = web._uvicorn(WebSocketFabricator(viewers, may_connect), chosen)
    server = web._Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        bound_unsent(listening)
        serving = asyncio.Task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.end()
            await serving


@asynccontextmanager
async def connected(directory: Path, *, tls: bool = False) -> AsyncIterator[Route]:
    """A browser that has opened a WebSocket, and reads when it is told to."""
    viewers = directory / "viewer.sock"
    chosen = settings(directory, tls=tls)
    async with managed_server(viewers) as came, web_server(viewers, chosen) as port:
        browser = socket.socket()
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BROWSER_BUFFER_BYTES)
        browser.setblocking(False)
        await asyncio.get_running_loop().sock_connect(browser, ("127.0.0.1", port))
        context = ssl._create_unverified_context() if tls else None
        reader, writer = await asyncio.open_connection(
            sock=browser, ssl=context, server_hostname="127.0.0.1" if tls else None, limit=1024
        )
        scheme = "https" if tls else "http"
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: h\r\nOrigin: {scheme}://h\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            f"{base64.b64encode(bytes(16)).decode()}\r\n\r\n".encode()
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        worker = await asyncio.wait_for(came.get(), PATIENCE_S)
        try:
            yield Route(worker, reader, writer)
        finally:
            assert worker._transport is not None
            worker._transport.abort()
            writer.transport.abort()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_little_lies_between_a_worker_and_a_browser_that_does_not_read(
    tmp_path: Path, tls: bool
) -> None:
    async with connected(tmp_path, tls=tls) as route:
        for count in (60, 60):
            for _ in range(count):
                route.worker.send(MESSAGE)
            await route.until_nothing_moves()
        sent = 120 * (MESSAGE_BYTES + 5)
        # With TLS it is asyncio that stops the test's browser, after another reading.
        most = MAX_BETWEEN_BYTES + (READ_AT_ONCE_BYTES if tls else 0)
        assert sent - route.unsent <= most


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_a_browser_that_reads_again_gets_everything(tmp_path: Path, tls: bool) -> None:
    async with connected(tmp_path, tls=tls) as route:
        for _ in range(60):
            route.worker.send(MESSAGE)
        await route.until_nothing_moves()
        assert route.unsent
        route.writer.transport.resume_reading()  # type: ignore[attr-defined]
        head = 4 + 1  # of a WebSocket message of this size, and its type
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(60):
                message = await route.reader.readexactly(head + MESSAGE_BYTES)
                assert message.endswith(b"x" * MESSAGE_BYTES)
        assert not route.unsent


def test_accepted_connections_inherit_the_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        bound_unsent(listening)
        with socket.create_connection(listening.getsockname()) as _:
            accepted, _address = listening.accept()
            with accepted:
                option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
                assert option == MAX_UNSENT_BYTES


def test_sockets_of_this_host_alone_need_no_bound(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        bound_unsent(listening)


def test_it_is_uvicorns_own_protocol() -> None:
    config = web._uvicorn(lambda *_: None, settings(Path("/nowhere"), tls=False))  # type: ignore[arg-type]
    assert isinstance(config, uvicorn.Config)
    assert config.ws_protocol_class is unqueued.UnqueuedWebSocket
