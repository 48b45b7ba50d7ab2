"""RFB servers that show what a test paints, and count what is asked of them."""

import asyncio
import struct
from pathlib import Path

import numpy as np

from unit.rfb.server_bytes import GREETING, NO_SECURITY, RESULT_OK, rectangle, server_init, update
from webvdi.framebuffer import Pixels
from webvdi.rfb.encodings import Encoding


class FakeScreen:
    """A screen on a unix socket: sends its pixels, Raw, whenever they are newer than asked for."""

    def __init__(
        self, path: Path, width: int = 64, height: int = 48, *, power: bool = False
    ) -> None:
        self.path = path
        self.pixels: Pixels = np.full((height, width, 4), 255, np.uint8)
        self.links = 0
        """Links that stand."""
        self.links_made = 0
        self.updates = 0
        """Updates sent."""
        self.heard: list[tuple[int, ...]] = []
        """Key events (4, down, keysym), pointer events (5, buttons, x, y), orders (250, order)."""
        self._greeting = b"\xfa\0\1\1" if power else b""
        """That it takes xvp's orders."""
        self._version = 1
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def close(self) -> None:
        """Hang up, and let nobody in again."""
        assert self._server is not None
        self._server.close()
        for client in list(self._clients):
            client.transport.abort()
        await self._quiet.wait()

    async def paint(self, colour: int) -> None:
        """All of it in one grey."""
        self.pixels[:, :, :3] = colour
        await self.paint_as_it_is()

    async def paint_as_it_is(self) -> None:
        """The pixels were changed by the caller."""
        self._version += 1
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._quiet.clear()
        self.links += 1
        self.links_made += 1
        self._clients.add(writer)
        try:
            height, width = self.pixels.shape[:2]
            writer.write(GREETING + NO_SECURITY + RESULT_OK + server_init(width, height))
            writer.write(self._greeting)
            await reader.readexactly(len(GREETING) + 2)
            async with asyncio.TaskGroup() as group:
                asked: asyncio.Queue[bool] = asyncio.Queue()
                answering = group.create_task(self._answer(asked, writer))
                await self._listen(reader, asked)
                answering.cancel()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.links -= 1
            self._clients.discard(writer)
            writer.close()
            if not self.links:
                self._quiet.set()

    async def _listen(self, reader: asyncio.StreamReader, asked: asyncio.Queue[bool]) -> None:
        while kind := await reader.read(1):
            match kind[0]:
                case 0:
                    await reader.readexactly(19)
                case 2:
                    (count,) = struct.unpack(">xH", await reader.readexactly(3))
                    await reader.readexactly(4 * count)
                case 3:
                    asked.put_nowait((await reader.readexactly(9))[0] == 1)
                case 4:
                    down, keysym = struct.unpack(">B2xI", await reader.readexactly(7))
                    self.heard.append((4, down, keysym))
                case 5:
                    self.heard.append((5, *struct.unpack(">BHH", await reader.readexactly(5))))
                case 250:
                    self.heard.append((250, (await reader.readexactly(3))[2]))
                case other:
                    raise AssertionError(other)

    async def _answer(self, asked: asyncio.Queue[bool], writer: asyncio.StreamWriter) -> None:
        sent = 0
        while True:
            incremental = await asked.get()
            async with self._changed:
                while incremental and sent == self._version:
                    await self._changed.wait()
            sent = self._version
            height, width = self.pixels.shape[:2]
            body = self.pixels.tobytes()
            writer.write(update(rectangle(0, 0, width, height, Encoding.RAW, body)))
            self.updates += 1
            await writer.drain()
