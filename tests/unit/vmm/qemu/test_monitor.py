"""QMP with a server that misbehaves; real QEMUs are in the integration tests."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from webvdi.vmm.errors import MonitorLost
from webvdi.vmm.qemu.monitor import CommandRefused, Monitor

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}, "capabilities": []}}


async def _commands(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """The objects in a stream that has no line ends, as QEMU's own parser takes it."""
    text = ""
    while data := await reader.read(65536):
        text += data.decode()
        while text:
            try:
                command, end = json.JSONDecoder().raw_decode(text)
            except ValueError:
                break
            text = text[end:].lstrip()
            yield command


class Server:
    """Says hello, takes capabilities, then does as its *answer* says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.greets = True
        self.answer: Callable[[dict[str, Any]], list[dict[str, Any]] | None] = _ok
        self.clients = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        self._writers.append(writer)
        if self.greets:
            self._write(writer, GREETING)
        async for command in _commands(reader):
            if command["execute"] == "qmp_capabilities":
                self._write(writer, {"return": {}})
                continue
            answers = self.answer(command)
            if answers is None:
                break
            for answer in answers:
                self._write(writer, answer)
        writer.close()

    def _write(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        writer.write(json.dumps(message).encode() + b"\r\n")

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


def _ok(command: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"return": command.get("arguments", {}), "id": command["id"]}]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    with TemporaryDirectory(prefix="wv") as directory:
        it = Server(Path(directory) / "qmp")
        listening = await asyncio.start_unix_server(it.serve, it.path)
        yield it
        listening.close()
        it.close()
        await asyncio.sleep(0)


@pytest.fixture
async def events() -> list[tuple[str, Mapping[str, Any]]]:
    return []


@pytest.fixture
async def monitor(
    server: Server, events: list[tuple[str, Mapping[str, Any]]]
) -> AsyncIterator[Monitor]:
    it = Monitor("m", server.path, lambda name, data: events.append((name, data)))
    yield it
    await it.close()


async def test_a_command(monitor: Monitor) -> None:
    assert await monitor.execute("x", {"a": 1}) == {"a": 1}


async def test_a_refusal_has_the_words(server: Server, monitor: Monitor) -> None:
    server.answer = lambda command: [
        {"error": {"class": "GenericError", "desc": "no such thing"}, "id": command["id"]}
    ]
    with pytest.raises(CommandRefused, match="refused x: no such thing"):
        await monitor.execute("x")
    server.answer = _ok
    await monitor.execute("x")
    assert server.clients == 1


async def test_events_are_passed_on_and_others_are_not(
    server: Server, monitor: Monitor, events: list[tuple[str, Mapping[str, Any]]]
) -> None:
    stamp = {"timestamp": {"seconds": 1, "microseconds": 1}}
    server.answer = lambda command: [
        {"event": "STOP", **stamp},
        {"event": "RTC_CHANGE", "data": {"offset": 1}, **stamp},
        {"event": "SHUTDOWN", "data": {"reason": "guest-shutdown"}, **stamp},
        *_ok(command),
    ]
    await monitor.execute("x")
    assert events == [("STOP", {}), ("SHUTDOWN", {"reason": "guest-shutdown"})]


async def test_silence_at_the_greeting(server: Server, monitor: Monitor) -> None:
    server.greets = False
    with pytest.raises(MonitorLost, match="another program may hold it"):
        await monitor.connect(0.05)
    server.greets = True
    await monitor.execute("x")


async def test_no_socket(tmp_path: Path) -> None:
    with pytest.raises(MonitorLost, match="has no monitor"):
        await Monitor("m", tmp_path / "absent", lambda *_: None).execute("x")


async def test_a_full_queue(tmp_path: Path) -> None:
    with TemporaryDirectory(prefix="wv") as directory, socket.socket(socket.AF_UNIX) as busy:
        path = Path(directory) / "qmp"
        busy.bind(str(path))
        busy.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(path))
            with pytest.raises(MonitorLost, match="another program may hold it"):
                await Monitor("m", path, lambda *_: None).connect(0.1)


async def test_silence_after_a_command(server: Server, monitor: Monitor) -> None:
    server.answer = lambda _: []
    with pytest.raises(MonitorLost, match=r"did not answer to x within 0\.05 s"):
        await monitor.execute("x", timeout_s=0.05)
    server.answer = _ok
    await monitor.execute("x")
    assert server.clients == 2


async def test_a_hang_up_and_another_try(server: Server, monitor: Monitor) -> None:
    server.answer = lambda _: None
    with pytest.raises(MonitorLost, match="lost at x"):
        await monitor.execute("x")
    server.answer = _ok
    await monitor.execute("x")


async def test_closing_twice_and_closing_unconnected(server: Server, monitor: Monitor) -> None:
    await monitor.close()
    await monitor.execute("x")
    await monitor.close()
    await monitor.close()
