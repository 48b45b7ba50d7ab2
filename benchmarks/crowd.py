"""``python -m benchmarks.crowd URL``: viewers that speak the viewer protocol and draw nothing.

They are told lines on the standard input and answer each with one:

- ``join COUNT`` → ``joined``: so many more have a first update;
- ``leave`` → ``left``: there are none any more;
- ``stall COUNT`` → ``stalled``: the first so many read nothing any more;
- ``count`` → a JSON object: for each viewer, the updates and bytes it has had.

The wire is that of the webvdi which is imported, so one crowd serves one checkout.
"""

import asyncio
import json
import sys
import urllib.request
from contextlib import suppress
from dataclasses import fields
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from webvdi.wire.from_viewer import Ack, Attach, Credential, Pong, encode_from_viewer

UPDATE, PING = 0x83, 0x8D
"""Types of messages (docs/reference/viewer-protocol.md)."""

COST_MS = 8
"""Said to have been taken for drawing."""


class Viewer:
    """One of the crowd."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.updates = 0
        self.received_bytes = 0
        self.stalled = False
        self.pictured = asyncio.Event()

    async def watch(self) -> None:
        """Acknowledge all that comes, until the connection ends or nothing is read any more.

        What nobody takes fills websockets' queue of 16 messages, then the kernel's buffers.
        """
        with suppress(ConnectionClosed):
            while not self.stalled:
                data = await self._socket.recv()
                assert isinstance(data, bytes)
                self.received_bytes += len(data)
                if data[0] == UPDATE:
                    self.updates += 1
                    await self._socket.send(ack(int.from_bytes(data[1:5], "big")))
                    self.pictured.set()
                elif data[0] == PING:
                    pong = Pong(int.from_bytes(data[1:5], "big"))
                    await self._socket.send(encode_from_viewer(pong))

    def close(self) -> None:
        """Leave, without a word."""
        self._socket.transport.abort()


def ack(update: int) -> bytes:
    """That it was drawn; protocols differ in what else they want to know, which is 0."""
    known = {"update": update, "cost_ms": COST_MS}
    said = {field.name: known.get(field.name, 0) for field in fields(Ack)}
    return encode_from_viewer(Ack(**said))


class Crowd:
    """Viewers of the only machine at a URL."""

    def __init__(self, url: str, tasks: asyncio.TaskGroup) -> None:
        self._url = url.rstrip("/")
        self._tasks = tasks
        self._viewers: list[Viewer] = []
        self._watching: list[asyncio.Task[None]] = []

    async def obey(self, line: str) -> str:
        """Do as the line says; the answer."""
        verb, *numbers = line.split()
        match verb:
            case "join":
                await self._join(int(numbers[0]))
                return "joined"
            case "stall":
                for viewer in self._viewers[: int(numbers[0])]:
                    viewer.stalled = True
                return "stalled"
            case "leave":
                self.leave()
                return "left"
            case "count":
                return json.dumps([(v.updates, v.received_bytes) for v in self._viewers])
            case _:
                raise ValueError(f"{line!r} is nothing that a crowd can do")

    def leave(self) -> None:
        """Everybody goes."""
        for viewer in self._viewers:
            viewer.close()
        for task in self._watching:
            task.cancel()
        self._viewers, self._watching = [], []

    async def _join(self, count: int) -> None:
        joining = [await self._attach() for _ in range(count)]
        for viewer in joining:
            await viewer.pictured.wait()

    async def _attach(self) -> Viewer:
        machine = self._ask("api/v1/machines")[0]
        ticket = self._ask(f"api/v1/machines/{machine['id']}/ticket", {"view_only": True})
        socket = await connect(
            self._url.replace("http", "ws", 1) + "/ws",
            subprotocols=[Subprotocol("webvdi.v1")],
            origin=Origin(self._url),
            compression=None,
            max_size=None,
            proxy=None,
            ping_interval=None,
        )
        viewer = Viewer(socket)
        attach = Attach(Credential.TICKET, ticket["ticket"])  # it can do all that there is
        await socket.send(encode_from_viewer(attach))
        self._viewers.append(viewer)
        self._watching.append(self._tasks.create_task(viewer.watch()))
        return viewer

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)


async def main(url: str) -> None:
    """Obey until there is nobody any more to say anything."""
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(url, tasks)
        print("here", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await crowd.obey(line), flush=True)
        crowd.leave()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
