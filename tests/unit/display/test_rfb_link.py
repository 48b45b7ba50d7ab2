"""The connection under an RFB source: servers that come to us, and TLS with made-up servers."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from support.certificates import make
from unit.rfb.server_bytes import GREETING, RESULT_OK, opening, server_init, u32
from webvdi.display.endpoint import ListenEndpoint, TcpEndpoint
from webvdi.display.rfb_source import RfbSource
from webvdi.display.source import DisplayEvent, Lost, Opened
from webvdi.display.tls import TlsPolicy
from webvdi.framebuffer import Framebuffer

PATIENCE_S = 20.0
LAX = TlsPolicy(anonymous=True)
INIT = RESULT_OK + server_init(8, 6)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def vencrypt(subtype: int) -> bytes:
    """All that a server says in the clear."""
    return GREETING + b"\1\x13\0\2\0\1" + u32(subtype) + b"\1"


async def events_of(
    endpoint: TcpEndpoint | ListenEndpoint,
    tls: TlsPolicy | None,
    *,
    timeout_s: float = PATIENCE_S,
) -> list[DisplayEvent]:
    """What a source says until its link ends; it ends it itself once it is open."""
    events: list[DisplayEvent] = []

    def hear(event: DisplayEvent) -> None:
        events.append(event)
        if isinstance(event, Opened):
            task.cancel()

    source = RfbSource(endpoint, Framebuffer(1, 1), hear, tls=tls, connect_timeout_s=timeout_s)
    task = asyncio.get_running_loop().create_task(source.run())
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return events


async def met(serve: Serve, tls: TlsPolicy | None, **options: float) -> list[DisplayEvent]:
    """What a source says that meets this server on TCP."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
            await reader.read()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await events_of(TcpEndpoint("127.0.0.1", port), tls, **options)


def encrypting(start: bytes, context: ssl.SSLContext, then: bytes) -> Serve:
    """Say *start*, hear an agreement to it, set up TLS, say *then* at once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        # Greeting and type; VeNCrypt's version and subtype follow.
        await reader.readexactly(13 if start[13] == 18 else 19)
        await writer.start_tls(context)
        writer.write(then)

    return serve


def anonymous_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def certified_context(directory: Path) -> tuple[ssl.SSLContext, str]:
    own = make(directory, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate_file, own.key_file)
    return context, own.fingerprint


@pytest.mark.parametrize(
    ("start", "then"),
    [(vencrypt(257), INIT), (GREETING + b"\1\x12", b"\1\1" + INIT)],
    ids=["vencrypt", "tls"],
)
async def test_words_that_come_with_the_end_of_the_tls_handshake(start: bytes, then: bytes) -> None:
    events = await met(encrypting(start, anonymous_context(), then), LAX)
    assert events == [Opened(8, 6, "a desktop")]


async def test_words_before_tls_are_an_intruders() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(vencrypt(257) + INIT)

    (lost,) = await met(serve, LAX)
    assert isinstance(lost, Lost)
    assert "intruder" in lost.message


async def test_a_pinned_certificate_is_checked_before_anything_is_parsed(tmp_path: Path) -> None:
    context, fingerprint = certified_context(tmp_path)
    serve = encrypting(vencrypt(260), context, INIT)
    assert await met(serve, TlsPolicy(fingerprint=fingerprint)) == [Opened(8, 6, "a desktop")]
    assert await met(serve, LAX) == [Opened(8, 6, "a desktop")]
    (lost,) = await met(serve, TlsPolicy(fingerprint="0" * 64))
    assert isinstance(lost, Lost)
    assert lost.permanent
    assert fingerprint in lost.message


@pytest.mark.parametrize("said", [b"junk instead of TLS\n", b""])
async def test_a_server_that_agrees_on_tls_and_speaks_none(said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(vencrypt(257))
        await reader.readexactly(19 + 1)
        writer.write(said)
        if not said:
            writer.transport.abort()

    (lost,) = await met(serve, LAX)
    assert isinstance(lost, Lost)
    assert "the encryption with the VNC server could not be set up" in lost.message
    assert lost.permanent is bool(said)


async def test_a_tls_handshake_that_stops_has_a_deadline() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(vencrypt(257))

    (lost,) = await met(serve, LAX, timeout_s=0.2)
    assert isinstance(lost, Lost)
    assert not lost.permanent
    assert "setting up encryption" in lost.message


async def test_a_certificate_cannot_be_checked_without_a_name(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    context, _ = certified_context(tmp_path)
    endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)
    serve = encrypting(vencrypt(260), context, INIT)
    events, _ = await asyncio.gather(events_of(endpoint, TlsPolicy()), call(endpoint, serve))
    (lost,) = events
    assert isinstance(lost, Lost)
    assert "'host_name', or 'fingerprint'" in lost.message


# --- servers that come to us ------------------------------------------------------------------


async def connected(
    endpoint: ListenEndpoint,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await asyncio.open_connection(endpoint.host, endpoint.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0)


async def call(endpoint: ListenEndpoint, serve: Serve) -> None:
    """Be a server that connects to who listens at *endpoint*."""
    reader, writer = await connected(endpoint)
    try:
        await serve(reader, writer)
        await reader.read()
    except OSError:
        pass
    finally:
        writer.transport.abort()


def saying(data: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return serve


async def test_a_server_that_connects_to_us(unused_tcp_port: int) -> None:
    endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)
    for _ in range(2):  # the port is free again at once
        events, _ = await asyncio.gather(
            events_of(endpoint, None), call(endpoint, saying(opening()))
        )
        assert events == [Opened(64, 48, "a desktop")]


async def test_waiting_for_a_server_has_no_deadline_and_its_handshake_has_one(
    unused_tcp_port: int,
) -> None:
    endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)
    task = asyncio.get_running_loop().create_task(events_of(endpoint, None, timeout_s=0.1))
    await asyncio.wait([task], timeout=0.3)
    assert not task.done()
    await call(endpoint, saying(GREETING))
    (lost,) = await task
    assert isinstance(lost, Lost)
    assert "was silent for 0.1 s" in lost.message


async def test_while_one_is_served_others_are_refused(unused_tcp_port: int) -> None:
    endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        await reader.readexactly(12)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(endpoint.host, endpoint.port)
        writer.write(opening().removeprefix(GREETING))

    events, _ = await asyncio.gather(events_of(endpoint, None), call(endpoint, serve))
    assert events == [Opened(64, 48, "a desktop")]


async def test_a_stranger_at_the_door_ends_nothing_for_ever(unused_tcp_port: int) -> None:
    endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)
    strange = call(endpoint, saying(b"GET / HTTP/1.1\r\n"))
    (lost,), _ = await asyncio.gather(events_of(endpoint, None), strange)
    assert isinstance(lost, Lost)
    assert not lost.permanent
    assert "no RFB (VNC) server" in lost.message


async def test_a_port_that_is_taken(unused_tcp_port: int) -> None:
    endpoint = ListenEndpoint("127.0.0.1", unused_tcp_port)

    async def accept(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    async with await asyncio.start_server(accept, endpoint.host, endpoint.port):
        (lost,) = await events_of(endpoint, None)
    assert isinstance(lost, Lost)
    assert not lost.permanent
    assert lost.message.startswith(f"cannot listen at {endpoint}: ")
