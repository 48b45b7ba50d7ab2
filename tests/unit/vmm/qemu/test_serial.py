"""Writing to a guest's serial port, with a socket in QEMU's place."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from webvdi.vmm.engine import MAX_SERIAL_BYTES
from webvdi.vmm.errors import SerialFull
from webvdi.vmm.qemu.serial import SerialLine

PATIENCE_S = 30.0


@pytest.fixture
def path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="wv") as name:
        yield Path(name) / "serial"


@pytest.fixture
def port(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.setblocking(False)
        yield listener


@pytest.fixture
async def line(path: Path) -> AsyncIterator[SerialLine]:
    made = SerialLine("m", path)
    yield made
    await made.close()


async def accepted(port: socket.socket) -> socket.socket:
    async with asyncio.timeout(PATIENCE_S):
        connection, _ = await asyncio.get_running_loop().sock_accept(port)
    return connection


async def received(connection: socket.socket, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(PATIENCE_S):
        while len(data) < count:
            piece = await asyncio.get_running_loop().sock_recv(connection, 1 << 16)
            if not piece:
                break
            data += piece
    return data


async def test_bytes_arrive_in_order_and_the_line_is_given_back(
    line: SerialLine, port: socket.socket
) -> None:
    line.write(b"one ")
    with await accepted(port) as connection:
        line.write(b"two")
        assert await received(connection, 7) == b"one two"
        assert await received(connection, 1) == b""  # hung up, for others to have it
    line.write(b"three")
    with await accepted(port) as connection:
        assert await received(connection, 5) == b"three"


async def test_much_is_sent_though_the_guest_reads_slowly(
    line: SerialLine, port: socket.socket
) -> None:
    data = os.urandom(MAX_SERIAL_BYTES)
    line.write(data)
    with await accepted(port) as connection:
        assert await received(connection, len(data)) == data


async def test_the_bound_holds_and_nothing_is_taken_in_part(
    line: SerialLine, port: socket.socket
) -> None:
    line.write(bytes(MAX_SERIAL_BYTES))
    with pytest.raises(SerialFull, match="'m' does not read"):
        line.write(b"x")
    with await accepted(port) as connection:
        assert len(await received(connection, MAX_SERIAL_BYTES)) == MAX_SERIAL_BYTES
        line.write(b"y")
        assert await received(connection, 1) == b"y"


async def test_the_guests_words_do_not_stop_it(line: SerialLine, port: socket.socket) -> None:
    line.write(b"x")
    with await accepted(port) as connection:
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(64):
                await asyncio.get_running_loop().sock_sendall(connection, bytes(1 << 16))


async def test_a_port_that_is_not_there_takes_nothing(line: SerialLine) -> None:
    for _ in range(3):
        line.write(bytes(MAX_SERIAL_BYTES))
        assert line._writing is not None
        async with asyncio.timeout(PATIENCE_S):
            await line._writing


async def test_closing_drops_what_waits(line: SerialLine, port: socket.socket) -> None:
    line.write(bytes(MAX_SERIAL_BYTES))
    await line.close()
    line.write(b"again")
    with await accepted(port) as connection:
        data = await received(connection, MAX_SERIAL_BYTES)
    if not data.endswith(b"again"):  # that was the first connection, if it came so far
        with await accepted(port) as connection:
            data = await received(connection, 5)
    assert data.endswith(b"again")
