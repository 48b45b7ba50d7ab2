"""The other side of a display source: what a test makes a screen do, and hears of its input.

A stage for each implementation; the conformance suite speaks to :class:`Stage` alone.
"""

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Protocol, TypeAlias

from unit.rfb.server_bytes import (
    GREETING,
    NO_SECURITY,
    RESULT_OK,
    rectangle,
    s32,
    server_init,
    text,
    u16,
    u32,
    update,
)
from webvdi.display.endpoint import UnixEndpoint
from webvdi.display.rfb_source import RfbSource
from webvdi.display.source import DisplayListener, DisplaySource
from webvdi.framebuffer import Cursor, Framebuffer, Pixels, Rect
from webvdi.rfb.encodings import Encoding, PseudoEncoding

Heard: TypeAlias = tuple[object, ...]
"""What came from the source: its name, then its numbers.

``("refresh", whether all of it)``, ``("key", down, keysym, scancode)``,
``("pointer", x, y, buttons)``, ``("motion", dx, dy, buttons)``, ``("cut text", text)``,
``("size", width, height)``, ``("gone",)``.
"""


class Stage(Protocol):
    """One screen, in the hands of a test."""

    def source(self, mirror: Framebuffer, listener: DisplayListener) -> DisplaySource:
        """The implementation, looking at this stage."""

    async def raise_curtain(self, width: int, height: int, name: str) -> None:
        """Let the source in; it becomes open."""

    async def heard(self) -> Heard:
        """What the source says next; waits for it."""

    def paint(self, rect: Rect, pixels: Pixels, *, cursor: Cursor | None = None) -> None:
        """One whole update; *cursor* changes in its middle, after half of the pixels."""

    def copy(self, rect: Rect, source_x: int, source_y: int) -> None:
        """One whole update: move pixels."""

    def resize(self, width: int, height: int) -> None:
        """Another size."""

    def light(self, leds: int) -> None:
        """Keyboard lights."""

    def want_positions(self, absolute: bool) -> None:
        """Another kind of pointer."""

    def rename(self, name: str) -> None:
        """Another name."""

    def ring(self) -> None:
        """The bell."""

    def cut(self, text: str) -> None:
        """The guest's clipboard."""

    async def vanish(self) -> None:
        """Hang up, and let nobody in again."""


class RfbStage:
    """An RFB server on a unix socket that does only what the test says."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "rfb"
        self._server: asyncio.Server | None = None
        self._streams: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._absolute = True
        self._screen = b"\1\0\0\0" + u32(1) + u16(0, 0, 8, 8) + u32(0)

    async def build(self) -> None:
        """Listen."""
        self._streams = asyncio.Queue()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._streams.put_nowait((reader, writer))

        self._server = await asyncio.start_unix_server(accept, self._path)

    def source(self, mirror: Framebuffer, listener: DisplayListener) -> DisplaySource:
        return RfbSource(UnixEndpoint(self._path), mirror, listener)

    async def raise_curtain(self, width: int, height: int, name: str) -> None:
        self._reader, self._writer = await self._streams.get()
        self._writer.write(GREETING + NO_SECURITY + RESULT_OK + server_init(width, height, name))
        assert await self._reader.readexactly(14) == GREETING + b"\1\1"
        self._writer.write(
            update(
                rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_EXTENDED_KEY_EVENT),
                rectangle(0, 0, width, height, PseudoEncoding.EXTENDED_DESKTOP_SIZE, self._screen),
            )
        )

    async def heard(self) -> Heard:
        while True:
            try:
                number = (await self._reader.readexactly(1))[0]
                said = await self._message(number)
            except (asyncio.IncompleteReadError, ConnectionError):
                return ("gone",)
            if said is not None:
                return said

    async def _message(self, number: int) -> Heard | None:
        take = self._reader.readexactly
        match number:
            case 0:
                await take(19)
                return None
            case 2:
                (count,) = struct.unpack(">xH", await take(3))
                await take(4 * count)
                return None
            case 3:
                return ("refresh", (await take(9))[0] == 0)
            case 4:
                down, keysym = struct.unpack(">B2xI", await take(7))
                return ("key", bool(down), keysym, 0)
            case 5:
                buttons, x, y = struct.unpack(">BHH", await take(5))
                if self._absolute:
                    return ("pointer", x, y, buttons)
                return ("motion", x - 0x7FFF, y - 0x7FFF, buttons)
            case 6:
                (size,) = struct.unpack(">3xI", await take(7))
                return ("cut text", (await take(size)).decode("latin-1"))
            case 251:
                width, height = struct.unpack(">xHH18x", await take(23))
                return ("size", width, height)
            case 255:
                down, keysym, scancode = struct.unpack(">xHII", await take(11))
                return ("key", bool(down), keysym, scancode)
        raise AssertionError(number)

    def _update(self, *rectangles: bytes) -> None:
        self._writer.write(update(*rectangles))

    def paint(self, rect: Rect, pixels: Pixels, *, cursor: Cursor | None = None) -> None:
        half = rect.height // 2
        rects = [self._raw(Rect(rect.x, rect.y, rect.width, half), pixels[:half])]
        if cursor is not None:
            body = s32(Encoding.RAW) + cursor.rgba
            place = (cursor.hot_x, cursor.hot_y, cursor.width, cursor.height)
            rects.append(rectangle(*place, PseudoEncoding.CURSOR_WITH_ALPHA, body))
        lower = Rect(rect.x, rect.y + half, rect.width, rect.height - half)
        self._update(*rects, self._raw(lower, pixels[half:]))

    def _raw(self, rect: Rect, pixels: Pixels) -> bytes:
        return rectangle(rect.x, rect.y, rect.width, rect.height, Encoding.RAW, pixels.tobytes())

    def copy(self, rect: Rect, source_x: int, source_y: int) -> None:
        place = (rect.x, rect.y, rect.width, rect.height)
        self._update(rectangle(*place, Encoding.COPY_RECT, u16(source_x, source_y)))

    def resize(self, width: int, height: int) -> None:
        self._update(
            rectangle(0, 0, width, height, PseudoEncoding.EXTENDED_DESKTOP_SIZE, self._screen)
        )

    def light(self, leds: int) -> None:
        self._update(rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_LED_STATE, bytes([leds])))

    def want_positions(self, absolute: bool) -> None:
        self._absolute = absolute
        self._update(rectangle(absolute, 0, 0, 0, PseudoEncoding.QEMU_POINTER_MOTION_CHANGE))

    def rename(self, name: str) -> None:
        self._update(rectangle(0, 0, 0, 0, PseudoEncoding.DESKTOP_NAME, text(name)))

    def ring(self) -> None:
        self._writer.write(b"\2")

    def cut(self, text: str) -> None:
        data = text.encode("latin-1")
        self._writer.write(b"\3\0\0\0" + u32(len(data)) + data)

    async def vanish(self) -> None:
        assert self._server is not None
        self._server.close()
        while not self._streams.empty():
            self._streams.get_nowait()[1].close()
        if hasattr(self, "_writer"):
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
