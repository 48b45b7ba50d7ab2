"""The WebSocket rung: an opaque relay that queues nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from webvdi.fabricator import websocket
from webvdi.fabricator.websocket import Message, Scope, WebSocketFabricator
from webvdi.link.frames import PREAMBLE, frame
from webvdi.wire.to_viewer import Farewell, Reason, decode_to_viewer


class Browser:
    """The ASGI side of a browser's WebSocket."""

    def __init__(self, **headers: str) -> None:
        pairs = {"host": "h:1", "origin": "http://h:1"} | headers
        self.scope = {
            "type": "websocket",
            "scheme": "ws",
            "headers": [(k.encode(), v.encode()) for k, v in pairs.items()],
            "subprotocols": ["webvdi.v1"],
        }
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.logged_out = asyncio.Event()

    def say(self, data: bytes) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "bytes": data})

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.put_nowait(message)

    async def run(self, path: Path, *, known: bool = True) -> None:
        async def may_connect(_: Scope) -> bool:
            return known

        async def until_out(_: Scope) -> None:
            await self.logged_out.wait()

        fabricator = WebSocketFabricator(path, may_connect, until_out)
        await fabricator(self.scope, self.incoming.get, self.send)


class ManagedServer:
    """The other side of the link."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __init__(self) -> None:
        self.connected = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.connected.set()


@asynccontextmanager
async def server(path: Path) -> AsyncIterator[ManagedServer]:
    managed = ManagedServer()
    listening = await asyncio.start_unix_server(managed.take, path)
    try:
        yield managed
    finally:
        listening.close()
        if managed.connected.is_set():
            managed.writer.close()


@asynccontextmanager
async def relaying(
    directory: Path,
) -> AsyncIterator[tuple[Browser, ManagedServer, asyncio.Task[None]]]:
    """A browser, the Managed Server, and the relay between them."""
    path = directory / "viewer.sock"
    async with server(path) as managed, asyncio.TaskGroup() as group:
        browser = Browser()
        yield browser, managed, group.create_task(browser.run(path))


async def test_messages_pass_both_ways_unopened(tmp_path: Path) -> None:
    async with relaying(tmp_path) as (browser, managed, relay):
        browser.say(b"from browser")
        await managed.connected.wait()
        expected = PREAMBLE + frame(b"from browser")
        assert await managed.reader.readexactly(len(expected)) == expected
        assert (await browser.sent.get())["subprotocol"] == "webvdi.v1"
        managed.writer.write(frame(b"one") + frame(b"two"))
        assert [(await browser.sent.get())["bytes"] for _ in range(2)] == [b"one", b"two"]
        browser.incoming.put_nowait({"type": "websocket.disconnect"})
        await relay
        assert await managed.reader.read() == b""


async def test_the_end_of_the_link_closes_the_websocket(tmp_path: Path) -> None:
    async with relaying(tmp_path) as (browser, managed, relay):
        await managed.connected.wait()
        managed.writer.close()
        await relay
        assert [browser.sent.get_nowait()["type"] for _ in range(2)] == [
            "websocket.accept",
            "websocket.close",
        ]


async def test_who_logs_out_loses_the_websocket_and_the_place(tmp_path: Path) -> None:
    async with relaying(tmp_path) as (browser, managed, relay):
        await managed.connected.wait()
        browser.logged_out.set()
        await relay
        assert (await browser.sent.get())["type"] == "websocket.accept"
        assert (await browser.sent.get())["code"] == 1008
        assert await managed.reader.read() in (b"", PREAMBLE)


async def test_who_logs_out_loses_the_place_although_the_browser_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_S", 0.0)
    async with asyncio.timeout(5), relaying(tmp_path) as (browser, managed, relay):
        await managed.connected.wait()
        assert await managed.reader.readexactly(len(PREAMBLE)) == PREAMBLE
        assert (await browser.sent.get())["type"] == "websocket.accept"
        browser.reads.clear()
        managed.writer.write(frame(b"a picture"))
        browser.logged_out.set()
        assert await managed.reader.read() == b""
        browser.say(b"input")
        await relay
        assert browser.incoming.qsize() == 1
        assert browser.sent.empty()


async def test_a_browser_that_does_not_read_stops_the_reading_of_the_link(tmp_path: Path) -> None:
    async with relaying(tmp_path) as (browser, managed, relay):
        await managed.connected.wait()
        await browser.sent.get()
        browser.reads.clear()
        for _ in range(64):
            managed.writer.write(frame(bytes(1 << 20)))
        for _ in range(500):
            await asyncio.sleep(0)  # let everything run that can
        assert managed.writer.transport.get_write_buffer_size() > 32 << 20
        assert browser.sent.empty()
        managed.writer.transport.abort()
        relay.cancel()


@pytest.mark.parametrize("origin", ["http://evil", "https://h:1", "null"])
async def test_other_pages_are_refused(origin: str, tmp_path: Path) -> None:
    browser = Browser(origin=origin)
    await browser.run(tmp_path / "unused")
    assert browser.sent.get_nowait()["type"] == "websocket.close"
    assert browser.sent.empty()


async def test_strangers_take_no_place_in_the_managed_server(tmp_path: Path) -> None:
    browser = Browser()
    async with server(tmp_path / "viewer.sock") as managed:
        await browser.run(tmp_path / "viewer.sock", known=False)
        assert not managed.connected.is_set()
    assert browser.sent.get_nowait()["type"] == "websocket.close"


async def test_without_a_managed_server_the_browser_is_told_to_try_again(tmp_path: Path) -> None:
    browser = Browser()
    await browser.run(tmp_path / "nobody")
    accept, farewell, close = (browser.sent.get_nowait() for _ in range(3))
    assert accept["type"] == "websocket.accept"
    message = decode_to_viewer(farewell["bytes"])
    assert isinstance(message, Farewell)
    assert message.reason is Reason.RESTARTING
    assert close["code"] == 1013


async def test_text_ends_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "viewer.sock"
    async with server(path):
        browser = Browser()
        browser.incoming.put_nowait({"type": "websocket.receive", "text": "hello?"})
        await browser.run(path)
